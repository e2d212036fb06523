// The daemon's voucher calls (pigeonhole 9, thin-protocol 3.16 to 3.19): one request in, one reply
// out, no network.
//
// Every violation is an error code and nothing else in the reply, in the order of the checks of the
// specification. Key pairs, salts and seals are fresh in every call; the voucher keys are the
// stand-in of bacap/mkem.h, so that what a daemon with real ones made can't be sealed or opened.
#pragma once

#include "localnet/context.h"
#include "wire/messages.h"
#include "wire/replies.h"

namespace taubenpost::localnet {

// 3: the write capability is malformed.
wire::Response answer(const Context& context, const wire::VoucherMint& request);
// 28: another payload; 29: not signed by the joiner; 3: anything else.
wire::Response answer(const Context& context, const wire::VoucherInduct& request);
// 30: the seal; 3: anything else.
wire::Response answer(const Context& context, const wire::VoucherOpen& request);
// 3: not 32 bytes.
wire::Response answer(const Context& context, const wire::VoucherDeriveStream& request);

}  // namespace taubenpost::localnet

// The cryptographic half of contact vouchers (pigeonhole 9): the token, the stream that both sides
// derive from it, and the joiner's signature.
//
// The CBOR structures around it are not here: callers pass the encoded bytes. The seal of the reply
// is an MKEM message for one recipient (mkem.h), the salt goes into mutated() of the capabilities.
#pragma once

#include "bacap/box.h"
#include "bacap/capability.h"

namespace taubenpost::bacap {

inline constexpr std::size_t kVoucherSize = 32;

// The token for an encoded VoucherPayload. Who has it can read and write the voucher's stream.
Bytes32 voucher_of(ByteView payload);

// The stream that a voucher names; the payload is in the box of its index, the sealed reply in the
// next. kInvalid unless the voucher has 32 bytes.
Result<WriteCap> voucher_stream(ByteView voucher);

// The joiner's signature over an encoded PleaseAdd: the root key of the message stream, not
// blinded.
Signature sign_please_add(const WriteCap& message_cap, ByteView please_add);
// False also for a signature of another length.
bool verify_please_add(const ReadCap& message_cap, ByteView please_add, ByteView signature);

}  // namespace taubenpost::bacap

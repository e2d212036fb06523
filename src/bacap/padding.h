// Length-prefixed padding, used inside boxes and inside envelopes (pigeonhole 2.1).
#pragma once

#include "base/bytes.h"
#include "base/error.h"

namespace taubenpost::bacap {

// BE32(length) || message || zeros, exactly `target` bytes; kInvalid if it does not fit.
Result<Bytes> pad(ByteView message, std::size_t target);
// The message; the padding itself is not looked at. kInvalid if the length is impossible.
Result<Bytes> unpad(ByteView padded);

}  // namespace taubenpost::bacap

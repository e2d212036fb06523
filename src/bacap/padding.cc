#include "bacap/padding.h"

namespace taubenpost::bacap {

Result<Bytes> pad(ByteView message, std::size_t target) {
  if (target < 4 || message.size() > target - 4)
    return error(Errc::kInvalid, "the message is longer than its padded size");
  Bytes out;
  out.reserve(target);
  append_be(out, static_cast<std::uint32_t>(message.size()));
  append(out, message);
  out.resize(target);
  return out;
}

Result<Bytes> unpad(ByteView padded) {
  if (padded.size() < 4) return error(Errc::kInvalid, "padded message without a length");
  const std::uint32_t length = read_be<std::uint32_t>(padded);
  if (length > padded.size() - 4)
    return error(Errc::kInvalid, "padded message shorter than its length says");
  return to_bytes(padded.subspan(4, length));
}

}  // namespace taubenpost::bacap

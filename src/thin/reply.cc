#include "thin/reply.h"

#include "wire/errors.h"

namespace taubenpost::thin {

Status check_tombstones(std::uint32_t count) {
  constexpr std::uint32_t kMax = 1'000;
  if (count == 0 || count > kMax)
    return wrong("a tombstone range has 1 to " + std::to_string(kMax) + " boxes");
  return ok();
}

Error code_error(const char* call, std::uint8_t code) {
  const wire::Code answered = wire::thin_code(code);
  Errc kind = answered.kind() == wire::CodeClass::kTransient ? Errc::kTemporary : Errc::kRejected;
  // A document or authorities that the daemon has not.
  if (code == wire::number(wire::ThinCode::kServiceUnavailable)) kind = Errc::kNotFound;
  Error failure = error(kind, std::string(call) + ": " + answered.text());
  failure.peer_code = code;
  return failure;
}

}  // namespace taubenpost::thin

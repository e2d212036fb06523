#include "thin/results.h"

#include "crypto/hash.h"

namespace taubenpost::thin {
namespace {

using wire::CodeClass;
using wire::ThinCode;

ResendKind outcome_kind(std::uint8_t replica_code) {
  switch (replica_code) {
    case 1:
      return ResendKind::kNotFound;
    case 10:
      return ResendKind::kTaken;
    default:
      return ResendKind::kTombstone;
  }
}

bool is_unreadable(wire::Code code) {
  return code == wire::thin_code(number(ThinCode::kBacapDecryptionFailed)) ||
         code == wire::thin_code(number(ThinCode::kInvalidTombstoneSignature));
}

}  // namespace

BoxIndex first_index(const ReadCap& read_cap) {
  constexpr std::size_t kSize = std::tuple_size_v<BoxIndex>;
  return to_array<kSize>(ByteView(read_cap).last(kSize));
}

Bytes32 copy_hash(const WriteCap& write_cap) { return crypto::blake2b_256(write_cap.view()); }

ResendKind resend_kind(wire::Code code) {
  switch (code.kind()) {
    case CodeClass::kSuccess:
      return ResendKind::kOk;
    case CodeClass::kOutcome:
      return outcome_kind(code.number);
    case CodeClass::kTransient:
      return ResendKind::kRetry;
    case CodeClass::kReencrypt:
      return ResendKind::kReencrypt;
    case CodeClass::kStorageFull:
      return ResendKind::kStorageFull;
    case CodeClass::kCancelled:
      return ResendKind::kCancelled;
    case CodeClass::kPermanent:
      break;
  }
  return is_unreadable(code) ? ResendKind::kUnreadable : ResendKind::kRejected;
}

CopyKind copy_kind(wire::Code code) {
  switch (code.number) {
    case number(ThinCode::kSuccess):
      return CopyKind::kSucceeded;
    case number(ThinCode::kInternalError):
      return CopyKind::kNotStarted;
    case number(ThinCode::kStartResendingCancelled):
      return CopyKind::kCancelled;
    case number(ThinCode::kCopyCommandFailed):
      return CopyKind::kFailed;
    default:
      return CopyKind::kRejected;
  }
}

}  // namespace taubenpost::thin

#include "thin/results.h"

#include "crypto/hash.h"
#include "wire/errors.h"
#include "wire/pki.h"

namespace taubenpost::thin {

ResendClass classify_resend(std::uint8_t code, bool started) {
  if (code == 0) return {ResendKind::kOk, CodeSpace::kThin};
  if (!started && code < 12)
    return {code == 4 ? ResendKind::kRetry : ResendKind::kRejected, CodeSpace::kThin};
  switch (code) {
    case 1:
      return {ResendKind::kNotFound, CodeSpace::kReplica};
    case 4:
      return {ResendKind::kRetry, CodeSpace::kEither};
    case 6:
      return {ResendKind::kStorageFull, CodeSpace::kReplica};
    case 7:
    case 9:
      return {ResendKind::kRetry, CodeSpace::kReplica};
    case 8:
      return {ResendKind::kReencrypt, CodeSpace::kReplica};
    case 10:
      return {ResendKind::kTaken, CodeSpace::kReplica};
    case 11:
      return {ResendKind::kTombstone, CodeSpace::kReplica};
    case 12:
    case 13:
      return {ResendKind::kRetry, CodeSpace::kThin};
    case 22:
    case 31:
    case 32:
      return {ResendKind::kReencrypt, CodeSpace::kThin};
    case 23:
    case 25:
      return {ResendKind::kUnreadable, CodeSpace::kThin};
    case 24:
      return {ResendKind::kCancelled, CodeSpace::kThin};
    default:
      return {ResendKind::kRejected, code < 12 ? CodeSpace::kReplica : CodeSpace::kThin};
  }
}

CopyKind classify_copy(std::uint8_t code) {
  switch (code) {
    case 0:
      return CopyKind::kSucceeded;
    case 4:
      return CopyKind::kNotStarted;
    case 24:
      return CopyKind::kCancelled;
    case 26:
      return CopyKind::kFailed;
    default:
      return CopyKind::kRejected;
  }
}

std::string ResendResult::detail() const {
  if (space == CodeSpace::kReplica) return wire::describe_replica(code);
  if (space == CodeSpace::kEither)
    return "code 4 after the start (a replica, or an unreadable answer)";
  return wire::describe_thin(code);
}

std::vector<CourierId> services_of(const wire::PkiDocument& document,
                                   const std::string& capability) {
  std::vector<CourierId> found;
  for (const wire::PkiService& service : document.services)
    if (service.capability == capability)
      found.push_back(
          {crypto::blake2b_256(service.identity_key), to_bytes(as_bytes(service.endpoint))});
  return found;
}

}  // namespace taubenpost::thin

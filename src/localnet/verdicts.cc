#include "localnet/verdicts.h"

namespace taubenpost::localnet {

using bacap::ReplicaCode;
using wire::ThinCode;

ThinCode thin_code(std::uint8_t courier_code) {
  switch (static_cast<bacap::CourierCode>(courier_code)) {
    case bacap::CourierCode::kSuccess:
      return ThinCode::kSuccess;
    case bacap::CourierCode::kInvalidEnvelope:
      return ThinCode::kCourierInvalidEnvelope;
    case bacap::CourierCode::kCacheCorruption:
      return ThinCode::kCourierCacheCorruption;
    case bacap::CourierCode::kPropagationError:
      return ThinCode::kPropagationError;
    case bacap::CourierCode::kInvalidEpoch:
      return ThinCode::kCourierInvalidEpoch;
  }
  return ThinCode::kCourierInvalidEnvelope;
}

ReplicaVerdict judge(ReplicaCode code, ReplicaFlags flags) {
  const bool is_missing = flags.is_read && code == ReplicaCode::kBoxIdNotFound;
  if (is_missing && !flags.no_retry_on_box_id_not_found) return ReplicaVerdict::kAskAgain;
  const bool exists = !flags.is_read && code == ReplicaCode::kBoxAlreadyExists;
  if (exists && !flags.no_idempotent_box_already_exists) return ReplicaVerdict::kSuccess;
  return ReplicaVerdict::kReturn;
}

bool is_temporary_for_copy(ReplicaCode code) {
  return code == ReplicaCode::kBoxIdNotFound || code == ReplicaCode::kDatabaseFailure ||
         code == ReplicaCode::kStorageFull || code == ReplicaCode::kInternalError ||
         code == ReplicaCode::kReplicationFailed;
}

}  // namespace taubenpost::localnet

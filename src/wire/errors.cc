#include "wire/errors.h"

#include <array>
#include <string_view>

namespace taubenpost::wire {
namespace {

constexpr std::array<std::string_view, 33> kThinNames{"success",
                                                      "connection lost",
                                                      "timeout",
                                                      "invalid request",
                                                      "internal error",
                                                      "maximum retries exceeded",
                                                      "invalid channel",
                                                      "channel not found",
                                                      "permission denied",
                                                      "invalid payload",
                                                      "service unavailable",
                                                      "duplicate capability",
                                                      "courier cache corruption",
                                                      "propagation error",
                                                      "invalid write capability",
                                                      "invalid read capability",
                                                      "invalid resume-write-channel request",
                                                      "invalid resume-read-channel request",
                                                      "impossible hash",
                                                      "cannot create write capability",
                                                      "cannot create stateful writer",
                                                      "capability already in use",
                                                      "MKEM decryption failed",
                                                      "BACAP decryption failed",
                                                      "start-resending cancelled",
                                                      "invalid tombstone signature",
                                                      "copy command failed",
                                                      "payload too large",
                                                      "voucher hash mismatch",
                                                      "voucher signature invalid",
                                                      "voucher seal open failed",
                                                      "courier: invalid envelope",
                                                      "courier: replica epoch outside window"};

constexpr std::array<std::string_view, 12> kReplicaNames{
    "success",          "box id not found",   "invalid box id",     "invalid signature",
    "database failure", "invalid payload",    "storage full",       "internal error",
    "invalid epoch",    "replication failed", "box already exists", "tombstone"};

template <std::size_t N>
std::string describe(std::string_view space, const std::array<std::string_view, N>& names,
                     std::uint8_t code) {
  const std::string_view name = code < N ? names[code] : "unknown";
  return std::string(space) + " " + std::to_string(code) + " (" + std::string(name) + ")";
}

CodeClass thin_class(std::uint8_t code) {
  switch (code) {
    case number(ThinCode::kSuccess):
      return CodeClass::kSuccess;
    case number(ThinCode::kInternalError):
    case number(ThinCode::kServiceUnavailable):
    case number(ThinCode::kCourierCacheCorruption):
    case number(ThinCode::kPropagationError):
      return CodeClass::kTransient;
    case number(ThinCode::kMkemDecryptionFailed):
    case number(ThinCode::kCourierInvalidEnvelope):
    case number(ThinCode::kCourierInvalidEpoch):
      return CodeClass::kReencrypt;
    case number(ThinCode::kStartResendingCancelled):
      return CodeClass::kCancelled;
    default:
      return CodeClass::kPermanent;
  }
}

CodeClass replica_class(std::uint8_t code) {
  switch (code) {
    case 0:
      return CodeClass::kSuccess;
    case 1:
    case 10:
    case 11:
      return CodeClass::kOutcome;
    case 4:
    case 7:
    case 9:
      return CodeClass::kTransient;
    case 6:
      return CodeClass::kStorageFull;
    case 8:
      return CodeClass::kReencrypt;
    default:
      return CodeClass::kPermanent;
  }
}

}  // namespace

CodeClass Code::kind() const {
  switch (space) {
    case CodeSpace::kReplica:
      return replica_class(number);
    case CodeSpace::kEither:
      return CodeClass::kTransient;
    case CodeSpace::kThin:
      break;
  }
  return thin_class(number);
}

std::string Code::text() const {
  switch (space) {
    case CodeSpace::kReplica:
      return describe("replica", kReplicaNames, number);
    case CodeSpace::kEither:
      return "code " + std::to_string(number) +
             " after the start (a replica, or an unreadable answer)";
    case CodeSpace::kThin:
      break;
  }
  return describe("thin", kThinNames, number);
}

Code resend_code(std::uint8_t number, bool started) {
  constexpr std::uint8_t kThinOnly = 12;  // from here on replicas have no codes
  if (number == 0 || number >= kThinOnly || !started) return thin_code(number);
  if (number == taubenpost::wire::number(ThinCode::kInternalError))
    return {number, CodeSpace::kEither};
  return replica_code(number);
}

}  // namespace taubenpost::wire

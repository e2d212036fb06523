// The daemon's error codes: two code spaces, and how to tell them apart (thin-protocol 5).
#pragma once

#include <cstdint>
#include <string>

namespace taubenpost::wire {

// Thin code space; only codes that somebody emits or that ours emits.
enum class ThinCode : std::uint8_t {
  kSuccess = 0,
  kInvalidRequest = 3,
  kInternalError = 4,
  kServiceUnavailable = 10,
  kCourierCacheCorruption = 12,
  kPropagationError = 13,
  kMkemDecryptionFailed = 22,
  kBacapDecryptionFailed = 23,
  kStartResendingCancelled = 24,
  kInvalidTombstoneSignature = 25,
  kCopyCommandFailed = 26,
  kPayloadTooLarge = 27,
  kVoucherHashMismatch = 28,
  kVoucherSignatureInvalid = 29,
  kVoucherSealOpenFailed = 30,
  kCourierInvalidEnvelope = 31,
  kCourierInvalidEpoch = 32,
};

constexpr std::uint8_t number(ThinCode code) { return static_cast<std::uint8_t>(code); }

// "thin 26 (copy command failed)", "replica 10 (box already exists)"; unknown codes as "unknown".
std::string describe_thin(std::uint8_t code);
std::string describe_replica(std::uint8_t code);

}  // namespace taubenpost::wire

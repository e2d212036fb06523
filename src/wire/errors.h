// The daemon's error codes: two code spaces, how to tell them apart, and what each asks of a caller
// (thin-protocol 5).
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

enum class CodeSpace : std::uint8_t {
  kThin,
  kReplica,
  kEither,  // 4 after the start: a replica's database failure, or an answer nobody could read
};

// What a caller does about a code (thin-protocol 5.4).
enum class CodeClass : std::uint8_t {
  kSuccess,
  kOutcome,      // a normal answer: nothing there yet, already written, deleted
  kTransient,    // the same request may succeed later; retry with a limit
  kReencrypt,    // the envelope is of no use any more: encrypt again
  kStorageFull,  // the replicas take no more: report it, try much later
  kPermanent,    // this request will never succeed
  kCancelled,    // somebody cancelled the operation
};

// One code in its space.
struct Code {
  std::uint8_t number = 0;
  CodeSpace space = CodeSpace::kThin;
  bool operator==(const Code&) const = default;

  CodeClass kind() const;
  // "thin 26 (copy command failed)", "replica 10 (box already exists)"; unknown ones as "unknown".
  std::string text() const;
};

constexpr Code thin_code(std::uint8_t number) { return {number, CodeSpace::kThin}; }
constexpr Code replica_code(std::uint8_t number) { return {number, CodeSpace::kReplica}; }
// start_resending_encrypted_message_reply.error_code, which mixes both spaces; `started` says
// whether the reply names a courier (thin-protocol 5.3).
Code resend_code(std::uint8_t number, bool started);

}  // namespace taubenpost::wire

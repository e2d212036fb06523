// What the daemon's answers mean: one value for each kind of call, and the class of each code.
//
// The daemon mixes two code spaces in one field; classify_resend() tells them apart (thin-protocol
// 5.3) and sorts each code by what a caller does about it (thin-protocol 5.4).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"

namespace taubenpost::wire {
struct PkiDocument;
}

namespace taubenpost::thin {

// Capability blobs of exact size (thin-protocol 1.8); opaque here.
using WriteCap = SecretArray<168>;
using ReadCap = std::array<std::uint8_t, 136>;
using BoxIndex = std::array<std::uint8_t, 104>;

// A courier, or another service, as the daemon addresses it: BLAKE2b-256 of its identity key, and
// its endpoint (thin-protocol 7.3).
struct CourierId {
  Bytes32 identity_hash{};
  Bytes queue_id;  // 1 to 32 bytes
  bool operator==(const CourierId&) const = default;
};

struct KeyPair {
  WriteCap write_cap;
  ReadCap read_cap{};
  BoxIndex first{};
};

// A prepared operation on one box. `descriptor` opens the answer and is secret.
struct Envelope {
  Bytes ciphertext;
  SecretBytes descriptor;
  Bytes32 hash{};   // names the operation
  BoxIndex next{};  // the index after the box
};

struct CopyElements {
  std::vector<Bytes> elements;  // may be empty; each is the plaintext of one temporary box
  Bytes buffer;                 // pass to the next call of the stream; empty after the last
  std::vector<BoxIndex> next;   // per destination, same order
};

enum class CodeSpace : std::uint8_t {
  kThin,
  kReplica,
  kEither,  // 4 after the start: a replica's database failure, or an answer nobody could read
};

enum class ResendKind : std::uint8_t {
  kOk,           // written, or read
  kNotFound,     // replica 1: nothing there (yet)
  kTaken,        // replica 10: the box holds something else
  kTombstone,    // replica 11: the box was deleted
  kReencrypt,    // 22, 31, 32, replica 8: encrypt again
  kRetry,        // thin 4, 12, 13, replica 4, 7, 9: transient
  kStorageFull,  // replica 6
  kUnreadable,   // 23, 25: the answer does not verify
  kCancelled,    // 24: cancelled here or by another connection
  kRejected,     // thin 3, replica 2, 3, 5, codes nobody knows: permanent for this request
};

struct ResendResult {
  ResendKind kind = ResendKind::kRetry;
  std::uint8_t code = 0;
  CodeSpace space = CodeSpace::kThin;
  Bytes plaintext;                   // only of a read that is kOk
  std::optional<CourierId> courier;  // who carried it; absent if it was never started

  // "thin 23 (BACAP decryption failed)": for people and logs.
  std::string detail() const;
};

enum class CopyKind : std::uint8_t {
  kSucceeded,
  kFailed,      // 26: the courier gave up; see replica_code and failed_envelope
  kNotStarted,  // thin 4: daemon not ready, or the courier is not in its document
  kCancelled,   // 24
  kRejected,    // thin 3 and codes nobody knows
};

struct CopyResult {
  CopyKind kind = CopyKind::kNotStarted;
  std::uint8_t code = 0;              // thin space
  std::uint8_t replica_code = 0;      // with kFailed; 0: the courier itself failed
  std::uint64_t failed_envelope = 0;  // with kFailed; 1-based, 0: none named
};

// The class of start_resending_encrypted_message_reply.error_code; `started` says whether the reply
// names a courier.
struct ResendClass {
  ResendKind kind;
  CodeSpace space;
};
ResendClass classify_resend(std::uint8_t code, bool started);
CopyKind classify_copy(std::uint8_t code);

// Who offers a capability, in document order.
std::vector<CourierId> services_of(const wire::PkiDocument& document,
                                   const std::string& capability);

}  // namespace taubenpost::thin

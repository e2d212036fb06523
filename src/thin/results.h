// What the daemon's answers mean: one value for each kind of call, and the class of each code.
//
// Codes keep the space that they belong to, and say what a caller does about them (wire/errors.h).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"
#include "wire/errors.h"

namespace taubenpost::thin {

// Capability blobs of exact size (thin-protocol 1.8); opaque here.
using WriteCap = SecretArray<168>;
using ReadCap = std::array<std::uint8_t, 136>;
using BoxIndex = std::array<std::uint8_t, 104>;

// A service as the daemon addresses it, couriers among them: BLAKE2b-256 of its node's identity
// key, and its endpoint (thin-protocol 7.3).
struct ServiceId {
  Bytes32 identity_hash{};
  Bytes queue_id;  // 1 to 32 bytes
  bool operator==(const ServiceId&) const = default;
};

struct KeyPair {
  WriteCap write_cap;
  ReadCap read_cap{};
  BoxIndex first{};
};

// The index of a sequence's first box: the end of its read capability (thin-protocol 1.8).
BoxIndex first_index(const ReadCap& read_cap);
// Names the copy command of a temporary sequence: BLAKE2b-256 of its write capability
// (thin-protocol 3.7).
Bytes32 copy_hash(const WriteCap& write_cap);

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

// The writes that delete consecutive boxes, in order.
struct TombstoneRange {
  std::vector<Envelope> envelopes;
  BoxIndex next{};  // the index after the last box
};

// A signed document (thin-protocol 7.5); its signatures are not checked.
struct SignedDocument {
  std::uint64_t epoch = 0;
  Bytes bytes;
};

// A message that the daemon has written to its gateway (thin-protocol 4.1).
struct MessageSent {
  Bytes16 id{};                           // names the message in the events that follow
  std::optional<std::int64_t> sent_at;    // Unix seconds
  std::chrono::nanoseconds reply_eta{0};  // expected round trip
};
// A service's answer (thin-protocol 4.2).
struct MessageReply {
  Bytes16 id{};
  Bytes payload;  // the answer and zero padding: the service's protocol must say where it ends
};

// A contact voucher (thin-protocol 3.16 to 3.19).
struct MintedVoucher {
  Bytes32 voucher{};       // for the inviter, out of band; who has it can read the voucher's stream
  Bytes payload;           // goes into box 0 of the voucher's stream
  KeyPair stream;          // the voucher's stream
  SecretBytes secret_key;  // opens the answer
  Bytes public_key;
};
struct InductedVoucher {
  std::string display_name;            // of the newcomer, as they wrote it: outside text
  ReadCap mutated_message_read_cap{};  // the newcomer's live messages
  Bytes sealed_reply;                  // goes into box 1 of the voucher's stream
  KeyPair stream;                      // the voucher's stream
  Bytes32 salt{};
};
struct OpenedVoucher {
  Bytes who_reply;
  Bytes salt;  // 32 bytes from an honest inviter
  WriteCap mutated_message_write_cap;
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
  wire::Code code;
  Bytes plaintext;                   // only of a read that is kOk
  std::optional<ServiceId> courier;  // who carried it; absent if it was never started
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
  wire::Code code;
  wire::Code replica = wire::replica_code(0);  // with kFailed; 0: the courier itself failed
  std::uint64_t failed_envelope = 0;           // with kFailed; 1-based, 0: none named
};

// The named outcomes of the codes (thin-protocol 5.3, 5.4).
ResendKind resend_kind(wire::Code code);
CopyKind copy_kind(wire::Code code);

}  // namespace taubenpost::thin

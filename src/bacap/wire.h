// The structures that travel between client, courier and replica (pigeonhole 3.2, 3.4).
//
// Fixed layouts, big-endian. parse_* copy; they ignore trailing bytes and say in `used` how many
// they took where a caller needs to know. Errors are kInvalid. Inputs over 16 MiB are refused.
// length: one file for all structures, in the order of the specification.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>

#include "bacap/box.h"
#include "base/bytes.h"
#include "base/error.h"

namespace taubenpost::bacap {

// Codes of replicas, also inside replies. 0 to 11 are all that exist.
enum class ReplicaCode : std::uint8_t {
  kSuccess = 0,
  kBoxIdNotFound = 1,
  kInvalidBoxId = 2,
  kInvalidSignature = 3,
  kDatabaseFailure = 4,
  kInvalidPayload = 5,
  kStorageFull = 6,
  kInternalError = 7,
  kInvalidEpoch = 8,
  kReplicationFailed = 9,
  kBoxAlreadyExists = 10,
  kTombstone = 11,
};

// Codes of the courier for an envelope.
enum class CourierCode : std::uint8_t {
  kSuccess = 0,
  kInvalidEnvelope = 1,
  kCacheCorruption = 2,
  kPropagationError = 3,
  kInvalidEpoch = 4,
};

enum class CopyStatus : std::uint8_t { kSucceeded = 0, kInProgress = 1, kFailed = 2 };

inline constexpr std::size_t kDekSize = 60;
inline constexpr std::size_t kEnvelopeSizeMin = 137;

struct CourierEnvelope {
  std::array<std::uint8_t, 2> intermediates{};  // static replica ids
  std::array<std::uint8_t, kDekSize> dek1{}, dek2{};
  std::uint8_t reply_index = 0;
  std::uint64_t epoch = 0;  // replica epoch
  Bytes sender_key;
  Bytes ciphertext;
};
struct CopyCommand {
  Bytes write_cap;
};
using CourierQuery = std::variant<CourierEnvelope, CopyCommand>;

enum class EnvelopeReplyType : std::uint8_t { kAck = 0, kPayload = 1 };
struct CourierEnvelopeReply {
  Bytes32 envelope_hash{};
  std::uint8_t reply_index = 0;
  EnvelopeReplyType type = EnvelopeReplyType::kAck;
  Bytes payload;
  std::uint8_t error_code = 0;  // CourierCode; unknown values are kept
};
struct CopyCommandReply {
  std::uint8_t status = 0;      // CopyStatus; unknown values are kept
  std::uint8_t error_code = 0;  // ReplicaCode
  std::uint64_t failed_envelope_index = 0;
};
using CourierQueryReply = std::variant<CourierEnvelopeReply, CopyCommandReply>;

struct ReplicaRead {
  BoxId box_id{};
};
struct ReplicaWrite {
  Box box;  // an empty payload is a tombstone
};
using ReplicaInnerMessage = std::variant<ReplicaRead, ReplicaWrite>;

struct ReplicaReadReply {
  std::uint8_t error_code = 0;
  Box box;
};
struct ReplicaWriteReply {
  std::uint8_t error_code = 0;
};
using ReplicaInnerReply = std::variant<ReplicaReadReply, ReplicaWriteReply>;

struct CopyStreamElement {
  std::uint8_t flags = 0;
  Bytes data;
};

template <class T>
struct Parsed {
  T value;
  std::size_t used = 0;
};

Bytes encode(const CourierEnvelope& envelope);
Bytes encode(const CopyCommand& command);
Bytes encode(const CourierQuery& query);
Bytes encode(const CourierEnvelopeReply& reply);
Bytes encode(const CopyCommandReply& reply);
Bytes encode(const CourierQueryReply& reply);
Bytes encode(const ReplicaInnerMessage& message);
Bytes encode(const ReplicaRead& read);
Bytes encode(const ReplicaWrite& write);
Bytes encode(const ReplicaReadReply& reply);
Bytes encode(const ReplicaWriteReply& reply);
Bytes encode(const ReplicaInnerReply& reply);
Bytes encode(const CopyStreamElement& element);
// The storage record: the signature comes last.
Bytes encode_box(const Box& box);

Result<Parsed<CourierEnvelope>> parse_courier_envelope(ByteView bytes);
Result<Parsed<CopyCommand>> parse_copy_command(ByteView bytes);
Result<Parsed<CourierQuery>> parse_courier_query(ByteView bytes);
Result<Parsed<CourierEnvelopeReply>> parse_courier_envelope_reply(ByteView bytes);
Result<Parsed<CopyCommandReply>> parse_copy_command_reply(ByteView bytes);
Result<Parsed<CourierQueryReply>> parse_courier_query_reply(ByteView bytes);
Result<Parsed<ReplicaInnerMessage>> parse_replica_inner_message(ByteView bytes);
Result<Parsed<ReplicaWrite>> parse_replica_write(ByteView bytes);
Result<Parsed<ReplicaReadReply>> parse_replica_read_reply(ByteView bytes);
Result<Parsed<ReplicaInnerReply>> parse_replica_inner_reply(ByteView bytes);
Result<Parsed<CopyStreamElement>> parse_copy_stream_element(ByteView bytes);
Result<Parsed<Box>> parse_box(ByteView bytes);

// BLAKE2b-256(sender key || ciphertext): what answers are matched by (4.1).
Bytes32 envelope_hash(const CourierEnvelope& envelope);
// BLAKE2b-256 of the bytes of a write capability: identity of a copy command.
Bytes32 copy_key(ByteView write_cap);

}  // namespace taubenpost::bacap

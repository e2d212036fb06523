#include "bacap/wire.h"

#include <algorithm>

#include "crypto/hash.h"

namespace taubenpost::bacap {
namespace {

constexpr std::size_t kInputMax = 16'777'216;
constexpr std::uint8_t kTagEnvelope = 0, kTagCopy = 1;
constexpr std::uint8_t kTagRead = 0, kTagWrite = 1;

// Reads fields one after the other; the first that is missing makes all that follow fail.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes), ok_(bytes.size() <= kInputMax) {}

  template <std::unsigned_integral Int>
  Int integer() {
    const ByteView field = take(sizeof(Int));
    return ok_ ? read_be<Int>(field) : Int{0};
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    const ByteView field = take(N);
    return ok_ ? to_array<N>(field) : std::array<std::uint8_t, N>{};
  }
  Bytes bytes(std::size_t count) { return to_bytes(take(count)); }
  std::uint8_t tag(std::uint8_t largest) {
    const std::uint8_t value = integer<std::uint8_t>();
    if (value > largest) ok_ = false;
    return ok_ ? value : std::uint8_t{0};
  }
  bool ok() const { return ok_; }

  template <class T>
  Result<Parsed<T>> done(T value, std::string_view what) const {
    if (!ok_) return error(Errc::kInvalid, "malformed " + std::string(what));
    return Parsed<T>{std::move(value), used_};
  }

 private:
  ByteView take(std::size_t count) {
    if (!ok_ || bytes_.size() - used_ < count) {
      ok_ = false;
      return {};
    }
    const ByteView field = bytes_.subspan(used_, count);
    used_ += count;
    return field;
  }

  ByteView bytes_;
  std::size_t used_ = 0;
  bool ok_;
};

CourierEnvelope read_envelope(Reader& in) {
  CourierEnvelope out;
  out.intermediates = in.array<2>();
  out.dek1 = in.array<kDekSize>();
  out.dek2 = in.array<kDekSize>();
  out.reply_index = in.integer<std::uint8_t>();
  out.epoch = in.integer<std::uint64_t>();
  out.sender_key = in.bytes(in.integer<std::uint16_t>());
  out.ciphertext = in.bytes(in.integer<std::uint32_t>());
  return out;
}

CopyCommand read_copy(Reader& in) { return CopyCommand{in.bytes(in.integer<std::uint32_t>())}; }

CourierEnvelopeReply read_envelope_reply(Reader& in) {
  CourierEnvelopeReply out;
  out.envelope_hash = in.array<32>();
  out.reply_index = in.integer<std::uint8_t>();
  out.type = static_cast<EnvelopeReplyType>(in.tag(1));
  out.payload = in.bytes(in.integer<std::uint32_t>());
  out.error_code = in.integer<std::uint8_t>();
  return out;
}

CopyCommandReply read_copy_reply(Reader& in) {
  CopyCommandReply out;
  out.status = in.integer<std::uint8_t>();
  out.error_code = in.integer<std::uint8_t>();
  out.failed_envelope_index = in.integer<std::uint64_t>();
  return out;
}

// Box id, signature, payload: the order of messages. Storage has the signature last.
Box read_box_message(Reader& in) {
  Box out;
  out.id = in.array<32>();
  out.signature = in.array<64>();
  out.payload = in.bytes(in.integer<std::uint32_t>());
  return out;
}

ReplicaReadReply read_read_reply(Reader& in) {
  ReplicaReadReply out;
  out.error_code = in.integer<std::uint8_t>();
  out.box = read_box_message(in);
  return out;
}

void write_sized(Bytes& out, ByteView data) {
  append_be(out, static_cast<std::uint32_t>(data.size()));
  append(out, data);
}

void write_box_message(Bytes& out, const Box& box) {
  append(out, box.id);
  append(out, box.signature);
  write_sized(out, box.payload);
}

template <class Variant>
Bytes tagged(const Variant& value) {
  Bytes out{static_cast<std::uint8_t>(value.index())};
  std::visit([&](const auto& body) { append(out, encode(body)); }, value);
  return out;
}

}  // namespace

Bytes encode(const ReplicaRead& read) { return to_bytes(read.box_id); }
Bytes encode(const ReplicaWriteReply& reply) { return Bytes{reply.error_code}; }

Bytes encode(const CourierEnvelope& envelope) {
  Bytes out;
  out.reserve(kEnvelopeSizeMin + envelope.sender_key.size() + envelope.ciphertext.size());
  append(out, envelope.intermediates);
  append(out, envelope.dek1);
  append(out, envelope.dek2);
  out.push_back(envelope.reply_index);
  append_be(out, envelope.epoch);
  append_be(out, static_cast<std::uint16_t>(envelope.sender_key.size()));
  append(out, envelope.sender_key);
  write_sized(out, envelope.ciphertext);
  return out;
}

Bytes encode(const CopyCommand& command) {
  Bytes out;
  write_sized(out, command.write_cap);
  return out;
}

Bytes encode(const CourierQuery& query) { return tagged(query); }

Bytes encode(const CourierEnvelopeReply& reply) {
  Bytes out = to_bytes(reply.envelope_hash);
  out.push_back(reply.reply_index);
  out.push_back(static_cast<std::uint8_t>(reply.type));
  write_sized(out, reply.payload);
  out.push_back(reply.error_code);
  return out;
}

Bytes encode(const CopyCommandReply& reply) {
  Bytes out{reply.status, reply.error_code};
  append_be(out, reply.failed_envelope_index);
  return out;
}

Bytes encode(const CourierQueryReply& reply) { return tagged(reply); }

Bytes encode(const ReplicaWrite& write) {
  Bytes out;
  write_box_message(out, write.box);
  return out;
}

Bytes encode(const ReplicaInnerMessage& message) { return tagged(message); }

Bytes encode(const ReplicaReadReply& reply) {
  Bytes out{reply.error_code};
  write_box_message(out, reply.box);
  return out;
}

Bytes encode(const ReplicaInnerReply& reply) { return tagged(reply); }

Bytes encode(const CopyStreamElement& element) {
  Bytes out{element.flags};
  write_sized(out, element.data);
  return out;
}

Bytes encode_box(const Box& box) {
  Bytes out = to_bytes(box.id);
  write_sized(out, box.payload);
  append(out, box.signature);
  return out;
}

Result<Parsed<CourierEnvelope>> parse_courier_envelope(ByteView bytes) {
  Reader in(bytes);
  CourierEnvelope value = read_envelope(in);
  return in.done(std::move(value), "courier envelope");
}

Result<Parsed<CopyCommand>> parse_copy_command(ByteView bytes) {
  Reader in(bytes);
  CopyCommand value = read_copy(in);
  return in.done(std::move(value), "copy command");
}

Result<Parsed<CourierQuery>> parse_courier_query(ByteView bytes) {
  Reader in(bytes);
  const std::uint8_t tag = in.tag(kTagCopy);
  CourierQuery value;
  if (tag == kTagEnvelope) value = read_envelope(in);
  if (tag == kTagCopy) value = read_copy(in);
  return in.done(std::move(value), "courier query");
}

Result<Parsed<CourierEnvelopeReply>> parse_courier_envelope_reply(ByteView bytes) {
  Reader in(bytes);
  CourierEnvelopeReply value = read_envelope_reply(in);
  return in.done(std::move(value), "courier envelope reply");
}

Result<Parsed<CopyCommandReply>> parse_copy_command_reply(ByteView bytes) {
  Reader in(bytes);
  const CopyCommandReply value = read_copy_reply(in);
  return in.done(value, "copy command reply");
}

Result<Parsed<CourierQueryReply>> parse_courier_query_reply(ByteView bytes) {
  Reader in(bytes);
  const std::uint8_t tag = in.tag(kTagCopy);
  CourierQueryReply value;
  if (tag == kTagEnvelope) value = read_envelope_reply(in);
  if (tag == kTagCopy) value = read_copy_reply(in);
  return in.done(std::move(value), "courier query reply");
}

Result<Parsed<ReplicaInnerMessage>> parse_replica_inner_message(ByteView bytes) {
  Reader in(bytes);
  const std::uint8_t tag = in.tag(kTagWrite);
  ReplicaInnerMessage value;
  if (tag == kTagRead) value = ReplicaRead{in.array<32>()};
  if (tag == kTagWrite) value = ReplicaWrite{read_box_message(in)};
  return in.done(std::move(value), "replica message");
}

Result<Parsed<ReplicaWrite>> parse_replica_write(ByteView bytes) {
  Reader in(bytes);
  ReplicaWrite value{read_box_message(in)};
  return in.done(std::move(value), "replica write");
}

Result<Parsed<ReplicaReadReply>> parse_replica_read_reply(ByteView bytes) {
  Reader in(bytes);
  ReplicaReadReply value = read_read_reply(in);
  return in.done(std::move(value), "replica read reply");
}

Result<Parsed<ReplicaInnerReply>> parse_replica_inner_reply(ByteView bytes) {
  Reader in(bytes);
  const std::uint8_t tag = in.tag(kTagWrite);
  ReplicaInnerReply value;
  if (tag == kTagRead) value = read_read_reply(in);
  if (tag == kTagWrite) value = ReplicaWriteReply{in.integer<std::uint8_t>()};
  return in.done(std::move(value), "replica reply");
}

Result<Parsed<CopyStreamElement>> parse_copy_stream_element(ByteView bytes) {
  Reader in(bytes);
  CopyStreamElement value;
  value.flags = in.integer<std::uint8_t>();
  value.data = in.bytes(in.integer<std::uint32_t>());
  return in.done(std::move(value), "copy-stream element");
}

Result<Parsed<Box>> parse_box(ByteView bytes) {
  Reader in(bytes);
  Box value;
  value.id = in.array<32>();
  value.payload = in.bytes(in.integer<std::uint32_t>());
  value.signature = in.array<64>();
  return in.done(std::move(value), "stored box");
}

Bytes32 envelope_hash(const CourierEnvelope& envelope) {
  crypto::Blake2b256 hash;
  hash.update(envelope.sender_key);
  hash.update(envelope.ciphertext);
  return hash.finish();
}

Bytes32 copy_key(ByteView write_cap) { return crypto::blake2b_256(write_cap); }

}  // namespace taubenpost::bacap

// Structures, padding, geometry, epochs, shards and MKEM framing against the vectors.
#include <gtest/gtest.h>

#include <optional>

#include "bacap/epochs.h"
#include "bacap/geometry.h"
#include "bacap/mkem.h"
#include "bacap/padding.h"
#include "bacap/sharding.h"
#include "bacap/wire.h"
#include "crypto/curve.h"
#include "crypto/hash.h"
#include "support/vectors.h"

namespace taubenpost::bacap {
namespace {

using test::each_case;
using test::each_case_where;
using test::hex;
using test::hex_array;
using test::Json;

std::string hex_of(ByteView bytes) { return to_hex(bytes); }
std::uint8_t byte_of(const Json& value) { return value.get<std::uint8_t>(); }

// --- wire/structures.json, wire/parse.json ---

// What a parser made of some bytes: encoded again, and how much it took.
struct Reencoded {
  Bytes bytes;
  std::size_t used;
};

template <class T>
std::optional<Reencoded> again(const Result<Parsed<T>>& parsed) {
  if (!parsed) return std::nullopt;
  return Reencoded{encode(parsed->value), parsed->used};
}

std::optional<Reencoded> reencode(const std::string& structure, ByteView bytes) {
  if (structure == "courier_envelope") return again(parse_courier_envelope(bytes));
  if (structure == "courier_query") return again(parse_courier_query(bytes));
  if (structure == "copy_command") return again(parse_copy_command(bytes));
  if (structure == "courier_envelope_reply") return again(parse_courier_envelope_reply(bytes));
  if (structure == "courier_query_reply") return again(parse_courier_query_reply(bytes));
  if (structure == "copy_command_reply") return again(parse_copy_command_reply(bytes));
  if (structure == "copy_stream_element") return again(parse_copy_stream_element(bytes));
  if (structure == "replica_inner_message") return again(parse_replica_inner_message(bytes));
  if (structure == "replica_write") return again(parse_replica_write(bytes));
  if (structure == "replica_read_reply") return again(parse_replica_read_reply(bytes));
  if (structure == "replica_message_reply_inner_message")
    return again(parse_replica_inner_reply(bytes));
  if (structure == "box") {
    const Result<Parsed<Box>> parsed = parse_box(bytes);
    if (!parsed) return std::nullopt;
    return Reencoded{encode_box(parsed->value), parsed->used};
  }
  ADD_FAILURE() << "no parser for " << structure;
  return std::nullopt;
}

CourierEnvelope envelope_of(const Json& fields) {
  return {hex_array<2>(fields.at("intermediate_replicas")),
          hex_array<kDekSize>(fields.at("dek1")),
          hex_array<kDekSize>(fields.at("dek2")),
          byte_of(fields.at("reply_index")),
          fields.at("epoch").get<std::uint64_t>(),
          hex(fields.at("sender_pubkey")),
          hex(fields.at("ciphertext"))};
}
CourierEnvelopeReply envelope_reply_of(const Json& fields) {
  return {hex_array<32>(fields.at("envelope_hash")), byte_of(fields.at("reply_index")),
          static_cast<EnvelopeReplyType>(byte_of(fields.at("reply_type"))),
          hex(fields.at("payload")), byte_of(fields.at("error_code"))};
}
CopyCommandReply copy_reply_of(const Json& fields) {
  return {byte_of(fields.at("status")), byte_of(fields.at("error_code")),
          fields.at("failed_envelope_index").get<std::uint64_t>()};
}
Box box_of(const Json& fields) {
  return {hex_array<32>(fields.at("box_id")), hex(fields.at("payload")),
          hex_array<64>(fields.at("signature"))};
}
ReplicaReadReply read_reply_of(const Json& fields) {
  return {byte_of(fields.at("error_code")), box_of(fields)};
}

// Fields to bytes. `file` resolves "same as NAME", the envelope of another case.
Bytes encode_fields(const std::string& structure, const Json& fields, const Json& file) {
  if (structure == "courier_envelope") return encode(envelope_of(fields));
  if (structure == "copy_command") return encode(CopyCommand{hex(fields.at("write_cap"))});
  if (structure == "courier_query") {
    if (fields.at("query_type") == 1)
      return encode(CourierQuery(CopyCommand{hex(fields.at("write_cap"))}));
    const std::string reference = fields.at("envelope");
    for (const Json& other : file.at("cases"))
      if (reference == "same as " + other.at("name").get<std::string>())
        return encode(CourierQuery(envelope_of(other.at("fields"))));
  }
  if (structure == "courier_envelope_reply") return encode(envelope_reply_of(fields));
  if (structure == "copy_command_reply") return encode(copy_reply_of(fields));
  if (structure == "courier_query_reply") {
    return fields.at("reply_type") == 0
               ? encode(CourierQueryReply(envelope_reply_of(fields.at("envelope_reply"))))
               : encode(CourierQueryReply(copy_reply_of(fields.at("copy_command_reply"))));
  }
  if (structure == "copy_stream_element")
    return encode(CopyStreamElement{byte_of(fields.at("flags")), hex(fields.at("envelope_data"))});
  if (structure == "replica_write") return encode(ReplicaWrite{box_of(fields)});
  if (structure == "replica_inner_message") {
    return fields.at("message_type") == 0
               ? encode(ReplicaInnerMessage(ReplicaRead{hex_array<32>(fields.at("box_id"))}))
               : encode(ReplicaInnerMessage(ReplicaWrite{box_of(fields.at("write"))}));
  }
  if (structure == "replica_read_reply") return encode(read_reply_of(fields));
  if (structure == "replica_message_reply_inner_message") {
    return fields.at("message_type") == 0
               ? encode(ReplicaInnerReply(read_reply_of(fields.at("read_reply"))))
               : encode(ReplicaInnerReply(ReplicaWriteReply{byte_of(fields.at("error_code"))}));
  }
  if (structure == "box") return encode_box(box_of(fields));
  ADD_FAILURE() << "no encoder for " << structure;
  return {};
}

// These two never travel alone: they are encoded behind the tag of the message that holds them.
bool is_body_only(const std::string& structure) {
  return structure == "replica_read" || structure == "replica_write_reply";
}

Bytes encode_body(const std::string& structure, const Json& fields) {
  Bytes tagged =
      structure == "replica_read"
          ? encode(ReplicaInnerMessage(ReplicaRead{hex_array<32>(fields.at("box_id"))}))
          : encode(ReplicaInnerReply(ReplicaWriteReply{byte_of(fields.at("error_code"))}));
  tagged.erase(tagged.begin());
  return tagged;
}

TEST(Structures, EncodeAsTheReference_ParseBackWithoutRest) {
  const Json file = test::load_vectors("wire/structures.json");
  std::size_t bodies = 0;
  each_case("wire/structures.json", 56, [&](const Json& item) {
    const std::string structure = item.at("struct");
    const Bytes bytes = hex(item.at("bytes"));
    EXPECT_EQ(bytes.size(), item.at("length").get<std::size_t>());
    if (is_body_only(structure)) {
      EXPECT_EQ(hex_of(encode_body(structure, item.at("fields"))), item.at("bytes"));
      ++bodies;
      return;
    }
    EXPECT_EQ(hex_of(encode_fields(structure, item.at("fields"), file)), item.at("bytes"));
    const std::optional<Reencoded> parsed = reencode(structure, bytes);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->used, bytes.size());
    EXPECT_EQ(parsed->bytes, bytes);
    // Whatever is missing at the end makes it an error.
    EXPECT_FALSE(reencode(structure, ByteView(bytes).first(bytes.size() - 1)));
  });
  EXPECT_EQ(bodies, 3u);
}

TEST(Structures, ParserVerdicts_MatchTheReference) {
  std::size_t accepted = 0;
  each_case("wire/parse.json", 48, [&](const Json& item) {
    const Bytes bytes = hex(item.at("bytes"));
    const std::optional<Reencoded> parsed = reencode(item.at("struct"), bytes);
    ASSERT_EQ(parsed.has_value(), item.at("accept").get<bool>());
    if (!parsed) return;
    ++accepted;
    EXPECT_EQ(bytes.size() - parsed->used, item.at("trailing").get<std::size_t>());
    EXPECT_EQ(hex_of(parsed->bytes), item.at("reencoded"));
  });
  EXPECT_GT(accepted, 0u);
}

TEST(Structures, InputOver16MiB_IsRefused) {
  Bytes bytes = encode(CopyCommand{Bytes(168, 1)});
  bytes.resize(16'777'216);
  EXPECT_TRUE(parse_copy_command(bytes));
  bytes.push_back(0);
  EXPECT_FALSE(parse_copy_command(bytes));
}

TEST(EnvelopeHash, MatchesVectors) {
  each_case_where("wire/envelope_hash.json", "kind", "envelope", 5, [](const Json& item) {
    CourierEnvelope envelope;
    envelope.sender_key = hex(item.at("sender_pubkey"));
    envelope.ciphertext = hex(item.at("ciphertext"));
    EXPECT_EQ(hex_of(envelope_hash(envelope)), item.at("hash"));
  });
  each_case_where("wire/envelope_hash.json", "kind", "copy", 1, [](const Json& item) {
    EXPECT_EQ(hex_of(copy_key(hex(item.at("write_cap")))), item.at("hash"));
  });
}

// --- wire/padding.json ---

TEST(Padding, MatchesVectors) {
  std::size_t pads = 0, extracts = 0;
  each_case("wire/padding.json", 41, [&](const Json& item) {
    const bool accept = item.at("accept").get<bool>();
    if (item.at("op") == "pad") {
      ++pads;
      const Result<Bytes> padded =
          pad(hex(item.at("message")), item.at("target").get<std::size_t>());
      ASSERT_EQ(static_cast<bool>(padded), accept);
      if (accept) {
        EXPECT_EQ(hex_of(padded.value()), item.at("padded"));
      }
    } else {
      ++extracts;
      const Result<Bytes> message = unpad(hex(item.at("padded")));
      ASSERT_EQ(static_cast<bool>(message), accept);
      if (accept) {
        EXPECT_EQ(hex_of(message.value()), item.at("message"));
      }
    }
  });
  EXPECT_GT(pads, 0u);
  EXPECT_GT(extracts, 0u);
}

TEST(Padding, TargetBelowThePrefix_IsInvalid) {
  for (const std::size_t target : {0, 1, 3}) EXPECT_FALSE(pad({}, target));
}

// --- wire/geometry.json ---

void expect_lengths(const Geometry& geometry, const Json& item) {
  const auto expect = [&](const char* field, std::uint64_t value) {
    EXPECT_EQ(value, item.at(field).get<std::uint64_t>()) << field;
  };
  expect("MaxPlaintextPayloadLength", geometry.box_payload_max());
  expect("CourierQueryReadLength", geometry.courier_query());
  expect("CourierQueryWriteLength", geometry.courier_query());
  expect("CourierQueryReplyReadLength", geometry.reported_query_reply());
  expect("CourierQueryReplyWriteLength", geometry.reported_query_reply());
  expect("padded_payload_length", geometry.padded_payload());
  expect("box_ciphertext_length", geometry.box_ciphertext());
  expect("inner_message_write_size", geometry.inner_write());
  expect("inner_message_padded_size", geometry.inner_padded());
  expect("envelope_ciphertext_size", geometry.envelope_ciphertext());
  expect("reply_inner_read_size", geometry.inner_read_reply());
  expect("reply_inner_padded_size", geometry.reply_padded());
  expect("envelope_reply_size", geometry.envelope_reply());
  expect("serialized_courier_envelope", geometry.courier_envelope());
  expect("serialized_courier_query", geometry.courier_query());
  expect("serialized_query_reply_with_payload", geometry.real_query_reply());
  EXPECT_EQ(geometry.nike_name, item.at("NIKEName"));
}

// The lengths of really serialised structures, for a geometry.
void expect_serialized(const Geometry& geometry) {
  CourierEnvelope envelope;
  envelope.sender_key.resize(geometry.nike_public_key);
  envelope.ciphertext.resize(geometry.envelope_ciphertext());
  EXPECT_EQ(encode(envelope).size(), geometry.courier_envelope());
  EXPECT_EQ(encode(CourierQuery(envelope)).size(), geometry.courier_query());
  ReplicaWrite write;
  write.box.payload.resize(geometry.box_ciphertext());
  EXPECT_EQ(encode(write).size(), geometry.replica_write());
  EXPECT_EQ(encode(ReplicaInnerMessage(write)).size(), geometry.inner_write());
  ReplicaReadReply reply{0, write.box};
  EXPECT_EQ(encode(ReplicaInnerReply(reply)).size(), geometry.inner_read_reply());
  CourierEnvelopeReply envelope_reply;
  envelope_reply.payload.resize(geometry.envelope_reply());
  EXPECT_EQ(encode(CourierQueryReply(envelope_reply)).size(), geometry.real_query_reply());
}

TEST(Geometry, EveryLength_MatchesVectors) {
  std::size_t accepted = 0, with_streams = 0;
  each_case("wire/geometry.json", 24, [&](const Json& item) {
    const Result<Geometry> geometry =
        make_geometry(item.at("user_forward_payload_length").get<std::uint64_t>(),
                      item.at("nike_public_key_size").get<std::uint64_t>(), item.at("nike"));
    ASSERT_EQ(static_cast<bool>(geometry), item.at("accept").get<bool>());
    if (!geometry) return;
    ++accepted;
    expect_lengths(geometry.value(), item);
    expect_serialized(geometry.value());
    // Where no stream fits, the reference reports a negative chunk.
    EXPECT_EQ(static_cast<std::int64_t>(geometry->stream_chunk()),
              item.at("copy_chunk_size").get<std::int64_t>());
    if (!item.contains("temp_boxes_for_1_to_10_envelopes")) return;
    ++with_streams;
    const Json& temporary = item.at("temp_boxes_for_1_to_10_envelopes");
    ASSERT_EQ(temporary.size(), 10u);
    for (std::uint64_t n = 1; n <= 10; ++n)
      EXPECT_EQ(geometry->temporary_boxes(n), temporary[n - 1].get<std::uint64_t>()) << n;
  });
  EXPECT_EQ(accepted, 16u);
  EXPECT_EQ(with_streams, 14u);
}

TEST(Geometry, TemporaryBoxes_MatchTheTableOfTheSpecification) {
  const Geometry geometry = make_geometry(2000).value();
  const std::pair<std::uint64_t, std::uint64_t> table[] = {
      {0, 0},   {1, 2},     {2, 3},      {3, 4},       {4, 6},        {5, 7},
      {10, 13}, {100, 130}, {772, 1002}, {6787, 8805}, {50518, 65536}};
  for (const auto& [boxes, temporary] : table)
    EXPECT_EQ(geometry.temporary_boxes(boxes), temporary) << boxes;
}

// --- wire/epochs.json, the windows of wire/courier_tables.json ---

TEST(Epochs, MatchVectors) {
  std::size_t times = 0, conversions = 0;
  each_case("wire/epochs.json", 25, [&](const Json& item) {
    const auto mix = item.at("mix_epoch").get<std::uint64_t>();
    const auto converted = item.at("replica_epoch_from_mix_epoch").get<std::uint64_t>();
    if (!item.contains("unix")) {
      ++conversions;
      EXPECT_EQ(replica_epoch_of_mix(mix, item.at("mix_period_s").get<std::uint64_t>()), converted);
      return;
    }
    ++times;
    const auto now = item.at("unix").get<std::uint64_t>();
    EXPECT_EQ(mix_epoch(now), mix);
    EXPECT_EQ((now - kEpochOrigin) % kMixEpochSeconds, item.at("mix_elapsed_s"));
    EXPECT_EQ(replica_epoch(now), item.at("replica_epoch").get<std::uint64_t>());
    EXPECT_EQ(replica_epoch_of_mix(mix), converted);
    EXPECT_LE(replica_epoch_start(replica_epoch(now)), now);
    EXPECT_GT(replica_epoch_start(replica_epoch(now) + 1), now);
  });
  EXPECT_EQ(times + conversions, 25u);
  EXPECT_GT(times, 0u);
  EXPECT_GT(conversions, 0u);
}

TEST(Epochs, ConversionOfTheLargestMixEpoch_DoesNotOverflow) {
  EXPECT_EQ(replica_epoch_of_mix(UINT64_MAX), UINT64_MAX / 504);
}

TEST(Epochs, Window_MatchesVectors) {
  each_case_where("wire/courier_tables.json", "kind", "epoch_window", 14, [](const Json& item) {
    EXPECT_EQ(in_epoch_window(item.at("envelope_epoch").get<std::uint64_t>(),
                              item.at("current_epoch").get<std::uint64_t>()),
              item.at("accept").get<bool>());
  });
}

// --- wire/shards.json ---

TEST(Shards, MatchVectors) {
  each_case("wire/shards.json", 19, [](const Json& item) {
    std::vector<Bytes> keys;
    for (const Json& key : item.at("replica_identity_keys")) keys.push_back(hex(key));
    EXPECT_EQ(shards(keys, hex_array<32>(item.at("box_id"))),
              item.at("shards").get<std::vector<std::size_t>>());
  });
}

TEST(Shards, FewerReplicasThanShards_GiveThemAll) {
  EXPECT_TRUE(shards({}, BoxId{}).empty());
  EXPECT_EQ(shards({Bytes(32, 1)}, BoxId{}), std::vector<std::size_t>{0});
}

// --- wire/mkem.json ---

constexpr const char* kMkem = "wire/mkem.json";

TEST(Mkem, EnvelopesOfTheReference_OpenFromTheSharedSecret) {
  std::size_t with_query = 0;
  each_case_where(kMkem, "kind", "envelope", 4, [&](const Json& item) {
    const Bytes ciphertext = hex(item.at("ciphertext"));
    const Bytes sender_private = hex(item.at("sender_private_key"));
    CourierEnvelope envelope;
    envelope.sender_key = hex(item.at("sender_public_key"));
    envelope.ciphertext = ciphertext;
    EXPECT_EQ(hex_of(envelope_hash(envelope)), item.at("envelope_hash"));
    EXPECT_EQ(sender_private.size(), kNikePrivateKeySize);
    EXPECT_EQ(envelope.sender_key.size(), kNikePublicKeySize);

    std::vector<Bytes> deks;
    for (const Json& recipient : item.at("recipients")) deks.push_back(hex(recipient.at("dek")));
    const std::vector<ByteView> views(deks.begin(), deks.end());
    for (const Json& recipient : item.at("recipients")) {
      const Bytes shared = hex(recipient.at("dh_secret"));
      // The X25519 half of the hybrid comes first.
      const Bytes public_key = hex(recipient.at("public_key"));
      const Result<SecretArray<32>> curve =
          crypto::x25519(ByteView(sender_private).first(32), ByteView(public_key).first(32));
      ASSERT_TRUE(curve);
      EXPECT_TRUE(equal(curve->view(), ByteView(shared).first(32)));

      const SecretArray<32> secret = secret_of(shared);
      EXPECT_EQ(hex_of(secret.view()), recipient.at("kek"));
      const Result<Bytes> opened = open_with_secret(secret, views, ciphertext);
      ASSERT_TRUE(opened);
      EXPECT_EQ(hex_of(opened.value()), item.at("plaintext"));
      EXPECT_EQ(hex_of(unpad(opened.value()).value()), item.at("inner_message"));
    }
    EXPECT_TRUE(parse_replica_inner_message(hex(item.at("inner_message"))));
    EXPECT_EQ(pad(hex(item.at("inner_message")), 1674).value(), hex(item.at("plaintext")));

    if (!item.contains("courier_query")) return;
    ++with_query;
    ASSERT_EQ(deks.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i)
      envelope.intermediates[i] = byte_of(item.at("recipients")[i].at("replica_id"));
    envelope.dek1 = to_array<kDekSize>(deks[0]);
    envelope.dek2 = to_array<kDekSize>(deks[1]);
    envelope.epoch = item.at("epoch").get<std::uint64_t>();
    EXPECT_EQ(hex_of(encode(CourierQuery(envelope))), item.at("courier_query"));
  });
  EXPECT_EQ(with_query, 3u);
}

TEST(Mkem, RepliesOfTheReference_OpenFromTheSecret) {
  each_case_where(kMkem, "kind", "reply", 5, [](const Json& item) {
    const SecretArray<32> secret{ByteView(hex(item.at("kek")))};
    const Result<Bytes> opened = open_reply(secret, hex(item.at("envelope_reply")));
    ASSERT_TRUE(opened);
    EXPECT_EQ(hex_of(opened.value()), item.at("plaintext"));
    const Bytes inner = unpad(opened.value()).value();
    EXPECT_EQ(hex_of(inner), item.at("inner_reply"));
    EXPECT_EQ(pad(inner, 1675).value(), opened.value());
    const auto parsed = parse_replica_inner_reply(inner);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(encode(parsed->value), inner);
  });
}

struct Exchange {
  NikeKeyPair one = make_nike_key_pair(), other = make_nike_key_pair();
  Bytes message = Bytes(1674, 0x42);
  Encapsulated sealed = std::move(encapsulate({one.public_key, other.public_key}, message)).value();
  std::vector<ByteView> deks() const { return {sealed.deks[0], sealed.deks[1]}; }
};

TEST(Mkem, BothRecipientsOpen_TheSenderOpensTheirReplies) {
  const Exchange exchange;
  ASSERT_EQ(exchange.sealed.deks.size(), 2u);
  EXPECT_EQ(exchange.sealed.deks[0].size(), kDekSize);
  EXPECT_EQ(exchange.sealed.envelope.size(), exchange.message.size() + 28);
  EXPECT_EQ(exchange.sealed.sender.public_key.size(), kNikePublicKeySize);
  EXPECT_EQ(exchange.sealed.sender.private_key.size(), kNikePrivateKeySize);
  for (const NikeKeyPair* replica : {&exchange.one, &exchange.other}) {
    const Result<OpenedMessage> opened =
        decapsulate(replica->private_key.view(), exchange.sealed.sender.public_key, exchange.deks(),
                    exchange.sealed.envelope);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->message, exchange.message);
    const Bytes reply = seal_reply(opened->secret, Bytes(1675, 1));
    EXPECT_EQ(reply.size(), 1703u);
    const Result<SecretArray<32>> secret =
        nike_secret(exchange.sealed.sender.private_key.view(), replica->public_key);
    ASSERT_TRUE(secret);
    EXPECT_EQ(open_reply(secret.value(), reply).value(), Bytes(1675, 1));
  }
}

TEST(Mkem, ForeignKeyAndDamage_AreToldApart) {
  const Exchange exchange;
  const Bytes& sender = exchange.sealed.sender.public_key;
  const NikeKeyPair stranger = make_nike_key_pair();
  const Result<OpenedMessage> foreign =
      decapsulate(stranger.private_key.view(), sender, exchange.deks(), exchange.sealed.envelope);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Errc::kNotFound);

  Bytes damaged = exchange.sealed.envelope;
  damaged[damaged.size() / 2] ^= 1;
  const Result<OpenedMessage> broken =
      decapsulate(exchange.one.private_key.view(), sender, exchange.deks(), damaged);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::kInvalid);
}

// The filler of a stand-in key counts as much as its curve half: a spliced or cut key is no key.
TEST(Mkem, KeysOfAWrongForm_AreInvalid) {
  const Exchange exchange;
  Bytes filler_changed = exchange.one.public_key;
  filler_changed.back() ^= 1;
  const Bytes cut(exchange.one.public_key.begin(), exchange.one.public_key.end() - 1);
  for (const Bytes& key : {filler_changed, cut, Bytes(), Bytes(kNikePublicKeySize)}) {
    const Result<Encapsulated> sealed = encapsulate({key}, exchange.message);
    ASSERT_FALSE(sealed);
    EXPECT_EQ(sealed.error().code, Errc::kInvalid);
  }
  EXPECT_FALSE(nike_secret(Bytes(kNikePrivateKeySize - 1), exchange.one.public_key));
}

// Networks without the post-quantum half use X25519 as it is (measurements: networks B and C).
TEST(Mkem, X25519Alone_OpensAndAnswers_AndDoesNotMixWithTheHybrid) {
  const NikeKeyPair replica = make_nike_key_pair(kX25519KeySize);
  EXPECT_EQ(replica.public_key.size(), 32u);
  EXPECT_EQ(replica.private_key.size(), 32u);
  const Bytes message(1802, 0x42);
  const Encapsulated sealed = std::move(encapsulate({replica.public_key}, message)).value();
  EXPECT_EQ(sealed.sender.public_key.size(), 32u);
  const std::vector<ByteView> deks = {sealed.deks[0]};
  const auto opened =
      decapsulate(replica.private_key.view(), sealed.sender.public_key, deks, sealed.envelope);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->message, message);
  const NikeKeyPair hybrid = make_nike_key_pair();
  EXPECT_FALSE(nike_secret(replica.private_key.view(), hybrid.public_key));
  EXPECT_FALSE(encapsulate({replica.public_key, hybrid.public_key}, message));
}

TEST(Mkem, SameSeed_SameKeyPair) {
  const NikeKeyPair one = nike_key_pair_from(Bytes(32, 5)),
                    again = nike_key_pair_from(Bytes(32, 5));
  EXPECT_EQ(one.public_key, again.public_key);
  EXPECT_TRUE(equal(one.private_key.view(), again.private_key.view()));
  EXPECT_NE(one.public_key, nike_key_pair_from(Bytes(32, 6)).public_key);
}

}  // namespace
}  // namespace taubenpost::bacap

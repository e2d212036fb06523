// From a payload to destination boxes and through a copy stream: what the daemon's envelope
// builders make and what a courier and its replicas find in it, composed of the parts of this
// layer.
#include <gtest/gtest.h>

#include "bacap/copy_stream.h"
#include "bacap/geometry.h"
#include "bacap/mkem.h"
#include "bacap/padding.h"
#include "crypto/hash.h"
#include "support/stand_in.h"
#include "support/vectors.h"

namespace taubenpost::bacap {
namespace {

using test::concatenated;
using test::each_case;
using test::each_case_where;
using test::fill;
using test::hex;
using test::Json;

constexpr const char* kConstructors = "copystream/constructors.json";

const Geometry& geometry() {
  static const Geometry at_2000 = make_geometry(2000).value();
  return at_2000;
}
std::string hash_of(ByteView bytes) { return to_hex(crypto::blake2b_256(bytes)); }
WriteCap write_cap_of(const Json& value) { return std::move(WriteCap::parse(hex(value))).value(); }
MessageBoxIndex index_of(const Json& value) { return MessageBoxIndex::parse(hex(value)).value(); }

struct Destination {
  std::vector<Box> boxes;
  MessageBoxIndex next;
};

Destination boxes_of(const WriteCap& cap, MessageBoxIndex index, ByteView payload) {
  Destination out;
  while (!payload.empty()) {
    const std::size_t size = std::min<std::size_t>(payload.size(), geometry().copy_chunk());
    const Bytes padded = pad(payload.first(size), geometry().padded_payload()).value();
    out.boxes.push_back(encrypt_box(cap, index, padded));
    payload = payload.subspan(size);
    index = index.next().value();
  }
  out.next = index;
  return out;
}

Destination tombstones_of(const WriteCap& cap, MessageBoxIndex index, std::uint64_t count) {
  Destination out;
  for (std::uint64_t i = 0; i < count; ++i) {
    out.boxes.push_back(tombstone(cap, index));
    index = index.next().value();
  }
  out.next = index;
  return out;
}

// --- copystream/destination_boxes.json ---

void expect_box(const Box& box, std::uint64_t chunk_size, const Json& item) {
  EXPECT_EQ(chunk_size, item.at("chunk_size").get<std::uint64_t>());
  EXPECT_EQ(to_hex(box.id), item.at("box_id"));
  EXPECT_EQ(to_hex(box.signature), item.at("signature"));
  EXPECT_EQ(hash_of(box.payload), item.at("ciphertext_blake2b256"));
  EXPECT_EQ(box.payload.size(), geometry().box_ciphertext());
}

TEST(DestinationBoxes, MatchVectors) {
  std::size_t long_cases = 0;
  each_case("copystream/destination_boxes.json", 11, [&](const Json& item) {
    const WriteCap cap = write_cap_of(item.at("write_cap"));
    const auto size = item.at("payload_size").get<std::size_t>();
    const Bytes payload = fill(item.at("payload_tag"), size);
    const MessageBoxIndex start = index_of(item.at("start_index"));
    const Destination made = boxes_of(cap, start, payload);
    ASSERT_EQ(made.boxes.size(), item.at("box_count").get<std::size_t>());
    EXPECT_EQ(geometry().destination_boxes(size), made.boxes.size());
    EXPECT_EQ(to_hex(made.next.bytes()), item.at("next_index"));
    const auto chunk_size = [&](std::size_t i) {
      return std::min<std::uint64_t>(geometry().copy_chunk(), size - i * geometry().copy_chunk());
    };
    if (item.contains("boxes")) {
      ASSERT_EQ(item.at("boxes").size(), made.boxes.size());
      for (std::size_t i = 0; i < made.boxes.size(); ++i)
        expect_box(made.boxes[i], chunk_size(i), item.at("boxes")[i]);
    } else {
      ++long_cases;
      const std::size_t last_two = made.boxes.size() - 2;
      for (const std::size_t i : {0, 1}) {
        expect_box(made.boxes[i], chunk_size(i), item.at("boxes_first")[i]);
        expect_box(made.boxes[last_two + i], chunk_size(last_two + i), item.at("boxes_last")[i]);
      }
      crypto::Blake2b256 all;
      for (const Box& box : made.boxes) {
        all.update(box.id);
        all.update(box.signature);
        all.update(crypto::blake2b_256(box.payload));
      }
      EXPECT_EQ(to_hex(all.finish()), item.at("all_blake2b256"));
    }
    // A reader who follows the sequence gets the payload back.
    Bytes read;
    MessageBoxIndex at = start;
    for (const Box& box : made.boxes) {
      const Opened opened = open_box(cap.read_cap(), at, box);
      ASSERT_EQ(opened.error, OpenError::kNone);
      append(read, unpad(opened.plaintext).value());
      at = at.next().value();
    }
    EXPECT_EQ(read, payload);
  });
  EXPECT_EQ(long_cases, 2u);
}

TEST(DestinationBoxes, ChunkArithmetic_MatchesVectors) {
  each_case_where(kConstructors, "call", "chunk_count", 8, [](const Json& item) {
    const auto size = item.at("payload_size").get<std::uint64_t>();
    const std::uint64_t boxes = geometry().destination_boxes(size);
    EXPECT_EQ(boxes, item.at("chunks").get<std::uint64_t>());
    EXPECT_EQ(boxes == 0 ? 0 : size - (boxes - 1) * geometry().copy_chunk(),
              item.at("last_chunk_size").get<std::uint64_t>());
    EXPECT_EQ(size <= kCopyPayloadMax, item.at("accept").get<bool>());
  });
}

// --- copystream/constructors.json ---

// A network of two replicas, which is what the vectors were made with.
struct Replicas {
  NikeKeyPair keys[2] = {make_nike_key_pair(), make_nike_key_pair()};

  Bytes envelope_for(const Box& box) const {
    const Bytes inner =
        pad(encode(ReplicaInnerMessage(ReplicaWrite{box})), geometry().inner_padded()).value();
    Encapsulated sealed =
        std::move(encapsulate({keys[0].public_key, keys[1].public_key}, inner)).value();
    CourierEnvelope out;
    out.intermediates = {0, 1};
    out.dek1 = to_array<kDekSize>(sealed.deks[0]);
    out.dek2 = to_array<kDekSize>(sealed.deks[1]);
    out.epoch = 480;
    out.sender_key = sealed.sender.public_key;
    out.ciphertext = sealed.envelope;
    return encode(out);
  }

  // What each replica finds inside; both must find the same.
  Box open(const CourierEnvelope& envelope) const {
    std::vector<Box> found;
    for (const NikeKeyPair& replica : keys) {
      const OpenedMessage opened =
          std::move(decapsulate(replica.private_key.view(), envelope.sender_key,
                                {envelope.dek1, envelope.dek2}, envelope.ciphertext))
              .value();
      const auto message = parse_replica_inner_message(unpad(opened.message).value());
      found.push_back(std::get<ReplicaWrite>(message.value().value).box);
    }
    EXPECT_EQ(encode_box(found[0]), encode_box(found[1]));
    return found[0];
  }
};

struct Call {
  std::vector<Bytes> elements;
  Bytes buffer;
};

// One builder call over boxes that are already there. `buffered` is false for from_payload, which
// carries nothing over.
Call build(const Replicas& replicas, const std::vector<Box>& boxes, const Json& item,
           bool buffered) {
  CopyStreamEncoder encoder(geometry().box_payload_max());
  if (!item.at("is_start").get<bool>()) encoder.suppress_start();
  if (buffered) encoder.set_buffer(fill("buffer", item.at("buffer_in_size").get<std::size_t>()));
  Call out;
  const auto take = [&](std::vector<Bytes> more) {
    for (Bytes& element : more) out.elements.push_back(std::move(element));
  };
  for (const Box& box : boxes) take(encoder.add_envelope(replicas.envelope_for(box)));
  if (item.at("is_last").get<bool>()) {
    take(encoder.flush());
  } else if (!buffered) {
    take(encoder.flush_without_final());
  }
  out.buffer = encoder.buffer();
  return out;
}

void expect_call(const Replicas& replicas, const Call& call, const Json& item) {
  Json shape = Json::array();
  for (const Bytes& element : call.elements) shape.push_back({element[0], element.size()});
  EXPECT_EQ(shape, item.at("elements"));
  EXPECT_EQ(call.elements.empty(), item.at("elements_null").get<bool>());
  if (item.contains("buffer_size")) {
    EXPECT_EQ(call.buffer.size(), item.at("buffer_size").get<std::size_t>());
  }
  if (!item.contains("boxes")) return;  // begins in the middle of an envelope

  CopyStreamDecoder decoder(geometry().box_payload_max(), geometry().courier_query());
  std::vector<Box> found;
  for (const Bytes& element : call.elements) {
    const CopyStreamDecoder::Step step = decoder.feed(element);
    ASSERT_FALSE(step.failed);
    for (const CourierEnvelope& envelope : step.envelopes) found.push_back(replicas.open(envelope));
  }
  EXPECT_EQ(decoder.saw_final(), item.at("saw_final").get<bool>());
  EXPECT_EQ(decoder.remaining(), item.at("decoder_remaining").get<std::size_t>());
  ASSERT_EQ(found.size(), item.at("boxes").size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Json& expected = item.at("boxes")[i];
    EXPECT_EQ(to_hex(found[i].id), expected.at("box_id"));
    EXPECT_EQ(to_hex(found[i].signature), expected.at("signature"));
    EXPECT_EQ(found[i].payload.size(), expected.at("payload_length").get<std::size_t>());
    EXPECT_EQ(hash_of(found[i].payload), expected.at("payload_blake2b256"));
  }
}

TEST(EnvelopeBuilders, FromPayload_MatchVectors) {
  const Replicas replicas;
  std::size_t refused = 0;
  each_case_where(kConstructors, "call", "from_payload", 10, [&](const Json& item) {
    const auto size = item.at("payload_size").get<std::uint64_t>();
    if (item.at("error_code") != 0) {
      EXPECT_GT(size, kCopyPayloadMax);
      ++refused;
      return;
    }
    ASSERT_LE(size, kCopyPayloadMax);
    const Destination made =
        boxes_of(write_cap_of(item.at("dest_write_cap")), index_of(item.at("dest_start_index")),
                 fill(item.at("payload_tag"), size));
    EXPECT_EQ(to_hex(made.next.bytes()), item.at("next_dest_index"));
    expect_call(replicas, build(replicas, made.boxes, item, /*buffered=*/false), item);
  });
  EXPECT_EQ(refused, 1u);
}

TEST(EnvelopeBuilders, FromPayloads_MatchVectors) {
  const Replicas replicas;
  std::size_t refused = 0;
  each_case_where(kConstructors, "call", "from_payloads", 10, [&](const Json& item) {
    if (item.at("error_code") !=
        0) {  // no destination, or one without an index: the daemon's front
      ++refused;
      return;
    }
    std::vector<Box> boxes;
    Json next = Json::array();
    for (const Json& destination : item.at("destinations")) {
      const Destination made = boxes_of(
          write_cap_of(destination.at("write_cap")), index_of(destination.at("start_index")),
          fill(destination.at("payload_tag"), destination.at("payload_size").get<std::size_t>()));
      boxes.insert(boxes.end(), made.boxes.begin(), made.boxes.end());
      next.push_back(to_hex(made.next.bytes()));
    }
    EXPECT_EQ(next, item.at("next_dest_indices"));
    expect_call(replicas, build(replicas, boxes, item, /*buffered=*/true), item);
  });
  EXPECT_EQ(refused, 2u);
}

TEST(EnvelopeBuilders, FromTombstoneRange_MatchVectors) {
  const Replicas replicas;
  std::size_t buffer_dropped = 0;
  each_case_where(kConstructors, "call", "from_tombstone_range", 6, [&](const Json& item) {
    const auto count = item.at("max_count").get<std::uint64_t>();
    const Destination made = tombstones_of(write_cap_of(item.at("dest_write_cap")),
                                           index_of(item.at("dest_start_index")), count);
    EXPECT_EQ(to_hex(made.next.bytes()), item.at("next_dest_index"));
    // A count of 0 returns before the encoder is asked: the buffer is dropped (pigeonhole 5.4).
    if (count == 0) {
      EXPECT_TRUE(item.at("elements").empty());
      EXPECT_EQ(item.at("buffer_size"), 0);
      if (item.at("buffer_in_size") != 0) ++buffer_dropped;
      return;
    }
    expect_call(replicas, build(replicas, made.boxes, item, /*buffered=*/true), item);
  });
  EXPECT_EQ(buffer_dropped, 1u);
}

// Boxes are the same each time, envelopes and so elements never are (pigeonhole 8.1).
TEST(EnvelopeBuilders, SameInputTwice_GivesOtherElements) {
  const Replicas replicas;
  const WriteCap cap = WriteCap::from_seed(Bytes(32, 9));
  const Destination made = boxes_of(cap, cap.index(), Bytes(100, 1));
  const Json call = {{"is_start", true}, {"is_last", true}};
  const Call one = build(replicas, made.boxes, call, /*buffered=*/false);
  const Call other = build(replicas, made.boxes, call, /*buffered=*/false);
  EXPECT_EQ(one.elements.size(), other.elements.size());
  EXPECT_NE(concatenated(one.elements), concatenated(other.elements));
  EXPECT_EQ(boxes_of(cap, cap.index(), Bytes(100, 1)).boxes[0].payload, made.boxes[0].payload);
}

}  // namespace
}  // namespace taubenpost::bacap

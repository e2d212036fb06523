// The copy-stream codec against the vectors of the reference, byte for byte.
#include <gtest/gtest.h>

#include "bacap/copy_stream.h"
#include "crypto/hash.h"
#include "support/stand_in.h"
#include "support/vectors.h"

namespace taubenpost::bacap {
namespace {

using test::concatenated;
using test::each_case;
using test::fill;
using test::hex;
using test::Json;
using test::stand_in_envelope;

std::string hash_of(ByteView bytes) { return to_hex(crypto::blake2b_256(bytes)); }
void append_all(std::vector<Bytes>& out, std::vector<Bytes> more) {
  for (Bytes& element : more) out.push_back(std::move(element));
}
std::uint64_t payload_max_of(const Json& item) { return item.at("P").get<std::uint64_t>(); }

// The elements as the vectors list them: [flags, size].
Json shape_of(const std::vector<Bytes>& elements) {
  Json out = Json::array();
  for (const Bytes& element : elements) out.push_back({element[0], element.size()});
  return out;
}

// `item` is a case or a call that lists all its elements.
void expect_elements(const std::vector<Bytes>& elements, const Json& item) {
  const Json& listed = item.at("elements");
  ASSERT_EQ(elements.size(), item.at("element_count").get<std::size_t>());
  ASSERT_EQ(elements.size(), listed.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    EXPECT_EQ(elements[i][0], listed[i].at("flags").get<int>()) << i;
    EXPECT_EQ(elements[i].size(), listed[i].at("size").get<std::size_t>()) << i;
    if (listed[i].contains("bytes")) {
      EXPECT_EQ(to_hex(elements[i]), listed[i].at("bytes")) << i;
    } else {
      EXPECT_EQ(hash_of(elements[i]), listed[i].at("blake2b256")) << i;
    }
  }
  const Bytes whole = concatenated(elements);
  EXPECT_EQ(whole.size(), item.at("total_size").get<std::size_t>());
  EXPECT_EQ(hash_of(whole), item.at("blake2b256"));
}

TEST(CopyStreamEncoder, SingleCall_MatchesVectors) {
  each_case("copystream/single.json", 35, [](const Json& item) {
    CopyStreamEncoder encoder(payload_max_of(item));
    if (!item.at("is_start").get<bool>()) encoder.suppress_start();
    std::vector<Bytes> elements;
    Bytes stream;
    for (const Json& name : item.at("envelopes")) {
      const Bytes envelope = stand_in_envelope(name);
      append_be(stream, static_cast<std::uint32_t>(envelope.size()));
      append(stream, envelope);
      append_all(elements, encoder.add_envelope(envelope));
      EXPECT_FALSE(encoder.buffer().empty());  // something is always kept for the final mark
    }
    append_all(elements,
               item.at("is_last").get<bool>() ? encoder.flush() : encoder.flush_without_final());
    EXPECT_TRUE(encoder.buffer().empty());
    expect_elements(elements, item);
    if (item.contains("stream_size")) {
      EXPECT_EQ(stream.size(), item.at("stream_size").get<std::size_t>());
      EXPECT_EQ(hash_of(stream), item.at("stream_blake2b256"));
    }
  });
}

struct Decoded {
  std::size_t envelopes = 0;
  bool failed = false, saw_final = false;
  std::size_t remaining = 0;
};
Decoded decode(const std::vector<Bytes>& boxes, std::uint64_t box_payload_max) {
  // Envelopes of the geometry whose P this is are P + 450 bytes at most (pigeonhole 2.3).
  CopyStreamDecoder decoder(box_payload_max, box_payload_max + 451);
  Decoded out;
  for (const Bytes& box : boxes) {
    const CopyStreamDecoder::Step step = decoder.feed(box);
    out.envelopes += step.envelopes.size();
    out.failed = out.failed || step.failed;
  }
  out.saw_final = decoder.saw_final();
  out.remaining = decoder.remaining();
  return out;
}

// One call of a stream: a fresh encoder that knows nothing but its arguments.
std::vector<Bytes> run_call(const Json& call, std::uint64_t box_payload_max, bool buffered) {
  CopyStreamEncoder encoder(box_payload_max);
  if (!call.at("is_start").get<bool>()) encoder.suppress_start();
  encoder.set_buffer(hex(call.at("buffer_in")));
  std::vector<Bytes> elements;
  for (const Json& name : call.at("envelopes"))
    append_all(elements, encoder.add_envelope(stand_in_envelope(name)));
  if (call.at("is_last").get<bool>()) {
    append_all(elements, encoder.flush());
  } else if (!buffered) {
    append_all(elements, encoder.flush_without_final());
  }
  EXPECT_EQ(to_hex(encoder.buffer()), call.at("buffer_out"));
  return elements;
}

TEST(CopyStreamEncoder, SeveralCalls_MatchVectors) {
  std::size_t calls = 0;
  each_case("copystream/multi.json", 18, [&](const Json& item) {
    std::vector<Bytes> elements;
    for (const Json& call : item.at("calls")) {
      std::vector<Bytes> emitted =
          run_call(call, payload_max_of(item), item.at("style") == "payloads");
      expect_elements(emitted, call);
      append_all(elements, std::move(emitted));
      ++calls;
    }
    EXPECT_EQ(elements.size(), item.at("element_count").get<std::size_t>());
    EXPECT_EQ(hash_of(concatenated(elements)), item.at("total_blake2b256"));
    const Decoded decoded = decode(elements, payload_max_of(item));
    EXPECT_FALSE(decoded.failed);
    EXPECT_EQ(decoded.envelopes, item.at("decoded_envelopes").get<std::size_t>());
    EXPECT_EQ(decoded.saw_final, item.at("saw_final").get<bool>());
    EXPECT_EQ(decoded.remaining, item.at("decoder_remaining").get<std::size_t>());
  });
  EXPECT_GT(calls, 18u);
}

TEST(CopyStreamEncoder, Boundaries_MatchVectors) {
  each_case("copystream/boundary.json", 14, [](const Json& item) {
    CopyStreamEncoder encoder(payload_max_of(item)), unfinished(payload_max_of(item));
    std::vector<Bytes> all;
    if (item.contains("buffer_tag")) {
      encoder.set_buffer(fill(item.at("buffer_tag"), item.at("buffer_size").get<std::size_t>()));
    } else {
      const Bytes envelope = stand_in_envelope(item.at("envelope"));
      EXPECT_EQ(envelope.size() + 4, item.at("framed_size").get<std::size_t>());
      all = encoder.add_envelope(envelope);
      EXPECT_EQ(shape_of(all), item.at("add_elements"));
      EXPECT_EQ(encoder.buffer().size(), item.at("residue").get<std::size_t>());
      EXPECT_EQ(unfinished.add_envelope(envelope), all);
      EXPECT_EQ(shape_of(unfinished.flush_without_final()),
                item.at("flush_without_final_elements"));
    }
    const std::vector<Bytes> flushed = encoder.flush();
    EXPECT_EQ(shape_of(flushed), item.at("flush_elements"));
    append_all(all, flushed);
    EXPECT_EQ(hash_of(concatenated(all)), item.at("all_blake2b256"));
  });
}

// Any split into calls gives the same stream, as long as the buffer goes along.
TEST(CopyStreamEncoder, BufferHandedOn_GivesTheBytesOfOneCall) {
  constexpr std::uint64_t kPayloadMax = 69;
  constexpr int kEnvelopes = 6;
  const Bytes toy = stand_in_envelope({{"tag", "toy"}});
  CopyStreamEncoder whole(kPayloadMax);
  std::vector<Bytes> expected;
  for (int i = 0; i < kEnvelopes; ++i) append_all(expected, whole.add_envelope(toy));
  append_all(expected, whole.flush());

  for (int split = 1; split < kEnvelopes; ++split) {
    SCOPED_TRACE(split);
    CopyStreamEncoder first(kPayloadMax), second(kPayloadMax);
    std::vector<Bytes> elements;
    for (int i = 0; i < split; ++i) append_all(elements, first.add_envelope(toy));
    second.suppress_start();
    second.set_buffer(first.buffer());
    for (int i = split; i < kEnvelopes; ++i) append_all(elements, second.add_envelope(toy));
    append_all(elements, second.flush());
    EXPECT_EQ(elements, expected);
  }
}

TEST(CopyStreamDecoder, EveryStep_MatchesVectors) {
  std::size_t failures = 0;
  each_case("copystream/decoder.json", 38, [&](const Json& item) {
    CopyStreamDecoder decoder(payload_max_of(item), item.at("max_envelope").get<std::uint64_t>());
    const Json& steps = item.at("steps");
    for (std::size_t i = 0; i < steps.size(); ++i) {
      SCOPED_TRACE(i);
      const CopyStreamDecoder::Step step = decoder.feed(hex(item.at("boxes").at(i)));
      Json hashes = Json::array();
      for (const CourierEnvelope& envelope : step.envelopes)
        hashes.push_back(to_hex(envelope_hash(envelope)));
      EXPECT_EQ(hashes, steps[i].at("envelope_hashes"));
      EXPECT_EQ(step.failed, steps[i].at("error").get<bool>());
      EXPECT_EQ(decoder.saw_final(), steps[i].at("saw_final").get<bool>());
      EXPECT_EQ(decoder.remaining(), steps[i].at("remaining").get<std::size_t>());
      if (step.failed) ++failures;
    }
  });
  EXPECT_GT(failures, 0u);
}

// However the elements fall into boxes, the envelopes are the same.
TEST(CopyStreamDecoder, ElementsCutAnywhere_GiveTheSameEnvelopes) {
  const Bytes toy = stand_in_envelope({{"tag", "toy"}});
  CopyStreamEncoder encoder(69);
  std::vector<Bytes> elements;
  for (int i = 0; i < 3; ++i) append_all(elements, encoder.add_envelope(toy));
  append_all(elements, encoder.flush());
  const Bytes stream = concatenated(elements);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    SCOPED_TRACE(cut);
    const ByteView view(stream);
    const Decoded decoded = decode({to_bytes(view.first(cut)), to_bytes(view.subspan(cut))}, 69);
    EXPECT_FALSE(decoded.failed);
    EXPECT_EQ(decoded.envelopes, 3u);
    EXPECT_TRUE(decoded.saw_final);
    EXPECT_EQ(decoded.remaining, 0u);
  }
}

}  // namespace
}  // namespace taubenpost::bacap

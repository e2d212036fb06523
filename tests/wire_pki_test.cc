#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "crypto/hash.h"
#include "support/places.h"
#include "wire/cbor_reader.h"
#include "wire/cbor_writer.h"
#include "wire/frame.h"
#include "wire/pki.h"

namespace taubenpost::wire {
namespace {

using Json = nlohmann::json;
using Kind = CborValue::Kind;

Json load(const std::string& name) {
  std::ifstream in(in_source("tests/vectors/") + name);
  return Json::parse(in);
}
Bytes hex(const Json& text) { return std::move(from_hex(text.get<std::string>())).value(); }

// The body of the first recorded frame of that kind.
Bytes recorded(const std::string& file, const std::string& kind) {
  const Json frames = load("thin/" + file + ".json").at("frames");
  for (const Json& frame : frames) {
    if (frame.value("kind", "") != kind) continue;
    const Bytes bytes = hex(frame.at("frame_hex"));
    return Bytes(bytes.begin() + kFrameHeader, bytes.end());
  }
  ADD_FAILURE() << file << " has no " << kind;
  return {};
}
Bytes recorded_document(const std::string& file) {
  const Result<Response> response = decode_response(recorded(file, "new_pki_document_event"));
  return std::get<NewPkiDocumentEvent>(*response).payload.value();
}

std::vector<PkiService> with_capability(const PkiDocument& document, std::string_view capability) {
  std::vector<PkiService> out;
  for (const PkiService& service : document.services)
    if (service.capability == capability) out.push_back(service);
  return out;
}

// Text keys of every map, in canonical order: shorter ones first, then bytewise.
void expect_canonical(const CborValue& value) {
  std::string_view before;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const CborValue& item = value.items[i];
    expect_canonical(item);
    if (item.is(Kind::kBytes))
      if (const Result<CborValue> inner = read_cbor(item.bytes)) expect_canonical(*inner);
    if (!value.is(Kind::kMap) || i % 2 != 0 || !item.is(Kind::kText)) continue;
    const std::string_view key = item.text();
    EXPECT_TRUE(i == 0 || before.size() < key.size() ||
                (before.size() == key.size() && before < key))
        << before << " before " << key;
    before = key;
  }
}

void expect_recorded_network(const PkiDocument& document) {
  EXPECT_EQ(document.genesis_epoch, 2'494'163U);
  EXPECT_EQ(document.mu, 0.005);
  EXPECT_EQ(document.lambda_p, 0.001);
  EXPECT_EQ(document.lambda_l, 0.0005);
  EXPECT_EQ(document.lambda_m, 0.0005);
  EXPECT_EQ(document.lambda_g, 0.0015);
  EXPECT_EQ(document.lambda_r, 0.005);
  EXPECT_EQ(document.mix_layers, 3U);
  EXPECT_EQ(document.version, "v1");
  EXPECT_EQ(document.sphinx_geometry_hash.size(), 32U);
  EXPECT_EQ(document.services.size(), 6U);
  const std::vector<PkiService> couriers = with_capability(document, "courier");
  ASSERT_EQ(couriers.size(), 2U);
  EXPECT_EQ(couriers[0].node, "servicenode1");
  EXPECT_EQ(couriers[0].endpoint, "courier");
  EXPECT_EQ(couriers[1].node, "servicenode2");
  EXPECT_EQ(to_hex(couriers[1].identity_key).substr(0, 8), "d8bd24ec");
  ASSERT_EQ(document.replicas.size(), 3U);
  EXPECT_EQ(document.replicas[0].name, "replica3");
  EXPECT_EQ(document.replicas[0].id, 2);
  EXPECT_EQ(document.replicas[2].id, 0);
  EXPECT_EQ(document.replicas[0].envelope_keys.size(), 2U);
  EXPECT_EQ(document.replicas[0].envelope_keys.at(495).size(), 160U);
  EXPECT_EQ(document.configured_replica_ids, (Bytes{2, 1, 0}));
  ASSERT_EQ(document.configured_replica_keys.size(), 3U);
  EXPECT_EQ(document.configured_replica_keys[1], document.replicas[1].identity_key);
}

TEST(PkiDocument, RecordedAtTheHandshake_IsRead) {
  const Result<PkiDocument> document = parse_pki_document(recorded_document("handshake"));
  ASSERT_TRUE(document);
  EXPECT_EQ(document->epoch, 2'494'188U);
  expect_recorded_network(*document);
}

// Another order of keys, and floats of another width.
TEST(PkiDocument, RecordedAtAnEpochChange_IsRead) {
  const Result<PkiDocument> document =
      parse_pki_document(recorded_document("new_pki_document_event_pushed"));
  ASSERT_TRUE(document);
  EXPECT_EQ(document->epoch, 2'494'180U);
  expect_recorded_network(*document);
}

TEST(PkiDocument, RecordedSignedForm_HoldsTheSameDocument) {
  const Result<Response> response =
      decode_response(recorded("get_pki_document", "get_pki_document_reply"));
  ASSERT_TRUE(response);
  const auto& reply = std::get<GetPkiDocumentReply>(*response);
  const Result<Bytes> certified = certified_document(*reply.payload);
  ASSERT_TRUE(certified);
  const Result<PkiDocument> document = parse_pki_document(*certified);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->epoch, reply.epoch);
  expect_recorded_network(*document);
}

// The recorded client found its echo service by the rule of 7.3.
TEST(PkiDocument, IdentityKeys_HashToTheAddressThatClientsUse) {
  const Result<PkiDocument> document = parse_pki_document(recorded_document("handshake"));
  const Result<std::optional<Request>> sent =
      decode_request(recorded("send_message_echo", "send_message"));
  ASSERT_TRUE(document);
  ASSERT_TRUE(sent);
  const auto& message = std::get<SendMessage>(**sent);
  std::size_t matches = 0;
  for (const PkiService& service : with_capability(*document, "echo"))
    if (crypto::blake2b_256(service.identity_key) == *message.destination_id_hash &&
        as_text(*message.recipient_queue_id) == service.endpoint)
      ++matches;
  EXPECT_EQ(matches, 1U);
}

PkiDocument example() {
  PkiDocument out;
  out.epoch = 1'000;
  out.genesis_epoch = 900;
  out.mu = 0.25;
  out.lambda_p = 0.001;
  out.lambda_l = 0.5;
  out.lambda_m = 0.125;
  out.lambda_g = 2;
  out.lambda_r = 0.1;
  out.mix_layers = 3;
  out.services = {{"echo", "+echo", "one", Bytes(32, 1)},
                  {"courier", "courier", "one", Bytes(32, 1)},
                  {"courier", "other", "two", Bytes(32, 2)}};
  out.replicas = {{"replica1", 0, Bytes(32, 3), {{7, Bytes(32, 4)}, {8, Bytes(32, 5)}}},
                  {"replica2", 255, Bytes(32, 6), {}}};
  out.configured_replica_ids = {0, 255};
  out.configured_replica_keys = {Bytes(32, 3), Bytes(32, 6)};
  out.sphinx_geometry_hash = Bytes(32, 9);
  out.version = "v1";
  return out;
}

TEST(PkiDocument, WrittenByUs_HasAllKeysInCanonicalOrder) {
  const Bytes bytes = encode_pki_document(example());
  const Result<CborValue> value = read_cbor(bytes);
  ASSERT_TRUE(value);
  expect_canonical(*value);
  EXPECT_EQ(value->items.size(), 2 * 21U);
  for (const char* file : {"handshake", "new_pki_document_event_pushed"}) {
    const Result<CborValue> real = read_cbor(recorded_document(file));
    ASSERT_TRUE(real);
    for (std::size_t i = 0; i < real->items.size(); i += 2)
      EXPECT_NE(value->find(real->items[i].text()), nullptr) << real->items[i].text();
  }
  // Descriptors have 13 keys, packed in byte strings; replicas 7, as plain maps (7.2).
  const CborValue& node = value->find("ServiceNodes")->items.front();
  ASSERT_TRUE(node.is(Kind::kBytes));
  EXPECT_EQ(read_cbor(node.bytes)->items.size(), 2 * 13U);
  const CborValue& mix = value->find("Topology")->items.front().items.front();
  EXPECT_EQ(read_cbor(mix.bytes)->items.size(), 2 * 13U);
  const CborValue& replica = value->find("StorageReplicas")->items.front();
  ASSERT_TRUE(replica.is(Kind::kMap));
  EXPECT_EQ(replica.items.size(), 2 * 7U);
}

TEST(PkiDocument, WrittenByUs_IsReadTheSame) {
  const PkiDocument in = example();
  const Result<PkiDocument> out = parse_pki_document(encode_pki_document(in));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->epoch, in.epoch);
  EXPECT_EQ(out->genesis_epoch, in.genesis_epoch);
  EXPECT_EQ(out->mu, in.mu);
  EXPECT_EQ(out->lambda_g, in.lambda_g);
  EXPECT_EQ(out->lambda_r, in.lambda_r);
  EXPECT_EQ(out->mix_layers, in.mix_layers);
  EXPECT_EQ(out->sphinx_geometry_hash, in.sphinx_geometry_hash);
  EXPECT_EQ(out->configured_replica_ids, in.configured_replica_ids);
  EXPECT_EQ(out->configured_replica_keys, in.configured_replica_keys);
  ASSERT_EQ(out->services.size(), in.services.size());
  for (std::size_t i = 0; i < in.services.size(); ++i) {
    EXPECT_EQ(out->services[i].capability, in.services[i].capability);
    EXPECT_EQ(out->services[i].endpoint, in.services[i].endpoint);
    EXPECT_EQ(out->services[i].node, in.services[i].node);
    EXPECT_EQ(out->services[i].identity_key, in.services[i].identity_key);
  }
  ASSERT_EQ(out->replicas.size(), in.replicas.size());
  for (std::size_t i = 0; i < in.replicas.size(); ++i) {
    EXPECT_EQ(out->replicas[i].name, in.replicas[i].name);
    EXPECT_EQ(out->replicas[i].id, in.replicas[i].id);
    EXPECT_EQ(out->replicas[i].identity_key, in.replicas[i].identity_key);
    EXPECT_EQ(out->replicas[i].envelope_keys, in.replicas[i].envelope_keys);
  }
}

TEST(PkiDocument, WrittenByUs_SortsTheServicesOfANode) {
  PkiDocument in = example();
  std::swap(in.services[0], in.services[1]);
  EXPECT_EQ(encode_pki_document(in), encode_pki_document(example()));
}

TEST(PkiDocument, SignedByUs_IsReadTheSame) {
  const Bytes certified = encode_pki_document(example());
  const std::vector<PkiSignature> signatures{{Bytes32{1}, Bytes(64, 2)}, {Bytes32{3}, {}}};
  const Bytes document = encode_signed_document(certified, 1'005, "Ed25519", signatures);
  EXPECT_EQ(*certified_document(document), certified);
  const Result<CborValue> value = read_cbor(document);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->find("Version")->number, 0U);
  EXPECT_EQ(value->find("Expiration")->number, 1'005U);
  EXPECT_EQ(value->find("KeyType")->text(), "Ed25519");
  const CborValue* map = value->find("Signatures");
  ASSERT_EQ(map->items.size(), 4U);
  EXPECT_EQ(map->items[0].bytes, to_bytes(Bytes32{1}));
  EXPECT_EQ(map->items[1].find("Payload")->bytes, Bytes(64, 2));
  EXPECT_EQ(map->items[1].find("PublicKeySum256")->bytes, to_bytes(Bytes32{1}));
  EXPECT_FALSE(certified_document(CborWriter().map(0).take()));
}

// A document with one service node, packed or plain, that offers `endpoint` as capability "c".
Bytes with_node(const Bytes& node, bool is_packed) {
  CborWriter out;
  out.map(2).text("Epoch").number(5).text("ServiceNodes").array(1);
  if (is_packed) out.bytes(node);
  if (!is_packed) out.raw(node);
  return out.take();
}
Bytes node_with(const Bytes& identity, const Bytes& parameters) {
  CborWriter out;
  out.map(2).text("IdentityKey").bytes(identity);
  out.text("Kaetzchen").map(1).text("c").raw(parameters);
  return out.take();
}
Bytes endpoint(const std::string& name) {
  return CborWriter().map(1).text("endpoint").text(name).take();
}

TEST(PkiDocument, PlainDescriptors_CountLikePackedOnes) {
  const Bytes node = node_with(Bytes(32, 1), endpoint("e"));
  for (const bool is_packed : {true, false}) {
    const Result<PkiDocument> document = parse_pki_document(with_node(node, is_packed));
    ASSERT_TRUE(document);
    ASSERT_EQ(document->services.size(), 1U);
    EXPECT_EQ(document->services[0].endpoint, "e");
  }
}

TEST(PkiDocument, UnusableServices_AreLeftOut) {
  const Bytes key(32, 1);
  const Bytes number = CborWriter().map(1).text("endpoint").number(1).take();
  const Bytes cases[] = {
      Bytes{0xff},                                     // no CBOR
      CborWriter().array(0).take(),                    // no map
      node_with({}, endpoint("e")),                    // no identity
      node_with(key, CborWriter().map(0).take()),      // no endpoint
      node_with(key, number),                          // not text
      node_with(key, endpoint("")),                    // empty
      node_with(key, endpoint(std::string(33, 'x'))),  // too long
      node_with(key, CborWriter().null().take()),      // no parameters
  };
  for (const Bytes& node : cases) {
    const Result<PkiDocument> document = parse_pki_document(with_node(node, true));
    ASSERT_TRUE(document);
    EXPECT_TRUE(document->services.empty()) << to_hex(node);
  }
  EXPECT_EQ(parse_pki_document(with_node(node_with(key, endpoint(std::string(32, 'x'))), true))
                ->services.size(),
            1U);
}

TEST(PkiDocument, EmptyLists_MayBeNullOrMissing) {
  CborWriter out;
  out.map(3).text("Epoch").number(5).text("ServiceNodes").null().text("StorageReplicas").null();
  const Result<PkiDocument> document = parse_pki_document(out.take());
  ASSERT_TRUE(document);
  EXPECT_EQ(document->epoch, 5U);
  EXPECT_TRUE(document->services.empty() && document->replicas.empty());
}

TEST(PkiDocument, WithoutAnEpoch_IsRefused) {
  EXPECT_FALSE(parse_pki_document({}));
  EXPECT_FALSE(parse_pki_document(CborWriter().null().take()));
  EXPECT_FALSE(parse_pki_document(CborWriter().map(0).take()));
  EXPECT_FALSE(parse_pki_document(CborWriter().map(1).text("Epoch").text("5").take()));
}

TEST(PkiDocument, CutDocuments_AreRefused) {
  const Bytes bytes = recorded_document("handshake");
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    ASSERT_FALSE(parse_pki_document(ByteView(bytes).first(size))) << size;
}

// ---- envelope descriptor -----------------------------------------------------------------------

void check_encoded(const Json& c) {
  // This program always has a key; null is what a decoder may meet.
  if (c.at("envelope_key_null").get<bool>()) return;
  EnvelopeDescriptor descriptor;
  descriptor.epoch = c.at("epoch").get<std::uint64_t>();
  descriptor.replicas = to_array<2>(hex(c.at("replica_nums")));
  descriptor.envelope_key = hex(c.at("envelope_key"));
  EXPECT_EQ(to_hex(encode_descriptor(descriptor)), c.at("cbor"));
}

void check_decoded(const Json& c) {
  const Result<EnvelopeDescriptor> descriptor = decode_descriptor(hex(c.at("cbor")));
  ASSERT_EQ(static_cast<bool>(descriptor), c.value("accept", true));
  if (!descriptor) return;
  EXPECT_EQ(descriptor->epoch, c.at("epoch").get<std::uint64_t>());
  EXPECT_EQ(to_hex(descriptor->replicas), c.at("replica_nums"));
  EXPECT_EQ(to_hex(descriptor->envelope_key), c.at("envelope_key"));
}

TEST(EnvelopeDescriptor, EveryVector_IsWrittenAndReadAsTheDaemonDoes) {
  const Json file = load("wire/descriptor.json");
  std::size_t encoded = 0;
  for (const Json& c : file.at("cases")) {
    SCOPED_TRACE(c.at("name"));
    encoded += c.at("op") == "encode" ? 1 : 0;
    if (c.at("op") == "encode") check_encoded(c);
    check_decoded(c);
  }
  EXPECT_EQ(file.at("cases").size(), 24U);
  EXPECT_EQ(encoded, 10U);
}

}  // namespace
}  // namespace taubenpost::wire

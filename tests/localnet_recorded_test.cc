// The daemon `upstream` against recorded traffic of a real one (tests/vectors/thin): every
// recording is played again, and each reply and event has the structure of the recorded one: same
// keys, types and order, null or empty or not, same sizes of byte strings, same error codes.
//
// Requests are sent as they were recorded, but for what belongs to that network: its couriers,
// epochs, and envelopes. Where an answer needs a state of the network (a box that is there), it is
// made first. Of three published clients only the requests were recorded: these get replies with
// the keys of recorded ones.
#include <filesystem>
#include <map>
#include <set>

#include "localnet_client.h"
#include "support/daemon_world.h"
#include "support/places.h"
#include "support/vectors.h"
#include "wire/cbor_reader.h"

namespace taubenpost::localnet {
namespace {

using test::Json;
using Peer = DaemonWorld::Peer;
using wire::CborValue;
using Kind = CborValue::Kind;

// Have tests of their own.
const std::set<std::string> kOthers{"malformed_requests", "requests_go", "requests_python",
                                    "requests_rust"};
constexpr std::uint64_t kRecordedEpoch = 2'494'188;

// ---- structure ---------------------------------------------------------------------------------

// Texts, numbers that are no codes, and long byte strings (documents) may differ in length.
constexpr std::size_t kSizeMatters = 2'600;

std::string shape_of(const CborValue& value, std::string_view key = "") {
  std::string out;
  switch (value.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBytes:
      // Descriptors and plaintexts are as long as the network and the test want them.
      if (key == "envelope_descriptor" || key == "plaintext" || value.bytes.size() > kSizeMatters)
        return value.bytes.empty() ? "empty" : "bytes";
      return "bytes " + std::to_string(value.bytes.size());
    case Kind::kText:
      return "text";
    case Kind::kUnsigned:
      if (key.ends_with("error_code") || key == "failed_envelope_index")
        return std::to_string(value.number);
      return "number";
    case Kind::kBool:
      return value.number != 0 ? "true" : "false";
    case Kind::kArray:
      for (const CborValue& item : value.items) out += shape_of(item) + ", ";
      return "[" + out + "]";
    case Kind::kMap:
      for (std::size_t i = 0; i < value.items.size(); i += 2) {
        const std::string_view name = value.items[i].text();
        out += std::string(name) + ": " + shape_of(value.items[i + 1], name) + ", ";
      }
      return "{" + out + "}";
    default:
      return "other";
  }
}

std::string shape_of_body(ByteView body) { return shape_of(wire::read_cbor(body).value()); }

// ---- the state that an answer needs ------------------------------------------------------------

struct Prepared {
  std::optional<wire::StartResendingEncryptedMessage> start;  // in the place of the recorded one
  bacap::WriteCap temporary = cap_of(9);                      // in the place of a recorded copy's
};

using Prepare = Prepared (*)(DaemonWorld&, Peer&, const Pair&);

wire::StartResendingEncryptedMessage read_of(Peer& peer, const Pair& pair) {
  return start_read(encrypt_read(peer, pair.read, pair.read.index()), pair.read, pair.read.index());
}
wire::StartResendingEncryptedMessage write_of(Peer& peer, const Pair& pair, Bytes text) {
  return start_write(encrypt_write(peer, pair.write, pair.write.index(), std::move(text)),
                     pair.write, Level::kConfirmed);
}
void write_now(Peer& peer, const Pair& pair, Bytes text) {
  EXPECT_EQ(peer.call<StartReply>(write_of(peer, pair, std::move(text))).error_code, 0);
}

Prepared missing_box(DaemonWorld&, Peer& peer, const Pair& pair) { return {read_of(peer, pair)}; }
Prepared existing_box(DaemonWorld&, Peer& peer, const Pair& pair) {
  write_now(peer, pair, {1, 2});
  return {read_of(peer, pair)};
}
Prepared deleted_box(DaemonWorld&, Peer& peer, const Pair& pair) {
  write_now(peer, pair, {});
  return {read_of(peer, pair)};
}
Prepared wrong_index(DaemonWorld&, Peer& peer, const Pair& pair) {
  write_now(peer, pair, {1, 2});
  auto start = read_of(peer, pair);
  const auto other = pair.read.index().next().value();
  start.message_box_index = Bytes(other.bytes().begin(), other.bytes().end());
  return {start};
}
Prepared new_write(DaemonWorld&, Peer& peer, const Pair& pair) {
  return {write_of(peer, pair, {1, 2})};
}
Prepared occupied_box(DaemonWorld&, Peer& peer, const Pair& pair) {
  write_now(peer, pair, {3});
  return {write_of(peer, pair, {1, 2})};
}
Prepared same_write(DaemonWorld&, Peer& peer, const Pair& pair) {
  write_now(peer, pair, {1, 2});
  return {write_of(peer, pair, {1, 2})};
}
Prepared write_on_tombstone(DaemonWorld&, Peer& peer, const Pair& pair) {
  write_now(peer, pair, {});
  return {write_of(peer, pair, {1, 2})};
}
Prepared tombstone_on_box(DaemonWorld&, Peer& peer, const Pair& pair) {
  write_now(peer, pair, {1, 2});
  return {write_of(peer, pair, {})};
}
Prepared future_epoch(DaemonWorld&, Peer& peer, const Pair& pair) {
  auto start = write_of(peer, pair, {1, 2});
  auto query = bacap::parse_courier_query(*start.message_ciphertext).value().value;
  std::get<bacap::CourierEnvelope>(query).epoch += 5;
  start.message_ciphertext = bacap::encode(query);
  return {start};
}
Prepared slow_write(DaemonWorld& world, Peer& peer, const Pair& pair) {
  Prepared out = new_write(world, peer, pair);
  world.set([](Knobs& knobs) { knobs.hop_rate = 0.001; });
  return out;
}

// A temporary sequence with a copy stream for the pair's first box.
Prepared copy_stream(DaemonWorld&, Peer& peer, const Pair& pair) {
  Prepared out;
  wire::CreateCourierEnvelopesFromPayload request;
  request.query_id = fresh_id();
  request.payload = Bytes{1, 2};
  request.dest_write_cap = bytes_of(pair.write);
  request.dest_start_index = pair.write.index().bytes();
  request.is_start = request.is_last = true;
  const auto built = peer.call<wire::CreateCourierEnvelopesFromPayloadReply>(request);
  auto index = out.temporary.index();
  for (const auto& element : *built.envelopes) {
    EXPECT_EQ(write_box(peer, out.temporary, index, as_text(*element)).error_code, 0);
    index = index.next().value();
  }
  return out;
}
Prepared copy_to_occupied(DaemonWorld& world, Peer& peer, const Pair& pair) {
  write_now(peer, pair, {3});
  return copy_stream(world, peer, pair);
}
Prepared copied_already(DaemonWorld& world, Peer& peer, const Pair& pair) {
  Prepared out = copy_stream(world, peer, pair);
  const Service& courier = world.directory().couriers().front();
  wire::StartResendingCopyCommand copy;
  copy.query_id = fresh_id();
  copy.write_cap = bytes_of(out.temporary);
  copy.courier_identity_hash.value = courier.identity_hash;
  copy.courier_queue_id.value = to_bytes(as_bytes(courier.queue_id));
  EXPECT_EQ(peer.call<wire::StartResendingCopyCommandReply>(copy).error_code, 0);
  return out;
}

const std::map<std::string, Prepare> kPrepare{
    {"cancel_by_other_connection", missing_box},
    {"cancel_read", missing_box},
    {"copy_command", copy_stream},
    {"copy_command_failed", copy_to_occupied},
    {"copy_command_repeated", copied_already},
    {"resume_dead_operation", slow_write},
    {"shutdown_event", missing_box},
    {"start_errors", new_write},
    {"start_read_bad_index", existing_box},
    {"start_read_existing", existing_box},
    {"start_read_missing_box", missing_box},
    {"start_read_tombstone", deleted_box},
    {"start_read_wrong_index", wrong_index},
    {"start_write_box_already_exists", occupied_box},
    {"start_write_confirmed", new_write},
    {"start_write_conflict_hidden", occupied_box},
    {"start_write_default", new_write},
    {"start_write_epoch_out_of_window", future_epoch},
    {"start_write_identical_repeat", same_write},
    {"start_write_on_tombstone", write_on_tombstone},
    {"start_write_tombstone", tombstone_on_box},
};

// ---- requests of this network ------------------------------------------------------------------

// Replaces what is set; what was recorded as absent, empty or of a wrong size stays that.
class Translate {
 public:
  Translate(const DaemonWorld& world, const Prepared& prepared)
      : world_(world), prepared_(prepared) {}

  void operator()(wire::StartResendingEncryptedMessage& request) const {
    const auto& ours = *prepared_.start;
    if (request.read_cap) request.read_cap = ours.read_cap ? ours.read_cap : Pair(4).read.bytes();
    if (request.write_cap)
      request.write_cap = ours.write_cap ? ours.write_cap : bytes_of(Pair(4).write);
    if (request.envelope_hash) request.envelope_hash = ours.envelope_hash;
    replace(request.message_box_index, ours.message_box_index, kIndexSize);
    replace(request.message_ciphertext, ours.message_ciphertext, 2'000);
    if (request.envelope_descriptor && !request.envelope_descriptor->empty())
      request.envelope_descriptor = ours.envelope_descriptor;
  }
  void operator()(wire::CancelResendingEncryptedMessage& request) const {
    if (request.envelope_hash && prepared_.start)
      request.envelope_hash = prepared_.start->envelope_hash;
  }
  void operator()(wire::StartResendingCopyCommand& request) const {
    if (request.write_cap) request.write_cap = bytes_of(prepared_.temporary);
    courier(request.courier_identity_hash.value);
  }
  void operator()(wire::CancelResendingCopyCommand& request) const {
    if (request.write_cap_hash)
      request.write_cap_hash = bacap::copy_key(prepared_.temporary.view());
  }
  void operator()(wire::SendMessage& request) const { courier(request.destination_id_hash); }
  void operator()(wire::GetPkiDocument& request) const {
    if (request.epoch != 0) request.epoch = request.epoch + world_.mix_epoch() - kRecordedEpoch;
  }
  template <class Other>
  void operator()(Other&) const {}

 private:
  static void replace(wire::OptBytes& field, const wire::OptBytes& ours, std::size_t size) {
    if (field && field->size() == size) field = ours;
  }
  // Echo services are on the couriers' nodes.
  void courier(wire::Hash32& field) const {
    if (field && *field != Bytes32{}) field = world_.directory().couriers().front().identity_hash;
  }

  const DaemonWorld& world_;
  const Prepared& prepared_;
};

// ---- playing -----------------------------------------------------------------------------------

std::set<std::string>& seen_kinds() {
  static std::set<std::string> kinds;
  return kinds;
}

Json load(const std::string& name) { return test::load_vectors("thin/" + name + ".json"); }

ByteView body_of(const Bytes& frame) { return ByteView(frame).subspan(wire::kFrameHeader); }

class Player {
 public:
  explicit Player(const std::string& name)
      : name_(name),
        file_(load(name)),
        world_(kUpstreamDaemon, {.gateway_down = name == "handshake_no_document"}),
        setup_(world_.connect()) {
    setup_.handshake();
    if (const auto prepare = kPrepare.find(name); prepare != kPrepare.end())
      prepared_ = prepare->second(world_, setup_, Pair(3));
    for (const Json& frame : file_.at("frames"))
      if (frame.at("kind") == "session_token") token_ = to_array<16>(last16(frame));
  }

  void play() {
    if (name_ == "resume_stored_reply") leave_a_stored_reply();
    double before_ms = 0;
    std::size_t position = 0;
    for (const Json& frame : file_.at("frames")) {
      SCOPED_TRACE(name_ + ", frame " + std::to_string(position));
      const double now_ms = frame.at("t_ms");
      if (frame.at("dir") == "c2d")
        say(frame, position, Milliseconds(static_cast<int>(now_ms - before_ms)));
      else
        hear(frame);
      before_ms = now_ms;
      ++position;
    }
    finish();
  }

 private:
  static Bytes last16(const Json& frame) {
    const Bytes bytes = test::hex(frame.at("frame_hex"));
    return Bytes(bytes.end() - 16, bytes.end());
  }

  Peer& peer(const Json& frame) {
    const std::string name = frame.at("conn");
    const auto found = peers_.find(name);
    if (found != peers_.end()) return *found->second;
    Peer& made = *peers_.emplace(name, std::make_unique<Peer>(world_.connect())).first->second;
    if (frame.at("kind") == "connection_status_event") return made;
    made.expect<wire::ConnectionStatusEvent>();
    made.expect<wire::NewPkiDocumentEvent>();
    if (frame.at("kind") != "session_token")
      made.call<wire::SessionTokenReply>(
          wire::SessionToken{token_ == Bytes16{} ? fresh_id() : token_});
    return made;
  }

  void say(const Json& frame, std::size_t position, Milliseconds later) {
    world_.advance(std::min(later, Milliseconds(60'000)));
    // There the requests came at once, and the answers waited for slots, which do not exist here.
    if (name_ != "send_message_errors") expect_silence();
    if (name_ == "resume_dead_operation" && position == 1) leave(peers_.at("first"));
    if (name_ == "session_token_overlap" && position == 6) peers_.at("old")->close();
    const Bytes recorded = test::hex(frame.at("frame_hex"));
    auto request = wire::decode_request(body_of(recorded)).value();
    if (!request) return peer(frame).send_raw(recorded);
    std::visit(Translate(world_, prepared_), *request);
    peer(frame).send(*request);
    if (name_ == "get_pki_document_errors") pass_documents(frame);
  }
  // The client leaves before the answer is there, and comes back after it.
  void leave(const std::unique_ptr<Peer>& peer) {
    peer->close();
    world_.advance(std::chrono::minutes(2));
  }
  // Replies that carry a document were left out of the recording.
  void pass_documents(const Json& frame) {
    const std::uint64_t epoch =
        std::get<wire::GetPkiDocument>(
            *wire::decode_request(body_of(test::hex(frame.at("frame_hex")))).value())
            .epoch;
    if (epoch + 1 < kRecordedEpoch || epoch > kRecordedEpoch + 1) return;
    const auto reply = peer(frame).expect<wire::GetPkiDocumentReply>();
    EXPECT_EQ(reply.error_code, 0);
    EXPECT_TRUE(reply.payload);
  }

  void hear(const Json& frame) {
    if (name_ == "shutdown_event") world_.shut_down();
    if (name_ == "new_pki_document_event_pushed") {
      peer(frame);
      world_.advance(std::chrono::minutes(20));
    }
    Milliseconds limit = std::chrono::minutes(10);
    const auto body = peer(frame).await_body(limit);
    ASSERT_TRUE(body) << "no " << frame.at("kind");
    EXPECT_EQ(shape_of_body(*body), shape_of_body(body_of(test::hex(frame.at("frame_hex")))));
    seen_kinds().insert(frame.at("kind"));
  }

  void expect_silence() {
    for (auto& [name, each] : peers_) EXPECT_FALSE(each->next()) << name;
  }
  void finish() {
    expect_silence();
    for (auto& [name, each] : peers_) {
      if (file_.value("connection_closed_by_daemon", false)) {
        EXPECT_TRUE(each->ended());
      }
    }
  }

  // An echo that arrived while its client was away.
  void leave_a_stored_reply() {
    world_.set([](Knobs& knobs) { knobs.hop_rate = 0.001; });
    Peer first = world_.connect();
    first.handshake(token_);
    const Service& node = world_.directory().couriers().front();
    wire::SendMessage message;
    message.id = fresh_id();
    message.with_surb = true;
    message.surbid = fresh_id();
    message.destination_id_hash = node.identity_hash;
    message.recipient_queue_id = to_bytes(as_bytes("+echo"));
    first.send(message);
    first.expect<wire::MessageSentEvent>();
    first.close();
    world_.advance(std::chrono::minutes(2));
  }

  const std::string name_;
  const Json file_;
  DaemonWorld world_;
  Peer setup_;
  Prepared prepared_;
  Bytes16 token_{};
  std::map<std::string, std::unique_ptr<Peer>> peers_;
};

std::vector<std::string> names() {
  std::set<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(in_source("tests/vectors/thin")))
    if (entry.path().extension() == ".json") out.insert(entry.path().stem());
  return {out.begin(), out.end()};
}

TEST(LocalnetRecorded, EveryRecording_HasTheSameStructure) {
  std::size_t played = 0;
  std::set<std::string> kinds;
  for (const std::string& name : names()) {
    if (kOthers.contains(name)) continue;
    Player(name).play();
    ++played;
    const Json file = load(name);
    for (const Json& frame : file.at("frames"))
      if (frame.at("dir") == "d2c") kinds.insert(frame.at("kind"));
  }
  EXPECT_EQ(played, 49U);
  EXPECT_EQ(seen_kinds(), kinds);
  EXPECT_EQ(kinds.size(), 20U);
}

// The keys of a document, and of a replica in it.
std::vector<std::string> keys_of(const wire::NewPkiDocumentEvent& event) {
  const wire::CborValue document = wire::read_cbor(event.payload.value()).value();
  std::vector<std::string> out;
  for (const auto* map : {&document, &document.find("StorageReplicas")->items.at(0)})
    for (std::size_t i = 0; i < map->items.size(); i += 2) out.emplace_back(map->items[i].text());
  return out;
}
std::vector<std::string> recorded_keys(const std::string& name) {
  const Json file = load(name);
  for (const Json& frame : file.at("frames")) {
    if (frame.at("kind") != wire::NewPkiDocumentEvent::kKey) continue;
    const Bytes bytes = from_hex(frame.at("frame_hex").get<std::string>()).value();
    const auto event = wire::decode_response(ByteView(bytes).subspan(wire::kFrameHeader));
    return keys_of(std::get<wire::NewPkiDocumentEvent>(event.value()));
  }
  return {};
}

TEST(LocalnetRecorded, Documents_HaveTheirKeysInTheRecordedOrder) {
  DaemonWorld world(kUpstreamDaemon);
  auto peer = world.connect();
  peer.expect<wire::ConnectionStatusEvent>();
  EXPECT_EQ(keys_of(peer.expect<wire::NewPkiDocumentEvent>()), recorded_keys("handshake"));
  EXPECT_EQ(keys_of(peer.expect<wire::NewPkiDocumentEvent>(std::chrono::minutes(21))),
            recorded_keys("new_pki_document_event_pushed"));
}

// One connection each, the bytes as they were recorded.
TEST(LocalnetRecorded, MalformedRequests_AreTreatedTheSameWay) {
  DaemonWorld world(kUpstreamDaemon);
  std::size_t played = 0;
  const Json file = load("malformed_requests");
  for (const Json& item : file.at("cases")) {
    SCOPED_TRACE(item.at("case").get<std::string>());
    Peer peer = world.connect();
    peer.handshake();
    for (const Json& frame : item.at("frames")) {
      const Bytes recorded = test::hex(frame.at("frame_hex"));
      if (frame.at("dir") == "c2d") {
        peer.send_raw(recorded);
        continue;
      }
      const auto body = peer.next_body();
      ASSERT_TRUE(body);
      EXPECT_EQ(shape_of_body(*body), shape_of_body(body_of(recorded)));
      EXPECT_EQ(wire::query_id_of(wire::decode_response(*body).value()),
                wire::query_id_of(wire::decode_response(body_of(recorded)).value()));
    }
    EXPECT_FALSE(peer.has_next());
    EXPECT_EQ(peer.ended(), item.at("connection_closed_by_daemon").get<bool>());
    ++played;
  }
  EXPECT_EQ(played, 20U);
}

// ---- the requests of the published clients -----------------------------------------------------

// "KEY: NAME, NAME, …" of a reply.
std::string keys_of(ByteView body) {
  const CborValue reply = wire::read_cbor(body).value();
  std::string out;
  for (std::size_t i = 0; i < reply.items.size(); i += 2) {
    const CborValue& content = reply.items[i + 1];
    if (content.kind == Kind::kNull) continue;
    out += std::string(reply.items[i].text()) + ": ";
    for (std::size_t k = 0; k < content.items.size(); k += 2)
      out += std::string(content.items[k].text()) + ", ";
  }
  return out;
}

// Those of all replies that were recorded.
std::set<std::string> recorded_keys() {
  std::set<std::string> out;
  for (const std::string& name : names()) {
    if (kOthers.contains(name)) continue;
    const Json file = load(name);
    for (const Json& frame : file.at("frames"))
      if (frame.at("dir") == "d2c") out.insert(keys_of(body_of(test::hex(frame.at("frame_hex")))));
  }
  return out;
}

// Sends the bytes that a client sent. What they repeat from an answer of that network is replaced
// by what ours answered, which is as long.
class ClientPlayer {
 public:
  explicit ClientPlayer(const std::string& name)
      : file_(load(name)),
        world_(kUpstreamDaemon, {}, EnvelopeNike::kX25519),
        helper_(world_.connect()),
        peer_(world_.connect()),
        known_(recorded_keys()) {
    helper_.handshake();
    peer_.expect<wire::ConnectionStatusEvent>();
    peer_.expect<wire::NewPkiDocumentEvent>();
  }

  std::size_t play() {
    std::size_t answered = 0;
    for (const Json& frame : file_.at("frames")) {
      SCOPED_TRACE(file_.at("name").get<std::string>() + ", " +
                   frame.at("kind").get<std::string>());
      bytes_ = test::hex(frame.at("frame_hex"));
      const auto request = wire::decode_request(body_of(bytes_)).value();
      EXPECT_TRUE(request);
      if (!request) continue;
      std::visit([&](const auto& message) { adapt(message); }, *request);
      peer_.send_raw(bytes_);
      if (std::holds_alternative<wire::ThinClose>(*request)) continue;
      hear(*request);
      if (std::holds_alternative<wire::SendMessage>(*request)) hear(*request);  // the echo
      ++answered;
    }
    EXPECT_FALSE(peer_.has_next());
    EXPECT_EQ(peer_.ended(), file_.at("frames").back().at("kind") == "thin_close");
    return answered;
  }

 private:
  void hear(const wire::Request& request) {
    Milliseconds limit = std::chrono::minutes(10);
    const auto body = peer_.await_body(limit);
    ASSERT_TRUE(body);
    EXPECT_TRUE(known_.contains(keys_of(*body))) << keys_of(*body);
    const auto reply = wire::decode_response(*body).value();
    EXPECT_EQ(wire::error_code_of(reply).value_or(0), 0);
    EXPECT_EQ(wire::query_id_of(reply), wire::query_id_of(request));
    std::visit([&](const auto& message) { keep(message); }, reply);
  }

  void keep(const wire::EncryptReadReply& reply) { encrypted_ = reply; }
  void keep(const wire::EncryptWriteReply& reply) { encrypted_ = reply; }
  void keep(const wire::CreateCourierEnvelopesFromPayloadReply& reply) { built_ = reply; }
  void keep(const wire::StartResendingEncryptedMessageReply& reply) {
    if (!reply.plaintext) return;
    EXPECT_EQ(*reply.plaintext, written_);
  }
  template <class Other>
  void keep(const Other&) {}

  void adapt(const wire::EncryptWrite& request) { written_ = *request.plaintext; }
  void adapt(const wire::StartResendingEncryptedMessage& request) {
    replace(*request.message_ciphertext, *encrypted_.message_ciphertext);
    replace(*request.envelope_descriptor, *encrypted_.envelope_descriptor);
    replace(*request.envelope_hash, *encrypted_.envelope_hash);
  }
  void adapt(const wire::SendMessage& request) {
    replace(*request.destination_id_hash, world_.directory().couriers().front().identity_hash);
  }
  // The copy stream is in the temporary sequence.
  void adapt(const wire::StartResendingCopyCommand& request) {
    const auto temporary = bacap::WriteCap::parse(*request.write_cap).value();
    auto index = temporary.index();
    for (const auto& element : *built_.envelopes) {
      EXPECT_EQ(write_box(helper_, temporary, index, as_text(*element)).error_code, 0);
      index = index.next().value();
    }
  }
  template <class Other>
  void adapt(const Other&) {}

  void replace(ByteView theirs, ByteView ours) {
    ASSERT_EQ(theirs.size(), ours.size());
    const auto at = std::search(bytes_.begin(), bytes_.end(), theirs.begin(), theirs.end());
    ASSERT_NE(at, bytes_.end());
    std::copy(ours.begin(), ours.end(), at);
  }

  const Json file_;
  DaemonWorld world_;
  Peer helper_, peer_;
  const std::set<std::string> known_;
  Bytes bytes_, written_;
  wire::EncryptReply encrypted_;
  wire::CreateCourierEnvelopesFromPayloadReply built_;
};

TEST(LocalnetRecorded, RequestsOfPublishedClients_AreAnsweredWithTheRecordedKeys) {
  EXPECT_EQ(ClientPlayer("requests_go").play(), 17U);
  EXPECT_EQ(ClientPlayer("requests_python").play(), 17U);
  EXPECT_EQ(ClientPlayer("requests_rust").play(), 8U);
}

}  // namespace
}  // namespace taubenpost::localnet

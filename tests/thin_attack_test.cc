// A daemon that lies, floods, or stops listening: an error or an answer, and bounded memory.
#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <limits>

#include "support/fake_daemon.h"
#include "support/thin_starts.h"
#include "support/thin_work.h"
#include "support/thin_world.h"
#include "thin/client.h"
#include "wire/cbor_writer.h"
#include "wire/pki.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;
using namespace asio::experimental::awaitable_operators;
using std::chrono::milliseconds;

constexpr std::uint8_t kNumber = 7;
constexpr milliseconds kLong{100'000};

asio::awaitable<void> asks_once(World& world, Gave& out) {
  co_await does(world, Work::kLocal, kNumber, kLong, out);
}
asio::awaitable<void> answers_next(FakeConnectionPtr connection) {
  const wire::Request request = co_await connection->receive();
  for (const wire::Response& answer : answers_to(request)) co_await connection->send(answer);
}

// --- status events ---

enum class Phase : std::uint8_t { kGreeting, kSession, kProbing, kOpen };
constexpr Phase kPhases[] = {Phase::kGreeting, Phase::kSession, Phase::kProbing, Phase::kOpen};

// Brings a connection into this phase, and says something there.
asio::awaitable<void> speaks_in(FakeConnectionPtr connection, Phase phase, wire::Response event) {
  if (phase >= Phase::kSession) {
    co_await connection->send(status_event({}));
    co_await connection->send(document_event(true));
    co_await connection->receive_a<wire::SessionToken>();
  }
  if (phase == Phase::kProbing) {
    co_await connection->send(session_reply(true));
    co_await connection->receive_a<wire::GetDirectoryAuthorities>();
  }
  if (phase == Phase::kOpen) co_await connection->send(session_reply(false));
  co_await settle();
  co_await connection->send(std::move(event));
}
asio::awaitable<void> is_impossible(World& world, Phase phase, wire::Response bad) {
  const FakeConnectionPtr first = co_await world.daemon.accept();
  co_await speaks_in(first, phase, std::move(bad));
  co_await first->receive_end();
  co_await world.daemon.accept_and_greet({});
}
asio::awaitable<void> connects_in_the_end(World& world, Phase phase) {
  const auto events = world.client.subscribe();
  must(co_await world.client.connect());
  if (phase == Phase::kOpen) co_await until<DisconnectedEvent>(events);
  co_await until<ConnectedEvent>(events);
}

TEST(ThinAttack, ImpossibleGeometry_EndsTheConnectionInEveryPhase) {
  constexpr std::int64_t kSizes[] = {-1, 0, std::numeric_limits<std::int64_t>::min(),
                                     std::numeric_limits<std::int64_t>::max(),
                                     static_cast<std::int64_t>(wire::kFrameMax) + 1};
  for (const Phase phase : kPhases)
    for (const std::int64_t size : kSizes)
      for (const bool is_sphinx : {true, false}) {
        SCOPED_TRACE(std::to_string(static_cast<int>(phase)) + ", " + std::to_string(size));
        auto bad = std::get<wire::ConnectionStatusEvent>(status_event({}));
        if (is_sphinx) bad.sphinx_geometry->user_forward_payload_length = size;
        if (!is_sphinx) bad.pigeonhole_geometry->max_plaintext_payload_length = size;
        World world;
        run_both(world.io, connects_in_the_end(world, phase), is_impossible(world, phase, bad));
        EXPECT_EQ(world.client.geometry()->max_plaintext_payload_length, 1549);
        EXPECT_EQ(world.client.sphinx_geometry()->user_forward_payload_length, 2000);
      }
}

asio::awaitable<void> is_strange_but_possible(World& world, wire::Response strange) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  co_await connection->send(std::move(strange));
  co_await answers_next(connection);
}
asio::awaitable<void> connects_and_asks(World& world, Gave& out) {
  must(co_await world.client.connect());
  co_await settle();
  co_await asks_once(world, out);
}

TEST(ThinAttack, StatusWithoutGeometry_KeepsTheOneBefore) {
  auto bare = std::get<wire::ConnectionStatusEvent>(status_event({}));
  bare.sphinx_geometry.reset();
  bare.pigeonhole_geometry.reset();
  World world;
  Gave out;
  run_both(world.io, connects_and_asks(world, out), is_strange_but_possible(world, bare));
  EXPECT_EQ(out.number, kNumber) << out.text;
  EXPECT_EQ(world.client.geometry()->max_plaintext_payload_length, 1549);
}

// Noise between all frames of a resumed handshake, and session replies that nobody asked for.
asio::awaitable<void> resumes_noisily(World& world) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  co_await first->receive_a<Start>();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept();
  for (const wire::Response& frame : noise(Bytes16{})) co_await second->send(frame);
  co_await second->receive_a<wire::SessionToken>();
  co_await second->send(status_event({}));
  co_await second->send(session_reply(true));
  const auto probe = co_await second->receive_a<wire::GetDirectoryAuthorities>();
  // Only the answer to the probe says that the session works: a second reply does not.
  for (const wire::Response& frame : noise(Bytes16{})) co_await second->send(frame);
  co_await second->receive_nothing();
  co_await answer(second, probe.query_id, wire::GetDirectoryAuthoritiesReply{});
  const Cancel cancel = co_await second->receive_a<Cancel>();
  for (const wire::Response& frame : noise(Bytes16{})) co_await second->send(frame);
  co_await second->receive_nothing();
  co_await answer(second, cancel.query_id, CancelReply{});
  co_await answers_next(second);
}

TEST(ThinAttack, NoiseInEveryPhaseOfAResumption_ChangesNothing) {
  World world;
  Gave out;
  run_both(world.io, does(world, Work::kWrite, kNumber, kLong, out), resumes_noisily(world));
  EXPECT_EQ(out.number, kNumber) << out.text;
}

// --- documents ---

wire::PkiDocument real_document() {
  const auto event = std::get<wire::NewPkiDocumentEvent>(document_event(true));
  return must(wire::parse_pki_document(*event.payload));
}
wire::Response event_of(const wire::PkiDocument& document) {
  return wire::NewPkiDocumentEvent{wire::encode_pki_document(document)};
}

asio::awaitable<void> shows_document(World& world, wire::Response document) {
  const FakeConnectionPtr connection = co_await world.daemon.accept();
  co_await connection->send(status_event({}));
  co_await connection->send(std::move(document));
  co_await connection->receive_a<wire::SessionToken>();
  co_await connection->send(session_reply(false));
  const Start start = co_await connection->receive_a<Start>();
  // An absurd rate must not look like a daemon that is silent for too long.
  co_await connection->receive_nothing();
  for (const wire::Response& frame : answers_to(start)) co_await connection->send(frame);
  co_await answers_next(connection);
}
asio::awaitable<void> writes_under(World& world, Gave& written, Gave& replied) {
  co_await does(world, Work::kWrite, kNumber, kLong, written);
  co_await does(world, Work::kReply, kNumber, kLong, replied);
}

TEST(ThinAttack, AbsurdRates_DoNotDisturbTheWork) {
  using Real = std::numeric_limits<double>;
  constexpr double kRates[] = {
      0,          -1, Real::quiet_NaN(), Real::infinity(), -Real::infinity(), Real::denorm_min(),
      Real::max()};
  for (const double mu : kRates)
    for (const double lambda : kRates)
      for (const std::size_t layers : {0u, 20'000u}) {
        if (layers > 0 && mu != lambda && mu == mu) continue;  // large documents are slow
        SCOPED_TRACE(std::to_string(mu) + ", " + std::to_string(lambda));
        wire::PkiDocument document = real_document();
        ++document.epoch;
        document.mu = mu;
        document.lambda_p = lambda;
        document.mix_layers = layers;
        World world;
        Gave written, replied;
        run_both(world.io, writes_under(world, written, replied),
                 shows_document(world, event_of(document)));
        EXPECT_EQ(world.client.document()->epoch(), document.epoch);
        EXPECT_EQ(written.number, kNumber) << written.text;
        EXPECT_EQ(replied.number, kNumber) << replied.text;
      }
}

// One node whose services share a name and a key of this size, which every service repeats.
wire::Response swelling_document(std::size_t nodes, std::size_t services, std::size_t key_size) {
  wire::CborWriter node;
  node.map(3).text("Name").text("n").text("IdentityKey").bytes(Bytes(key_size, 1));
  node.text("Kaetzchen").map(services);
  for (std::size_t i = 0; i < services; ++i) node.text("courier").map(1).text("endpoint").text("e");
  wire::CborWriter document;
  document.map(2).text("Epoch").number(0x7fff'ffff);
  document.text("ServiceNodes").array(nodes);
  const Bytes packed = node.take();
  for (std::size_t i = 0; i < nodes; ++i) document.bytes(packed);
  return wire::NewPkiDocumentEvent{document.take()};
}
asio::awaitable<void> shows_swelling_documents(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  // A million services; and a thousand that would take 4 GB together.
  co_await connection->send(swelling_document(12, 90'000, 32));
  co_await connection->send(swelling_document(1, 1'000, 4'000'000));
  co_await answers_next(connection);
}

TEST(ThinAttack, DocumentThatSwells_IsNoDocument) {
  World world;
  Gave out;
  run_both(world.io, connects_and_asks(world, out), shows_swelling_documents(world));
  EXPECT_EQ(out.number, kNumber) << out.text;
  EXPECT_EQ(world.client.document()->epoch(), real_document().epoch);
}

// --- messages ---

asio::awaitable<void> sends_with_eta(World& world, std::int64_t eta) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const wire::Request request = co_await connection->receive();
  std::vector<wire::Response> answers = answers_to(request);
  std::get<wire::MessageSentEvent>(answers[0]).reply_eta = eta;
  co_await connection->send(answers[0]);
  co_await settle();
  co_await connection->send(answers[1]);
}

TEST(ThinAttack, AbsurdRoundTrips_DoNotDisturbTheReply) {
  for (const std::int64_t eta : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                                 std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
    World world;
    Gave out;
    run_both(world.io, does(world, Work::kReply, kNumber, kLong, out), sends_with_eta(world, eta));
    EXPECT_EQ(out.number, kNumber) << out.text;
  }
}

// A frame of exactly the largest size: a reply with all the payload that fits.
Bytes largest_frame(std::size_t more) {
  wire::MessageReplyEvent event;
  event.surbid = Bytes16{1};
  event.payload = Bytes(wire::kFrameMax / 2, 5);  // its head has the same size as that of the whole
  const std::size_t rest = frame_of(event).size() - event.payload->size();
  event.payload->resize(wire::kFrameHeader + wire::kFrameMax - rest);
  Bytes frame = frame_of(event);
  EXPECT_EQ(frame.size(), wire::kFrameHeader + wire::kFrameMax);
  for (std::size_t i = 0; i < more; ++i) ++frame[3];
  frame.resize(frame.size() + more);
  return frame;
}
asio::awaitable<void> sends_largest(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  Bytes fits = largest_frame(0);
  co_await connection->write(std::move(fits));
  co_await answers_next(connection);
  Bytes too_large = largest_frame(1);
  too_large.resize(1'000);  // the length is enough to know
  co_await connection->write(std::move(too_large));
  co_await connection->receive_end();
}
asio::awaitable<void> hears_largest(World& world, std::size_t& size, Gave& out) {
  const auto events = world.client.subscribe();
  must(co_await world.client.connect());
  while (size == 0) {
    const Event event = must(co_await events->next(kLong));
    if (const auto* reply = std::get_if<MessageReplyEvent>(&event))
      size = reply->reply.payload.size();
  }
  co_await asks_once(world, out);
}

TEST(ThinAttack, LargestFrame_IsReadAndALargerOneIsNot) {
  World world;
  Gave out;
  std::size_t size = 0;
  run_both(world.io, hears_largest(world, size, out), sends_largest(world));
  EXPECT_GT(size, wire::kFrameMax - 2'000);
  EXPECT_EQ(out.number, kNumber) << out.text;
}

// --- floods ---

asio::awaitable<void> floods(World& world, int rounds) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  Bytes round;
  for (const wire::Response& frame : noise(Bytes16{9})) append(round, frame_of(frame));
  for (int i = 0; i < rounds; ++i) {
    Bytes frames = round;
    co_await connection->write(std::move(frames));
  }
  co_await answers_next(connection);
}
asio::awaitable<void> asks_behind_the_flood(World& world, std::shared_ptr<Subscription> slow,
                                            Gave& out, std::size_t& waiting) {
  must(co_await world.client.connect());
  co_await asks_once(world, out);
  while (true) {
    const auto event = co_await slow->next(milliseconds(0));
    if (!event) co_return;
    waiting += std::holds_alternative<MissedEvent>(*event) ? 0 : 1;
  }
}

TEST(ThinAttack, FloodOfEverything_HoldsUpNobodyAndFillsNoQueue) {
  World world;
  Gave out;
  std::size_t waiting = 0;
  const auto slow = world.client.subscribe(8);
  run_both(world.io, asks_behind_the_flood(world, slow, out, waiting), floods(world, 200));
  EXPECT_EQ(out.number, kNumber) << out.text;
  EXPECT_EQ(waiting, 8u);
  EXPECT_GT(slow->lost(), 500u);
}

// --- a daemon that stops listening ---

// Calls whose limit passes while their frames wait are not sent later, and take no memory.
asio::awaitable<void> builds_much(World& world, Limit limit) {
  const WriteCap cap = cap_of(kNumber);
  const Bytes payload(5'000'000, kNumber);  // more than a socket holds
  const Destination destination{payload, &cap, {}};
  const auto built =
      co_await world.client.create_courier_envelopes_from_payload(destination, true, true, limit);
  require(!built, "nobody answers");
}
asio::awaitable<void> waits_a_little() { co_await turns(30); }
asio::awaitable<void> builds_in_vain(World& world, bool& gave_up, Gave& out) {
  must(co_await world.client.connect());
  co_await (builds_much(world, kLong) || waits_a_little());  // half of it is written
  for (int i = 0; i < 10; ++i) co_await builds_much(world, milliseconds(1));
  for (std::uint8_t i = 0; i < 10; ++i) {
    Got got;
    co_await writes(world, i, got, milliseconds(1));
    EXPECT_EQ(got->error().code, Errc::kOutcomeUnknown);
  }
  gave_up = true;
  co_await asks_once(world, out);
}
asio::awaitable<void> listens_late(World& world, const bool& gave_up) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  while (!gave_up) co_await settle();
  co_await connection->receive_a<wire::CreateCourierEnvelopesFromPayload>();
  co_await answers_next(connection);
}

TEST(ThinAttack, DaemonThatDoesNotRead_GetsNoRequestThatNobodyWaitsForAnyMore) {
  World world;
  bool gave_up = false;
  Gave out;
  run_both(world.io, builds_in_vain(world, gave_up, out), listens_late(world, gave_up));
  EXPECT_EQ(out.number, kNumber) << out.text;
}

constexpr int kAbandoned = 1'100;
asio::awaitable<void> abandons_many(World& world, bool& gave_up, Gave& out) {
  must(co_await world.client.connect());
  for (int i = 0; i < kAbandoned; ++i) {
    Got got;
    co_await (writes(world, kNumber, got) || waits_a_little());
  }
  gave_up = true;
  co_await asks_once(world, out);
}
asio::awaitable<void> never_answers_a_cancel(World& world, const bool& gave_up, int& cancels) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  while (!gave_up) co_await first->receive();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(resumed());
  while (true) {
    const wire::Request request = co_await second->receive();
    if (!std::holds_alternative<Cancel>(request)) {
      for (const wire::Response& answer : answers_to(request)) co_await second->send(answer);
      co_return;
    }
    ++cancels;
  }
}

TEST(ThinAttack, CancelsThatAreNeverAnswered_AreForgottenInTheEnd) {
  World world;
  bool gave_up = false;
  Gave out;
  int cancels = 0;
  run_both(world.io, abandons_many(world, gave_up, out),
           never_answers_a_cancel(world, gave_up, cancels));
  EXPECT_EQ(out.number, kNumber) << out.text;
  EXPECT_GT(cancels, 500);
  EXPECT_LE(cancels, 1'000);
}

// --- a daemon that does not answer ---

Timing impatient() {
  Timing timing = quick();
  timing.restart_silent = milliseconds(50);
  return timing;
}

// The cancel before a repetition is repeated, also after a loss.
asio::awaitable<void> ignores_a_cancel(World& world, int& cancels) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  co_await first->receive_a<Start>();
  co_await first->receive_a<Cancel>();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(resumed());
  while (true) {
    const wire::Request request = co_await second->receive();
    if (std::holds_alternative<Cancel>(request) && ++cancels == 1) continue;
    for (const wire::Response& answer : answers_to(request)) co_await second->send(answer);
  }
}

TEST(ThinAttack, UnansweredCancelOfARepetition_IsRepeated) {
  World world(impatient());
  Gave out;
  int cancels = 0;
  run_beside(world.io, does(world, Work::kWrite, kNumber, milliseconds(20'000), out),
             ignores_a_cancel(world, cancels));
  EXPECT_EQ(out.number, kNumber) << out.text;
  EXPECT_GE(cancels, 2);
}

// A message whose end is never told gives its place to other work in the end.
asio::awaitable<void> sends_then_writes(World& world, Gave& sent, Gave& written) {
  must(co_await world.client.connect());
  co_await does(world, Work::kMessage, kNumber, milliseconds(5), sent);
  co_await does(world, Work::kWrite, kNumber, kLong, written);
}
asio::awaitable<void> swallows_messages(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  co_await connection->receive_a<wire::SendMessage>();
  co_await answers_next(connection);
}

TEST(ThinAttack, MessageThatIsNeverReported_DoesNotKeepItsPlaceForEver) {
  World world(impatient(), /*starts_max=*/1);
  Gave sent, written;
  run_both(world.io, sends_then_writes(world, sent, written), swallows_messages(world));
  EXPECT_STREQ(name_of(sent.gives), "unknown");
  EXPECT_EQ(written.number, kNumber) << written.text;
}

asio::awaitable<void> replies_with_a_code(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const wire::Request request = co_await connection->receive();
  std::vector<wire::Response> answers = answers_to(request);
  std::get<wire::MessageReplyEvent>(answers[1]).error_code = 4;
  for (const wire::Response& answer : answers) co_await connection->send(answer);
}

TEST(ThinAttack, ReplyWithAnErrorCode_IsAnErrorAndNoReply) {
  World world;
  Gave out;
  run_both(world.io, does(world, Work::kReply, kNumber, kLong, out), replies_with_a_code(world));
  EXPECT_STREQ(name_of(out.gives), "temporary") << out.text;
}

// Held documents have a limit together, however large each of them is.
wire::Response large_document(std::uint64_t epoch) {
  wire::CborWriter document;
  document.map(2).text("Epoch").number(epoch).text("Padding").bytes(Bytes(25'000'000));
  return wire::NewPkiDocumentEvent{document.take()};
}
asio::awaitable<void> shows_large_documents(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch)
    co_await connection->send(large_document(0x7fff'0000 + epoch));
}
asio::awaitable<void> watches_documents(World& world,
                                        std::vector<std::weak_ptr<const Document>>& seen) {
  const auto events = world.client.subscribe();
  must(co_await world.client.connect());
  while (seen.size() < 4) {
    const Event event = must(co_await events->next(kLong));
    if (const auto* news = std::get_if<DocumentEvent>(&event)) seen.push_back(news->document);
  }
}

TEST(ThinAttack, LargeDocuments_AreNotAllKept) {
  World world;
  std::vector<std::weak_ptr<const Document>> seen;
  run_both(world.io, watches_documents(world, seen), shows_large_documents(world));
  EXPECT_TRUE(seen[0].expired());
  EXPECT_TRUE(seen[1].expired());
  EXPECT_FALSE(seen[2].expired());
  EXPECT_FALSE(seen[3].expired());
}

}  // namespace
}  // namespace taubenpost::thin

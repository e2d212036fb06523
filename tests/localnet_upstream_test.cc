// Where the daemon `upstream` differs from `robust`: each difference is seen in both.
#include "localnet_client.h"
#include "support/daemon_world.h"
#include "support/places.h"
#include "support/temp_folder.h"

namespace taubenpost::localnet {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Peer = DaemonWorld::Peer;

class BothDaemons : public ::testing::TestWithParam<bool> {
 protected:
  static bool is_upstream() { return GetParam(); }
  static DaemonBehaviour behaviour() { return is_upstream() ? kUpstreamDaemon : kRobustDaemon; }
};
INSTANTIATE_TEST_SUITE_P(Localnet, BothDaemons, ::testing::Bool(),
                         [](const auto& daemon) { return daemon.param ? "Upstream" : "Robust"; });

wire::NewKeypair keypair() { return {fresh_id(), Bytes(32, 1)}; }
bool answers(Peer& peer, const wire::NewKeypair& request = keypair()) {
  peer.send(request);
  const auto reply = peer.await(Milliseconds(0));
  return reply && wire::query_id_of(*reply) == request.query_id;
}

// No slot ever comes, until there are no slots any more.
Knobs no_slots() {
  Knobs knobs;
  knobs.slot_rate = 1e-12;
  return knobs;
}
void give_slots(Knobs& knobs) { knobs.slot_rate = 0; }
// Some seconds for every way there and back.
Knobs slow_mixnet() {
  Knobs knobs;
  knobs.hop_rate = 0.001;
  knobs.resume_grace = hours(1);
  return knobs;
}

wire::StartResendingEncryptedMessage waiting_read(Peer& peer, const Pair& pair) {
  return start_read(encrypt_read(peer, pair.read, pair.read.index()), pair.read, pair.read.index(),
                    /*wait=*/true);
}
wire::StartResendingEncryptedMessage confirmed_write(Peer& peer, const Pair& pair) {
  return start_write(encrypt_write(peer, pair.write, pair.write.index(), {1, 2, 3}), pair.write,
                     Level::kConfirmed);
}
wire::CancelResendingEncryptedMessage cancel_of(
    const wire::StartResendingEncryptedMessage& request) {
  return {fresh_id(), request.envelope_hash};
}
using CancelReply = wire::CancelResendingEncryptedMessageReply;

wire::SendMessage echo_request(const DaemonWorld& world) {
  const Service& node = world.directory().couriers().front();
  wire::SendMessage out;
  out.with_surb = true;
  out.surbid = fresh_id();
  out.destination_id_hash = node.identity_hash;
  out.recipient_queue_id = to_bytes(as_bytes("+echo"));
  out.payload = Bytes{1, 2, 3};
  return out;
}

// ---- handshake (thin-protocol 2.1) -------------------------------------------------------------

TEST_P(BothDaemons, EpochBeginsInAHandshake_OnlyUpstreamPushesTheDocument) {
  DaemonWorld world(behaviour());
  const std::uint64_t epoch = world.mix_epoch();
  while (world.mix_epoch() == epoch) world.advance(seconds(1));
  world.advance(seconds(bacap::kMixEpochSeconds - 3));
  Peer peer = world.connect();
  peer.expect<wire::ConnectionStatusEvent>();
  EXPECT_TRUE(peer.next());
  world.advance(seconds(4));
  EXPECT_EQ(peer.has_next(), is_upstream());
}

TEST_P(BothDaemons, AnswerStoredForAnAbsentClient_ComesBeforeTheSessionReplyOnlyInUpstream) {
  DaemonWorld world(behaviour(), slow_mixnet());
  const Bytes16 token = fresh_id();
  Peer first = world.connect();
  first.handshake(token);
  first.send(echo_request(world));
  first.expect<wire::MessageSentEvent>();
  first.close();
  world.advance(minutes(3));
  Peer second = world.connect();
  second.expect<wire::ConnectionStatusEvent>();
  second.expect<wire::NewPkiDocumentEvent>();
  second.send(wire::SessionToken{token});
  const auto one = second.next(), two = second.next();
  ASSERT_TRUE(one && two);
  EXPECT_EQ(std::holds_alternative<wire::MessageReplyEvent>(*one), is_upstream());
  EXPECT_EQ(std::holds_alternative<wire::MessageReplyEvent>(*two), !is_upstream());
}

TEST_P(BothDaemons, RequestRightBehindTheTokenOfAKnownSession_IsLostInUpstream) {
  DaemonWorld world(behaviour());
  const Bytes16 token = fresh_id();
  world.connect().handshake(token);
  Peer peer = world.connect();
  peer.expect<wire::ConnectionStatusEvent>();
  peer.expect<wire::NewPkiDocumentEvent>();
  peer.send_together({wire::SessionToken{token}, keypair()});
  EXPECT_TRUE(peer.expect<wire::SessionTokenReply>().resumed);
  EXPECT_EQ(peer.has_next(), !is_upstream());
  if (!is_upstream()) peer.next();
  EXPECT_TRUE(answers(peer));
}

TEST_P(BothDaemons, StartBeforeTheTokenOfAKnownSession_IsLostInUpstream) {
  DaemonWorld world(behaviour(), slow_mixnet());
  const Bytes16 token = fresh_id();
  world.connect().handshake(token);
  Peer peer = world.connect();
  peer.expect<wire::ConnectionStatusEvent>();
  peer.expect<wire::NewPkiDocumentEvent>();
  peer.send(confirmed_write(peer, Pair(3)));
  EXPECT_TRUE(peer.call<wire::SessionTokenReply>(wire::SessionToken{token}).resumed);
  EXPECT_EQ(peer.await(minutes(5)).has_value(), !is_upstream());
}

// ---- tokens (2.6) ------------------------------------------------------------------------------

TEST_P(BothDaemons, TokenOnTwoConnections_UpstreamConfusesThemUntilItIsRepeated) {
  DaemonWorld world(behaviour());
  const Bytes16 token = fresh_id();
  Peer old = world.connect();
  old.handshake(token);
  Peer fresh = world.connect();
  EXPECT_TRUE(fresh.handshake(token).resumed);
  EXPECT_TRUE(answers(fresh));
  EXPECT_EQ(old.ended(), !is_upstream());
  if (!is_upstream()) return;
  // What the old one asks, the new one is told.
  const auto request = keypair();
  EXPECT_FALSE(answers(old, request));
  EXPECT_EQ(fresh.expect<wire::NewKeypairReply>().query_id, request.query_id);
  old.close();
  EXPECT_FALSE(answers(fresh));
  EXPECT_TRUE(fresh.call<wire::SessionTokenReply>(wire::SessionToken{token}).resumed);
  EXPECT_TRUE(answers(fresh));
  world.advance(hours(1));  // no grace period runs any more
  EXPECT_TRUE(answers(fresh));
}

TEST_P(BothDaemons, ConfusedSession_IsForgottenAfterTheGracePeriod) {
  DaemonWorld world(behaviour());
  const Bytes16 token = fresh_id();
  Peer old = world.connect();
  old.handshake(token);
  Peer fresh = world.connect();
  fresh.handshake(token);
  old.close();
  world.advance(minutes(11));
  EXPECT_EQ(world.connect().handshake(token).resumed, !is_upstream());
}

TEST_P(BothDaemons, ZeroToken_IsSharedInUpstreamAndRefusedInRobust) {
  DaemonWorld world(behaviour());
  for (const bool is_second : {false, true}) {
    Peer peer = world.connect();
    peer.expect<wire::ConnectionStatusEvent>();
    peer.expect<wire::NewPkiDocumentEvent>();
    peer.send(wire::SessionToken{});
    const auto reply = peer.next();
    EXPECT_EQ(reply.has_value(), is_upstream());
    if (reply) {
      EXPECT_EQ(std::get<wire::SessionTokenReply>(*reply).resumed, is_second);
    }
    EXPECT_EQ(peer.ended(), !is_upstream());
  }
}

// ---- a client that is away (2.7) ---------------------------------------------------------------

TEST_P(BothDaemons, AnswerForAnAbsentClient_KillsTheOperationInUpstream) {
  DaemonWorld world(behaviour(), slow_mixnet());
  const Bytes16 token = fresh_id();
  Peer first = world.connect();
  first.handshake(token);
  const auto start = confirmed_write(first, Pair(3));
  first.send(start);
  first.close();
  world.advance(minutes(2));
  Peer second = world.connect();
  EXPECT_TRUE(second.handshake(token).resumed);
  const auto reply = second.await(minutes(10));
  EXPECT_EQ(reply.has_value(), !is_upstream());
  if (!is_upstream()) return;
  second.send(cancel_of(start));
  const auto last = second.expect<StartReply>();
  EXPECT_EQ(last.query_id, start.query_id);
  EXPECT_EQ(last.error_code, 24);
  EXPECT_TRUE(last.courier_identity_hash);
  second.expect<CancelReply>();
  auto again = start;
  again.query_id = fresh_id();
  const auto done = second.call<StartReply>(again);
  EXPECT_EQ(done.query_id, again.query_id);
  EXPECT_EQ(done.error_code, 0);
}

// Of all that is held in memory the part of absent clients is bounded too: who left first is
// forgotten first.
TEST_P(BothDaemons, TooManyStoredReplies_CostTheClientThatWasAwayLongest) {
  DaemonWorld world(behaviour(), slow_mixnet(), EnvelopeNike::kHybrid, 128U << 10);
  constexpr int kMessages = 20;  // of 2,574 bytes each, and what holds them
  const std::vector<Bytes16> tokens{fresh_id(), fresh_id(), fresh_id()};
  for (const Bytes16& token : tokens) {
    Peer peer = world.connect();
    peer.handshake(token);
    for (int i = 0; i < kMessages; ++i) {
      peer.send(echo_request(world));
      peer.expect<wire::MessageSentEvent>();
    }
    peer.close();
    world.advance(minutes(3));
  }
  EXPECT_FALSE(world.connect().handshake(tokens[0]).resumed);
  for (int i = 2; i > 0; --i) {
    Peer peer = world.connect();
    peer.expect<wire::ConnectionStatusEvent>();
    peer.expect<wire::NewPkiDocumentEvent>();
    peer.send(wire::SessionToken{tokens[i]});
    int replies = 0;
    while (const auto response = peer.next())
      if (const auto* session = std::get_if<wire::SessionTokenReply>(&*response))
        EXPECT_TRUE(session->resumed);
      else
        replies += std::holds_alternative<wire::MessageReplyEvent>(*response) ? 1 : 0;
    EXPECT_EQ(replies, kMessages);
  }
}

TEST_P(BothDaemons, RetransmissionForAnAbsentClient_WaitsInUpstreamUntilItIsBack) {
  DaemonWorld world(behaviour(), {.resume_grace = hours(1), .request_loss = 1});
  const Bytes16 token = fresh_id();
  Peer first = world.connect();
  first.handshake(token);
  const auto start = confirmed_write(first, Pair(3));
  first.send(start);
  first.close();
  world.set([](Knobs& knobs) { knobs.request_loss = 0; });
  world.advance(minutes(2));
  Peer second = world.connect();
  second.handshake(token);
  EXPECT_EQ(second.has_next(), !is_upstream());
  const auto reply = second.expect<StartReply>();
  EXPECT_EQ(reply.query_id, start.query_id);
  EXPECT_EQ(reply.error_code, 0);
}

TEST_P(BothDaemons, FollowUpThatWaitsForASlot_IsDroppedInUpstreamWhenItsClientLeaves) {
  DaemonWorld world(behaviour());
  const Bytes16 token = fresh_id();
  Peer first = world.connect();
  first.handshake(token);
  first.send(waiting_read(first, Pair(3)));
  world.settle();
  world.set([](Knobs& knobs) { knobs.slot_rate = 1e-12; });
  world.advance(seconds(10));  // the next look waits for a slot
  first.close();
  world.set(give_slots);
  Peer second = world.connect();
  second.handshake(token);
  Peer writer = world.connect();
  writer.handshake();
  const Pair pair(3);
  EXPECT_EQ(write_box(writer, pair.write, pair.write.index(), "late").error_code, 0);
  EXPECT_EQ(second.await(minutes(20)).has_value(), !is_upstream());
}

TEST_P(BothDaemons, StartThatWaitsForASlot_IsDroppedInUpstreamWhenItsClientLeaves) {
  DaemonWorld world(behaviour(), no_slots());
  const Bytes16 token = fresh_id();
  Peer first = world.connect();
  first.handshake(token);
  first.send(confirmed_write(first, Pair(3)));
  first.close();
  Peer second = world.connect();
  second.handshake(token);
  world.set(give_slots);
  EXPECT_EQ(second.await(minutes(5)).has_value(), !is_upstream());
}

TEST_P(BothDaemons, Shutdown_TheStreamEndsAtOnceOnlyInUpstream) {
  DaemonWorld world(behaviour(), {.farewell = hours(1)});
  Peer peer = world.connect();
  peer.handshake();
  peer.send(waiting_read(peer, Pair(3)));
  world.shut_down();
  peer.expect<wire::ShutdownEvent>();
  EXPECT_FALSE(peer.has_next());
  EXPECT_EQ(peer.ended(), is_upstream());
}

// ---- what arrives (1.6, 8.4, 8.14, 8.17) -------------------------------------------------------

// {"new_keypair": {"query_id": ID, "seed": SEED}}
Bytes keypair_body(ByteView id, ByteView seed) {
  const auto text = [](Bytes& out, std::string_view word) {
    out.push_back(static_cast<std::uint8_t>(0x60 + word.size()));
    append(out, as_bytes(word));
  };
  const auto bytes = [](Bytes& out, ByteView value) {
    append(out, Bytes{0x58, static_cast<std::uint8_t>(value.size())});
    append(out, value);
  };
  Bytes out{0xa1};
  text(out, "new_keypair");
  out.push_back(0xa2);
  text(out, "query_id");
  bytes(out, id);
  text(out, "seed");
  bytes(out, seed);
  return out;
}

TEST_P(BothDaemons, IdOfAWrongLength_IsPaddedOrCutInUpstreamAndRefusedInRobust) {
  DaemonWorld world(behaviour());
  for (const std::size_t size : {15U, 17U, 0U}) {
    Peer peer = world.connect();
    peer.handshake();
    peer.send_body(keypair_body(Bytes(size, 7), Bytes(32, 1)));
    const auto reply = peer.expect<wire::NewKeypairReply>();
    EXPECT_EQ(reply.error_code, is_upstream() ? 0 : 3);
    Bytes16 padded{};
    std::fill_n(padded.begin(), std::min<std::size_t>(size, 16), 7);
    EXPECT_EQ(reply.query_id, is_upstream() ? std::optional(padded) : std::nullopt);
  }
}

TEST_P(BothDaemons, MalformedRequest_EndsTheConnectionInUpstreamAndGetsThreeInRobust) {
  DaemonWorld world(behaviour());
  Peer peer = world.connect();
  peer.handshake();
  Bytes body = keypair_body(Bytes(16, 7), Bytes(32, 1));
  body.resize(body.size() - 34);
  body.push_back(0x01);  // the seed is a number
  peer.send_body(body);
  const auto reply = peer.next();
  EXPECT_EQ(reply.has_value(), !is_upstream());
  if (reply) {
    EXPECT_EQ(std::get<wire::NewKeypairReply>(*reply).error_code, 3);
  }
  EXPECT_EQ(peer.ended(), is_upstream());
}

TEST_P(BothDaemons, FrameThatEndsTheRealProcess_EndsAtMostItsConnection) {
  DaemonWorld world(behaviour());
  Peer other = world.connect();
  other.handshake();
  for (const std::uint8_t nothing : {0xf6, 0xf7}) {
    Peer peer = world.connect();
    peer.handshake();
    peer.send_body(Bytes{nothing});
    EXPECT_EQ(peer.ended(), is_upstream());
    EXPECT_TRUE(answers(other));
  }
}

TEST_P(BothDaemons, MessageThatEndsTheRealProcess_GetsAnError) {
  DaemonWorld world(behaviour());
  Peer peer = world.connect();
  peer.handshake();
  for (const bool is_known : {true, false}) {
    auto message = echo_request(world);
    message.surbid.reset();
    if (!is_known) message.destination_id_hash = Bytes32{};
    EXPECT_FALSE(peer.call<wire::MessageSentEvent>(message).err.value.empty());
    world.advance(minutes(1));
    EXPECT_TRUE(answers(peer));
  }
}

// ---- the queue of a connection (3.0, 3.5, 6.4, 8.5) --------------------------------------------

TEST_P(BothDaemons, SeventeenWaitingStarts_BlockTheReaderOfUpstream) {
  DaemonWorld world(behaviour(), no_slots());
  Peer peer = world.connect(), other = world.connect();
  peer.handshake();
  other.handshake();
  for (int started = 1; started <= 17; ++started) {
    peer.send(confirmed_write(peer, Pair(static_cast<std::uint8_t>(started))));
    if (started == 16) {
      EXPECT_TRUE(answers(peer));
    }
  }
  const auto request = keypair();
  EXPECT_EQ(answers(peer, request), !is_upstream());
  EXPECT_TRUE(answers(other));
  world.set(give_slots);
  world.advance(minutes(1));
  std::size_t written = 0, made = 0;
  while (const auto reply = peer.next()) {
    if (std::holds_alternative<StartReply>(*reply)) ++written;
    if (wire::query_id_of(*reply) == request.query_id) ++made;
  }
  EXPECT_EQ(written, 17U);
  EXPECT_EQ(made, is_upstream() ? 1U : 0U);
}

TEST_P(BothDaemons, EmptyRequests_FillTheQueueOfUpstream) {
  DaemonWorld world(behaviour(), no_slots());
  Peer peer = world.connect();
  peer.handshake();
  for (int i = 0; i < 17; ++i) peer.send_body(Bytes{0xa0});
  EXPECT_EQ(answers(peer), !is_upstream());
}

TEST_P(BothDaemons, FaultyStart_IsRefusedInItsSlotInUpstream) {
  DaemonWorld world(behaviour(), no_slots());
  Peer peer = world.connect();
  peer.handshake();
  auto start = confirmed_write(peer, Pair(3));
  start.envelope_hash.reset();
  peer.send(start);
  auto message = echo_request(world);
  message.destination_id_hash.reset();
  peer.send(message);
  EXPECT_EQ(peer.has_next(), !is_upstream());
  world.set(give_slots);
  const auto reply = peer.expect<StartReply>();
  EXPECT_EQ(reply.error_code, 3);
  EXPECT_FALSE(reply.courier_identity_hash);
  EXPECT_FALSE(peer.expect<wire::MessageSentEvent>().err.value.empty());
}

TEST_P(BothDaemons, CancelOfAWaitingStart_IsWithoutEffectInUpstream) {
  DaemonWorld world(behaviour(), no_slots());
  Peer peer = world.connect();
  peer.handshake();
  const auto start = confirmed_write(peer, Pair(3));
  peer.send(start);
  peer.send(cancel_of(start));
  if (!is_upstream()) {
    EXPECT_EQ(peer.expect<StartReply>().error_code, 24);
  }
  EXPECT_EQ(peer.expect<CancelReply>().error_code, 0);
  world.set(give_slots);
  if (is_upstream()) {
    EXPECT_EQ(peer.expect<StartReply>().error_code, 0);
  }
  EXPECT_FALSE(peer.await(minutes(1)));
}

// ---- reads, documents (3.5, 3.11) --------------------------------------------------------------

TEST_P(BothDaemons, ReadWithoutItsIndex_RunsInUpstreamAndIsRefusedInRobust) {
  DaemonWorld world(behaviour());
  Peer peer = world.connect();
  peer.handshake();
  const Pair pair(3);
  ASSERT_EQ(write_box(peer, pair.write, pair.write.index(), "text").error_code, 0);
  const std::pair<wire::OptBytes, int> indices[] = {{std::nullopt, 4}, {Bytes(50), 23}};
  for (const auto& [index, code] : indices) {
    auto start =
        start_read(encrypt_read(peer, pair.read, pair.read.index()), pair.read, pair.read.index());
    start.message_box_index = index;
    const auto reply = peer.call<StartReply>(start);
    EXPECT_EQ(reply.error_code, is_upstream() ? code : 3);
    EXPECT_EQ(reply.courier_identity_hash.has_value(), is_upstream());
  }
}

TEST_P(BothDaemons, DocumentThatIsNotThere_IsNullInUpstreamAndEmptyInRobust) {
  DaemonWorld world(behaviour());
  Peer peer = world.connect();
  peer.handshake();
  const auto reply = peer.call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{fresh_id(), 5});
  EXPECT_EQ(reply.error_code, 10);
  EXPECT_EQ(reply.payload, is_upstream() ? wire::OptBytes() : wire::OptBytes(Bytes()));
}

// ---- operations (6.4, 8.12) --------------------------------------------------------------------

TEST_P(BothDaemons, CancelByAnother_EndsTheOperationOnlyInUpstreamAndIsTheCancellersToHear) {
  DaemonWorld world(behaviour());
  Peer owner = world.connect(), other = world.connect();
  owner.handshake();
  other.handshake();
  const auto start = waiting_read(owner, Pair(3));
  owner.send(start);
  world.settle();
  other.send(cancel_of(start));
  if (is_upstream()) {
    const auto last = other.expect<StartReply>();
    EXPECT_EQ(last.query_id, start.query_id);
    EXPECT_EQ(last.error_code, 24);
  }
  EXPECT_EQ(other.expect<CancelReply>().error_code, 0);
  const Pair pair(3);
  EXPECT_EQ(write_box(other, pair.write, pair.write.index(), "late").error_code, 0);
  EXPECT_EQ(owner.await(minutes(10)).has_value(), !is_upstream());
}

TEST_P(BothDaemons, SecondStartOfAnOperation_RunsBesideItInUpstream) {
  DaemonWorld world(behaviour());
  Peer peer = world.connect();
  peer.handshake();
  const Pair pair(3);
  const auto first = waiting_read(peer, pair);
  auto second = first;
  second.query_id = fresh_id();
  peer.send(first);
  peer.send(second);
  peer.send(cancel_of(first));
  // Robust has one operation, which both share.
  if (!is_upstream()) {
    EXPECT_EQ(peer.expect<StartReply>().query_id, first.query_id);
  }
  EXPECT_EQ(peer.expect<StartReply>().query_id, second.query_id);
  peer.expect<CancelReply>();
  if (!is_upstream()) return;
  peer.send(cancel_of(first));  // its hash is gone
  peer.expect<CancelReply>();
  peer.send(start_write(encrypt_write(peer, pair.write, pair.write.index(), {1}), pair.write,
                        Level::kAcknowledged));
  peer.expect<StartReply>();
  const auto read = peer.expect<StartReply>();
  EXPECT_EQ(read.query_id, first.query_id);
  EXPECT_EQ(read.error_code, 0);
}

// ---- names -------------------------------------------------------------------------------------

struct Field {
  const char* name;
  bool DaemonBehaviour::* value;
};
#define TP_FIELD(name) {#name, &DaemonBehaviour::name}
constexpr Field kFields[] = {TP_FIELD(waits_for_document),
                             TP_FIELD(pushes_in_handshake),
                             TP_FIELD(pushes_declared_order),
                             TP_FIELD(stored_replies_first),
                             TP_FIELD(loses_early_requests),
                             TP_FIELD(hopes_for_link),
                             TP_FIELD(replies_follow_token),
                             TP_FIELD(shares_zero_token),
                             TP_FIELD(absence_kills_operations),
                             TP_FIELD(ends_without_farewell),
                             TP_FIELD(hangs_up_on_malformed),
                             TP_FIELD(pads_ids),
                             TP_FIELD(queues_unread),
                             TP_FIELD(takes_any_read_index),
                             TP_FIELD(null_without_document),
                             TP_FIELD(anybody_cancels),
                             TP_FIELD(runs_every_start)};
static_assert(std::size(kFields) * sizeof(bool) == sizeof(DaemonBehaviour), "a field is missing");

TEST(DaemonBehaviours, EveryField_DiffersAndHasARowInThePage) {
  const std::string page = content_of(in_source("docs/localnet.md"));
  for (const Field& field : kFields) {
    EXPECT_FALSE(kRobustDaemon.*field.value) << field.name;
    EXPECT_TRUE(kUpstreamDaemon.*field.value) << field.name;
    EXPECT_NE(page.find("| `" + std::string(field.name) + "` | "), std::string::npos) << field.name;
  }
}

TEST(DaemonBehaviours, Name_IsRobustOrUpstream) {
  EXPECT_FALSE(daemon_behaviour("robust")->queues_unread);
  EXPECT_TRUE(daemon_behaviour("upstream")->queues_unread);
  const auto unknown = daemon_behaviour("Upstream");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::kUsage);
}

}  // namespace
}  // namespace taubenpost::localnet

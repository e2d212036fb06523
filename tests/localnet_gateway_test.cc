// A daemon without a link to the mixnet, both behaviours (thin-protocol 2.2 and 6.10).
#include "localnet_client.h"
#include "support/daemon_world.h"

namespace taubenpost::localnet {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Peer = DaemonWorld::Peer;

class LocalnetGateway : public ::testing::TestWithParam<bool> {
 protected:
  explicit LocalnetGateway(const Knobs& knobs = {}) : world_(behaviour(), knobs) {}
  static bool is_upstream() { return GetParam(); }
  static DaemonBehaviour behaviour() { return is_upstream() ? kUpstreamDaemon : kRobustDaemon; }
  void go_down() {
    world_.set([](Knobs& knobs) { knobs.gateway_down = true; });
  }
  void come_up() {
    world_.set([](Knobs& knobs) { knobs.gateway_down = false; });
  }
  Peer connect() {
    Peer peer = world_.connect();
    peer.handshake();
    return peer;
  }
  // Nothing comes for `limit`, not even a document.
  static bool is_silent(Peer& peer, Milliseconds limit) { return !peer.await_body(limit); }

  DaemonWorld world_;
};
struct NeverUp : LocalnetGateway {
  NeverUp() : LocalnetGateway(Knobs{.gateway_down = true}) {}
};
std::string name_of(const testing::TestParamInfo<bool>& daemon) {
  return daemon.param ? "Upstream" : "Robust";
}
INSTANTIATE_TEST_SUITE_P(Daemon, LocalnetGateway, ::testing::Bool(), name_of);
INSTANTIATE_TEST_SUITE_P(Daemon, NeverUp, ::testing::Bool(), name_of);

TEST_P(LocalnetGateway, LinkThatGoesAndComes_IsToldWithADocumentAtItsReturn) {
  Peer peer = connect();
  go_down();
  EXPECT_FALSE(peer.expect<wire::ConnectionStatusEvent>().is_connected);
  go_down();
  EXPECT_TRUE(is_silent(peer, minutes(45))) << "no new document is fetched";
  come_up();
  EXPECT_TRUE(peer.expect<wire::ConnectionStatusEvent>().is_connected);
  EXPECT_TRUE(peer.expect<wire::NewPkiDocumentEvent>().payload);
}

TEST_P(LocalnetGateway, HandshakeMeanwhile_HasTheLastDocument) {
  go_down();
  Peer peer = world_.connect();
  EXPECT_FALSE(peer.expect<wire::ConnectionStatusEvent>().is_connected);
  EXPECT_TRUE(peer.expect<wire::NewPkiDocumentEvent>().payload);
}

TEST_P(LocalnetGateway, Starts_WaitInSilenceAndRunAfterwards) {
  Peer peer = connect();
  const Pair pair(3);
  go_down();
  peer.expect<wire::ConnectionStatusEvent>();
  peer.send(start_write(encrypt_write(peer, pair.write, pair.write.index(), {1, 2}), pair.write,
                        Level::kConfirmed));
  EXPECT_TRUE(is_silent(peer, minutes(5)));
  come_up();
  peer.expect<wire::ConnectionStatusEvent>();
  EXPECT_EQ(peer.expect<StartReply>().error_code, 0);
}

TEST_P(LocalnetGateway, AnswerUnderWay_WaitsAtTheGateway) {
  world_.set([](Knobs& knobs) { knobs.hop_rate = 0.01; });
  Peer peer = connect();
  const Pair pair(3);
  peer.send(start_write(encrypt_write(peer, pair.write, pair.write.index(), {1, 2}), pair.write,
                        Level::kAcknowledged));
  world_.advance(Milliseconds(10));
  go_down();
  peer.expect<wire::ConnectionStatusEvent>();
  EXPECT_TRUE(is_silent(peer, seconds(15)));
  come_up();
  peer.expect<wire::ConnectionStatusEvent>();
  peer.expect<wire::NewPkiDocumentEvent>();
  const auto reply = peer.await<StartReply>(Milliseconds(100));
  ASSERT_TRUE(reply && std::holds_alternative<StartReply>(*reply));
  EXPECT_EQ(std::get<StartReply>(*reply).error_code, 0);
}

TEST_P(LocalnetGateway, LocalCalls_GoOnUntilNoDocumentIsInForce) {
  Peer peer = connect();
  const Pair pair(3);
  go_down();
  peer.expect<wire::ConnectionStatusEvent>();
  const auto encrypt = [&] { return encrypt_write(peer, pair.write, pair.write.index(), {1}); };
  EXPECT_EQ(encrypt().error_code, 0);
  const std::uint64_t epoch = world_.mix_epoch();
  // The next epoch's document is there already, and one epoch more it serves as the previous one.
  while (world_.mix_epoch() < epoch + 2) world_.advance(seconds(10));
  EXPECT_EQ(encrypt().error_code, 0);
  while (world_.mix_epoch() < epoch + 3) world_.advance(seconds(10));
  peer.send(
      wire::EncryptWrite{fresh_id(), Bytes{1}, bytes_of(pair.write), pair.write.index().bytes()});
  EXPECT_TRUE(is_silent(peer, Milliseconds(3'900))) << "it tries to fetch one";
  EXPECT_EQ(peer.expect<wire::EncryptWriteReply>().error_code, 4);
  EXPECT_EQ(peer.call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{fresh_id(), 0}).error_code,
            10);
  EXPECT_EQ(peer.call<wire::NewKeypairReply>(wire::NewKeypair{fresh_id(), Bytes(32, 1)}).error_code,
            0);
}

TEST_P(NeverUp, Handshake_HasNoDocumentAndUpstreamHopesForALink) {
  Peer peer = world_.connect();
  EXPECT_EQ(peer.expect<wire::ConnectionStatusEvent>().is_connected, is_upstream());
  EXPECT_FALSE(peer.expect<wire::NewPkiDocumentEvent>().payload);
  peer.call<wire::SessionTokenReply>(wire::SessionToken{fresh_id()});
  come_up();
  EXPECT_TRUE(peer.expect<wire::ConnectionStatusEvent>().is_connected);
  EXPECT_TRUE(peer.expect<wire::NewPkiDocumentEvent>().payload);
}

// ---- the first document (2.1) ------------------------------------------------------------------

TEST_P(NeverUp, Handshake_WaitsForADocumentOnlyInUpstream) {
  Peer peer = world_.connect();
  EXPECT_EQ(is_silent(peer, Milliseconds(29'900)), is_upstream());
  if (!is_upstream()) return;
  const auto status = peer.await<wire::NewPkiDocumentEvent>(Milliseconds(200));
  ASSERT_TRUE(status);
  EXPECT_TRUE(std::get<wire::ConnectionStatusEvent>(*status).is_connected);
  EXPECT_FALSE(peer.expect<wire::NewPkiDocumentEvent>(Milliseconds(0)).payload);
}

TEST_P(NeverUp, ClientThatHasGone_CostsTheNextOneThirtySecondsInUpstream) {
  world_.connect().close();
  Peer next = world_.connect();
  EXPECT_EQ(is_silent(next, Milliseconds(59'900)), is_upstream());
  if (is_upstream()) next.expect<wire::ConnectionStatusEvent>(Milliseconds(200));
}

TEST_P(NeverUp, DocumentThatComesMeanwhile_EndsTheWaitOfAll) {
  Peer first = world_.connect(), second = world_.connect();
  world_.advance(seconds(5));
  come_up();
  for (Peer* peer : {&first, &second}) {
    const auto status = peer->await<wire::NewPkiDocumentEvent>(Milliseconds(200));
    ASSERT_TRUE(status);
    EXPECT_EQ(std::holds_alternative<wire::ConnectionStatusEvent>(*status), true);
    EXPECT_EQ(!!peer->expect<wire::NewPkiDocumentEvent>(Milliseconds(0)).payload, is_upstream());
  }
}

TEST_P(NeverUp, ShutdownMeanwhile_EndsEveryConnectionOfUpstream) {
  if (!is_upstream()) return;
  Peer first = world_.connect(), second = world_.connect();
  world_.shut_down();
  EXPECT_TRUE(first.ended());
  EXPECT_TRUE(second.ended());
}

// ---- limits ------------------------------------------------------------------------------------

TEST_P(LocalnetGateway, MessagesThatWaitForASlot_AreLimitedInRobust) {
  if (is_upstream()) return;  // it stops reading long before
  Peer peer = connect();
  go_down();
  peer.expect<wire::ConnectionStatusEvent>();
  wire::SendMessage message;
  message.with_surb = true;
  message.surbid = fresh_id();
  message.destination_id_hash = world_.directory().couriers().front().identity_hash;
  message.recipient_queue_id = to_bytes(as_bytes("+echo"));
  for (std::size_t i = 0; i < Client::kOperationsMax; ++i) peer.send(message);
  EXPECT_FALSE(peer.has_next());
  peer.send(message);
  EXPECT_EQ(peer.expect<wire::MessageSentEvent>(Milliseconds(0)).err.value,
            "too many requests wait");
}

}  // namespace
}  // namespace taubenpost::localnet

// The limits of the daemon front that docs/localnet.md names, in virtual time. Those on memory are
// in localnet_control_test.cc and localnet_upstream_test.cc, those on frames in
// localnet_daemon_test.cc, that on messages that wait for a slot in localnet_gateway_test.cc.
#include "support/daemon_world.h"

namespace taubenpost::localnet {
namespace {

class LocalnetLimits : public ::testing::Test {
 protected:
  using Peer = DaemonWorld::Peer;

  // A session that ends with its connection, and can be resumed.
  void leave_behind(const Bytes16& token) {
    Peer peer = world_.connect();
    EXPECT_FALSE(peer.handshake(token).resumed);
    peer.close();
  }
  // Whether a connection with this token gets an answer to it.
  bool is_let_in(const Bytes16& token) {
    Peer peer = world_.connect();
    peer.expect<wire::ConnectionStatusEvent>();
    peer.expect<wire::NewPkiDocumentEvent>();
    peer.send(wire::SessionToken{token});
    const bool has_answer = peer.has_next();
    EXPECT_EQ(peer.ended(), !has_answer);
    return has_answer;
  }

  DaemonWorld world_{kRobustDaemon};
};

TEST_F(LocalnetLimits, OneConnectionTooMany_IsClosedAtOnce) {
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < Daemon::kSessionsMax; ++i) peers.push_back(world_.connect());
  Peer extra = world_.connect();
  EXPECT_FALSE(extra.has_next());
  EXPECT_TRUE(extra.ended());
  for (Peer& peer : peers) EXPECT_FALSE(peer.ended());
  peers.back().close();
  Peer next = world_.connect();
  next.expect<wire::ConnectionStatusEvent>();
}

TEST_F(LocalnetLimits, OneSessionTooMany_IsClosedUntilOneIsForgotten) {
  const Bytes16 first = random_array<16>(), extra = random_array<16>();
  leave_behind(first);
  for (std::size_t i = 1; i < Daemon::kTokensMax; ++i) leave_behind(random_array<16>());
  EXPECT_FALSE(is_let_in(extra));
  EXPECT_TRUE(is_let_in(first)) << "it is remembered";
  world_.advance(Knobs{}.resume_grace);
  EXPECT_TRUE(is_let_in(extra));
}

TEST_F(LocalnetLimits, OneOperationTooMany_IsRefusedWithFour) {
  Peer peer = world_.connect();
  peer.handshake();
  const auto cap = cap_of(1);
  const auto index = cap.index();
  const auto envelope = peer.call<wire::EncryptReadReply>(
      wire::EncryptRead{random_array<16>(), cap.read_cap().bytes(), index.bytes()});
  world_.set([](Knobs& knobs) { knobs.courier_down = {0, 1, 2}; });
  wire::StartResendingEncryptedMessage start;
  start.read_cap = cap.read_cap().bytes();
  start.message_box_index = to_bytes(index.bytes());
  start.message_ciphertext = envelope.message_ciphertext;
  start.envelope_descriptor = envelope.envelope_descriptor;
  const auto begin = [&] {
    start.query_id = random_array<16>();
    start.envelope_hash = random_array<32>();
    peer.send(start);
  };
  for (std::size_t i = 0; i < Client::kOperationsMax; ++i) begin();
  EXPECT_FALSE(peer.has_next());
  begin();
  const auto refused = peer.expect<wire::StartResendingEncryptedMessageReply>(Milliseconds(0));
  EXPECT_EQ(refused.query_id, start.query_id);
  EXPECT_EQ(refused.error_code, 4);
  EXPECT_FALSE(refused.courier_identity_hash);
}

TEST_F(LocalnetLimits, MessagesForAClientThatIsAway_AreKeptUpToAThousand) {
  world_.set([](Knobs& knobs) { knobs.hop_rate = 0.005; });
  const Bytes16 token = random_array<16>();
  Peer peer = world_.connect();
  peer.handshake(token);
  wire::SendMessage message;
  message.with_surb = true;
  message.destination_id_hash = world_.directory().couriers().front().identity_hash;
  message.recipient_queue_id = to_bytes(as_bytes("+echo"));
  for (std::size_t i = 0; i < Client::kStoredMessagesMax + 1; ++i) {
    message.surbid = random_array<16>();
    peer.send(message);
  }
  peer.close();
  world_.advance(Milliseconds(60'000));
  Peer back = world_.connect();
  EXPECT_TRUE(back.handshake(token).resumed);
  std::size_t replies = 0;
  while (const auto response = back.next())
    replies += std::holds_alternative<wire::MessageReplyEvent>(*response) ? 1 : 0;
  EXPECT_EQ(replies, Client::kStoredMessagesMax);
}

}  // namespace
}  // namespace taubenpost::localnet

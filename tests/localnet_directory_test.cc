// What the directory says under the knobs, and what the daemon makes of it, in virtual time.
#include "localnet/envelopes.h"
#include "support/network_world.h"
#include "wire/pki.h"

namespace taubenpost::localnet {
namespace {

class LocalnetDirectory : public ::testing::Test {
 protected:
  LocalnetDirectory() {
    world_.network().on_new_document([this] { ++told_; });
  }
  const Context& context() { return world_.network().context(); }
  wire::PkiDocument document() {
    return wire::parse_pki_document(
               context().directory.document(context().mix_epoch(), context().knobs))
        .value();
  }
  // "CAPABILITY NODE" of each.
  std::set<std::string> services() {
    std::set<std::string> out;
    for (const auto& service : document().services)
      out.insert(service.capability + " " + service.node);
    return out;
  }
  // What comes of a message to a service of the first node.
  std::vector<wire::Response> message_to(const std::string& queue_id) {
    std::vector<wire::Response> seen;
    Client client(context());
    client.attach([&](const wire::Response& response) { seen.push_back(response); });
    wire::SendMessage request;
    request.with_surb = true;
    request.id = request.surbid = Bytes16{1};
    request.destination_id_hash = context().directory.couriers()[0].identity_hash;
    request.recipient_queue_id = to_bytes(as_bytes(queue_id));
    request.payload = Bytes{1, 2, 3};
    client.send(request);
    world_.advance(Milliseconds(60'000));
    return seen;
  }

  NetworkWorld world_;
  const bacap::WriteCap cap_ = cap_of(5), temporary_ = cap_of(6);
  int told_ = 0;
};

TEST_F(LocalnetDirectory, ReplicaThatIsDown_IsConfiguredButNotOnline) {
  EXPECT_EQ(document().replicas.size(), NetworkSize().replicas());
  world_.set([](Knobs& knobs) { knobs.replica_down = {1, 3}; });
  const auto shown = document();
  std::set<int> online;
  for (const auto& replica : shown.replicas) online.insert(replica.id);
  EXPECT_EQ(online, (std::set<int>{0, 2, 4}));
  EXPECT_EQ(shown.configured_replica_ids, (Bytes{0, 1, 2, 3, 4}));
  EXPECT_EQ(shown.configured_replica_keys.size(), NetworkSize().replicas());
}

// Pigeonhole 4.3, "replica selection by the client".
TEST_F(LocalnetDirectory, Intermediates_AreOfThoseThatAreListed) {
  const Box box = make_box(context().directory.geometry(), cap_, cap_.index(), Bytes{1});
  const auto shards = context().directory.shards_of(box.id);
  std::vector<std::uint8_t> others;
  for (std::uint8_t id = 0; context().directory.has_replica(id); ++id)
    if (std::find(shards.begin(), shards.end(), id) == shards.end()) others.push_back(id);
  const auto chosen = [&](std::set<std::uint8_t> down) {
    Knobs knobs = world_.network().knobs();
    knobs.replica_down = std::move(down);
    world_.network().set_knobs(knobs);
    std::set<std::set<int>> pairs;
    for (int i = 0; i < 64; ++i) {
      const auto two =
          build_envelope(context(), box.id, bacap::ReplicaWrite{box}).envelope.intermediates;
      EXPECT_NE(two[0], two[1]);
      pairs.insert({two[0], two[1]});
    }
    return pairs;
  };
  using Pairs = std::set<std::set<int>>;
  const int a = others[0], b = others[1], c = others[2], first = shards[0], second = shards[1];
  EXPECT_EQ(chosen({}), (Pairs{{a, b}, {a, c}, {b, c}}));
  EXPECT_EQ(chosen({others[0]}), (Pairs{{b, c}}));
  EXPECT_EQ(chosen({shards[0]}), (Pairs{{a, b}, {a, c}, {b, c}}));
  EXPECT_EQ(chosen({others[0], others[1]}), (Pairs{{first, second}, {first, c}}));
  EXPECT_EQ(chosen({shards[0], others[0]}), (Pairs{{second, b}, {second, c}}));
  EXPECT_EQ(chosen({others[0], others[1], others[2]}), (Pairs{{first, second}}));
  // Nothing that the real daemon would make.
  EXPECT_EQ(chosen({shards[0], shards[1]}), (Pairs{{a, b}, {a, c}, {b, c}}));
}

TEST_F(LocalnetDirectory, Knobs_TellOfANewDocumentIfTheyMadeOne) {
  world_.set([](Knobs& knobs) { knobs.reply_loss = 0.5; });
  world_.set([](Knobs& knobs) { knobs.courier_down = {1}; });
  EXPECT_EQ(told_, 0);
  world_.set([](Knobs& knobs) { knobs.replica_down = {1}; });
  EXPECT_EQ(told_, 1);
  world_.set([](Knobs& knobs) { knobs.courier_unlisted = {0}; });
  world_.set([](Knobs& knobs) { knobs.services["spool"] = 1; });
  world_.set([](Knobs& knobs) { knobs.hop_rate = 0.25; });
  EXPECT_EQ(told_, 4);
  world_.set([](Knobs&) {});
  EXPECT_EQ(told_, 4);
}

TEST_F(LocalnetDirectory, UnlistedCourier_IsChosenNoMore) {
  world_.set([](Knobs& knobs) { knobs.courier_unlisted = {0, 2}; });
  EXPECT_EQ(services(), (std::set<std::string>{"courier servicenode2", "echo servicenode1",
                                               "echo servicenode2", "echo servicenode3"}));
  // Only the listed one could answer.
  world_.set([](Knobs& knobs) { knobs.courier_down = {0, 2}; });
  auto index = cap_.index();
  for (int i = 0; i < 8; ++i, index = index.next().value())
    EXPECT_EQ(world_.write(cap_, index, "hello", WriteLevel::kAcknowledged, Milliseconds(100)), 0);
  world_.upload(temporary_, cap_of(7), "letter");
  EXPECT_EQ(world_.copy_again(temporary_, 0).error_code, 4);
  EXPECT_EQ(world_.copy_again(temporary_, 1).error_code, 0);
}

TEST_F(LocalnetDirectory, UnlistedCourier_AnswersWhatRunsAlready) {
  world_.set([](Knobs& knobs) { knobs.courier_down = {0, 1, 2}; });
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello", WriteLevel::kConfirmed, Milliseconds(100)),
            255);
  world_.set([](Knobs& knobs) {
    knobs.courier_down = {};
    knobs.courier_unlisted = {0, 1, 2};
  });
  world_.advance(Milliseconds(120'000));
  EXPECT_EQ(world_.last_code(), 0);
  EXPECT_EQ(world_.write(cap_, cap_.index().next().value(), "nobody"), 4);
}

TEST_F(LocalnetDirectory, Services_AreListedWithSoManyProviders) {
  world_.set([](Knobs& knobs) { knobs.services = {{"spool", 2}, {"keyserver", 1}}; });
  EXPECT_EQ(services(), (std::set<std::string>{"courier servicenode1", "courier servicenode2",
                                               "courier servicenode3", "keyserver servicenode1",
                                               "spool servicenode1", "spool servicenode2"}));
}

TEST_F(LocalnetDirectory, Messages_AreAnsweredByEchoAlone) {
  world_.set([](Knobs& knobs) { knobs.services = {{"echo", 1}, {"spool", 1}}; });
  const auto echo = message_to("+echo");
  ASSERT_EQ(echo.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<wire::MessageReplyEvent>(echo[1]));
  const auto spool = message_to("+spool");
  ASSERT_EQ(spool.size(), 1U);
  EXPECT_EQ(std::get<wire::MessageSentEvent>(spool[0]).err.value, "");
  const auto nobody = message_to("+keyserver");
  ASSERT_EQ(nobody.size(), 1U);
  EXPECT_EQ(std::get<wire::MessageSentEvent>(nobody[0]).err.value, "no such service");
}

}  // namespace
}  // namespace taubenpost::localnet

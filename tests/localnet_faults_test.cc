// Faults of the model in virtual time: loss, outages, lag, full storage, clean-up, restarts.
#include "bacap/epochs.h"
#include "support/network_world.h"

namespace taubenpost::localnet {
namespace {

constexpr Milliseconds kShort{60'000};

class LocalnetFaults : public ::testing::Test {
 protected:
  // The shards of the first box of `cap_`.
  std::vector<ReplicaId> shards() {
    return world_.network().context().directory.shards_of(
        bacap::box_id(cap_.read_cap().root_key(), cap_.index()).value());
  }
  void down(std::set<std::uint8_t> replicas) {
    Knobs knobs = world_.network().knobs();
    knobs.replica_down = std::move(replicas);
    world_.network().set_knobs(knobs);
  }

  void silent(std::set<std::uint8_t> replicas) {
    Knobs knobs = world_.network().knobs();
    knobs.replica_silent = std::move(replicas);
    world_.network().set_knobs(knobs);
  }

  NetworkWorld world_;
  const bacap::WriteCap cap_ = cap_of(5);
  const bacap::WriteCap temporary_ = cap_of(6);
};

TEST_F(LocalnetFaults, WithoutFaults_AWriteIsRead) {
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello"), 0);
  const auto got = world_.read(cap_, cap_.index());
  EXPECT_EQ(got.code, 0);
  EXPECT_EQ(got.text, "hello");
  EXPECT_EQ(world_.audit().retransmissions, 0U);
}

TEST_F(LocalnetFaults, LostPackets_AreSentAgainUntilOneArrives) {
  world_.set([](Knobs& knobs) { knobs.request_loss = 1; });
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello", WriteLevel::kAcknowledged, kShort), 255);
  EXPECT_GE(world_.audit().retransmissions, 2U);
  EXPECT_EQ(world_.audit().boxes_stored, 0U);
  world_.set([](Knobs& knobs) {
    knobs.request_loss = 0;
    knobs.reply_loss = 0.5;
  });
  EXPECT_EQ(world_.write(cap_, cap_.index().next().value(), "again"), 0);
  EXPECT_EQ(world_.read(cap_, cap_.index().next().value()).text, "again");
}

TEST_F(LocalnetFaults, CourierThatIsDown_DoesNotAnswerUntilItIsBack) {
  world_.set([](Knobs& knobs) { knobs.courier_down = {0, 1, 2}; });
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello", WriteLevel::kConfirmed, kShort), 255);
  world_.set([](Knobs& knobs) { knobs.courier_down = {}; });
  world_.advance(kShort);
  EXPECT_EQ(world_.read(cap_, cap_.index()).text, "hello");
}

TEST_F(LocalnetFaults, ShardThatIsDown_GetsTheBoxWhenItIsBack) {
  down({shards()[0]});
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello"), 0);
  EXPECT_EQ(world_.audit().boxes_stored, 1U);
  down({});
  world_.advance(Milliseconds(0));
  EXPECT_EQ(world_.audit().boxes_stored, 2U);
  down({shards()[1]});
  EXPECT_EQ(world_.read(cap_, cap_.index()).text, "hello");
}

TEST_F(LocalnetFaults, RestartedReplica_ForgetsWhatItHadToSend) {
  silent({shards()[0]});
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello"), 0);
  EXPECT_TRUE(world_.network().restart_replica(shards()[1]));
  EXPECT_FALSE(world_.network().restart_replica(NetworkSize().replicas()));
  silent({});
  world_.advance(kShort);
  EXPECT_EQ(world_.audit().boxes_stored, 1U);
}

TEST_F(LocalnetFaults, SilentShard_CostsAReadHalfAMinuteAtMost) {
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello"), 0);
  silent({shards()[0]});
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(world_.read(cap_, cap_.index(), Milliseconds(60'000)).text, "hello");
}

TEST_F(LocalnetFaults, BothShardsDown_NobodyAnswersForTheBox) {
  down({shards()[0], shards()[1]});
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello", WriteLevel::kConfirmed, kShort), 255);
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello", WriteLevel::kAcknowledged), 0);
  EXPECT_EQ(world_.audit().boxes_stored, 0U);
}

TEST_F(LocalnetFaults, LostReplication_LeavesOneShardWithoutTheBox) {
  world_.set([](Knobs& knobs) { knobs.replication_loss = 1; });
  // Both intermediates have to bring it to the same shard.
  down({shards()[0]});
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello"), 0);
  down({});
  world_.advance(kShort);
  EXPECT_EQ(world_.audit().boxes_stored, 1U);
  down({shards()[1]});
  EXPECT_EQ(world_.read(cap_, cap_.index()).code, 1);
}

TEST_F(LocalnetFaults, ReplicationWithDelay_ArrivesLater) {
  world_.set([](Knobs& knobs) { knobs.replication_delay = Milliseconds(120'000); });
  const auto second = shards()[1];
  down({second});
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello"), 0);
  down({});
  EXPECT_EQ(world_.audit().boxes_stored, 1U);
  world_.advance(Milliseconds(120'000));
  EXPECT_EQ(world_.audit().boxes_stored, 2U);
}

TEST_F(LocalnetFaults, PseudoCleanUp_LeavesTheTemporaryBoxesReadable) {
  ASSERT_EQ(world_.copy(temporary_, cap_, "letter").error_code, 0);
  world_.advance(kShort);
  EXPECT_EQ(world_.read(temporary_, temporary_.index()).code, 0);
  // So a second courier that gets the same command succeeds as well.
  EXPECT_EQ(world_.copy_again(temporary_, 1).error_code, 0);
}

TEST_F(LocalnetFaults, RealCleanUp_MakesASecondRunFail) {
  world_.set([](Knobs& knobs) { knobs.temp_cleanup = TempCleanup::kReal; });
  ASSERT_EQ(world_.copy(temporary_, cap_, "letter").error_code, 0);
  world_.advance(kShort);
  EXPECT_EQ(world_.read(temporary_, temporary_.index()).code, 11);
  const auto again = world_.copy_again(temporary_, 1);
  EXPECT_EQ(again.error_code, 26);
  EXPECT_EQ(again.replica_error_code.value, 11);
  EXPECT_EQ(again.failed_envelope_index.value, 1U);
  EXPECT_EQ(world_.read(cap_, cap_.index()).text, "letter");
}

TEST_F(LocalnetFaults, NoCleanUp_LeavesEverything) {
  world_.set([](Knobs& knobs) { knobs.temp_cleanup = TempCleanup::kNone; });
  ASSERT_EQ(world_.copy(temporary_, cap_, "letter").error_code, 0);
  world_.advance(kShort);
  EXPECT_EQ(world_.read(temporary_, temporary_.index()).code, 0);
}

TEST_F(LocalnetFaults, RestartedCourier_ForgetsItsVerdicts) {
  // Nothing was written: the copy fails after its attempts.
  const auto failed = world_.copy_again(temporary_);
  EXPECT_EQ(failed.error_code, 26);
  EXPECT_EQ(failed.replica_error_code.value, 1);
  const auto started = world_.audit().copies_started;
  EXPECT_EQ(world_.copy_again(temporary_).error_code, 26);
  EXPECT_EQ(world_.audit().copies_started, started) << "the verdict is kept";
  EXPECT_TRUE(world_.network().restart_courier(0));
  EXPECT_FALSE(world_.network().restart_courier(NetworkSize().couriers()));
  EXPECT_EQ(world_.copy(temporary_, cap_, "letter").error_code, 0);
}

TEST_F(LocalnetFaults, AnswerFetchedAcrossAnEpoch_OpensOnlyWithTheMatchingKey) {
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello"), 0);
  for (const ProxiedReplyKey key :
       {ProxiedReplyKey::kCurrentEpoch, ProxiedReplyKey::kMatchingEpoch}) {
    NetworkWorld world;
    Knobs knobs = world.network().knobs();
    knobs.proxied_reply_key = key;
    world.network().set_knobs(knobs);
    // To one second before the next replica epoch; the answer comes in the next one.
    const std::uint64_t now = world.network().context().scheduler.unix_ms();
    const std::uint64_t next = bacap::replica_epoch(now / 1000) + 1;
    world.advance(Milliseconds(bacap::replica_epoch_start(next) * 1000 - now - 1'000));
    ASSERT_EQ(world.write(cap_, cap_.index(), "hello", WriteLevel::kAcknowledged), 0);
    knobs.courier_down = {0, 1, 2};
    world.network().set_knobs(knobs);
    const auto waiting = world.read(cap_, cap_.index(), Milliseconds(2'000));
    EXPECT_EQ(waiting.code, 255);
    knobs.courier_down = {};
    world.network().set_knobs(knobs);
    world.advance(kShort);
    EXPECT_EQ(world.last_code(), key == ProxiedReplyKey::kCurrentEpoch ? 22 : 0);
  }
}

TEST(LocalnetTrace, SameSeed_SameRun) {
  const auto run = [](std::uint64_t seed) {
    NetworkWorld world(seed);
    world.set([](Knobs& knobs) {
      knobs.request_loss = 0.3;
      knobs.reply_loss = 0.3;
      knobs.replication_loss = 0.3;
    });
    const auto cap = cap_of(5);
    auto index = cap.index();
    for (int i = 0; i < 12; ++i) {
      world.write(cap, index, "box " + std::to_string(i));
      world.read(cap, index);
      index = index.next().value();
    }
    return world.audit().to_json();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace taubenpost::localnet

// How a box comes to the shards that have not got it (pigeonhole 7.5, 7.6), over messages to
// replicas.
//
// 7.5, replication: what is accepted goes to the other shard, which takes it by its own rules; what
// can't be delivered waits for up to an hour. Rebalance: when the set of replicas changes, all send
// what they keep. 7.6: an intermediate asks a random shard, then the other; any answer counts, and
// what was found is sent to a shard that was silent.
#include "support/replica_world.h"

namespace taubenpost::localnet {
namespace {

class ShardWorld : public ReplicaWorld {
 protected:
  // Stores the box at one shard, as if replication had lost it.
  void write_at_first_only(const Box& box) {
    knobs_.replication_loss = 1;
    EXPECT_EQ(write(first_, box), 0);
    knobs_.replication_loss = 0;
  }
  int at_first() { return read(first_, box_.id); }
  int at_second() { return read(second_, box_.id); }

  const ReplicaId first_ = shards_of(box_.id)[0];
  const ReplicaId second_ = shards_of(box_.id)[1];
  const ReplicaId other_replica_ = other_than_shards(box_.id);
};

// ---- replication -------------------------------------------------------------------------------

using Replication = ShardWorld;

TEST_F(Replication, AcceptedBoxAndTombstone_ReachTheOtherShard) {
  EXPECT_EQ(write(first_, box_), 0);
  EXPECT_EQ(at_second(), 0);
  EXPECT_EQ(write(second_, tombstone_), 0);
  EXPECT_EQ(at_first(), 11);
}

TEST_F(Replication, IdenticalRepeat_IsSentAgain) {
  write_at_first_only(box_);
  EXPECT_EQ(at_second(), 1);
  EXPECT_EQ(write(first_, box_), 0);
  EXPECT_EQ(at_second(), 0);
}

TEST_F(Replication, RefusedBox_IsNotSent) {
  write_at_first_only(box_);
  EXPECT_EQ(write(first_, other_), 10);
  EXPECT_EQ(at_second(), 1);
}

TEST_F(Replication, ShardsThatDiffer_StaySo) {
  write_at_first_only(box_);
  knobs_.replication_loss = 1;
  EXPECT_EQ(write(second_, other_), 0);
  knobs_.replication_loss = 0;
  EXPECT_EQ(write(first_, box_), 0);
  set_down({other_replica_});
  set_down({});
  EXPECT_EQ(read_box(first_, box_.id, 0).payload, box_.payload);
  EXPECT_EQ(read_box(second_, box_.id, 0).payload, other_.payload);
}

TEST_F(Replication, FullPeer_IsNotAskedAgain) {
  knobs_.storage_full = {second_};
  EXPECT_EQ(write(first_, box_), 0);
  knobs_.storage_full = {};
  scheduler_.advance(Milliseconds(3'600'000));
  EXPECT_EQ(at_second(), 1);
}

TEST_F(Replication, UnreachablePeer_GetsTheBoxWhenItIsBack) {
  set_silent({second_});
  EXPECT_EQ(write(first_, box_), 0);
  set_silent({});
  EXPECT_EQ(at_second(), 0);
}

TEST_F(Replication, UnreachablePeer_IsTriedEveryEighthOfAnEpoch) {
  set_silent({second_});
  EXPECT_EQ(write(first_, box_), 0);
  knobs_.replica_silent = {};  // and nobody notices
  scheduler_.advance(Milliseconds(149'999));
  EXPECT_EQ(at_second(), 1);
  scheduler_.advance(Milliseconds(1));
  EXPECT_EQ(at_second(), 0);
}

TEST_F(Replication, PeerThatIsAwayForLong_NeverGetsTheBox) {
  set_silent({second_});
  EXPECT_EQ(write(first_, box_), 0);
  scheduler_.advance(Milliseconds(3'600'001));
  set_silent({});
  EXPECT_EQ(at_second(), 1);
}

TEST_F(Replication, WhileAPeerIsAway_TheLatestContentWaits) {
  set_silent({second_});
  EXPECT_EQ(write(first_, box_), 0);
  EXPECT_EQ(write(first_, tombstone_), 0);
  set_silent({});
  EXPECT_EQ(at_second(), 11);
  EXPECT_EQ(audit_.boxes_stored, 1U) << "the box itself was not sent any more";
}

TEST_F(Replication, ReceiverInALaterEpoch_KeepsTheBoxLonger) {
  knobs_.replication_delay = Milliseconds(1'000);
  EXPECT_EQ(write(first_, box_), 0);
  advance_epochs(1);
  scheduler_.advance(Milliseconds(1'000));
  advance_epochs(1);
  EXPECT_EQ(at_first(), 1);
  EXPECT_EQ(at_second(), 0);
}

// ---- rebalance ---------------------------------------------------------------------------------

using Rebalancing = ShardWorld;

TEST_F(Rebalancing, ReplicaComesBack_GetsWhatItMissed) {
  set_down({second_});
  EXPECT_EQ(write(first_, box_), 0);
  scheduler_.advance(Milliseconds(2 * 3'600'000));  // too long for anything to wait
  set_down({});
  EXPECT_EQ(at_second(), 0);
}

TEST_F(Rebalancing, ReplicaLeaves_TheOthersFillTheirGaps) {
  write_at_first_only(box_);
  set_down({other_replica_});
  EXPECT_EQ(at_second(), 0);
}

TEST_F(Rebalancing, SameSet_SendsNothing) {
  scheduler_.settle();
  write_at_first_only(box_);
  set_down({});
  EXPECT_EQ(at_second(), 1);
}

TEST_F(Rebalancing, ReplicaThatWasAway_FindsTheSetThatItKnows) {
  write_at_first_only(box_);
  set_down({first_});
  set_down({});
  EXPECT_EQ(at_second(), 1) << "only the other replicas saw a change, and they have not got it";
}

TEST_F(Rebalancing, OldBox_BeginsAnewAtTheReceiver) {
  write_at_first_only(box_);
  advance_epochs(1);
  set_down({other_replica_});
  advance_epochs(1);
  EXPECT_EQ(at_first(), 1);
  EXPECT_EQ(at_second(), 0);
}

TEST_F(Rebalancing, BoxThatAgedOut_IsNotSent) {
  write_at_first_only(box_);
  advance_epochs(2);
  set_down({other_replica_});
  EXPECT_EQ(at_second(), 1);
}

TEST_F(Rebalancing, Tombstone_TravelsAsTombstone) {
  write_at_first_only(box_);
  advance_epochs(1);
  write_at_first_only(tombstone_);
  set_down({other_replica_});
  EXPECT_EQ(at_second(), 11);
}

// Many boxes take many steps; a process that ends between them has recorded nothing.
class RebalancingMany : public ShardWorld {
 protected:
  RebalancingMany() {
    knobs_.replication_loss = 1;
    auto index = cap_.index();
    for (int i = 0; i < 200; ++i) {
      boxes_.push_back(bacap::tombstone(cap_, index));
      index = index.next().value();
      EXPECT_EQ(write(shards_of(boxes_.back().id)[0], boxes_.back()), 0);
    }
    knobs_.replication_loss = 0;
  }
  std::size_t missing() {
    return static_cast<std::size_t>(std::count_if(boxes_.begin(), boxes_.end(), [this](auto& box) {
      return store_->read(shards_of(box.id)[1], epoch(), box.id).code != ReplicaCode::kTombstone;
    }));
  }

  std::vector<Box> boxes_;
};

TEST_F(RebalancingMany, FullStore_IsSentInSteps) {
  EXPECT_EQ(missing(), boxes_.size());
  set_down({4});
  // Where both shards are left.
  const auto gone = std::erase_if(boxes_, [this](const Box& box) {
    const auto shards = shards_of(box.id);
    return shards[0] == 4 || shards[1] == 4;
  });
  EXPECT_LT(gone, 150U);
  EXPECT_EQ(missing(), 0U);
}

TEST_F(RebalancingMany, ProcessEndsBeforeAllIsSent_BeginsAnewAtTheNextStart) {
  knobs_.replica_down = {4};
  replicas_->look_around();
  reopen();
  scheduler_.settle();
  std::erase_if(boxes_, [this](const Box& box) {
    const auto shards = shards_of(box.id);
    return shards[0] == 4 || shards[1] == 4;
  });
  EXPECT_EQ(missing(), 0U);
}

TEST_F(RebalancingMany, RestartWithTheSameSet_SendsNothing) {
  reopen();
  scheduler_.settle();
  EXPECT_EQ(missing(), boxes_.size());
}

// ---- proxying and read repair ------------------------------------------------------------------

class Proxying : public ShardWorld {
 protected:
  struct Timed {
    Answer answer;
    Milliseconds took{0};
  };
  Timed ask_timed(const bacap::ReplicaInnerMessage& message) {
    const auto answer = start(other_replica_, bacap::encode(message), epoch());
    Timed out;
    for (scheduler_.settle(); !*answer && out.took < Milliseconds(120'000);
         out.took += Milliseconds(1'000))
      scheduler_.advance(Milliseconds(1'000));
    EXPECT_TRUE(*answer) << "no answer";
    out.answer = answer->value_or(Answer{});
    return out;
  }
  // Reads until the silent shard was the first to be asked.
  Timed read_past_silence() {
    for (int i = 0; i < 50; ++i) {
      const Timed got = ask_timed(bacap::ReplicaRead{box_.id});
      if (got.took > Milliseconds(0)) return got;
    }
    ADD_FAILURE() << "never the first";
    return {};
  }
};

TEST_F(Proxying, OneShardLacksTheBox_WhoeverIsAskedFirstDecides) {
  write_at_first_only(box_);
  int found = 0, missing = 0;
  for (int i = 0; i < 40; ++i) {
    const int code = read(other_replica_, box_.id);
    found += code == 0;
    missing += code == 1;
  }
  EXPECT_GT(found, 8);
  EXPECT_GT(missing, 8);
  EXPECT_EQ(found + missing, 40);
  EXPECT_EQ(at_second(), 1) << "a miss repairs nothing";
}

TEST_F(Proxying, SilentShard_IsPassedOverAfterHalfAMinute) {
  EXPECT_EQ(write(first_, box_), 0);
  set_silent({second_});
  const Timed got = read_past_silence();
  EXPECT_EQ(got.answer.outer, ReplicaCode::kSuccess);
  EXPECT_EQ(got.answer.replica, other_replica_);
  EXPECT_EQ(got.took, Replicas::kProxyTimeout);
}

TEST_F(Proxying, NoShardAnswers_IsReplicationFailedAndEmpty) {
  set_silent({first_, second_});
  const Timed both = ask_timed(bacap::ReplicaWrite{box_});
  EXPECT_EQ(both.answer.outer, ReplicaCode::kReplicationFailed);
  EXPECT_FALSE(both.answer.inner);
  EXPECT_EQ(both.took, 2 * Replicas::kProxyTimeout);
  set_silent({first_});
  set_down({second_});
  const Timed one = ask_timed(bacap::ReplicaRead{box_.id});
  EXPECT_EQ(one.answer.outer, ReplicaCode::kReplicationFailed);
  EXPECT_EQ(one.took, Replicas::kProxyTimeout);
}

TEST_F(Proxying, WritePastASilentShard_IsStoredAtTheOther) {
  set_silent({second_});
  EXPECT_EQ(ask_timed(bacap::ReplicaWrite{box_}).answer.outer, ReplicaCode::kSuccess);
  EXPECT_EQ(at_first(), 0);
}

TEST_F(Proxying, BoxFoundPastASilentShard_IsSentToThatShard) {
  write_at_first_only(box_);
  set_silent({second_});
  EXPECT_EQ(read_past_silence().answer.outer, ReplicaCode::kSuccess);
  set_silent({});
  EXPECT_EQ(at_second(), 0);
}

TEST_F(Proxying, TombstoneOrMissPastASilentShard_RepairsNothing) {
  set_silent({second_});
  EXPECT_EQ(read_past_silence().answer.outer, ReplicaCode::kBoxIdNotFound);
  write_at_first_only(tombstone_);
  EXPECT_EQ(read_past_silence().answer.outer, ReplicaCode::kTombstone);
  set_silent({});
  EXPECT_EQ(at_second(), 1);
}

TEST_F(Proxying, SlowLinks_AnswerOnceAtMost) {
  knobs_.link_rate = 0.00003;  // half a minute and more for a message
  const Bytes message = bacap::encode(bacap::ReplicaInnerMessage(bacap::ReplicaRead{box_.id}));
  std::vector<std::shared_ptr<std::optional<Answer>>> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(start(other_replica_, message, epoch()));
  scheduler_.advance(Milliseconds(3'600'000));
  int given_up = 0;
  for (const auto& answer : answers) {
    ASSERT_TRUE(*answer);  // start() fails the test on a second one
    given_up += answer->value().outer == ReplicaCode::kReplicationFailed;
  }
  EXPECT_GT(given_up, 0);
  EXPECT_LT(given_up, 20);
}

}  // namespace
}  // namespace taubenpost::localnet

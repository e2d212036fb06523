// Networks of other sizes than the usual one: which replicas keep a box, that every replica finds
// it, what clients are told, and what becomes of the boxes when a network grows (pigeonhole 4.3,
// 7.4 to 7.6).
#include <algorithm>

#include "crypto/hash.h"
#include "localnet/envelopes.h"
#include "support/network_world.h"
#include "support/replica_world.h"
#include "wire/pki.h"

namespace taubenpost::localnet {
namespace {

NetworkSize of(std::size_t replicas, std::size_t couriers = 3) {
  return *NetworkSize::make(replicas, couriers);
}

std::string shown(const ::testing::TestParamInfo<std::size_t>& info) {
  return "Of" + std::to_string(info.param);
}

TEST(NetworkSizeTest, OtherNumbers_AreRefused) {
  for (const auto& [replicas, couriers] : {std::pair(2U, 1U), std::pair(64U, 16U)}) {
    const auto size = NetworkSize::make(replicas, couriers);
    ASSERT_TRUE(size);
    EXPECT_EQ(size->replicas(), replicas);
    EXPECT_EQ(size->couriers(), couriers);
  }
  for (const auto& [replicas, couriers] :
       {std::pair(0U, 1U), std::pair(1U, 1U), std::pair(65U, 1U), std::pair(2U, 0U),
        std::pair(2U, 17U), std::pair(258U, 1U)}) {
    const auto size = NetworkSize::make(replicas, couriers);
    ASSERT_FALSE(size) << replicas << " " << couriers;
    EXPECT_EQ(size.error().code, Errc::kUsage);
  }
}

// ---- replicas ----------------------------------------------------------------------------------

class ReplicasOf : public ReplicaWorld {
 protected:
  explicit ReplicasOf(const NetworkSize& size = {}) : ReplicaWorld(size) {}

  std::size_t replicas() const { return directory_.size().replicas(); }
  // A new box, which comes through this replica. Refused if both shards are away.
  void write_through(ReplicaId id) {
    const Box box = box_of(cap_of(static_cast<std::uint8_t>(boxes_.size())), "hello");
    if (write(id, box) == 0) boxes_.push_back(box);
  }
  bool keeps(ReplicaId id, const Box& box) const {
    return store_->read(id, epoch(), box.id).code == ReplicaCode::kSuccess;
  }
  // The two with the smallest hashes of key and box.
  std::set<ReplicaId> two_of(const Box& box) const {
    std::map<Bytes32, ReplicaId> ranked;
    for (ReplicaId id = 0; id < replicas(); ++id) {
      Bytes text = directory_.replica_identity_keys()[id];
      append(text, box.id);
      ranked[crypto::blake2b_256(text)] = id;
    }
    return {ranked.begin()->second, std::next(ranked.begin())->second};
  }
  void expect_at_both_shards() {
    for (const Box& box : boxes_)
      for (const ReplicaId id : two_of(box)) EXPECT_TRUE(keeps(id, box)) << int(id);
  }
  void expect_at_shards_only() {
    for (const Box& box : boxes_)
      for (ReplicaId id = 0; id < replicas(); ++id)
        EXPECT_EQ(keeps(id, box), two_of(box).contains(id)) << int(id);
  }
  void expect_found_by_all() {
    for (const Box& box : boxes_)
      for (ReplicaId id = 0; id < replicas(); ++id)
        EXPECT_EQ(read_box(id, box.id, 0).payload, box.payload) << int(id);
  }

  std::vector<Box> boxes_;
};

class ReplicasOfAnySize : public ReplicasOf, public ::testing::WithParamInterface<std::size_t> {
 protected:
  ReplicasOfAnySize() : ReplicasOf(of(GetParam())) {}
};
INSTANTIATE_TEST_SUITE_P(Networks, ReplicasOfAnySize, ::testing::Values(2, 3, 4, 5, 16, 64), shown);

TEST_P(ReplicasOfAnySize, EveryBox_IsAtItsTwoShardsAndFoundByAll) {
  constexpr std::size_t kBoxes = 8;
  for (std::size_t i = 0; i < kBoxes; ++i) write_through(static_cast<ReplicaId>(i % replicas()));
  ASSERT_EQ(boxes_.size(), kBoxes);
  expect_at_shards_only();
  expect_found_by_all();
  EXPECT_EQ(audit_.boxes_stored, 2 * kBoxes);
  std::uint64_t stored = 0;
  for (const ReplicaCounters& each : audit_.replicas) stored += each.boxes_stored;
  EXPECT_EQ(audit_.replicas.size(), replicas());
  EXPECT_EQ(stored, 2 * kBoxes);
}

// Each under a seed: random sizes, and up to two replicas away at a time.
TEST(ReplicasOfRandomSize, WhoeverWasAway_EveryBoxIsAtItsTwoShardsInTheEnd) {
  class World : public ReplicasOf {
   public:
    explicit World(std::uint64_t seed)
        : ReplicasOf(of(2 + seed % 15)), dice_(seeded_random(seed)) {}
    void TestBody() override {}
    void run() {
      for (int i = 0; i < 12; ++i) {
        if (i % 4 == 0) set_down({any(), any()});
        write_through(somebody_there());
      }
      set_down({});
      expect_at_shards_only();
      expect_found_by_all();
      EXPECT_TRUE(replicas() < 3 || !boxes_.empty());
    }

   private:
    ReplicaId any() { return static_cast<ReplicaId>(dice_->below(replicas())); }
    ReplicaId somebody_there() {
      if (knobs_.replica_down.size() == replicas()) set_down({});
      for (;;)
        if (const ReplicaId id = any(); !knobs_.replica_down.contains(id)) return id;
    }
    std::unique_ptr<Random> dice_;
  };
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World(seed).run();
    if (::testing::Test::HasFailure()) return;
  }
}

// ---- growth ------------------------------------------------------------------------------------

class GrowingReplicas : public ReplicasOf {
 protected:
  GrowingReplicas() : ReplicasOf(of(3)) {
    for (std::size_t i = 0; i < 20; ++i) write_through(static_cast<ReplicaId>(i % 3));
  }
};

TEST_F(GrowingReplicas, BoxesOfThePast_ComeToTheShardsThatTheyHaveNow) {
  for (const std::size_t replicas : {4U, 7U, 16U}) {
    reopen(of(replicas));
    scheduler_.settle();
    EXPECT_GT(audit_.boxes_stored, 0U) << "nothing moved";
    expect_at_both_shards();
    expect_found_by_all();
  }
}

TEST_F(GrowingReplicas, ProcessEndsBeforeAllHasMoved_BeginsAnewAtTheNextStart) {
  reopen(of(7));
  reopen(of(7));
  scheduler_.settle();
  expect_at_both_shards();
}

// ---- the whole network -------------------------------------------------------------------------

class NetworkOf : public ::testing::TestWithParam<std::size_t> {
 protected:
  const Context& context() { return world_.network().context(); }
  wire::PkiDocument document() {
    return wire::parse_pki_document(
               context().directory.document(context().mix_epoch(), context().knobs))
        .value();
  }

  const std::size_t replicas_ = GetParam();
  const std::size_t couriers_ = std::clamp<std::size_t>(GetParam() - 1, 1, 16);
  NetworkWorld world_{1, EnvelopeNike::kHybrid, of(replicas_, couriers_)};
};
INSTANTIATE_TEST_SUITE_P(Sizes, NetworkOf, ::testing::Values(2, 3, 5, 16, 64), shown);

TEST_P(NetworkOf, Document_NamesAll) {
  const auto shown = document();
  EXPECT_EQ(shown.replicas.size(), replicas_);
  EXPECT_EQ(shown.replicas.back().name, "replica" + std::to_string(replicas_));
  EXPECT_EQ(shown.configured_replica_ids.size(), replicas_);
  EXPECT_EQ(shown.configured_replica_keys.size(), replicas_);
  std::map<std::string, std::size_t> services;
  for (const auto& service : shown.services) ++services[service.capability];
  EXPECT_EQ(services,
            (std::map<std::string, std::size_t>{{"courier", couriers_}, {"echo", couriers_}}));
}

TEST_P(NetworkOf, Clients_WriteReadCopyAndOverwriteThroughAllCouriers) {
  for (std::size_t courier = 0; courier < couriers_; ++courier) {
    const auto number = static_cast<std::uint8_t>(courier);
    const auto written = cap_of(number), copied = cap_of(static_cast<std::uint8_t>(100 + number));
    EXPECT_EQ(world_.write(written, written.index(), "hello"), 0);
    EXPECT_EQ(world_.read(written, written.index()).text, "hello");
    EXPECT_EQ(world_.write(written, written.index(), ""), 0);
    EXPECT_EQ(world_.read(written, written.index()).code, 11);
    const auto temporary = cap_of(static_cast<std::uint8_t>(200 + number));
    EXPECT_EQ(world_.copy(temporary, copied, "copied", courier).error_code, 0);
    EXPECT_EQ(world_.read(copied, copied.index()).text, "copied");
  }
  for (const CourierCounters& each : world_.audit().couriers) EXPECT_EQ(each.copies_succeeded, 1U);
  EXPECT_EQ(world_.audit().couriers.size(), couriers_);
}

// Two that do not keep the box, where there are two.
TEST_P(NetworkOf, Intermediates_AreTwoOthersIfThereAre) {
  for (std::uint8_t number = 0; number < 16; ++number) {
    const Box box = box_of(cap_of(number), "hello");
    const auto shards = context().directory.shards_of(box.id);
    const auto two =
        build_envelope(context(), box.id, bacap::ReplicaWrite{box}).envelope.intermediates;
    EXPECT_NE(two[0], two[1]);
    for (const ReplicaId id : two) {
      EXPECT_LT(id, replicas_);
      const bool is_shard = std::find(shards.begin(), shards.end(), id) != shards.end();
      EXPECT_TRUE(!is_shard || replicas_ < 4) << int(id);
    }
  }
}

TEST_P(NetworkOf, TheLast_GoesAndComesBack) {
  Knobs knobs = world_.network().knobs();
  knobs.replica_down = {static_cast<std::uint8_t>(replicas_ - 1)};
  knobs.courier_unlisted = {static_cast<std::uint8_t>(couriers_ - 1)};
  world_.network().set_knobs(knobs);
  EXPECT_EQ(document().replicas.size(), replicas_ - 1);
  EXPECT_EQ(context().directory.listed_couriers(knobs).size(), couriers_ - 1);
  world_.network().set_knobs(Knobs{});
  EXPECT_EQ(document().replicas.size(), replicas_);
  EXPECT_TRUE(world_.network().restart_replica(replicas_ - 1));
  EXPECT_FALSE(world_.network().restart_replica(replicas_));
  EXPECT_TRUE(world_.network().restart_courier(couriers_ - 1));
  EXPECT_FALSE(world_.network().restart_courier(couriers_));
  const auto cap = cap_of(1);
  EXPECT_EQ(world_.write(cap, cap.index(), "hello"), 0);
}

// One of two is not there: envelopes are made, and wait.
TEST(NetworkOfTwo, OneReplicaIsAway_WritesWaitForIt) {
  NetworkWorld world(1, EnvelopeNike::kHybrid, of(2, 1));
  world.set([](Knobs& knobs) { knobs.replica_down = {0}; });
  const auto cap = cap_of(1);
  world.write(cap, cap.index(), "hello", WriteLevel::kConfirmed, Milliseconds(100));
  world.set([](Knobs& knobs) { knobs.replica_down = {}; });
  world.advance(Milliseconds(600'000));
  EXPECT_EQ(world.read(cap, cap.index()).text, "hello");
}

}  // namespace
}  // namespace taubenpost::localnet

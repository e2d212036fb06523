// Slots, delays and busy workers of the model, in virtual time.
#include "localnet/profile.h"
#include "support/network_world.h"

namespace taubenpost::localnet {
namespace {

class LocalnetSlots : public ::testing::Test {
 protected:
  LocalnetSlots() { knobs_.slot_rate = 0.001; }
  SlotClock::Send note(std::string name, bool is_wanted = true) {
    return [this, name, is_wanted] {
      if (is_wanted) sent_ += name;
      return is_wanted;
    };
  }

  ManualScheduler scheduler_;
  std::unique_ptr<Random> random_ = seeded_random(3);
  Knobs knobs_;
  Audit audit_;
  SlotClock slots_{scheduler_, *random_, knobs_, audit_};
  std::string sent_;
};

TEST_F(LocalnetSlots, OneSlot_CarriesOnePacket) {
  slots_.start();
  const auto line = slots_.make_line();
  for (const char* name : {"a", "b", "c"}) slots_.wait(line, Turn::kFresh, note(name));
  EXPECT_EQ(sent_, "");
  while (audit_.slots < 2) scheduler_.advance(Milliseconds(1));
  EXPECT_EQ(sent_, "ab");
  scheduler_.advance(Milliseconds(100'000));
  EXPECT_EQ(sent_, "abc");
  EXPECT_EQ(audit_.slots_used, 3U);
  // A Poisson process: about 100 slots in 100 s.
  EXPECT_NEAR(static_cast<double>(audit_.slots), 100, 40);
}

TEST_F(LocalnetSlots, Clients_TakeTurnsAndFollowUpsGoFirst) {
  slots_.start();
  const auto one = slots_.make_line(), two = slots_.make_line();
  for (const char* name : {"a", "b", "c"}) slots_.wait(one, Turn::kFresh, note(name));
  slots_.wait(one, Turn::kFollowUp, note("A"));
  for (const char* name : {"x", "y"}) slots_.wait(two, Turn::kFresh, note(name));
  scheduler_.advance(Milliseconds(100'000));
  EXPECT_EQ(sent_, "Axaybc");
}

TEST_F(LocalnetSlots, PacketThatNobodyWants_CostsNoSlot) {
  slots_.start();
  const auto line = slots_.make_line();
  slots_.wait(line, Turn::kFresh, note("gone", /*is_wanted=*/false));
  slots_.wait(line, Turn::kFresh, note("a"));
  while (audit_.slots < 1) scheduler_.advance(Milliseconds(1));
  EXPECT_EQ(sent_, "a");
}

TEST_F(LocalnetSlots, ClockThatIsTurnedOff_LetsEverythingGo) {
  slots_.start();
  const auto line = slots_.make_line();
  for (const char* name : {"a", "b"}) slots_.wait(line, Turn::kFresh, note(name));
  knobs_.slot_rate = 0;
  slots_.start();
  EXPECT_EQ(sent_, "ab");
  slots_.wait(line, Turn::kFresh, note("c"));
  EXPECT_EQ(sent_, "abc");
}

class LocalnetTime : public ::testing::Test {
 protected:
  std::uint64_t now() { return world_.network().context().scheduler.monotonic_ms(); }
  void use(const Knobs& knobs) { world_.network().set_knobs(knobs); }

  NetworkWorld world_;
  const bacap::WriteCap cap_ = cap_of(5);
};

TEST_F(LocalnetTime, WithoutRates_NothingTakesTime) {
  const std::uint64_t begin = now();
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello", WriteLevel::kAcknowledged), 0);
  EXPECT_LE(now() - begin, 100U);
}

// Averages of thin-protocol 6.6: one slot for each packet, two packets for a confirmed write.
TEST_F(LocalnetTime, Slots_PaceWritesByTheirPackets) {
  Knobs knobs;
  knobs.slot_rate = 0.001;
  use(knobs);
  const std::uint64_t begin = now();
  auto index = cap_.index();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(world_.write(cap_, index, "box", WriteLevel::kAcknowledged), 0);
    index = index.next().value();
  }
  EXPECT_EQ(world_.audit().packets, 20U);
  EXPECT_EQ(world_.audit().slots_used, 20U);
  EXPECT_NEAR(static_cast<double>(now() - begin), 20'000, 12'000);
  EXPECT_EQ(world_.write(cap_, index, "box", WriteLevel::kConfirmed), 0);
  EXPECT_GE(world_.audit().slots_used, 22U);
}

TEST_F(LocalnetTime, Hops_DelayPacketsAndMoveTheRetransmission) {
  Knobs knobs;
  knobs.hop_rate = 0.001;  // nine seconds for a round trip on average
  use(knobs);
  const std::uint64_t begin = now();
  EXPECT_EQ(world_.write(cap_, cap_.index(), "hello", WriteLevel::kAcknowledged), 0);
  EXPECT_GE(now() - begin, 1'000U);
  EXPECT_EQ(world_.audit().retransmissions, 0U);
}

TEST_F(LocalnetTime, LostPacket_IsSentAgainAfterTwentySeconds) {
  Knobs knobs;
  knobs.request_loss = 1;
  use(knobs);
  const auto kAlmostAMinute = std::chrono::seconds(59);
  EXPECT_EQ(world_.write(cap_, cap_.index(), "x", WriteLevel::kAcknowledged, kAlmostAMinute), 255);
  EXPECT_EQ(world_.audit().retransmissions, 2U);
}

TEST_F(LocalnetTime, Copy_IsAskedAboutEveryFiveSeconds) {
  const auto temporary = cap_of(6);
  world_.upload(temporary, cap_, "letter");
  const std::uint64_t begin = now();
  ASSERT_EQ(world_.copy_again(temporary).error_code, 0);
  EXPECT_EQ(world_.replied_ms() - begin, 5'000U);
}

// Nine hops are promised and eight are waited for, as was measured.
TEST_F(LocalnetTime, Trips_AreShorterThanPromisedByOneHop) {
  Knobs knobs;
  knobs.hop_rate = 0.005;
  use(knobs);
  constexpr int kTrips = 2'000;
  double taken = 0, promised = 0;
  for (int i = 0; i < kTrips; ++i) {
    const Mixnet::Trip trip = world_.network().context().mixnet.draw();
    EXPECT_LE(trip.there + trip.back, trip.promised);
    taken += static_cast<double>((trip.there + trip.back).count());
    promised += static_cast<double>(trip.promised.count());
  }
  EXPECT_NEAR(taken / kTrips, 8 * 200, 60);
  EXPECT_NEAR(promised / kTrips, 9 * 200, 60);
}

TEST_F(LocalnetTime, Links_SlowCopiesDown) {
  const auto temporary = cap_of(6);
  Knobs knobs;
  knobs.link_rate = 0.005;
  use(knobs);
  ASSERT_EQ(world_.copy(temporary, cap_, "letter").error_code, 0);
  EXPECT_EQ(world_.read(cap_, cap_.index()).text, "letter");
  EXPECT_GE(now() - 1'000'000, 200U);
}

TEST_F(LocalnetTime, Decryption_IsOneAfterTheOther) {
  ManualScheduler scheduler;
  SerialWorker worker(scheduler);
  std::vector<std::uint64_t> done;
  const std::uint64_t begin = scheduler.monotonic_ms();
  for (int i = 0; i < 3; ++i)
    worker.run(Milliseconds(100), [&] { done.push_back(scheduler.monotonic_ms() - begin); });
  scheduler.advance(Milliseconds(1'000));
  EXPECT_EQ(done, (std::vector<std::uint64_t>{100, 200, 300}));
  worker.run(Milliseconds(0), [&] { done.clear(); });
  EXPECT_TRUE(done.empty());
}

TEST_F(LocalnetTime, EveryProfile_WritesAndReads) {
  for (const char* name : {"fast", "a", "b", "c"}) {
    const Profile network = profile(name).value();
    NetworkWorld world(1, network.nike);
    world.network().set_knobs(network.knobs);
    EXPECT_EQ(world.write(cap_, cap_.index(), "hello"), 0) << name;
    EXPECT_EQ(world.read(cap_, cap_.index()).text, "hello") << name;
    const std::string two_boxes(2'000, 'x');
    const bacap::WriteCap destination = cap_of(8);
    EXPECT_EQ(world.copy(cap_of(9), destination, two_boxes).error_code, 0) << name;
    const std::size_t chunk = world.network().context().directory.geometry().copy_chunk();
    EXPECT_EQ(world.read(destination, destination.index()).text, two_boxes.substr(0, chunk))
        << name;
  }
  EXPECT_EQ(profile("d").error().code, Errc::kUsage);
}

// measurements.md 1: a box of the networks without the post-quantum part holds more.
TEST_F(LocalnetTime, Profiles_HaveTheBoxSizesThatWereMeasured) {
  const auto box_max = [](const char* name) {
    return test_directory(profile(name)->nike).pigeonhole_geometry().max_plaintext_payload_length;
  };
  EXPECT_EQ(box_max("fast"), 1549);
  EXPECT_EQ(box_max("a"), 1549);
  EXPECT_EQ(box_max("b"), 1677);
  EXPECT_EQ(box_max("c"), 1677);
}

}  // namespace
}  // namespace taubenpost::localnet

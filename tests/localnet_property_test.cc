// Random interleavings of writes, copies, outages, losses and clean-ups, each under a seed.
//
// The size of the network is one of 2 to 8 replicas and 1 to 4 couriers. Whatever happens, a box
// that can be read holds what some client wrote into it, or, in a temporary sequence, the empty
// message of a courier's clean-up. A failure names its seed: localnet_property_test
// --gtest_filter='*' with TP_SEED=N runs that one alone.
#include <cstdlib>
#include <set>

#include "support/network_world.h"

namespace taubenpost::localnet {
namespace {

constexpr std::uint64_t kSeeds = 150;
constexpr int kSteps = 40;
constexpr Milliseconds kPatience{120'000};

// What clients wrote into the boxes of two channels, and what became of it.
class Interleaving {
 public:
  explicit Interleaving(std::uint64_t seed)
      : size_(*NetworkSize::make(2 + seed % 7, 1 + seed % 4)),
        world_(seed, EnvelopeNike::kHybrid, size_),
        dice_(seeded_random(seed * 7919 + 1)) {}

  void run() {
    for (int step = 0; step < kSteps && !::testing::Test::HasFailure(); ++step) take_step();
    Knobs quiet;
    quiet.temp_cleanup = world_.network().knobs().temp_cleanup;
    world_.network().set_knobs(quiet);
    for (std::size_t channel = 0; channel < 2; ++channel)
      for (std::size_t box = 0; box < kBoxes; ++box) read(channel, box);
  }
  std::string trace() const { return trace_ + world_.audit().to_json(); }

 private:
  static constexpr std::size_t kBoxes = 3;

  std::size_t roll(std::size_t sides) { return static_cast<std::size_t>(dice_->below(sides)); }
  bacap::MessageBoxIndex index_of(std::size_t channel, std::size_t box) const {
    auto index = channels_[channel].index();
    for (std::size_t i = 0; i < box; ++i) index = index.next().value();
    return index;
  }

  void take_step() {
    const std::size_t channel = roll(2), box = roll(kBoxes);
    switch (roll(8)) {
      case 0:
      case 1:
        return write(channel, box, roll(4) == 0 ? "" : "text " + std::to_string(roll(3)));
      case 2:
        return read(channel, box);
      case 3:
        return copy(channel);
      case 4:
        return disturb();
      case 5:
        EXPECT_TRUE(world_.network().restart_courier(roll(size_.couriers())));
        return;
      case 6:
        EXPECT_TRUE(world_.network().restart_replica(roll(size_.replicas())));
        return;
      default:
        world_.advance(Milliseconds(roll(200'000)));
    }
  }

  void write(std::size_t channel, std::size_t box, const std::string& text) {
    const auto level = roll(2) == 0 ? WriteLevel::kAcknowledged : WriteLevel::kConfirmed;
    if (!text.empty()) written_[{channel, box}].insert(text);
    const auto code =
        world_.write(channels_[channel], index_of(channel, box), text, level, kPatience);
    note("write", code);
  }

  void read(std::size_t channel, std::size_t box) {
    const auto got = world_.read(channels_[channel], index_of(channel, box), kPatience);
    note("read " + got.text, got.code);
    if (got.code != 0) return;
    const std::set<std::string>& written = written_[std::pair(channel, box)];
    EXPECT_TRUE(written.contains(got.text))
        << "channel " << channel << " box " << box << " holds '" << got.text << "'";
  }

  // Into the first box of the channel; the temporary boxes hold elements or nothing.
  void copy(std::size_t channel) {
    const auto temporary = cap_of(static_cast<std::uint8_t>(20 + copies_++));
    const std::string text = "copied " + std::to_string(roll(3));
    written_[{channel, 0}].insert(text);
    Knobs knobs = world_.network().knobs();
    world_.network().set_knobs(Knobs{});
    world_.upload(temporary, channels_[channel], text);
    world_.network().set_knobs(knobs);
    const auto end = world_.copy_again(temporary, roll(size_.couriers()), kPatience);
    note("copy", end.error_code);
  }

  void disturb() {
    Knobs knobs;
    for (std::uint8_t id = 0; id < size_.replicas(); ++id)
      if (roll(4) == 0) knobs.replica_down.insert(id);
    if (roll(4) == 0)
      knobs.replica_silent.insert(static_cast<std::uint8_t>(roll(size_.replicas())));
    if (roll(4) == 0) knobs.courier_down.insert(static_cast<std::uint8_t>(roll(size_.couriers())));
    if (roll(6) == 0) knobs.storage_full.insert(static_cast<std::uint8_t>(roll(size_.replicas())));
    knobs.request_loss = 0.1 * static_cast<double>(roll(4));
    knobs.reply_loss = 0.1 * static_cast<double>(roll(4));
    knobs.replication_loss = 0.3 * static_cast<double>(roll(3));
    knobs.replication_delay = Milliseconds(roll(2) * 50'000);
    knobs.temp_cleanup = static_cast<TempCleanup>(roll(3));
    world_.network().set_knobs(knobs);
  }

  void note(const std::string& what, int code) {
    trace_ += what + " " + std::to_string(code) + "\n";
  }

  const NetworkSize size_;
  NetworkWorld world_;
  std::unique_ptr<Random> dice_;
  const bacap::WriteCap channels_[2] = {cap_of(1), cap_of(2)};
  std::map<std::pair<std::size_t, std::size_t>, std::set<std::string>> written_;
  int copies_ = 0;
  std::string trace_;
};

TEST(LocalnetProperty, AnyInterleaving_ShowsOnlyWhatWasWritten) {
  const char* only = std::getenv("TP_SEED");
  const std::uint64_t first = only ? std::strtoull(only, nullptr, 10) : 1;
  const std::uint64_t last = only ? first : kSeeds;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("TP_SEED=" + std::to_string(seed));
    Interleaving run(seed);
    run.run();
    if (HasFailure()) FAIL() << run.trace();
  }
}

TEST(LocalnetProperty, SameSeed_GivesTheSameTrace) {
  const auto trace = [](std::uint64_t seed) {
    Interleaving run(seed);
    run.run();
    return run.trace();
  };
  EXPECT_EQ(trace(11), trace(11));
  EXPECT_NE(trace(11), trace(11 + 4 * 7)) << "a network of the same size";
}

}  // namespace
}  // namespace taubenpost::localnet

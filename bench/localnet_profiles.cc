// The profiles of the local network beside what was measured on the real ones, in virtual time.
//
// Prints a row for each operation: measured, ours, ratio. The exit status is 1 if a ratio is
// outside two thirds to four thirds.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

#include "localnet/profile.h"
#include "support/network_world.h"

namespace {

using namespace taubenpost;
using namespace taubenpost::localnet;

struct Row {
  const char* profile;
  const char* operation;
  double measured_s;
  // Seconds of one operation.
  std::function<double(NetworkWorld&)> measure;
};

// Seconds until the reply.
template <class Call>
double duration(NetworkWorld& world, Call call) {
  const std::uint64_t begin = world.network().context().scheduler.monotonic_ms();
  call();
  return static_cast<double>(world.replied_ms() - begin) / 1000;
}

// The median over `times` boxes, which is what was measured.
template <class Call>
double median(NetworkWorld& world, std::size_t times, Call call) {
  const bacap::WriteCap cap = cap_of(5);
  auto index = cap.index();
  std::vector<double> seconds;
  for (std::size_t i = 0; i < times; ++i) {
    seconds.push_back(duration(world, [&] { call(cap, index); }));
    index = index.next().value();
  }
  std::nth_element(seconds.begin(), seconds.begin() + times / 2, seconds.end());
  return seconds[times / 2];
}

double writes(NetworkWorld& world, WriteLevel level) {
  return median(world, 101, [&](const bacap::WriteCap& cap, const bacap::MessageBoxIndex& index) {
    world.write(cap, index, "content", level);
  });
}

double reads(NetworkWorld& world) {
  const Knobs knobs = world.network().knobs();
  world.network().set_knobs(Knobs{});
  writes(world, WriteLevel::kConfirmed);
  world.network().set_knobs(knobs);
  return median(world, 101, [&](const bacap::WriteCap& cap, const bacap::MessageBoxIndex& index) {
    world.read(cap, index);
  });
}

double misses(NetworkWorld& world) {
  return median(world, 101, [&](const bacap::WriteCap& cap, const bacap::MessageBoxIndex& index) {
    world.read(cap, index);
  });
}

// One copy of so many boxes; its elements are there already.
double copy(NetworkWorld& world, std::size_t boxes) {
  double sum = 0;
  for (std::uint8_t i = 0; i < 5; ++i) {
    const bacap::WriteCap temporary = cap_of(static_cast<std::uint8_t>(50 + i));
    const bacap::WriteCap cap = cap_of(static_cast<std::uint8_t>(100 + i));
    const Knobs knobs = world.network().knobs();
    world.network().set_knobs(Knobs{});
    const std::size_t chunk = world.network().context().directory.geometry().copy_chunk();
    world.upload(temporary, cap, std::string(boxes * chunk, 'x'));
    world.network().set_knobs(knobs);
    sum += duration(world, [&] { world.copy_again(temporary); });
  }
  return sum / 5;
}

const Row kRows[] = {
    {"a", "write, level 1", 1.9,
     [](NetworkWorld& world) { return writes(world, WriteLevel::kAcknowledged); }},
    {"a", "write, level 2", 12.5,  // the middle of 10 to 15
     [](NetworkWorld& world) { return writes(world, WriteLevel::kConfirmed); }},
    {"a", "read", 9.4, reads},
    {"a", "read of nothing", 8.7, misses},
    {"a", "copy of 2 boxes", 64, [](NetworkWorld& world) { return copy(world, 2); }},
    {"b", "write, level 1", 2.56,
     [](NetworkWorld& world) { return writes(world, WriteLevel::kAcknowledged); }},
    {"b", "write, level 2", 4.98,
     [](NetworkWorld& world) { return writes(world, WriteLevel::kConfirmed); }},
    {"b", "read", 3.97, reads},
    {"b", "copy of 8 boxes", 14.3, [](NetworkWorld& world) { return copy(world, 8); }},
    {"c", "write, level 1", 0.44,
     [](NetworkWorld& world) { return writes(world, WriteLevel::kAcknowledged); }},
    {"c", "write, level 2", 0.88,
     [](NetworkWorld& world) { return writes(world, WriteLevel::kConfirmed); }},
    {"c", "read", 0.90, reads},
    {"c", "copy of 3 boxes", 6.0, [](NetworkWorld& world) { return copy(world, 3); }},
    {"c", "copy of 60 boxes", 11.4, [](NetworkWorld& world) { return copy(world, 60); }},
};

}  // namespace

int main() {
  bool is_close = true;
  std::printf("profile  operation         measured s   ours s   ratio\n");
  for (const Row& row : kRows) {
    const Profile network = profile(row.profile).value();
    NetworkWorld world(1, network.nike);
    world.network().set_knobs(network.knobs);
    const double ours = row.measure(world), ratio = ours / row.measured_s;
    is_close = is_close && ratio > 2.0 / 3 && ratio < 4.0 / 3;
    std::printf("%-8s %-18s %9.2f %8.2f %7.2f\n", row.profile, row.operation, row.measured_s, ours,
                ratio);
  }
  return is_close ? 0 : 1;
}

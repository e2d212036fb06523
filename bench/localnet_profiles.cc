// The profiles of the local network beside what was measured on the real ones, in virtual time.
//
// Prints a row for each operation: measured, ours, ratio. The exit status is 1 if a ratio is
// outside two thirds to four thirds. Of what was measured only once, one sample of chance, the row
// has to be between the 5th and the 95th percentile of ours.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

#include "localnet/profile.h"
#include "support/network_world.h"

namespace {

using namespace taubenpost;
using namespace taubenpost::localnet;

using Samples = std::vector<double>;  // seconds, or boxes a second

struct Row {
  const char* profile;
  const char* operation;
  double measured;
  std::function<Samples(NetworkWorld&)> measure;
  bool is_one_sample = false;
};

std::uint64_t now_ms(NetworkWorld& world) {
  return world.network().context().scheduler.monotonic_ms();
}

// Seconds until the reply.
template <class Call>
double duration(NetworkWorld& world, Call call) {
  const std::uint64_t begin = now_ms(world);
  call();
  return static_cast<double>(world.replied_ms() - begin) / 1000;
}

// Prepares something without its rates.
template <class Work>
void at_once(NetworkWorld& world, Work work) {
  const Knobs rates = world.network().knobs(), no_rates;
  world.network().set_knobs(no_rates);
  work();
  world.network().set_knobs(rates);
}

template <class Call>
void for_each_box(std::size_t boxes, Call call) {
  const bacap::WriteCap cap = cap_of(5);
  auto index = cap.index();
  for (std::size_t i = 0; i < boxes; ++i, index = index.next().value()) call(cap, index);
}

constexpr std::size_t kOneByOne = 101, kAtOnce = 400;

Samples writes(NetworkWorld& world, WriteLevel level) {
  Samples seconds;
  for_each_box(kOneByOne, [&](const auto& cap, const auto& index) {
    seconds.push_back(duration(world, [&] { world.write(cap, index, "content", level); }));
  });
  return seconds;
}
Samples acknowledged(NetworkWorld& world) { return writes(world, WriteLevel::kAcknowledged); }
Samples confirmed(NetworkWorld& world) { return writes(world, WriteLevel::kConfirmed); }

Samples misses(NetworkWorld& world) {
  Samples seconds;
  for_each_box(kOneByOne, [&](const auto& cap, const auto& index) {
    seconds.push_back(duration(world, [&] { world.read(cap, index); }));
  });
  return seconds;
}
Samples reads(NetworkWorld& world) {
  at_once(world, [&] { confirmed(world); });
  return misses(world);
}

// Boxes a second, with so many operations outstanding.
template <class Start>
Samples rate(NetworkWorld& world, std::vector<Start> starts, std::size_t outstanding) {
  const std::uint64_t begin = now_ms(world);
  const auto boxes = static_cast<double>(starts.size());
  world.run_all(std::move(starts), outstanding);
  return {boxes * 1000 / static_cast<double>(world.replied_ms() - begin)};
}
std::function<Samples(NetworkWorld&)> write_rate(std::size_t outstanding, WriteLevel level) {
  return [=](NetworkWorld& world) {
    std::vector<wire::StartResendingEncryptedMessage> starts;
    for_each_box(kAtOnce, [&](const auto& cap, const auto& index) {
      starts.push_back(world.write_of(cap, index, "content", level));
    });
    return rate(world, std::move(starts), outstanding);
  };
}
std::function<Samples(NetworkWorld&)> read_rate(std::size_t outstanding) {
  return [=](NetworkWorld& world) {
    std::vector<wire::StartResendingEncryptedMessage> starts;
    at_once(world, [&] {
      for_each_box(kAtOnce, [&](const auto& cap, const auto& index) {
        world.write(cap, index, "content");
        starts.push_back(world.read_of(cap, index));
      });
    });
    return rate(world, std::move(starts), outstanding);
  };
}

// The temporary sequence of a copy of so many boxes, whose elements are there.
bacap::WriteCap uploaded(NetworkWorld& world, std::size_t boxes, std::uint8_t number) {
  const bacap::WriteCap cap = cap_of(static_cast<std::uint8_t>(100 + number));
  bacap::WriteCap temporary = cap_of(static_cast<std::uint8_t>(50 + number));
  const std::size_t chunk = world.network().context().directory.geometry().copy_chunk();
  at_once(world, [&] { world.upload(temporary, cap, std::string(boxes * chunk, 'x')); });
  return temporary;
}
std::function<Samples(NetworkWorld&)> copy(std::size_t boxes) {
  return [=](NetworkWorld& world) {
    Samples seconds;
    for (std::uint8_t i = 0; i < 5; ++i) {
      const bacap::WriteCap temporary = uploaded(world, boxes, i);
      seconds.push_back(duration(world, [&] { world.copy_again(temporary); }));
    }
    return seconds;
  };
}
Samples copy_that_ended(NetworkWorld& world) {
  const bacap::WriteCap temporary = uploaded(world, 1, 0);
  world.copy_again(temporary);
  Samples seconds;
  for (std::size_t i = 0; i < kOneByOne; ++i)
    seconds.push_back(duration(world, [&] { world.copy_again(temporary); }));
  return seconds;
}
// Destination boxes a second of four copies at one courier.
std::function<Samples(NetworkWorld&)> four_copies(std::size_t boxes) {
  return [=](NetworkWorld& world) {
    std::vector<wire::StartResendingCopyCommand> starts;
    for (std::uint8_t i = 0; i < 4; ++i)
      starts.push_back(world.copy_of(uploaded(world, boxes, i), 0));
    return Samples{rate(world, std::move(starts), 4)[0] * static_cast<double>(boxes)};
  };
}

Samples echo_replies(NetworkWorld& world) {
  Samples seconds;
  for (std::size_t i = 0; i < kOneByOne; ++i) {
    const auto echo = world.echo();
    seconds.push_back(static_cast<double>(echo.answered - echo.sent) / 1000);
  }
  return seconds;
}
Samples echoes(NetworkWorld& world) {
  Samples seconds;
  for (std::size_t i = 0; i < kOneByOne; ++i)
    seconds.push_back(static_cast<double>(world.echo().answered) / 1000);
  return seconds;
}
// On its connection, which does nothing else meanwhile.
Samples envelope(NetworkWorld& world) {
  return {static_cast<double>(world.network().knobs().encrypt_time.count()) / 1000};
}
Samples decryption(NetworkWorld& world) {
  return {static_cast<double>(world.network().knobs().decrypt_time.count()) / 1000};
}

constexpr auto kAck = WriteLevel::kAcknowledged;
constexpr auto kFull = WriteLevel::kConfirmed;
const Row kRows[] = {
    // section 3, single operations
    {"a", "encrypt_read", 2.849, envelope},
    {"a", "encrypt_write", 3.609, envelope},
    {"a", "builder, for each box", 2.9, envelope},  // 2.7 to 3.1
    {"a", "builder, each tombstone", 2.8, envelope},
    {"a", "decryption of an answer", 1.74, decryption},
    {"a", "echo, sent to reply", 1.65, echo_replies},
    {"a", "echo, request to reply", 2.44, echoes},
    {"a", "write, level 1", 1.9, acknowledged},
    {"a", "write, level 2", 12.5, confirmed},  // 10 to 15
    {"a", "read", 9.4, reads},
    {"a", "read of nothing", 8.7, misses},
    {"a", "copy of 2 boxes", 64, copy(2)},
    {"a", "copy that has ended", 1.4, copy_that_ended, true},
    {"b", "write, level 1", 2.56, acknowledged},
    {"b", "write, level 2", 4.98, confirmed},
    {"b", "read", 3.97, reads},
    {"c", "echo, sent to reply", 0.36, echo_replies},
    {"c", "echo, request to reply", 0.43, echoes},
    {"c", "write, level 1", 0.44, acknowledged},
    {"c", "write, level 2", 0.88, confirmed},
    {"c", "read", 0.90, reads},
    {"c", "copy of 3 boxes", 6.0, copy(3)},
    {"c", "copy that has ended", 0.3, copy_that_ended, true},
    // section 5, boxes a second with so many outstanding
    {"b", "level 1, 1 at a time", 0.373, write_rate(1, kAck)},
    {"b", "level 1, 4 at a time", 0.894, write_rate(4, kAck)},
    {"b", "level 1, 16 at a time", 1.027, write_rate(16, kAck)},
    {"b", "level 2, 1 at a time", 0.208, write_rate(1, kFull)},
    {"b", "level 2, 4 at a time", 0.477, write_rate(4, kFull)},
    {"b", "level 2, 16 at a time", 0.507, write_rate(16, kFull)},
    {"b", "reads, 1 at a time", 0.264, read_rate(1)},
    {"b", "reads, 8 at a time", 0.488, read_rate(8)},
    {"c", "level 1, 1 at a time", 2.28, write_rate(1, kAck)},
    {"c", "level 1, 4 at a time", 8.11, write_rate(4, kAck)},
    {"c", "level 1, 16 at a time", 17.3, write_rate(16, kAck)},
    {"c", "level 2, 1 at a time", 1.10, write_rate(1, kFull)},
    {"c", "level 2, 4 at a time", 4.04, write_rate(4, kFull)},
    {"c", "level 2, 16 at a time", 9.57, write_rate(16, kFull)},
    {"c", "reads, 1 at a time", 1.14, read_rate(1)},
    {"c", "reads, 4 at a time", 3.73, read_rate(4)},
    {"c", "reads, 16 at a time", 10.1, read_rate(16)},
    // section 6, copies: seconds, and boxes a second of four at once
    {"b", "copy of 8 boxes", 14.3, copy(8)},
    {"b", "four copies of 8", 1.62, four_copies(8)},
    {"c", "copy of 60 boxes", 11.4, copy(60)},
    {"c", "four copies of 60", 21.0, four_copies(60)},
};

double percentile(Samples samples, std::size_t percent) {
  const auto at = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() * percent / 100);
  std::nth_element(samples.begin(), at, samples.end());
  return *at;
}

bool is_close(const Row& row, const Samples& ours) {
  if (row.is_one_sample)
    return row.measured > percentile(ours, 5) && row.measured < percentile(ours, 95);
  const double ratio = percentile(ours, 50) / row.measured;
  return ratio > 2.0 / 3 && ratio < 4.0 / 3;
}

}  // namespace

int main() {
  bool all_close = true;
  std::printf("profile  operation                 measured     ours   ratio\n");
  for (const Row& row : kRows) {
    const Profile network = profile(row.profile).value();
    NetworkWorld world(1, network.nike);
    world.network().set_knobs(network.knobs);
    const Samples ours = row.measure(world);
    const double median = percentile(ours, 50);
    const bool close = is_close(row, ours);
    all_close = all_close && close;
    std::printf("%-8s %-24s %9.2f %8.2f %7.2f%s%s\n", row.profile, row.operation, row.measured,
                median, median / row.measured, row.is_one_sample ? "  one sample" : "",
                close ? "" : "  NOT CLOSE");
    std::fflush(stdout);
  }
  return all_close ? 0 : 1;
}

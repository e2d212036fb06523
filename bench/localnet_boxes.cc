// Boxes a second through the local network's model, in one thread and virtual time, without rates.
//
// Seconds are those of the processor, and of fifteen rounds the best one counts: what else runs on
// the machine disturbs as little as can be. Prints a row for each operation. Built twice: with all
// cryptography, and with the stand-ins of simulations (tests/support/stand_in_curve.cc). The
// argument is the rate that each has to reach; the exit status is 1 if one does not. What bounds it
// is in docs/localnet.md.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "support/network_world.h"

namespace {

using namespace taubenpost;
using namespace taubenpost::localnet;

constexpr int kRounds = 15;

// The best round.
template <class Work>
double rate(int boxes, Work work) {
  double best = 0;
  for (std::uint8_t round = 0; round < kRounds; ++round) {
    const std::clock_t begin = std::clock();
    work(round);
    const auto time = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    best = std::max(best, boxes / time);
  }
  return best;
}

template <class Call>
void for_each_box(std::uint8_t sequence, int boxes, Call call) {
  const bacap::WriteCap cap = cap_of(sequence);
  auto index = cap.index();
  for (int i = 0; i < boxes; ++i, index = index.next().value()) call(cap, index);
}

}  // namespace

int main(int count, char** arguments) {
  const double wanted = count > 1 ? std::atof(arguments[1]) : 0;
  constexpr int kBoxes = 200, kCopied = 40;
  constexpr std::uint8_t kAcknowledged = 20, kConfirmed = 40, kTemporary = 60, kCopies = 80;
  NetworkWorld world;
  const std::string text(1'549, 'x');
  const auto write = [&](std::uint8_t sequences, WriteLevel level) {
    return rate(kBoxes, [&](std::uint8_t round) {
      for_each_box(sequences + round, kBoxes, [&](const auto& cap, const auto& index) {
        TP_CHECK(world.write(cap, index, text, level) == 0);
      });
    });
  };
  const double acknowledged = write(kAcknowledged, WriteLevel::kAcknowledged);
  const double confirmed = write(kConfirmed, WriteLevel::kConfirmed);
  const double read = rate(kBoxes, [&](std::uint8_t round) {
    for_each_box(kConfirmed + round, kBoxes, [&](const auto& cap, const auto& index) {
      TP_CHECK(world.read(cap, index).text == text);
    });
  });
  for (std::uint8_t i = 0; i < kRounds; ++i)
    world.upload(cap_of(kTemporary + i), cap_of(kCopies + i), std::string(kCopied * 1'545, 'x'));
  const double copied = rate(kCopied, [&](std::uint8_t round) {
    TP_CHECK(world.copy_again(cap_of(kTemporary + round)).error_code == 0);
  });
  std::printf("write, level 1  %8.0f boxes/s\n", acknowledged);
  std::printf("write, level 2  %8.0f boxes/s\n", confirmed);
  std::printf("read            %8.0f boxes/s\n", read);
  std::printf("copy            %8.0f boxes/s\n", copied);
  return std::min({acknowledged, confirmed, read, copied}) >= wanted ? 0 : 1;
}

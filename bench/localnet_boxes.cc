// Boxes a second through the local network's model, in one thread and virtual time, without rates.
// Seconds are those of the processor: what else runs on the machine does not count.
//
// Prints a row for each operation. Built twice: with all cryptography, and with the stand-ins of
// simulations (tests/support/stand_in_curve.cc). The argument is the rate that writes and reads
// have to reach; the exit status is 1 if they do not.
//
// What bounds it (perf): with all cryptography four fifths of the time are libsodium's, mostly the
// curves. With the stand-ins more than half still is, for BLAKE2b and ChaCha20-Poly1305, and a
// quarter goes into allocating, copying and comparing memory.
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "support/network_world.h"

namespace {

using namespace taubenpost;
using namespace taubenpost::localnet;

// Boxes a second.
template <class Work>
double rate(int boxes, Work work) {
  const std::clock_t begin = std::clock();
  work();
  return boxes * static_cast<double>(CLOCKS_PER_SEC) / static_cast<double>(std::clock() - begin);
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
  constexpr int kBoxes = 3'000, kCopied = 500;
  NetworkWorld world;
  const std::string text(1'549, 'x');
  const auto write = [&](std::uint8_t sequence, WriteLevel level) {
    return rate(kBoxes, [&] {
      for_each_box(sequence, kBoxes, [&](const auto& cap, const auto& index) {
        TP_CHECK(world.write(cap, index, text, level) == 0);
      });
    });
  };
  const double acknowledged = write(1, WriteLevel::kAcknowledged);
  const double confirmed = write(2, WriteLevel::kConfirmed);
  const double read = rate(kBoxes, [&] {
    for_each_box(2, kBoxes, [&](const auto& cap, const auto& index) {
      TP_CHECK(world.read(cap, index).text == text);
    });
  });
  world.upload(cap_of(3), cap_of(4), std::string(kCopied * 1'545, 'x'));
  const double copied =
      rate(kCopied, [&] { TP_CHECK(world.copy_again(cap_of(3)).error_code == 0); });
  std::printf("write, level 1  %8.0f boxes/s\n", acknowledged);
  std::printf("write, level 2  %8.0f boxes/s\n", confirmed);
  std::printf("read            %8.0f boxes/s\n", read);
  std::printf("copy            %8.0f boxes/s\n", copied);
  return acknowledged >= wanted && confirmed >= wanted && read >= wanted ? 0 : 1;
}

// How fast a receive job is by its window of reads, on the local network's model in virtual time,
// with 200 ms for each read and no slot limit.
//
//   receive_window [BYTES]
//
// Prints a row for each window: seconds, thousand bytes a second, and what the arithmetic says:
// with W reads under way, each L seconds long and bringing C bytes, W · C / L. L is the time of the
// run with one read at a time, by its reads. The exit status is 1 if a row is more than a sixth
// off: the last window of a body has fewer reads under way.
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "support/party_network.h"

namespace {

using namespace taubenpost;

constexpr std::size_t kChunk = 1545;
// A read takes as long as sixteen hops, as measured; 12.5 ms on average at each.
constexpr double kHopRate = 0.08;

struct World : PartyNetwork {
  explicit World(std::uint32_t window) {
    const Result<Invitation> invitation = sender.run(new_channel(sender.ports(), "alice"));
    TP_CHECK(invitation);
    TP_CHECK(alice.run(import_channel(alice.ports(), "sender", *invitation)));
    alice.options.read_window = window;
  }

  // Seconds from the letter to the placed file.
  double receive(std::size_t size) {
    sender.queue("file", Bytes(size, 7), {"alice"});
    TP_CHECK(*sender.run_engine_until(0));
    TP_CHECK(*alice.poll_until(find_channel(alice.store(), "sender")->id, 0));
    localnet::Knobs knobs;
    knobs.hop_rate = kHopRate;
    network.set_knobs(knobs);
    const std::uint64_t begin = clock.monotonic_ms();
    TP_CHECK(*alice.run_engine_until(0));
    TP_CHECK(content_of(alice.folder / "file").size() == size);
    return static_cast<double>(clock.monotonic_ms() - begin) / 1000;
  }

  Party sender{clock, network, 1, StoreKind::kMemory};
  Party alice{clock, network, 2, StoreKind::kMemory};
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t size = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const double reads = std::ceil(static_cast<double>(size) / kChunk);
  double latency = 0;
  bool is_close = true;
  std::printf("window  seconds    kB/s  W*C/L kB/s\n");
  for (const std::uint32_t window : {1U, 2U, 4U, 8U, 16U, 32U}) {
    const double seconds = World(window).receive(size);
    if (window == 1) latency = seconds / reads;
    const double rate = static_cast<double>(size) / seconds / 1000;
    const double expected = window * kChunk / latency / 1000;
    is_close = is_close && std::abs(rate / expected - 1) < 1.0 / 6;
    std::printf("%6u  %7.1f  %6.1f  %11.1f\n", window, seconds, rate, expected);
  }
  std::printf("L = %.0f ms, %.0f reads of C = %zu bytes\n", 1000 * latency, reads, kChunk);
  return is_close ? 0 : 1;
}

#include "localnet/random.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/random.h"

namespace taubenpost::localnet {
namespace {

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override {
    std::uint64_t value = 0;
    fill_random({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
    return value;
  }
};

// splitmix64: a counter that is mixed well.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace

std::uint64_t Random::below(std::uint64_t bound) {
  TP_CHECK(bound > 0);
  const std::uint64_t uneven = (UINT64_MAX % bound + 1) % bound;  // values that would be biased
  while (true) {
    const std::uint64_t value = next();
    if (value <= UINT64_MAX - uneven) return value % bound;
  }
}

double Random::fraction() {
  constexpr int kBits = 53;  // as many as a double keeps
  return static_cast<double>(next() >> (64 - kBits)) / static_cast<double>(1ULL << kBits);
}

bool Random::happens(double probability) { return probability > 0 && fraction() < probability; }

Milliseconds Random::exponential(double rate) {
  constexpr double kLongest = 27.6;
  if (rate <= 0) return Milliseconds(0);
  const double means = std::min(-std::log1p(-fraction()), kLongest);
  return Milliseconds(std::llround(means / rate));
}

Milliseconds Random::up_to(Milliseconds limit) {
  return Milliseconds(below(static_cast<std::uint64_t>(limit.count()) + 1));
}

std::unique_ptr<Random> system_random() { return std::make_unique<SystemRandom>(); }
std::unique_ptr<Random> seeded_random(std::uint64_t seed) {
  return std::make_unique<SeededRandom>(seed);
}

}  // namespace taubenpost::localnet

// Chance in the local network: who is chosen, what is lost, how long something takes.
//
// All choices of the network come from here, so that a seed repeats them. Keys do not: they are the
// system's.
#pragma once

#include <cstdint>
#include <memory>

#include "localnet/knobs.h"

namespace taubenpost::localnet {

class Random {
 public:
  virtual ~Random() = default;
  // 64 even bits.
  virtual std::uint64_t next() = 0;

  // Even in [0, bound), bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // True with this probability, 0 to 1.
  bool happens(double probability);
  // How long until the next event of a Poisson process, at most 27.6 times its mean (thin-protocol
  // 6.6). `rate` in events per millisecond; 0: no time.
  Milliseconds exponential(double rate);
  // Even in [0, limit].
  Milliseconds up_to(Milliseconds limit);

 private:
  double fraction();  // even in [0, 1)
};

std::unique_ptr<Random> system_random();
// The same choices for the same seed; for tests and simulations, not secret.
std::unique_ptr<Random> seeded_random(std::uint64_t seed);

}  // namespace taubenpost::localnet

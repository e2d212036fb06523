// Random bytes of the operating system. Where a test or the simulator wants its own, the caller
// takes ports::Random instead.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace taubenpost {

// Fills the span; stops the process if the system has no randomness to give.
void fill_random(std::span<std::uint8_t> out);

template <std::size_t N>
std::array<std::uint8_t, N> random_array() {
  std::array<std::uint8_t, N> out;
  fill_random(out);
  return out;
}

// Uniform in [0, bound), bound > 0.
std::uint64_t random_below(std::uint64_t bound);

}  // namespace taubenpost

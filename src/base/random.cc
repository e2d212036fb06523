#include "base/random.h"

#include <unistd.h>

#include <algorithm>

#include "base/check.h"

namespace taubenpost {

void fill_random(std::span<std::uint8_t> out) {
  constexpr std::size_t kPerCall = 256;  // the limit of getentropy
  while (!out.empty()) {
    const std::size_t count = std::min(out.size(), kPerCall);
    TP_CHECK(getentropy(out.data(), count) == 0);
    out = out.subspan(count);
  }
}

std::uint64_t random_below(std::uint64_t bound) {
  TP_CHECK(bound > 0);
  const std::uint64_t uneven = (UINT64_MAX % bound + 1) % bound;  // values that would be biased
  for (;;) {
    std::uint64_t value = 0;
    fill_random({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
    if (value <= UINT64_MAX - uneven) return value % bound;
  }
}

}  // namespace taubenpost

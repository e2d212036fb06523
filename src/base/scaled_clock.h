// A real clock that passes faster or slower: it begins with what the real one shows when it is
// made.
#pragma once

#include <chrono>
#include <cstdint>

namespace taubenpost {

template <class Real>
class ScaledClock {
 public:
  explicit ScaledClock(double scale) : scale_(scale) {}
  std::uint64_t now_ms() const {
    using std::chrono::milliseconds;
    const std::chrono::duration<double, std::milli> passed = (Real::now() - start_) * scale_;
    const auto shown = start_.time_since_epoch() + passed;
    return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(shown).count());
  }

 private:
  const double scale_;
  const typename Real::time_point start_ = Real::now();
};

}  // namespace taubenpost

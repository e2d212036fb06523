#include "engine/pace.h"

#include <algorithm>

namespace taubenpost {
namespace {

// Before anything was measured: the slowest network that was seen answers so fast when it is idle.
constexpr std::uint64_t kUnknownWriteMs = 4'000;
// A network without rates, on a busy machine.
constexpr std::uint64_t kShortestLookMs = 100;
constexpr std::uint64_t kLongestPauseMs = 60'000;
// A copy of fewer boxes says more about the way to its courier than about the courier.
constexpr std::uint32_t kFewBoxes = 8;

}  // namespace

void Pace::wrote(std::uint64_t took_ms) {
  write_ms_ = write_ms_ == 0 ? took_ms : (write_ms_ * 7 + took_ms) / 8;
}

void Pace::copied(std::uint32_t boxes, std::uint64_t took_ms, unsigned looks) {
  // Over at the first look: very short, or issued by an earlier run.
  if (boxes < kFewBoxes || looks < 2) return;
  // Over at the first look that was expected to find it so: perhaps for some time. Without this,
  // nobody would ever notice that couriers have become faster.
  if (looks == 2) took_ms -= took_ms / 8;
  box_time_us_ = took_ms * 1'000 / boxes;
}

// It grows with the age of the copy, so that an answer gets through however slow the way has
// become.
std::uint64_t Pace::look_ms(std::uint64_t since_ms) const {
  const std::uint64_t usual_ms = write_ms_ == 0 ? kUnknownWriteMs : write_ms_ + write_ms_ / 2;
  return std::max({usual_ms, since_ms / 16, kShortestLookMs});
}

std::uint64_t Pace::pause_ms(std::uint32_t boxes, std::uint64_t since_ms) const {
  const std::uint64_t expected_ms = box_time_us_ * boxes / 1'000;
  if (expected_ms > since_ms) return std::min(expected_ms - since_ms, kLongestPauseMs);
  return std::min(since_ms / 4, kLongestPauseMs);
}

}  // namespace taubenpost

#include "engine/upload_rate.h"

#include <algorithm>
#include <utility>

namespace taubenpost {
namespace {

constexpr std::uint64_t kLongestGapMs = 60'000;
constexpr std::uint64_t kPacketsNeeded = 16;

}  // namespace

void UploadRate::count(std::uint64_t now_ms, std::uint64_t packets) {
  if (last_ms_) {
    busy_ms_ += std::min(now_ms - std::min(now_ms, *last_ms_), kLongestGapMs);
    packets_ += packets;  // the first ones only start the clock
  }
  last_ms_ = now_ms;
}

std::optional<std::uint64_t> UploadRate::take(std::uint64_t before) {
  if (packets_ < kPacketsNeeded) return std::nullopt;
  const std::uint64_t busy_ms = std::max<std::uint64_t>(std::exchange(busy_ms_, 0), 1);
  const std::uint64_t seen =
      std::max<std::uint64_t>(std::exchange(packets_, 0) * 1'000'000 / busy_ms, 1);
  return before == 0 ? seen : std::max<std::uint64_t>((before * 3 + seen) / 4, 1);
}

}  // namespace taubenpost

// UploadRate: how many packets of bodies the network takes from this sender, as seen while
// uploading.
//
// The daemon shares its slots among all of its clients and says nothing about it; what comes
// through is what counts. Pure: the caller says what time it is, and keeps the result.
#pragma once

#include <cstdint>
#include <optional>

namespace taubenpost {

// A write that a replica confirms is asked for and answered.
inline constexpr std::uint64_t kPacketsOfConfirmedWrite = 2;

class UploadRate {
 public:
  // Packets were taken. A pause counts for a minute at most: nobody uploaded then.
  void count(std::uint64_t now_ms, std::uint64_t packets = 1);
  // Packets in a thousand seconds, a quarter of it new and the rest `before` (0: all of it new).
  // Nothing until enough was seen since the last answer.
  std::optional<std::uint64_t> take(std::uint64_t before);

 private:
  std::uint64_t packets_ = 0;
  std::uint64_t busy_ms_ = 0;
  std::optional<std::uint64_t> last_ms_;
};

}  // namespace taubenpost

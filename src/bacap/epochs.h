// Mix and replica epochs (pigeonhole 7.1). All times are Unix seconds.
#pragma once

#include <cstdint>

namespace taubenpost::bacap {

inline constexpr std::uint64_t kEpochOrigin = 1'496'275'200;  // 2017-06-01 00:00:00 UTC
inline constexpr std::uint64_t kMixEpochSeconds = 1'200;
inline constexpr std::uint64_t kReplicaEpochSeconds = 604'800;

constexpr std::uint64_t mix_epoch(std::uint64_t unix_seconds) {
  return unix_seconds < kEpochOrigin ? 0 : (unix_seconds - kEpochOrigin) / kMixEpochSeconds;
}
constexpr std::uint64_t replica_epoch(std::uint64_t unix_seconds) {
  return unix_seconds < kEpochOrigin ? 0 : (unix_seconds - kEpochOrigin) / kReplicaEpochSeconds;
}
constexpr std::uint64_t replica_epoch_start(std::uint64_t epoch) {
  return kEpochOrigin + epoch * kReplicaEpochSeconds;
}
// The replica epoch in which a mix epoch begins; `period` in seconds. The quotient is taken apart
// so that no product overflows for epochs from outside.
constexpr std::uint64_t replica_epoch_of_mix(std::uint64_t epoch,
                                             std::uint64_t period = kMixEpochSeconds) {
  const std::uint64_t whole = epoch / kReplicaEpochSeconds;
  const std::uint64_t rest = epoch % kReplicaEpochSeconds;
  return whole * period + rest * period / kReplicaEpochSeconds;
}
// Whether a courier or replica at `now` accepts an envelope of `epoch` (6.3: one to either side).
constexpr bool in_epoch_window(std::uint64_t epoch, std::uint64_t now) {
  return epoch > now ? epoch - now <= 1 : now - epoch <= 1;
}

}  // namespace taubenpost::bacap

// Which replicas keep a box (pigeonhole 7.4).
#pragma once

#include <cstddef>
#include <vector>

#include "bacap/box.h"

namespace taubenpost::bacap {

inline constexpr std::size_t kShards = 2;

// Positions in `identity_keys` (all configured replicas, online or not) of the two shards of a box,
// in ascending order of BLAKE2b-256(key || box id). Fewer if there are fewer replicas.
std::vector<std::size_t> shards(const std::vector<Bytes>& identity_keys, const BoxId& box);

}  // namespace taubenpost::bacap

#include "bacap/sharding.h"

#include <algorithm>

#include "crypto/hash.h"

namespace taubenpost::bacap {

std::vector<std::size_t> shards(const std::vector<Bytes>& identity_keys, const BoxId& box) {
  std::vector<std::pair<Bytes32, std::size_t>> ranked;
  for (std::size_t i = 0; i < identity_keys.size(); ++i) {
    crypto::Blake2b256 hash;
    hash.update(identity_keys[i]);
    hash.update(box);
    ranked.emplace_back(hash.finish(), i);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < std::min(kShards, ranked.size()); ++i)
    out.push_back(ranked[i].second);
  return out;
}

}  // namespace taubenpost::bacap

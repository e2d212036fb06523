// Steps along a stored sequence: an index as it stands in a row, and the one some boxes on.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "model/rows.h"
#include "model/units.h"

namespace taubenpost {

// kInvalid at the end of a sequence (counter 2^64 − 1). The cost is linear in `steps`.
Result<IndexBytes> advanced(const IndexBytes& index, std::uint64_t steps);

// Of the position behind this one of an incoming channel. kStoreBad if that is before its first.
Result<IndexBytes> index_behind(const ChannelRow& channel, std::uint64_t counter);

// Any index of a sequence by its distance from `first`, where neighbours are asked for: what was
// passed is remembered now and then.
class IndexWalk {
 public:
  explicit IndexWalk(const IndexBytes& first) : marks_{first} {}
  // kInvalid as advanced().
  Result<IndexBytes> at(std::uint64_t steps);

 private:
  static constexpr std::uint64_t kStride = 64;
  std::vector<IndexBytes> marks_;  // every so many steps
};

}  // namespace taubenpost

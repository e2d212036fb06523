#include "engine/index_steps.h"

#include "bacap/capability.h"

namespace taubenpost {

Result<IndexBytes> advanced(const IndexBytes& index, std::uint64_t steps) {
  Result<bacap::MessageBoxIndex> at = bacap::MessageBoxIndex::parse(index);
  for (std::uint64_t i = 0; at && i < steps; ++i) at = at->next();
  if (!at) return at.error();
  return at->bytes();
}

Result<IndexBytes> index_behind(const ChannelRow& channel, std::uint64_t counter) {
  const Result<bacap::ReadCap> read_cap = bacap::ReadCap::parse(channel.capability);
  if (!read_cap) return read_cap.error();
  const std::uint64_t first = read_cap->index().counter();
  if (counter < first) return error(Errc::kStoreBad, "a position before its channel");
  return advanced(read_cap->index().bytes(), counter - first + 1);
}

Result<IndexBytes> IndexWalk::at(std::uint64_t steps) {
  while (marks_.size() <= steps / kStride) {
    const Result<IndexBytes> next = advanced(marks_.back(), kStride);
    if (!next) return next.error();
    marks_.push_back(*next);
  }
  return advanced(marks_[steps / kStride], steps % kStride);
}

}  // namespace taubenpost

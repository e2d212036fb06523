// The sealed file that a send job has beside the store (schema/spool.md): when it is there, and how
// long it is. For the engine, the check of a store, and its backup.
#pragma once

#include "model/has_upload.h"

namespace taubenpost {

// Bytes of a slice: of the spool, and of a source that is read in place.
inline constexpr std::uint64_t kSpoolSlice = 16 << 10;

// Standard input can't be read a second time: it stays until its job is posted or cancelled.
inline bool has_spool(const SendJobRow& row) {
  if (row.source_kind != SourceKind::kStandardInput) return has_upload(row);
  return !has_ended(row.state) || row.state == SendState::kFailed;
}

struct SpoolShape {
  std::uint64_t size = 0;   // bytes that are sealed in it
  std::uint64_t slice = 0;  // of which each slice but the last has so many
};
inline SpoolShape spool_shape(const SendJobRow& row) {
  const SendPlan& plan = row.plan;
  if (row.source_kind == SourceKind::kInPlace) {  // digests of its slices
    const std::uint64_t slices = (plan.size + kSpoolSlice - 1) / kSpoolSlice;
    return {slices * sizeof(Bytes32), kSpoolSlice};
  }
  // Before row version 14 nothing had a `usize`, and slices were those of the builder calls.
  const bool is_older = plan.usize == 0 && plan.size > 0 && plan.encoding == Encoding::kNone;
  if (is_older) return {plan.size, plan.slice_chunks * chunk_size(ByteSize{plan.box_max}).value()};
  return {plan.size, kSpoolSlice};
}

}  // namespace taubenpost

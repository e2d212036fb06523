// When content ages out, and until when a letter may still be issued for it (design 3.1, 4.1).
#pragma once

#include <cstdint>

#include "bacap/epochs.h"

namespace taubenpost {

// So long before its content ages out a letter is no longer issued.
inline constexpr std::uint64_t kExpirySlackS = 3600;

// Unix seconds from which on no replica has a box that was written in this replica epoch, or
// before.
constexpr std::uint64_t ages_out_at(std::uint64_t replica_epoch) {
  return bacap::replica_epoch_start(replica_epoch + 2);
}

// For a letter whose content ages out at `until`.
constexpr bool is_too_late(std::uint64_t now, std::uint64_t until) {
  return now + kExpirySlackS >= until;
}

}  // namespace taubenpost

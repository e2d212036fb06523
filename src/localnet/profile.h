// Knobs of known networks: `fast`, without limits, and the three that were measured.
//
// *Max* is 1,549 bytes in `fast` and `a`, 1,677 in `b` and `c`.
//
//   a   one slot a second, slow hops and links, post-quantum envelopes on two busy cores
//   b   the same rates, envelopes without the post-quantum part
//   c   twenty slots a second, fast hops and links, the same envelopes as b
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "localnet/directory.h"
#include "localnet/knobs.h"

namespace taubenpost::localnet {

struct Profile {
  Knobs knobs;
  EnvelopeNike nike = EnvelopeNike::kHybrid;  // for the life of a data folder
};

// kUsage: no such profile.
Result<Profile> profile(std::string_view name);
// `knobs` with the rates and times of a profile; faults stay.
Knobs with_rates(Knobs knobs, const Profile& profile);
// The names of the knobs that this sets.
std::vector<std::string> rate_names();

}  // namespace taubenpost::localnet

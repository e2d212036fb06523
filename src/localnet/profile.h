// Knobs of known networks: `fast`, without limits, and the three that were measured.
//
//   a   one slot a second, slow hops and links, post-quantum envelopes on two busy cores
//   b   the same rates, envelopes without the post-quantum part
//   c   twenty slots a second, fast hops and links, the same envelopes as b
#pragma once

#include <string_view>

#include "base/error.h"
#include "localnet/knobs.h"

namespace taubenpost::localnet {

// kUsage: no such profile.
Result<Knobs> profile(std::string_view name);

}  // namespace taubenpost::localnet

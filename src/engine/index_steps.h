// Steps along a stored sequence: an index as it stands in a row, and the one some boxes on.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "model/units.h"

namespace taubenpost {

// kInvalid at the end of a sequence (counter 2^64 − 1). The cost is linear in `steps`.
Result<IndexBytes> advanced(const IndexBytes& index, std::uint64_t steps);

}  // namespace taubenpost

// The little that the engine looks at inside a copy-stream element (pigeonhole 5.1): the replica
// epoch of the envelope that the first element of a stream begins with.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"

namespace taubenpost {

// kRejected if the element is not the first of a stream that this program can send.
Result<std::uint64_t> epoch_of_first_envelope(ByteView element);

}  // namespace taubenpost

// Giving a recipient the next free position of their channel, as part of a durable step.
#pragma once

#include "engine/ports.h"

namespace taubenpost {

// Adds to `step`: the recipient is reserved at the channel's next position, and the channel moves
// on by one. The commit answers kStateConflict if another job took that position meanwhile.
Status reserve_position(const ports::Store& store, RecipientRow recipient,
                        ports::Transaction& step);

}  // namespace taubenpost

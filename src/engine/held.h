// Why a send job is held although nobody paused it (design 4.5).
#pragma once

#include <string>

#include "model/rows.h"
#include "ports/store.h"

namespace taubenpost {

// "restored store: …", or empty. A job that still has to reach a recipient through a channel that
// is unsynchronised does nothing at all: positions from the channel's next one on may be used.
Result<std::string> held_reason(const ports::Store& store, const SendJobRow& job);

}  // namespace taubenpost

// Whether the letters of a send job can still be decided in time: before its deadline, and before
// the boxes of its body begin to age out.
//
// Asked before each packet, at the decision, and while a job waits: one that is too late fails with
// the reason at once, instead of uploading for days what nobody could fetch.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "model/rows.h"

namespace taubenpost {

// kRefused with the reason. Always ok once the letters are decided.
Status in_time(const SendJobRow& row, std::uint64_t now);

}  // namespace taubenpost

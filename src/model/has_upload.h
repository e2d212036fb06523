// Which send jobs have a spool and batches, for the engine, the check of a store, and its backup.
#pragma once

#include "base/error.h"
#include "model/rows.h"

namespace taubenpost {

// While it uploads its body, and after it failed at that, if it can be tried again.
inline bool has_upload(const SendJobRow& row) {
  const bool can_go_on = row.until == 0 &&
                         row.error_code != static_cast<std::uint16_t>(Errc::kInvalid) &&
                         row.error_code != static_cast<std::uint16_t>(Errc::kRefused);
  return row.plan.boxes > 0 &&
         (row.state == SendState::kUploading || (row.state == SendState::kFailed && can_go_on));
}

}  // namespace taubenpost

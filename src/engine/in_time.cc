#include "engine/in_time.h"

#include "engine/ageing.h"

namespace taubenpost {

Status in_time(const SendJobRow& row, std::uint64_t now) {
  if (row.state == SendState::kCommitting || has_ended(row.state)) return ok();
  if (row.deadline != 0 && now >= row.deadline)
    return error(Errc::kRefused, "the deadline passed before the letters were decided");
  if (row.first_epoch != 0 && is_too_late(now, ages_out_at(row.first_epoch)))
    return error(Errc::kRefused, "the content ages out before its letters can be sent",
                 "send it again, in smaller parts or with a higher priority");
  return ok();
}

}  // namespace taubenpost

// Steering a queued send job: what its user may change before its letters are decided.
//
// Each call is one commit. The engine looks at the row again before it starts new work, also in the
// middle of a run; what is outstanding by then may end.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "engine/ports.h"

namespace taubenpost {

// Errors of both: kNotFound; kRefused after the decision; kNothingToDo if the job is at its end, or
// is as it was to be made.
boost::asio::awaitable<Status> pause_send(EnginePorts ports, JobId id);
boost::asio::awaitable<Status> resume_send(EnginePorts ports, JobId id);

// kUsage if it is none.
Status valid_priority(int priority);
// Errors: as above; kUsage.
boost::asio::awaitable<Status> set_priority(EnginePorts ports, JobId id, int priority);

// Asked before each packet, batch and decision of a send job. kCancelled: not now, the store says
// why.
Status may_start_work(const EnginePorts& ports, JobId id);

}  // namespace taubenpost

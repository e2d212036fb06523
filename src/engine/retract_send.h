// Calling back a transfer: the request is durable when this returns, and no packet was sent yet.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "engine/ports.h"

namespace taubenpost {

// How the tombstones are written.
enum class RetractWay : std::uint8_t {
  kCopies,  // in batches, each by one copy command
  kDirect,  // each box by itself
};

// The retraction of a job, as it begins; nothing if the network holds nothing of the job.
Result<std::optional<RetractJobRow>> retraction_of(EnginePorts ports, const SendJobRow& row,
                                                   RetractWay way);

// Stops the job if its letters are on their way or it failed, and has all of it retracted by the
// engine. Again after the retraction has failed: it begins anew. Errors: kNotFound; kRefused before
// the decision; kNothingToDo if there is nothing to retract, or it is under way or done.
boost::asio::awaitable<Status> retract_send(EnginePorts ports, JobId id, RetractWay way);

}  // namespace taubenpost

// Calling back a transfer: the request is durable when this returns, and no packet was sent yet.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "engine/ports.h"

namespace taubenpost {

// Whether the job has a letter that somebody may find: since its decision, or because a resync has
// found one that was posted before the backup was restored.
Result<bool> may_be_found(const ports::Store& store, JobId id);

// The retraction of a job, as it begins; nothing if the network holds nothing of the job.
Result<std::optional<RetractJobRow>> retraction_of(EnginePorts ports, const SendJobRow& row,
                                                   Way way);

// Stops the job unless it is at its end, and has all of it retracted by the engine. Again after the
// retraction has failed: it begins anew. Errors: kNotFound; kRefused while nobody can find it, and
// while it is held (held.h); kNothingToDo if there is nothing to retract, or it is under way or
// done.
boost::asio::awaitable<Status> retract_send(EnginePorts ports, JobId id, Way way);

// Unix seconds from which on a job is to be retracted, or 0: its sender did not say so, or its
// letters are not decided.
std::uint64_t expires_at(const SendJobRow& row);

// Of all `jobs`, has those retracted that their sender wanted to be there no longer than until now.
// Store errors only.
boost::asio::awaitable<Status> retract_expired(EnginePorts ports,
                                               const std::vector<SendJobRow>& jobs);

}  // namespace taubenpost

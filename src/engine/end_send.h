// The end of a send job that does not post all its letters: given up, or cancelled by its user.
//
// The reason, and everything that the job has no more use for, go in one commit; its spool is
// removed after that. What a crash leaves between the two is found by remove_orphaned_spools().
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "engine/ports.h"

namespace taubenpost {

// Adds to `step`: the batches of the job and their elements are dropped.
Status drop_batches(const ports::Store& store, JobId id, ports::Transaction& step);

// Moves `row` by `event` (kGiveUp, kCancel or kRetract) with `note` in its history. What the job
// has reached in the network stays there, and ages, unless `retraction` is to overwrite it.
boost::asio::awaitable<Status> end_send(EnginePorts ports, SendJobRow row, SendEvent event,
                                        std::string note,
                                        std::optional<RetractJobRow> retraction = std::nullopt);

enum class CancelKind : std::uint8_t {
  // Sends no packet before the decision; what was copied is found by nobody, and ages. What is in
  // the channels of an inline job is overwritten all the same: its readers would wait at the gap.
  kStop,
  kAndRetract,  // has it overwritten
};
// Stops a job, also one that failed. Once a letter may be found that means to retract it too
// (retract_send.h). Errors: kNothingToDo if it is cancelled already, or being retracted; kRefused
// after the decision while it is held (held.h).
boost::asio::awaitable<Status> cancel_send(EnginePorts ports, JobId id,
                                           CancelKind kind = CancelKind::kStop);

// Before any job runs: spools that no job goes on with, and those that the store does not know.
Status remove_orphaned_spools(EnginePorts ports);

}  // namespace taubenpost

// The end of a send job that does not reach its letters: given up, or cancelled by the user.
//
// The reason, and everything that the job has no more use for, go in one commit; its spool is
// removed after that. What a crash leaves between the two is found by remove_orphaned_spools().
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "engine/ports.h"

namespace taubenpost {

// Adds to `step`: the batches of the job and their elements are dropped.
Status drop_batches(const ports::Store& store, JobId id, ports::Transaction& step);

// Moves `row` by `event` (kGiveUp or kCancel) with `note` in its history. What the job has reached
// in the network stays there, and ages; nobody can find it.
boost::asio::awaitable<Status> end_send(EnginePorts ports, SendJobRow row, SendEvent event,
                                        std::string note);

// Stops a job before its decision, also one that failed; no packet is sent. Errors: kRefused after
// the decision (its recipients may have found the letters), kNothingToDo if it is cancelled
// already.
boost::asio::awaitable<Status> cancel_send(EnginePorts ports, JobId id);

// Before any job runs: spools that no job goes on with, and those that the store does not know.
Status remove_orphaned_spools(EnginePorts ports);

}  // namespace taubenpost

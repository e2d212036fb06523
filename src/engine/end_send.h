// The end of a send job that does not reach its letters: given up, or cancelled by the user.
//
// The reason, and everything that the job has in the store, go in one commit; its spool is removed
// after that. What a crash leaves between the two is found by remove_orphaned_spools().
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "engine/ports.h"

namespace taubenpost {

// Moves `row` by `event` (kGiveUp or kCancel) with `note` in its history. What the job has reached
// in the network stays there, and ages; nobody can find it.
boost::asio::awaitable<Status> end_send(EnginePorts ports, SendJobRow row, SendEvent event,
                                        std::string note);

// Stops a job before its decision; no packet is sent. Errors: kRefused after the decision (its
// recipients may have found the letters), kNothingToDo if it is cancelled or failed already.
boost::asio::awaitable<Status> cancel_send(EnginePorts ports, JobId id);

// Before any job runs: spools of jobs that are at their end, or that the store does not know.
Status remove_orphaned_spools(EnginePorts ports);

}  // namespace taubenpost

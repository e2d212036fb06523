// Trying again what failed, by the user's word: the job goes on, or its content is sent anew.
//
// retry_send() goes on where the job was, with what it has stored: nothing that was posted is
// repeated, and a recipient keeps position and letter. Where that can't help, restart_send() queues
// another job, with a body and letters of its own, and closes the failed one in the same commit: so
// neither can be tried again twice. It is another job, and not the same row made new, because a
// reserved position and the bytes of a letter belong together for ever. While the content is the
// same the transfer is, too: should a letter of the failed job arrive after all, its recipient
// takes one of both.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "engine/ports.h"

namespace taubenpost {

// Errors: kNothingToDo (the job did not fail), kRefused (to try again would fail again: the source
// has changed, or the content ages out too soon), kNotFound (the source).
boost::asio::awaitable<Status> retry_send(EnginePorts ports, JobId id);

struct Restarted {
  JobId job{};                        // the new one
  std::vector<std::string> left_out;  // channels that the failed one has posted to
};
// For everybody who was not posted, with the source as it is now, or with what was read from
// standard input. Errors: kNothingToDo (the job did
// not fail), kRefused (letters may be on their way: retry_send() finds out; an inline one that has
// positions in its channels), kNotFound, kSourceUnreadable.
boost::asio::awaitable<Result<Restarted>> restart_send(EnginePorts ports, JobId id);

}  // namespace taubenpost

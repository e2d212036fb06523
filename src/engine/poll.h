// One poll round of an incoming channel: everything that is there becomes inbox rows and receive
// jobs, each in one commit with the channel's next position.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <string>

#include "engine/ports.h"

namespace taubenpost {

struct PollSummary {
  std::size_t letters = 0;  // new transfers, now receive jobs
  std::size_t others = 0;   // duplicates, retracted, unknown or invalid boxes, recorded and skipped
};

// Reads from channel.next on until a position is empty. New jobs place their files into `folder`
// (absolute). Boxes that are no letters never stop the channel. Errors: kNotFound (no such
// channel), kUsage (it is for sending), kDaemonGone, kTemporary (no clear answer: nothing was
// skipped), kRejected, kStateConflict (somebody else polls it), store errors.
boost::asio::awaitable<Result<PollSummary>> poll_channel(EnginePorts ports, ChannelId channel,
                                                         std::string folder);

}  // namespace taubenpost

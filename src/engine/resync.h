// Finding out which positions of an outgoing channel are free, after a backup was restored
// (design 4.5).
//
// The restored store knows less than what was sent. The channel is read forward from the next
// position it knows until 16 positions in a row are empty for a minute of fresh reads, and one more
// position is skipped: a letter may have been on its way. Letters of jobs that this store takes for
// unfinished are recorded as posted: they are never written a second time. All of it is one commit;
// killed before it, nothing has changed.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/ports.h"

namespace taubenpost {

struct ResyncSummary {
  std::uint64_t position = 0;  // the next one to write
  std::uint64_t used = 0;      // positions that turned out to be used
  std::uint64_t posted = 0;    // letters of unfinished jobs among them
};

// `at`: the position that the recipient reads next, by their own `channel show`. It is needed where
// the store is older than a replica epoch: letters sent since may have aged out already, so that
// their positions look empty (kRefused). Errors: kNotFound, kUsage (a channel for receiving, a
// position far away), kNothingToDo (it is synchronised), those of connect_to_network(), kRejected.
boost::asio::awaitable<Result<ResyncSummary>> resync_channel(EnginePorts ports, std::string name,
                                                             std::optional<std::uint64_t> at);

}  // namespace taubenpost

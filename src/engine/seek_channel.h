// Setting the position from which an incoming channel is read on.
//
// Forwards, what lies between is recorded as skipped. Backwards, positions that held a transfer
// give no second one: a transfer is told apart by its id, and a position by its row of the inbox.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

#include "engine/ports.h"

namespace taubenpost {

struct SeekSummary {
  std::uint64_t position = 0;
  std::uint64_t skipped = 0;  // positions that were not read and now are not
};

// kNotFound; kRefused: the channel is for sending, a stream is read there, or `position` is further
// away than a position can be looked for; kUsage: the channel begins later; store errors.
boost::asio::awaitable<Result<SeekSummary>> seek_channel(EnginePorts ports, std::string name,
                                                         std::uint64_t position);

}  // namespace taubenpost

// Reading a box that should be there: the sender's read-back and the receiver's fetch.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>

#include "engine/ports.h"

namespace taubenpost {

// Reads until there is a clear answer: transient outcomes are repeated with back-off, "not found"
// (a lagging shard may hide a box) for `lag_ms`. Never returns kRetry or kReencrypt. kDaemonGone
// when there is no daemon for kDaemonLimitMs.
boost::asio::awaitable<Result<ports::ReadResult>> read_surely(EnginePorts ports, Bytes read_cap,
                                                              IndexBytes index,
                                                              std::uint64_t lag_ms);

}  // namespace taubenpost

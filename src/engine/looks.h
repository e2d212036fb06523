// Looks: single positions of a channel, and what a read found there.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "engine/ports.h"

namespace taubenpost {

// One position of a round and what a read found there.
struct Look {
  std::uint64_t counter = 0;
  IndexBytes index{};
  Result<ports::ReadResult> read = ports::ReadResult{};

  bool found() const { return read && read->outcome != ports::Outcome::kNotFound; }
};

// Reads the position until there is a clear answer. kTemporary after a few without one; kRejected;
// kDaemonGone.
boost::asio::awaitable<void> look_at(EnginePorts ports, Bytes read_cap, Look& look);
// All of them at once. One without a clear answer is as good as empty: a later round reads it
// again. Errors: everything that is no matter of one position.
boost::asio::awaitable<Status> look_at_all(EnginePorts ports, const Bytes& read_cap,
                                           std::vector<Look>& looks);

// Positions behind the empty one at `next`, ascending; fewer at the end of the sequence. The longer
// nothing was found, the further they are.
Result<std::vector<Look>> positions_ahead(EnginePorts& ports, const ChannelRow& channel);

}  // namespace taubenpost

// Forgetting what is over, so that a store does not grow for ever.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>

#include "engine/ports.h"

namespace taubenpost {

struct PurgeSummary {
  std::uint64_t send_jobs = 0, receive_jobs = 0;
  std::uint64_t positions = 0;  // of the inbox
};

// Forgets the jobs that ended before `before` (Unix seconds), each in one commit, with their rows
// and history; files that were placed stay. What a position of a channel held is forgotten four
// weeks after it was seen, when no job of it is left: by then every box of that time has aged out,
// and no second copy of a letter can turn up. Needs no network, and no space.
boost::asio::awaitable<Result<PurgeSummary>> purge_ended(EnginePorts ports, std::uint64_t before);

}  // namespace taubenpost

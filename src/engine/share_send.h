// One more letter for what is posted already.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "engine/ports.h"

namespace taubenpost {

// Adds recipients to a posted job, and decides on their letters; the content is not sent again. One
// commit, after which the job goes through its commit for these alone. A new letter has its own
// `sent`, and the `until` of the content. Errors: those of enqueue_send about channels, kRefused
// (not posted, a recipient already, or the content ages out too soon).
boost::asio::awaitable<Status> share_send(EnginePorts ports, JobId id,
                                          std::vector<std::string> names);

}  // namespace taubenpost

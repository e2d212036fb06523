// Deleting one box for good, and making sure of it.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "engine/ports.h"

namespace taubenpost {

// Returns when several reads in a row have found the tombstone; writes it where one does not. One
// read may come by the replica that lags, and it takes only one to find a letter. kRejected if it
// can't be had after many attempts, kDaemonGone.
boost::asio::awaitable<Status> ensure_tombstone(EnginePorts ports, Bytes write_cap,
                                                IndexBytes index);

}  // namespace taubenpost

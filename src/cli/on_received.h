// The program of --on-received: run once a file is placed for good, at least once for each.
//
// It gets the path as its argument, and the rest as variables of its environment (docs/cli.md). How
// it ends changes nothing for the transfer. A run that is cut short, by a signal or a kill, is made
// again by the next command that receives.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "cli/output.h"
#include "engine/ports.h"

namespace taubenpost::cli {

// Of one placed job that has such a program and was not reported. A program that fails or can't be
// started is a notice; errors are those of the store.
boost::asio::awaitable<Status> report_received(EnginePorts ports, JobId job, Output& out);
// Of all of them, one after another.
boost::asio::awaitable<Status> report_all_received(EnginePorts ports, Output& out);

}  // namespace taubenpost::cli

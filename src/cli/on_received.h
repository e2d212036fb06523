// The program of --on-received: run once a file is placed for good, at least once for each.
//
// It gets the path as its argument, and the rest as variables of its environment (docs/cli.md). How
// it ends changes nothing for the transfer; one that takes too long is ended, and counts as run. A
// run that is cut short because we end is made again by the next command that receives; after a
// kill (SIGKILL) of ours, the first one may still run beside it.
#pragma once

#include <CLI/App.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "cli/output.h"
#include "engine/ports.h"

namespace taubenpost::cli {

// --on-received-timeout
struct OnReceivedArgs {
  std::uint64_t timeout = 600;  // seconds; 0: none
};
void add_on_received_timeout(CLI::App& command, OnReceivedArgs& args);

// Of one placed job that has such a program and was not reported. A program that fails or can't be
// started is a notice; errors are those of the store.
boost::asio::awaitable<Status> report_received(EnginePorts ports, JobId job, OnReceivedArgs args,
                                               Output& out);
// Of all of them, one after another.
boost::asio::awaitable<Status> report_all_received(EnginePorts ports, OnReceivedArgs args,
                                                   Output& out);

}  // namespace taubenpost::cli

// What can be asked of a running local network on its control socket (docs/localnet.md).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "localnet/network.h"

namespace taubenpost::localnet {

// What a command acts on.
struct Controlled {
  Network& network;
  // The orderly end of the process; empty: the network is not one of its own.
  std::function<void()> shutdown;
};

// The JSON object that answers. kUsage: no such command, or arguments that it does not take.
// kRefused: a shutdown of what can't be shut down.
Result<std::string> run_command(const Controlled& controlled, const std::string& command,
                                const std::vector<std::string>& arguments);

}  // namespace taubenpost::localnet

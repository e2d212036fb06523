// What can be asked of a running local network on its control socket (docs/localnet.md).
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "localnet/network.h"

namespace taubenpost::localnet {

// The JSON object that answers. kUsage: no such command, or arguments that it does not take.
Result<std::string> run_command(Network& network, const std::string& command,
                                const std::vector<std::string>& arguments);

}  // namespace taubenpost::localnet

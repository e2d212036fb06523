// What is asked on the control socket: one line of JSON (docs/localnet.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace taubenpost::localnet {

struct CtlRequest {
  std::string command;
  std::vector<std::string> arguments;
};

// {"command": NAME, "arguments": [TEXT…]}; the arguments may be missing. nullopt: something else.
std::optional<CtlRequest> parse_ctl_request(std::string_view line);
// Without the end of the line. What is no UTF-8 is replaced.
std::string to_line(const CtlRequest& request);

}  // namespace taubenpost::localnet

// The control socket of a running local network: DATA/ctl.sock, mode 0600.
//
// A request is one line of JSON, {"command": NAME, "arguments": [TEXT…]}; the answer is one line of
// JSON: what the command returns, or {"error": TEXT}. One request per connection. ctl_request() of
// localnet.h is the client.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace taubenpost::localnet {

class CtlServer {
 public:
  // Answers a command with a JSON object.
  using Arguments = std::vector<std::string>;
  using Handler =
      std::function<Result<std::string>(const std::string& command, const Arguments& arguments)>;

  // Errors as Listener::open. `io` outlives the server.
  static Result<std::unique_ptr<CtlServer>> open(boost::asio::io_context& io,
                                                 const std::string& data_dir, Handler handler);
  virtual ~CtlServer() = default;
};

}  // namespace taubenpost::localnet

// The control socket of a running local network: DATA/ctl.sock, mode 0600.
//
// A request is one line of JSON, {"command": NAME}; the answer is one line of JSON: what the
// command returns, or {"error": TEXT}. One request per connection. ctl_request() of localnet.h is
// the client.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"

namespace taubenpost::localnet {

class CtlServer {
 public:
  // Answers a command with a JSON text; nullopt: there is no such command.
  using Handler = std::function<std::optional<std::string>(const std::string& command)>;

  // Errors as Listener::open. `io` outlives the server.
  static Result<std::unique_ptr<CtlServer>> open(boost::asio::io_context& io,
                                                 const std::string& data_dir, Handler handler);
  virtual ~CtlServer() = default;
};

}  // namespace taubenpost::localnet

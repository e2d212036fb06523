// The listening socket of the local network's daemon: "unix:PATH", "unix:@NAME", "tcp:HOST:PORT".
//
// A Unix socket gets mode 0600 in a folder that nobody else can write to; a socket file that
// nobody answers on is removed first; the file is removed again at the end. TCP is loopback only,
// unless more was asked for: whoever can connect has full use of the daemon.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"

namespace taubenpost::localnet {

enum class Reach : std::uint8_t { kLoopback, kAnywhere };

class Listener {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using OnAccept = std::function<void(Socket)>;

  // Binds and begins to accept. Errors: kUsage (syntax), kRefused (unsafe folder, not loopback),
  // kLocked (somebody listens there), kIo.
  static Result<std::unique_ptr<Listener>> open(boost::asio::io_context& io,
                                                const std::string& listen, OnAccept on_accept,
                                                Reach reach = Reach::kLoopback);
  virtual ~Listener() = default;

  // The bound address in the same form; for TCP with the real port.
  virtual const std::string& address() const = 0;
};

// The text of a thinclient.toml that reaches `address` (thin-protocol 1.2).
std::string thin_config_text(const std::string& address);

}  // namespace taubenpost::localnet

// Opens the stream to the daemon: a socket file, an abstract name, or each address of a host.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "base/error.h"
#include "thin/config.h"

namespace taubenpost::thin {

using Socket = boost::asio::generic::stream_protocol::socket;

// One attempt. Made by std::make_shared; whoever runs it holds it until run() has returned.
class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  explicit Dialer(const boost::asio::any_io_executor& executor);

  // Errors: kDaemonGone, also after `limit` and after stop().
  boost::asio::awaitable<Result<Socket>> run(DialAddress address, std::chrono::milliseconds limit);
  void stop();

 private:
  boost::asio::awaitable<Status> connect_unix(std::string name, std::string shown);
  boost::asio::awaitable<Status> connect_tcp(TcpAddress address, std::string shown);

  Socket socket_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer limit_;
  bool stopped_ = false;
};

}  // namespace taubenpost::thin

#include "thin/dial.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/bytes.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

Error gone(const std::string& shown, const std::string& reason) {
  return error(Errc::kDaemonGone, "cannot connect to the daemon at " + shown + ": " + reason);
}

}  // namespace

Dialer::Dialer(const asio::any_io_executor& executor)
    : socket_(executor), resolver_(executor), limit_(executor) {}

void Dialer::stop() {
  stopped_ = true;
  boost::system::error_code ignored;  // a socket that cannot be closed is not connected either
  socket_.close(ignored);
  resolver_.cancel();
  limit_.cancel();
}

asio::awaitable<Result<Socket>> Dialer::run(DialAddress address, std::chrono::milliseconds limit) {
  const std::string shown = printable(to_string(address));
  limit_.expires_after(limit);
  limit_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled) self->stop();
  });
  Status status = ok();
  if (const auto* path = std::get_if<UnixPath>(&address)) {
    status = co_await connect_unix(path->path, shown);
  } else if (const auto* name = std::get_if<AbstractName>(&address)) {
    status = co_await connect_unix('\0' + name->name, shown);
  } else {
    status = co_await connect_tcp(std::get<TcpAddress>(address), shown);
  }
  limit_.cancel();
  if (!status) co_return status.error();
  if (stopped_) co_return gone(shown, "no answer in time");
  co_return std::move(socket_);
}

asio::awaitable<Status> Dialer::connect_unix(std::string name, std::string shown) {
  const asio::local::stream_protocol::endpoint target(name);
  const auto [failed] = co_await socket_.async_connect(
      asio::generic::stream_protocol::endpoint(target), asio::as_tuple(asio::use_awaitable));
  if (failed) co_return gone(shown, failed.message());
  co_return ok();
}

asio::awaitable<Status> Dialer::connect_tcp(TcpAddress address, std::string shown) {
  const std::string port = std::to_string(address.port);
  const auto [unresolved, found] =
      co_await resolver_.async_resolve(address.host, port, asio::ip::tcp::resolver::numeric_service,
                                       asio::as_tuple(asio::use_awaitable));
  if (unresolved) co_return gone(shown, unresolved.message());
  std::string reason = "no address of the wanted family";
  for (const auto& entry : found) {
    if (stopped_) co_return gone(shown, "no answer in time");
    const asio::ip::tcp::endpoint target = entry.endpoint();
    const bool is_v6 = target.address().is_v6();
    if (address.family == TcpFamily::kIpv4 && is_v6) continue;
    if (address.family == TcpFamily::kIpv6 && !is_v6) continue;
    boost::system::error_code ignored;  // closing what the last attempt left open cannot matter
    socket_.close(ignored);
    const auto [failed] = co_await socket_.async_connect(
        asio::generic::stream_protocol::endpoint(target), asio::as_tuple(asio::use_awaitable));
    if (!failed) {
      // Small requests wait for nothing; without it they are only slower.
      socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
      co_return ok();
    }
    reason = failed.message();
  }
  co_return gone(shown, reason);
}

}  // namespace taubenpost::thin

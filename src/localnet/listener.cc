#include "localnet/listener.h"

#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

namespace taubenpost::localnet {
namespace {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
using Tcp = asio::ip::tcp;
// After an accept that fails (out of descriptors), try again a little later.
constexpr std::chrono::milliseconds kAcceptPause{100};

template <class Protocol>
class AcceptLoop final : public Listener {
 public:
  AcceptLoop(typename Protocol::acceptor acceptor, std::string address, std::string socket_file,
             OnAccept on_accept)
      : shared_(std::make_shared<Shared>(std::move(acceptor), std::move(on_accept))),
        address_(std::move(address)),
        socket_file_(std::move(socket_file)) {
    accept(shared_);
  }
  ~AcceptLoop() override {
    boost::system::error_code ignored;  // closing cannot fail in a way that matters
    shared_->closed = true;
    shared_->acceptor.close(ignored);
    shared_->pause.cancel();
    if (!socket_file_.empty()) ::unlink(socket_file_.c_str());
  }
  const std::string& address() const override { return address_; }

 private:
  struct Shared {
    Shared(typename Protocol::acceptor a, OnAccept f)
        : acceptor(std::move(a)), pause(acceptor.get_executor()), on_accept(std::move(f)) {}
    typename Protocol::acceptor acceptor;
    asio::steady_timer pause;
    OnAccept on_accept;
    bool closed = false;
  };

  static void accept(std::shared_ptr<Shared> shared) {
    auto& acceptor = shared->acceptor;
    acceptor.async_accept(
        [shared](const boost::system::error_code& error, typename Protocol::socket socket) {
          if (shared->closed) return;
          if (!error) {
            if constexpr (std::is_same_v<Protocol, Tcp>) {
              boost::system::error_code ignored;  // only costs latency
              socket.set_option(Tcp::no_delay(true), ignored);
            }
            shared->on_accept(Socket(std::move(socket)));
            if (!shared->closed) accept(shared);
            return;
          }
          shared->pause.expires_after(kAcceptPause);
          shared->pause.async_wait([shared](const boost::system::error_code&) {
            if (!shared->closed) accept(shared);
          });
        });
  }

  std::shared_ptr<Shared> shared_;
  std::string address_;
  std::string socket_file_;
};

Error system_failure(Errc code, const std::string& what, const boost::system::error_code& cause) {
  return error(code, "localnet.listen: " + what + ": " + cause.message());
}

// Somebody who can write to the folder could put a socket of theirs in the place of ours.
Status check_folder(const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0)
    return error(Errc::kIo, "localnet.listen: " + folder.string() + ": " + std::strerror(errno));
  const bool ours = info.st_uid == ::geteuid() || info.st_uid == 0;
  const bool shared = (info.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (info.st_mode & S_ISVTX) == 0;
  if (!S_ISDIR(info.st_mode) || !ours || shared)
    return error(Errc::kRefused,
                 "localnet.listen: " + folder.string() + ": other users can write to this folder",
                 "put the socket into a folder of your own with mode 0700");
  return ok();
}

// Removes the file of a dead socket. A live one, or a file of another kind, stays.
Status remove_stale(asio::io_context& io, const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return ok();
  if (!S_ISSOCK(info.st_mode))
    return error(Errc::kRefused, "localnet.listen: " + path + ": exists and is not a socket");
  Local::socket probe(io);
  boost::system::error_code cause;
  probe.connect(Local::endpoint(path), cause);
  if (cause != boost::asio::error::connection_refused)
    return error(Errc::kLocked, "localnet.listen: " + path + ": another process listens there");
  if (::unlink(path.c_str()) != 0)
    return error(Errc::kIo, "localnet.listen: " + path + ": " + std::strerror(errno));
  return ok();
}

Result<std::unique_ptr<Listener>> open_unix(asio::io_context& io, const std::string& path,
                                            Listener::OnAccept on_accept) {
  const bool abstract = path.starts_with('@');
  if (path.empty() || path == "@" || path.size() >= sizeof(sockaddr_un::sun_path))
    return error(Errc::kUsage, "localnet.listen: a socket path has 1 to 107 bytes");
  if (!abstract) {
    TP_TRY(check_folder(path));
    TP_TRY(remove_stale(io, path));
  }
  const Local::endpoint endpoint(abstract ? std::string(1, '\0') + path.substr(1) : path);
  Local::acceptor acceptor(io);
  boost::system::error_code cause;
  acceptor.open(endpoint.protocol(), cause);
  if (cause) return system_failure(Errc::kIo, path, cause);
  // The mode must be right from the first moment, not after a chmod.
  const mode_t old_mask = ::umask(0177);
  acceptor.bind(endpoint, cause);
  ::umask(old_mask);
  if (!cause) acceptor.listen(Local::acceptor::max_listen_connections, cause);
  if (cause == boost::asio::error::address_in_use)
    return system_failure(Errc::kLocked, path, cause);
  if (cause) return system_failure(Errc::kIo, path, cause);
  return std::unique_ptr<Listener>(std::make_unique<AcceptLoop<Local>>(
      std::move(acceptor), "unix:" + path, abstract ? std::string() : path, std::move(on_accept)));
}

std::optional<Tcp::endpoint> parse_tcp(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string host(text.substr(0, colon));
  const auto port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto end = port_text.data() + port_text.size();
  const auto parsed = std::from_chars(port_text.data(), end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code bad;
  const auto address = asio::ip::make_address(host, bad);
  if (bad) return std::nullopt;
  return Tcp::endpoint(address, port);
}

Result<std::unique_ptr<Listener>> open_tcp(asio::io_context& io, const std::string& text,
                                           Listener::OnAccept on_accept, Reach reach) {
  const auto endpoint = parse_tcp(text);
  if (!endpoint)
    return error(Errc::kUsage, "localnet.listen: expected tcp:HOST:PORT with an IP address");
  if (reach == Reach::kLoopback && !endpoint->address().is_loopback())
    return error(Errc::kRefused, "localnet.listen: " + text + " is not a loopback address",
                 "use tcp:127.0.0.1:PORT, or --allow-remote if others may use this network");
  Tcp::acceptor acceptor(io);
  boost::system::error_code cause;
  acceptor.open(endpoint->protocol(), cause);
  if (!cause) acceptor.set_option(Tcp::acceptor::reuse_address(true), cause);
  if (!cause) acceptor.bind(*endpoint, cause);
  if (!cause) acceptor.listen(Tcp::acceptor::max_listen_connections, cause);
  if (cause == boost::asio::error::address_in_use)
    return system_failure(Errc::kLocked, text, cause);
  if (cause) return system_failure(Errc::kIo, text, cause);
  std::ostringstream bound;
  bound << "tcp:" << acceptor.local_endpoint();
  return std::unique_ptr<Listener>(std::make_unique<AcceptLoop<Tcp>>(
      std::move(acceptor), bound.str(), std::string(), std::move(on_accept)));
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& io, const std::string& listen,
                                                 OnAccept on_accept, Reach reach) {
  if (listen.starts_with("unix:")) return open_unix(io, listen.substr(5), std::move(on_accept));
  if (listen.starts_with("tcp:"))
    return open_tcp(io, listen.substr(4), std::move(on_accept), reach);
  return error(Errc::kUsage, "localnet.listen: expected unix:PATH or tcp:HOST:PORT");
}

std::string thin_config_text(const std::string& address) {
  const bool is_unix = address.starts_with("unix:");
  const toml::table config{
      {"Dial", toml::table{{is_unix ? "Unix" : "Tcp",
                            toml::table{{"Address", address.substr(is_unix ? 5 : 4)}}}}}};
  std::ostringstream out;
  out << config << '\n';
  return out.str();
}

}  // namespace taubenpost::localnet

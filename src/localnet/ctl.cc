#include "localnet/ctl.h"

#include <poll.h>

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <istream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "localnet/ctl_request.h"
#include "localnet/listener.h"
#include "localnet/localnet.h"

namespace taubenpost::localnet {
namespace {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
constexpr std::size_t kRequestMax = 4096;
constexpr std::size_t kAnswerMax = 1U << 20;
constexpr int kAnswerLimitMs = 10'000;

std::string socket_path(const std::string& data_dir) { return data_dir + "/ctl.sock"; }

// One connection: a line in, a line out.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Listener::Socket socket, std::shared_ptr<const CtlServer::Handler> handler)
      : socket_(std::move(socket)), handler_(handler) {}

  void start() {
    asio::async_read_until(
        socket_, request_, '\n',
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
          if (!error) self->answer();
        });
  }

 private:
  void answer() {
    std::string line;
    std::istream in(&request_);
    std::getline(in, line);
    answer_ = answer_to(line) + "\n";
    asio::async_write(
        socket_, asio::buffer(answer_),
        [self = shared_from_this()](const boost::system::error_code&, std::size_t) {});
  }

  std::string answer_to(const std::string& line) const {
    const std::optional<CtlRequest> request = parse_ctl_request(line);
    if (!request) return refusal(R"(expected {"command": NAME, "arguments": [TEXT...]})");
    const auto handler = handler_.lock();
    if (handler == nullptr) return refusal("the network is stopping");
    auto result = (*handler)(request->command, request->arguments);
    if (result) return std::move(result).value();
    return refusal(result.error().what +
                   (result.error().hint.empty() ? "" : ": " + result.error().hint));
  }

  static std::string refusal(const std::string& text) {
    return nlohmann::json{{"error", text}}.dump(-1, ' ', false,
                                                nlohmann::json::error_handler_t::replace);
  }

  Listener::Socket socket_;
  std::weak_ptr<const CtlServer::Handler> handler_;  // gone when the server is
  asio::streambuf request_{kRequestMax};
  std::string answer_;
};

class Server final : public CtlServer {
 public:
  explicit Server(Handler handler)
      : handler_(std::make_shared<const Handler>(std::move(handler))) {}

  Status listen(asio::io_context& io, const std::string& data_dir) {
    auto listener = Listener::open(
        io, "unix:" + socket_path(data_dir), [handler = handler_](Listener::Socket socket) {
          std::make_shared<Exchange>(std::move(socket), handler)->start();
        });
    if (!listener) return listener.error();
    listener_ = std::move(listener).value();
    return ok();
  }

 private:
  std::shared_ptr<const Handler> handler_;
  std::unique_ptr<Listener> listener_;
};

// Waits until the socket is readable; false when the time is over.
bool readable(Local::socket& socket) {
  pollfd wait{socket.native_handle(), POLLIN, 0};
  return ::poll(&wait, 1, kAnswerLimitMs) == 1;
}

Result<std::string> read_line(Local::socket& socket) {
  std::string answer;
  std::array<char, 4096> part{};
  while (!answer.ends_with('\n') && answer.size() < kAnswerMax) {
    if (!readable(socket)) return error(Errc::kTemporary, "localnet.ctl: no answer in time");
    boost::system::error_code cause;
    const std::size_t size = socket.read_some(asio::buffer(part), cause);
    if (cause) return error(Errc::kTemporary, "localnet.ctl: " + cause.message());
    answer.append(part.data(), size);
  }
  answer.pop_back();
  return answer;
}

}  // namespace

Result<std::unique_ptr<CtlServer>> CtlServer::open(asio::io_context& io,
                                                   const std::string& data_dir, Handler handler) {
  auto server = std::make_unique<Server>(std::move(handler));
  TP_TRY(server->listen(io, data_dir));
  return std::unique_ptr<CtlServer>(std::move(server));
}

Result<std::string> ctl_request(const std::string& data_dir, const std::string& command,
                                const std::vector<std::string>& arguments) {
  const std::string path = socket_path(data_dir);
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return error(Errc::kUsage, "localnet.ctl: " + path + ": path too long for a socket");
  asio::io_context io;
  Local::socket socket(io);
  boost::system::error_code cause;
  socket.connect(Local::endpoint(path), cause);
  if (cause)
    return error(Errc::kNotFound, "localnet.ctl: " + path + ": " + cause.message(),
                 "is a local network running on this folder?");
  const std::string request = to_line({command, arguments}) + "\n";
  if (request.size() > kRequestMax)
    return error(Errc::kUsage, "localnet.ctl: the request is over 4096 bytes");
  asio::write(socket, asio::buffer(request), cause);
  if (cause) return error(Errc::kIo, "localnet.ctl: " + cause.message());
  auto answer = read_line(socket);
  if (!answer) return answer.error();
  const auto parsed = nlohmann::json::parse(*answer, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object())
    return error(Errc::kInvalid, "localnet.ctl: the answer is no JSON object");
  if (!parsed.contains("error")) return answer;
  const std::string text =
      parsed["error"].is_string() ? parsed["error"].get<std::string>() : parsed["error"].dump();
  return error(Errc::kRejected, "localnet.ctl: " + command + ": " + printable(text, 4096));
}

}  // namespace taubenpost::localnet

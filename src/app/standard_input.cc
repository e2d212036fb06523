#include "app/standard_input.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

namespace taubenpost {
namespace asio = boost::asio;
namespace {

Error unreadable(const std::string& why) {
  return error(Errc::kSourceUnreadable, "standard input: " + why);
}

}  // namespace

Result<std::unique_ptr<StandardInput>> StandardInput::open() {
  const int duplicate = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (duplicate < 0)
    return error(Errc::kUsage, "standard input is closed", "pipe something into it");
  return std::unique_ptr<StandardInput>(new StandardInput(duplicate));
}

StandardInput::~StandardInput() {
  if (waiter_) waiter_->release();
  ::close(descriptor_);
}

asio::awaitable<Result<Bytes>> StandardInput::read(std::size_t limit) {
  if (!waiter_) {
    waiter_.emplace(co_await asio::this_coro::executor);
    boost::system::error_code failed;
    waiter_->assign(descriptor_, failed);
    if (failed) co_return unreadable(failed.message());
  }
  Bytes bytes(limit);
  for (;;) {
    // A file is always ready, which this answers with an error.
    boost::system::error_code failed;
    co_await waiter_->async_wait(asio::posix::descriptor_base::wait_read,
                                 asio::redirect_error(asio::use_awaitable, failed));
    if (failed && failed != asio::error::operation_not_supported)
      co_return unreadable(failed.message());
    const ssize_t n = ::read(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) co_return unreadable(std::strerror(errno));
    has_ended_ = n == 0;
    bytes.resize(static_cast<std::size_t>(n));
    co_return bytes;
  }
}

}  // namespace taubenpost

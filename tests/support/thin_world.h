// A thin client and the fake daemon that it dials, on one io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>

#include "support/fake_daemon.h"
#include "thin/client.h"

namespace taubenpost::testing {

// Short pauses between attempts: tests wait for events, not for the clock.
inline thin::Timing quick() {
  thin::Timing timing;
  timing.backoff_min = std::chrono::milliseconds(1);
  timing.backoff_max = std::chrono::milliseconds(2);
  return timing;
}

struct World {
  explicit World(thin::Timing timing = quick(), std::uint32_t starts_max = 16)
      : daemon(io),
        owned(std::make_unique<thin::Client>(
            io.get_executor(),
            thin::Options{thin::UnixPath{daemon.socket_path()}, timing, starts_max})) {}

  boost::asio::io_context io;
  FakeDaemon daemon;
  std::unique_ptr<thin::Client> owned;  // for tests that destroy it early
  thin::Client& client = *owned;
};

// Sends a reply under the query id of its request.
template <class Reply>
boost::asio::awaitable<void> answer(FakeConnectionPtr connection, std::optional<Bytes16> query,
                                    Reply reply) {
  reply.query_id = query;
  co_await connection->send(std::move(reply));
}

}  // namespace taubenpost::testing

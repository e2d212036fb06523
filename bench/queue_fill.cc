// Queues COUNT jobs in the state directory DIR, all of FILE to channel NAME, for bench/queue_10000.
#include <boost/asio/this_coro.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "app/session.h"
#include "engine/enqueue.h"
#include "engine/task_group.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;
constexpr std::size_t kAtOnce = 256;  // share a sync

asio::awaitable<void> queue_one(EnginePorts ports, SendRequest request) {
  const Result<JobId> id = co_await enqueue_send(ports, std::move(request));
  if (id) co_return;
  std::fprintf(stderr, "queue_fill: %s\n", id.error().what.c_str());
  std::exit(1);
}

asio::awaitable<Result<int>> queue_all(EnginePorts ports, SendRequest request, int count) {
  TaskGroup group(co_await asio::this_coro::executor);
  for (int i = 0; i < count; ++i) {
    while (group.running() >= kAtOnce) co_await group.wait_for_one();
    group.spawn(queue_one(ports, request));
  }
  co_await group.join();
  co_return count;
}

}  // namespace
}  // namespace taubenpost

int main(int argc, char** argv) {
  using namespace taubenpost;
  if (argc != 5) return 2;
  const Result<std::unique_ptr<Session>> session = Session::open(argv[1], KeyOptions{});
  if (!session) return 1;
  SendRequest request;
  request.sources = {argv[2]};
  request.to = {argv[3]};
  const Result<int> queued =
      (*session)->run(queue_all((*session)->ports(), std::move(request), std::atoi(argv[4])));
  return queued ? 0 : 1;
}

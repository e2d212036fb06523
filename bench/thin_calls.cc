// Small local calls a second, one after the other and sixteen at a time. Started by
// bench/thin_calls.
//   thin_calls THINCLIENT.TOML CALLS
// Prints one line for each way: its name and the calls a second.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "thin/blocking_client.h"
#include "thin/client.h"

namespace {

using namespace taubenpost;
using namespace taubenpost::thin;
namespace asio = boost::asio;
using Seconds = std::chrono::duration<double>;

constexpr int kAtATime = 16;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().what.c_str());
  std::exit(1);
}

void print(const char* way, int calls, std::chrono::steady_clock::time_point begin) {
  const Seconds took = std::chrono::steady_clock::now() - begin;
  std::printf("%s %.0f\n", way, calls / took.count());
}

asio::awaitable<void> ask(Client& client, BoxIndex index, int calls) {
  for (int i = 0; i < calls; ++i) must(co_await client.next_message_box_index(index));
}

// `tasks` callers that share `calls` among them.
void run_coroutines(const Options& options, int calls, int tasks, const char* way) {
  asio::io_context io;
  Client client(io.get_executor(), options);
  const auto fail = [](std::exception_ptr failure) {
    if (failure) std::abort();
  };
  BoxIndex index{};
  const auto prepare = [](Client& used, BoxIndex& first) -> asio::awaitable<void> {
    must(co_await used.connect());
    first = must(co_await used.new_keypair(Bytes32{})).first;
  };
  bool is_ready = false;
  asio::co_spawn(io, prepare(client, index), [&](std::exception_ptr failure) {
    fail(failure);
    is_ready = true;
  });
  while (!is_ready) io.run_one();
  const auto begin = std::chrono::steady_clock::now();
  int running = tasks;
  for (int i = 0; i < tasks; ++i)
    asio::co_spawn(io, ask(client, index, calls / tasks), [&](std::exception_ptr failure) {
      fail(failure);
      --running;
    });
  while (running > 0) io.run_one();
  print(way, calls, begin);
}

void run_blocking(const Options& options, int calls) {
  BlockingClient client(options);
  must(client.connect());
  const BoxIndex index = must(client.new_keypair(Bytes32{})).first;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) must(client.next_message_box_index(index));
  print("blocking", calls, begin);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Options options;
  options.address = must(load_config(argv[1]));
  const int calls = std::atoi(argv[2]);
  run_coroutines(options, calls, 1, "single");
  run_coroutines(options, calls, kAtATime, "sixteen");
  run_blocking(options, calls);
}

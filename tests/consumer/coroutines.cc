// The same with coroutines, on the program's own io_context.
//   coroutines THINCLIENT.TOML SECONDS
#include <thin/client.h>
#include <wire/replies.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace taubenpost::thin;

boost::asio::awaitable<void> ask(Client& client, Limit limit, int& status) {
  const taubenpost::Status connected = co_await client.connect(limit);
  if (connected) {
    std::printf("%ld\n", static_cast<long>(client.geometry()->max_plaintext_payload_length));
    status = 0;
  } else {
    std::printf("%s\n", connected.error().what.c_str());
    status = connected.error().code == taubenpost::Errc::kDaemonGone ? 13 : 1;
  }
  co_await client.close();
}

int main(int, char** argv) {
  const auto address = load_config(argv[1]);
  if (!address) return 2;
  Options options;
  options.address = *address;
  boost::asio::io_context io;
  Client client(io.get_executor(), options);
  int status = 1;
  const std::chrono::seconds limit(std::atoi(argv[2]));
  boost::asio::co_spawn(io, ask(client, limit, status), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
  io.run();
  return status;
}

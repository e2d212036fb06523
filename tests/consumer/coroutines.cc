// The same with coroutines, on the program's own io_context.
#include <thin/client.h>
#include <wire/replies.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>

using namespace taubenpost::thin;

boost::asio::awaitable<void> ask(Client& client, int& status) {
  const taubenpost::Status connected = co_await client.connect(std::chrono::seconds(2));
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
  boost::asio::co_spawn(io, ask(client, status), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
  io.run();
  return status;
}

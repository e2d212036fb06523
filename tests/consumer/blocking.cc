// Connects without coroutines. Prints the size of a box, or why there is no daemon.
//   blocking THINCLIENT.TOML SECONDS
#include <thin/blocking_client.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

int main(int, char** argv) {
  using namespace taubenpost::thin;
  const auto address = load_config(argv[1]);
  if (!address) return 2;
  Options options;
  options.address = *address;
  BlockingClient client(options);
  const auto connected = client.connect(std::chrono::seconds(std::atoi(argv[2])));
  if (!connected) {
    std::printf("%s\n", connected.error().what.c_str());
    return connected.error().code == taubenpost::Errc::kDaemonGone ? 13 : 1;
  }
  std::printf("%ld\n", static_cast<long>(client.geometry()->max_plaintext_payload_length));
  client.close();
}

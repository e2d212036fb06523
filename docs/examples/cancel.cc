// Waits for a box that nobody writes, and gives up.
//   cancel THINCLIENT.TOML
#include <future>

#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const KeyPair channel = must(client.new_keypair(random_array<32>()));
  const Envelope envelope = must(client.encrypt_read(channel.read_cap, channel.first));
  auto reading = std::async(std::launch::async, [&] {
    return client.start_read(envelope, channel.read_cap, channel.first, {.report_missing = false});
  });
  // Works whether the read is at the daemon by now or not, and while the daemon is away.
  while (reading.wait_for(std::chrono::milliseconds(10)) == std::future_status::timeout)
    must(client.cancel(envelope.hash));
  const ResendResult end = must(reading.get());
  std::printf("%s\n", end.kind == ResendKind::kCancelled ? "cancelled" : end.code.text().c_str());
  client.close();
}

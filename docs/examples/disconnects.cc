// Waits for the next message of a channel, whatever happens to the daemon meanwhile.
//   disconnects THINCLIENT.TOML NAME
#include <thread>

#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const ReadCap cap = load_array<136>(argv[2] + std::string(".read"));
  const BoxIndex index = first_index(cap);
  BlockingSubscription events = client.subscribe();
  std::printf("waiting\n");
  std::fflush(stdout);
  std::thread watching([&events] {
    while (true) {
      const Result<Event> event = events.next(Limit::max());
      if (!event) return;  // the client is closed
      if (std::holds_alternative<DisconnectedEvent>(*event)) std::printf("daemon gone\n");
      if (std::holds_alternative<ConnectedEvent>(*event)) std::printf("daemon back\n");
      std::fflush(stdout);
    }
  });
  // The read is started again at a new daemon; its caller notices nothing.
  const Envelope envelope = must(client.encrypt_read(cap, index));
  const ResendResult got = must(client.start_read(envelope, cap, index, {.report_missing = false}));
  client.close();
  watching.join();
  std::printf("%s\n", std::string(as_text(got.plaintext)).c_str());
}

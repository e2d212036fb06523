// Connects to the daemon, and shows what the daemon tells by itself.
//   connect THINCLIENT.TOML
#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  BlockingSubscription events = client.subscribe();
  must(client.connect());
  while (true) {
    const Event event = must(events.next(Limit(60'000)));
    if (const auto* status = std::get_if<StatusEvent>(&event))
      std::printf("gateway: %s\n", status->is_connected ? "connected" : "not connected");
    if (const auto* news = std::get_if<DocumentEvent>(&event))
      std::printf("document with %zu replicas\n", news->document->content().replicas.size());
    if (std::holds_alternative<ConnectedEvent>(event)) break;
  }
  std::printf("a box holds %ld bytes\n", long(client.geometry()->max_plaintext_payload_length));
  client.close();
}

// Finds out who offers a service, and takes one of them.
//   services THINCLIENT.TOML
#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const DocumentPtr document = document_of(client);
  for (const wire::PkiService& service : document->content().services)
    std::printf("%s: %s at %s\n", service.capability.c_str(), service.endpoint.c_str(),
                service.node.c_str());
  const ServiceId courier = must(document->random_service("courier"));
  std::printf("took one with the queue %s\n", std::string(as_text(courier.queue_id)).c_str());
  client.close();
}

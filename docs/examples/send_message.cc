// Sends one message to a service, and waits for its reply.
//   send_message THINCLIENT.TOML TEXT
#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const std::string text = argv[2];
  const ServiceId echo = must(document_of(client)->random_service("echo"));
  const MessageReply reply = must(client.send_and_wait(echo, as_bytes(text)));
  // Replies are padded with zeros: the service's protocol says where they end.
  std::printf("%s\n", std::string(as_text(reply.payload)).substr(0, text.size()).c_str());
  client.close();
}

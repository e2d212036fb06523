// Reads a channel from its first box on, as far as it is written.
//   read THINCLIENT.TOML NAME
#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const ReadCap cap = load_array<136>(argv[2] + std::string(".read"));
  BoxIndex index = first_index(cap);
  while (true) {
    // Every look is a new envelope: an old one may be answered from a courier's memory.
    const Envelope envelope = must(client.encrypt_read(cap, index));
    const ResendResult got =
        must(client.start_read(envelope, cap, index, {.report_missing = true}));
    if (got.kind == ResendKind::kNotFound) break;
    if (got.kind == ResendKind::kTombstone)
      std::printf("(deleted)\n");
    else
      std::printf("%s\n", std::string(as_text(got.plaintext)).c_str());
    index = envelope.next;
  }
  client.close();
}

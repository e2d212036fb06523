// Writes one message into the next box of a channel.
//   write THINCLIENT.TOML NAME TEXT
#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const std::string name = argv[2];
  const WriteCap cap(load_array<168>(name + ".write"));
  const BoxIndex index = load_array<104>(name + ".next");

  const Envelope envelope = must(client.encrypt_write(as_bytes(argv[3]), cap, index));
  const ResendResult written = must(client.start_write(envelope, cap, {.confirmed = true}));
  must(written.kind == ResendKind::kOk, written.code.text());
  // A box is written once: the next message belongs to the next box.
  save(name + ".next", envelope.next);
  std::printf("written\n");
  client.close();
}

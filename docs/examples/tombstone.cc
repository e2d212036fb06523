// Deletes the first box of a channel.
//   tombstone THINCLIENT.TOML NAME
#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const std::string name = argv[2];
  const WriteCap cap(load_array<168>(name + ".write"));
  const BoxIndex first = first_index(load_array<136>(name + ".read"));

  const Envelope envelope = must(client.encrypt_tombstone(cap, first));
  const ResendResult deleted = must(client.start_write(envelope, cap, {.confirmed = true}));
  must(deleted.kind == ResendKind::kOk, deleted.code.text());
  std::printf("deleted\n");
  client.close();
}

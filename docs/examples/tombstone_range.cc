// Deletes the first boxes of a channel with one copy command.
//   tombstone_range THINCLIENT.TOML NAME COUNT
#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const std::string name = argv[2];
  const auto count = std::uint32_t(std::strtoul(argv[3], nullptr, 10));
  const WriteCap cap(load_array<168>(name + ".write"));
  const BoxIndex first = first_index(load_array<136>(name + ".read"));

  const CopyElements built = must(client.create_courier_envelopes_from_tombstone_range(
      cap, first, count, {.is_start = true, .is_last = true}));
  const CopyResult copied = copy_elements(client, built.elements);
  must(copied.kind == CopyKind::kSucceeded, copied.code.text() + ", " + copied.replica.text());
  std::printf("%u boxes deleted\n", count);
  client.close();
}

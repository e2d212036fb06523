// Writes several channels with one copy command: all of them, or the courier says which failed.
//   copy_several THINCLIENT.TOML TEXT NAME...
#include "steps.h"

using namespace examples;

int main(int argc, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const std::string text = argv[2];
  const std::vector<std::string> names(argv + 3, argv + argc);

  std::vector<WriteCap> caps;
  for (const std::string& name : names) caps.emplace_back(load_array<168>(name + ".write"));
  std::vector<Destination> destinations;
  for (std::size_t i = 0; i < names.size(); ++i)
    destinations.push_back({as_bytes(text), &caps[i], load_array<104>(names[i] + ".next")});
  const CopyElements built = must(client.create_courier_envelopes_from_multi_payload(
      destinations, {.is_start = true, .is_last = true}));

  const CopyResult copied = copy_elements(client, built.elements);
  must(copied.kind == CopyKind::kSucceeded, copied.code.text() + ", " + copied.replica.text());
  for (std::size_t i = 0; i < names.size(); ++i) save(names[i] + ".next", built.next.at(i));
  std::printf("%zu channels written\n", names.size());
  client.close();
}

// Makes a channel: one capability for who writes, one for who reads.
//   channel THINCLIENT.TOML NAME
#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const std::string name = argv[2];
  // The same seed gives the same channel: keep it secret, or forget it.
  const KeyPair channel = must(client.new_keypair(random_array<32>()));
  save(name + ".write", channel.write_cap.view());
  save(name + ".read", channel.read_cap);
  save(name + ".next", channel.first);
  std::printf("%s.write and %s.read\n", name.c_str(), name.c_str());
  client.close();
}

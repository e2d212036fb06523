// Writes several boxes of one channel at once: readers find all of them, or none yet.
//   copy_one THINCLIENT.TOML NAME TEXT
#include "steps.h"

using namespace examples;

int main(int, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const std::string name = argv[2];
  const WriteCap cap(load_array<168>(name + ".write"));
  const BoxIndex index = load_array<104>(name + ".next");

  // 1. The daemon cuts the payload into boxes of the channel, and packs their envelopes.
  const std::string payload = argv[3];
  const CopyElements built = must(client.create_courier_envelopes_from_payload(
      {as_bytes(payload), &cap, index}, /*is_start=*/true, /*is_last=*/true));

  // 2. They go into a temporary sequence, box after box from its first index on.
  const KeyPair temporary = must(client.new_keypair(random_array<32>()));
  BoxIndex position = temporary.first;
  for (const Bytes& element : built.elements) {
    const Envelope envelope = must(client.encrypt_write(element, temporary.write_cap, position));
    const ResendResult written =
        must(client.start_write(envelope, temporary.write_cap, {.confirmed = true}));
    must(written.kind == ResendKind::kOk, written.code.text());
    position = envelope.next;
  }

  // 3. A courier reads them and writes the channel. The same courier is asked until it has a
  // verdict.
  const ServiceId courier = must(document_of(client)->random_service("courier"));
  const CopyResult copied = must(client.start_copy(temporary.write_cap, courier));
  must(copied.kind == CopyKind::kSucceeded, copied.code.text() + ", " + copied.replica.text());

  save(name + ".next", built.next.at(0));
  std::printf("copied\n");
  client.close();
}

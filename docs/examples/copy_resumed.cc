// Sends a file in many builder calls, and goes on where it was after a crash.
//   copy_resumed THINCLIENT.TOML NAME FILE FOLDER [CALLS]
// FOLDER keeps what has to survive. After CALLS calls the program stops as if it had crashed.
#include "steps.h"

using namespace examples;

constexpr std::size_t kSlice = 4 * 1545;  // whole boxes: each call starts a new one

int main(int argc, char** argv) {
  BlockingClient client(options_from(argv[1]));
  must(client.connect());
  const std::string name = argv[2], folder = argv[4] + std::string("/");
  const Bytes content = load(argv[3]);
  const std::size_t slices = (content.size() + kSlice - 1) / kSlice;
  const std::size_t stop_after = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : slices;
  const WriteCap cap(load_array<168>(name + ".write"));

  // What one call leaves is complete before it counts: elements, buffer, next box.
  std::size_t done = 0;
  while (::access((folder + std::to_string(done) + ".done").c_str(), F_OK) == 0) ++done;
  if (done > 0) std::printf("goes on after call %zu\n", done);
  for (; done < slices; ++done) {
    const std::string slice = folder + std::to_string(done),
                      before = folder + std::to_string(done - 1);
    const BoxIndex index = load_array<104>(done == 0 ? name + ".next" : before + ".next");
    const Bytes buffer = done == 0 ? Bytes{} : load(before + ".buffer");
    const ByteView piece = ByteView(content).subspan(done * kSlice);
    const CopyElements built = must(client.create_courier_envelopes_from_multi_payload(
        {{piece.first(std::min(piece.size(), kSlice)), &cap, index}},
        {.is_start = done == 0, .is_last = done + 1 == slices, .buffer = buffer}));
    for (std::size_t i = 0; i < built.elements.size(); ++i)
      save(slice + "." + std::to_string(i), built.elements[i]);
    save(slice + ".buffer", built.buffer);
    save(slice + ".next", built.next.at(0));
    save(slice + ".done", {});
    if (done + 1 == stop_after && stop_after < slices) {
      std::printf("stops after call %zu of %zu\n", done + 1, slices);
      std::fflush(stdout);
      std::_Exit(0);
    }
  }

  // Elements are random: only those that were kept belong together.
  std::vector<Bytes> elements;
  for (std::size_t call = 0; call < slices; ++call)
    for (std::size_t i = 0;; ++i) {
      const std::string file = folder + std::to_string(call) + "." + std::to_string(i);
      if (::access(file.c_str(), F_OK) != 0) break;
      elements.push_back(load(file));
    }
  const CopyResult copied = copy_elements(client, elements);
  must(copied.kind == CopyKind::kSucceeded, copied.code.text() + ", " + copied.replica.text());
  save(name + ".next", load(folder + std::to_string(slices - 1) + ".next"));
  std::printf("copied %zu bytes\n", content.size());
  client.close();
}

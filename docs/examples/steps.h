// What the examples share: stopping at an error, capabilities in files, and the steps that other
// examples show one by one.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "base/random.h"
#include "thin/blocking_client.h"

namespace examples {

using namespace taubenpost;
using namespace taubenpost::thin;

// The value, or the end of the program.
template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().what.c_str());
  std::exit(1);
}
inline void must(bool condition, const std::string& what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

// The options for the daemon that a thinclient.toml names.
inline Options options_from(const char* thin_config) {
  Options options;
  options.address = must(load_config(thin_config));
  return options;
}

// The document of the network; a daemon that has just started may not have one yet.
inline DocumentPtr document_of(BlockingClient& client) {
  const DocumentPtr document = client.document();
  must(document != nullptr, "the daemon has no document yet");
  return document;
}

// Files of capabilities and indices: for nobody's eyes but the owner's.
inline void save(const std::string& path, ByteView bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && ::write(fd, bytes.data(), bytes.size()) == ssize_t(bytes.size());
  const bool synced = written && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  must(synced, "can't write " + path);
}
inline Bytes load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  must(bool(file), "can't read " + path);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}
template <std::size_t N>
std::array<std::uint8_t, N> load_array(const std::string& path) {
  const Bytes bytes = load(path);
  must(bytes.size() == N, path + " has another size");
  return to_array<N>(bytes);
}

// Example "write": one box, confirmed by a replica.
inline ResendResult write_box(BlockingClient& client, const WriteCap& cap, const BoxIndex& index,
                              ByteView plaintext) {
  const Envelope envelope = must(client.encrypt_write(plaintext, cap, index));
  return must(client.start_write(envelope, cap, {.confirmed = true}));
}
// Example "read": one box, or that nothing is there.
inline ResendResult read_box(BlockingClient& client, const ReadCap& cap, const BoxIndex& index) {
  const Envelope envelope = must(client.encrypt_read(cap, index));
  return must(client.start_read(envelope, cap, index, {.report_missing = true}));
}
// Example "copy_one": the elements into a temporary sequence, and a courier to copy them out.
inline CopyResult copy_elements(BlockingClient& client, const std::vector<Bytes>& elements) {
  const KeyPair temporary = must(client.new_keypair(random_array<32>()));
  BoxIndex index = temporary.first;
  for (const Bytes& element : elements) {
    must(write_box(client, temporary.write_cap, index, element).kind == ResendKind::kOk,
         "an element was not written");
    index = must(client.next_message_box_index(index));
  }
  const ServiceId courier = must(document_of(client)->random_service("courier"));
  return must(client.start_copy(temporary.write_cap, courier));
}

}  // namespace examples

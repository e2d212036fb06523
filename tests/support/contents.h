// Contents of test files, the same for the same seed: such as compression makes no smaller, so that
// boxes can be counted, and such as it does.
#pragma once

#include <string>

#include "base/bytes.h"

namespace taubenpost {

inline Bytes incompressible(std::size_t size, std::uint64_t seed = 1) {
  std::uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) {  // xorshift64*
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    byte = static_cast<std::uint8_t>((state * 0x2545f4914f6cdd1d) >> 56);
  }
  return bytes;
}

inline Bytes compressible(std::size_t size) {
  Bytes bytes;
  for (unsigned line = 1; bytes.size() < size; ++line)
    append(bytes, as_bytes("line " + std::to_string(line * 7919) + " of a long list\n"));
  bytes.resize(size);
  return bytes;
}

}  // namespace taubenpost

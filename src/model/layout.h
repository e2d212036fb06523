// How the boxes of a transfer are laid out, and how they get to their places.
#pragma once

#include <cstdint>

namespace taubenpost {

// How boxes get into the sequence where they belong.
enum class Way : std::uint8_t {
  kCopy = 1,    // by a courier's copy command, from a temporary sequence
  kDirect = 2,  // each straight into its place, and a replica says that it has it
};

// How content is changed before it is put into boxes.
enum class Encoding : std::uint8_t {
  kNone = 1,
  kZstd = 2,
};

// What a channel carries, and so the jobs that send to it.
enum class Layout : std::uint8_t {
  kLetters = 1,  // letters, each with its content or the way to it
  kInline = 2,   // transfers one behind the other: a header, and its content in the boxes behind it
};

}  // namespace taubenpost

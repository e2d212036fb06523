// What a user has to open a store with; each kind fits the key slots of its kind (key_slots.h).
#pragma once

#include <filesystem>
#include <variant>

#include "base/secret.h"
#include "crypto/argon2.h"

namespace taubenpost {

// A file of 32 random bytes that only its owner can read.
struct KeyFile {
  std::filesystem::path path;
};

// About half a second, and memory that a small machine has.
inline constexpr crypto::Argon2Cost kPassphraseCost{.memory_kib = 128 * 1024, .passes = 4};

struct Passphrase {
  SecretBytes text;                           // at least one byte
  crypto::Argon2Cost cost = kPassphraseCost;  // of a slot that is made; a stored one has its own
};

using KeySource = std::variant<KeyFile, Passphrase>;

}  // namespace taubenpost

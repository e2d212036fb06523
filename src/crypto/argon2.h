// Argon2id (RFC 9106, version 1.3, one lane): a key from a passphrase, slow and large on purpose.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

namespace taubenpost::crypto {

using Argon2Salt = std::array<std::uint8_t, 16>;

struct Argon2Cost {
  std::uint32_t memory_kib = 0;  // 8 to 1 GiB
  std::uint32_t passes = 0;      // 1 to 64
  bool operator==(const Argon2Cost&) const = default;
};
// For costs that were stored: what lies outside is refused before anything is allocated.
bool is_in_range(const Argon2Cost& cost);

// kTemporary: this machine has not got the memory now. `cost` is in range.
Result<SecretArray<32>> argon2id(ByteView passphrase, const Argon2Salt& salt,
                                 const Argon2Cost& cost);

}  // namespace taubenpost::crypto

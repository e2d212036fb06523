#include "crypto/argon2.h"

#include <sodium.h>

#include "crypto/init.h"

namespace taubenpost::crypto {
namespace {

constexpr std::uint32_t kMemoryMin = 8;
constexpr std::uint32_t kMemoryMax = 1U << 20;
constexpr std::uint32_t kPassesMax = 64;

}  // namespace

bool is_in_range(const Argon2Cost& cost) {
  return cost.memory_kib >= kMemoryMin && cost.memory_kib <= kMemoryMax && cost.passes >= 1 &&
         cost.passes <= kPassesMax;
}

Result<SecretArray<32>> argon2id(ByteView passphrase, const Argon2Salt& salt,
                                 const Argon2Cost& cost) {
  ensure_ready();
  TP_CHECK(is_in_range(cost));
  SecretArray<32> key;
  static_assert(Argon2Salt().size() == crypto_pwhash_argon2id_SALTBYTES);
  const int failed = crypto_pwhash_argon2id(
      key.writable().data(), key.size(), reinterpret_cast<const char*>(passphrase.data()),
      passphrase.size(), salt.data(), cost.passes, std::size_t{cost.memory_kib} * 1024,
      crypto_pwhash_argon2id_ALG_ARGON2ID13);
  if (failed != 0)
    return error(Errc::kTemporary,
                 "a key from a passphrase takes " + std::to_string(cost.memory_kib / 1024) +
                     " MiB of memory, which are not there",
                 "end other programs, or use another way to unlock");
  return key;
}

}  // namespace taubenpost::crypto

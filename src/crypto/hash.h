// Hashes and key derivation: BLAKE2b, SHA-512, SHA-512/256, HKDF over HMAC-BLAKE2b-512.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/secret.h"

namespace taubenpost::crypto {

using Bytes64 = std::array<std::uint8_t, 64>;

// Unkeyed, 32 bytes of output.
Bytes32 blake2b_256(ByteView data);
Bytes64 blake2b_512(ByteView data);
Bytes64 sha512(ByteView data);
// FIPS 180-4 with its own initial values, not SHA-512 cut short.
Bytes32 sha512_256(ByteView data);

// BLAKE2b-256 of data that arrives in pieces.
class Blake2b256 {
 public:
  Blake2b256();
  ~Blake2b256();
  Blake2b256(Blake2b256&&) noexcept;
  Blake2b256& operator=(Blake2b256&&) noexcept;
  void update(ByteView data);
  // Once; the object can't be used afterwards.
  Bytes32 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// First `count` bytes of SHAKE256, for seeds that become keys.
SecretBytes shake256(ByteView data, std::size_t count);

// SHA-512 of the concatenation of several pieces.
Bytes64 sha512(std::initializer_list<ByteView> pieces);

// RFC 5869 over HMAC-BLAKE2b-512 (pigeonhole 1.4). An empty salt stands for 64 zero bytes. `out`
// is at most 255 × 64 bytes.
void hkdf_blake2b(ByteView key_material, ByteView salt, ByteView info, std::span<std::uint8_t> out);

// HMAC with BLAKE2b-512 (not keyed BLAKE2b).
Bytes64 hmac_blake2b_512(ByteView key, ByteView data);

}  // namespace taubenpost::crypto

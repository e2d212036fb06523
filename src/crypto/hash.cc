#include "crypto/hash.h"

#include <gcrypt.h>
#include <sodium.h>

#include <algorithm>

#include "crypto/init.h"

namespace taubenpost::crypto {
namespace {

constexpr std::size_t kHmacBlock = 128;

// HMAC-BLAKE2b-512 over up to three pieces.
Bytes64 hmac(ByteView key, ByteView a, ByteView b, ByteView c) {
  std::array<std::uint8_t, kHmacBlock> pad{};
  if (key.size() > kHmacBlock) {
    Bytes64 short_key = blake2b_512(key);
    std::copy(short_key.begin(), short_key.end(), pad.begin());
    wipe(short_key);
  } else {
    std::copy(key.begin(), key.end(), pad.begin());
  }
  for (std::uint8_t& byte : pad) byte ^= 0x36;
  crypto_generichash_state state;
  Bytes64 inner, outer;
  crypto_generichash_init(&state, nullptr, 0, inner.size());
  crypto_generichash_update(&state, pad.data(), pad.size());
  for (const ByteView piece : {a, b, c})
    crypto_generichash_update(&state, piece.data(), piece.size());
  crypto_generichash_final(&state, inner.data(), inner.size());
  for (std::uint8_t& byte : pad) byte ^= 0x36 ^ 0x5c;
  crypto_generichash_init(&state, nullptr, 0, outer.size());
  crypto_generichash_update(&state, pad.data(), pad.size());
  crypto_generichash_update(&state, inner.data(), inner.size());
  crypto_generichash_final(&state, outer.data(), outer.size());
  wipe(pad);
  wipe(inner);
  wipe({reinterpret_cast<std::uint8_t*>(&state), sizeof state});
  return outer;
}

}  // namespace

struct Blake2b256::State {
  crypto_generichash_state hash;
};

Blake2b256::Blake2b256() : state_(std::make_unique<State>()) {
  ensure_ready();
  crypto_generichash_init(&state_->hash, nullptr, 0, 32);
}
Blake2b256::~Blake2b256() = default;
Blake2b256::Blake2b256(Blake2b256&&) noexcept = default;
Blake2b256& Blake2b256::operator=(Blake2b256&&) noexcept = default;

void Blake2b256::update(ByteView data) {
  TP_CHECK(state_ != nullptr);
  crypto_generichash_update(&state_->hash, data.data(), data.size());
}

Bytes32 Blake2b256::finish() {
  TP_CHECK(state_ != nullptr);
  Bytes32 out;
  crypto_generichash_final(&state_->hash, out.data(), out.size());
  state_.reset();
  return out;
}

Bytes32 blake2b_256(ByteView data) {
  ensure_ready();
  Bytes32 out;
  crypto_generichash(out.data(), out.size(), data.data(), data.size(), nullptr, 0);
  return out;
}

Bytes64 blake2b_512(ByteView data) {
  ensure_ready();
  Bytes64 out;
  crypto_generichash(out.data(), out.size(), data.data(), data.size(), nullptr, 0);
  return out;
}

Bytes64 sha512(ByteView data) { return sha512({data}); }

Bytes64 sha512(std::initializer_list<ByteView> pieces) {
  ensure_ready();
  crypto_hash_sha512_state state;
  crypto_hash_sha512_init(&state);
  for (const ByteView piece : pieces) crypto_hash_sha512_update(&state, piece.data(), piece.size());
  Bytes64 out;
  crypto_hash_sha512_final(&state, out.data());
  wipe({reinterpret_cast<std::uint8_t*>(&state), sizeof state});
  return out;
}

Bytes32 sha512_256(ByteView data) {
  ensure_ready();
  Bytes32 out;
  gcry_md_hash_buffer(GCRY_MD_SHA512_256, out.data(), data.data(), data.size());
  return out;
}

SecretBytes shake256(ByteView data, std::size_t count) {
  ensure_ready();
  gcry_md_hd_t hash = nullptr;
  TP_CHECK(gcry_md_open(&hash, GCRY_MD_SHAKE256, 0) == 0);
  gcry_md_write(hash, data.data(), data.size());
  SecretBytes out{Bytes(count)};
  const gcry_error_t failed = gcry_md_extract(hash, GCRY_MD_SHAKE256, out.writable().data(), count);
  gcry_md_close(hash);
  TP_CHECK(failed == 0);
  return out;
}

Bytes64 hmac_blake2b_512(ByteView key, ByteView data) {
  ensure_ready();
  return hmac(key, data, {}, {});
}

void hkdf_blake2b(ByteView key_material, ByteView salt, ByteView info,
                  std::span<std::uint8_t> out) {
  ensure_ready();
  TP_CHECK(out.size() <= 255 * 64);
  const Bytes64 no_salt{};
  Bytes64 pseudo_random = hmac(salt.empty() ? ByteView(no_salt) : salt, key_material, {}, {});
  Bytes64 block{};
  std::size_t block_size = 0;  // T(0) is empty
  for (std::uint8_t counter = 1; !out.empty(); ++counter) {
    block = hmac(pseudo_random, ByteView(block).first(block_size), info, {&counter, 1});
    block_size = block.size();
    const std::size_t count = std::min(out.size(), block.size());
    std::copy_n(block.begin(), count, out.begin());
    out = out.subspan(count);
  }
  wipe(pseudo_random);
  wipe(block);
}

}  // namespace taubenpost::crypto

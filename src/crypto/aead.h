// Authenticated encryption: AES-256-GCM-SIV for boxes, ChaCha20-Poly1305 for envelopes,
// XChaCha20-Poly1305 for what this program keeps on disk.
//
// Opening answers kInvalid for anything that was not sealed with the same key, nonce and data.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

namespace taubenpost::crypto {

inline constexpr std::size_t kTagSize = 16;

// RFC 8452; ciphertext || 16-byte tag. `key` 32 bytes, `nonce` 12 bytes.
Bytes aes_256_gcm_siv_seal(ByteView key, ByteView nonce, ByteView associated, ByteView plaintext);
Result<Bytes> aes_256_gcm_siv_open(ByteView key, ByteView nonce, ByteView associated,
                                   ByteView sealed);

// RFC 8439 without associated data; nonce (12) || ciphertext || tag. `nonce` is random when
// sealing.
inline constexpr std::size_t kChaChaOverhead = 12 + kTagSize;
Bytes chacha20poly1305_seal(ByteView key, ByteView plaintext);
Result<Bytes> chacha20poly1305_open(ByteView key, ByteView sealed);

// Random 24-byte nonce || ciphertext || tag.
inline constexpr std::size_t kXChaChaOverhead = 24 + kTagSize;
Bytes xchacha20poly1305_seal(ByteView key, ByteView associated, ByteView plaintext);
Result<Bytes> xchacha20poly1305_open(ByteView key, ByteView associated, ByteView sealed);

// First `count` bytes of the ChaCha20 keystream, original variant: 8-byte zero nonce, counter 0.
SecretBytes chacha20_keystream(ByteView key, std::size_t count);

}  // namespace taubenpost::crypto

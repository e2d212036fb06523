// Ed25519 with blinded keys (pigeonhole 1.7, 1.8), and X25519.
//
// Points and keys from outside may be anything: what libsodium does not accept (off the curve, low
// order, not canonical) is kInvalid.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"
#include "crypto/hash.h"

namespace taubenpost::crypto {

// The 64-byte private key of RFC 8032 (seed || public key) made from a 32-byte seed.
SecretArray<64> ed25519_from_seed(ByteView seed);
// Whether the bytes are a point of the main subgroup in canonical form.
bool ed25519_point_ok(ByteView public_key);
// Ordinary RFC 8032 signature with the 64-byte private key (seed || public key).
Bytes64 ed25519_sign(ByteView private_key, ByteView message);
bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature);

// f = clamp(SHA-512/256(input)) mod L (pigeonhole 1.7).
SecretArray<32> blinding_factor(ByteView input);
// A' = f · A.
Result<Bytes32> blind_public_key(ByteView public_key, const SecretArray<32>& factor);
// a' = f · clamp(SHA-512(seed)[0..32)) mod L.
SecretArray<32> blind_private_key(ByteView seed, const SecretArray<32>& factor);
// a' = f · scalar mod L, for a scalar that is already blinded.
SecretArray<32> blind_scalar(const SecretArray<32>& scalar, const SecretArray<32>& factor);
// The public key of a blinded scalar: a' · B.
Bytes32 public_of_scalar(const SecretArray<32>& scalar);
// Deterministic signature with a blinded scalar (pigeonhole 1.8).
Bytes64 sign_blinded(const SecretArray<32>& scalar, ByteView public_key, ByteView message);
// clamp and reduce modulo L of 32 bytes.
SecretArray<32> clamp_and_reduce(ByteView bytes);
// 64 bytes, little-endian, modulo L.
SecretArray<32> reduce_scalar(ByteView wide);

Bytes32 x25519_base(ByteView private_key);
// kInvalid for a public key of low order.
Result<SecretArray<32>> x25519(ByteView private_key, ByteView public_key);

}  // namespace taubenpost::crypto

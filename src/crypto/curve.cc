#include "crypto/curve.h"

#include <sodium.h>

#include <algorithm>

#include "crypto/init.h"

namespace taubenpost::crypto {
namespace {

Error bad_point() { return error(Errc::kInvalid, "not a usable curve point"); }

}  // namespace

SecretArray<64> ed25519_from_seed(ByteView seed) {
  ensure_ready();
  TP_CHECK(seed.size() == 32);
  SecretArray<64> key;
  Bytes32 public_key;
  TP_CHECK(crypto_sign_seed_keypair(public_key.data(), key.writable().data(), seed.data()) == 0);
  return key;
}

bool ed25519_point_ok(ByteView public_key) {
  ensure_ready();
  return public_key.size() == 32 && crypto_core_ed25519_is_valid_point(public_key.data()) == 1;
}

Bytes64 ed25519_sign(ByteView private_key, ByteView message) {
  ensure_ready();
  TP_CHECK(private_key.size() == 64);
  Bytes64 signature;
  TP_CHECK(crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                                private_key.data()) == 0);
  return signature;
}

bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature) {
  ensure_ready();
  return public_key.size() == 32 && signature.size() == 64 &&
         crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     public_key.data()) == 0;
}

SecretArray<32> clamp_and_reduce(ByteView bytes) {
  ensure_ready();
  TP_CHECK(bytes.size() == 32);
  SecretArray<64> wide;
  std::copy(bytes.begin(), bytes.end(), wide.writable().begin());
  wide.writable()[0] &= 248;
  wide.writable()[31] &= 127;
  wide.writable()[31] |= 64;
  return reduce_scalar(wide.view());
}

SecretArray<32> reduce_scalar(ByteView wide) {
  ensure_ready();
  TP_CHECK(wide.size() == 64);
  SecretArray<32> out;
  crypto_core_ed25519_scalar_reduce(out.writable().data(), wide.data());
  return out;
}

SecretArray<32> blinding_factor(ByteView input) { return clamp_and_reduce(sha512_256(input)); }

Result<Bytes32> blind_public_key(ByteView public_key, const SecretArray<32>& factor) {
  ensure_ready();
  if (public_key.size() != 32) return bad_point();
  Bytes32 out;
  if (crypto_scalarmult_ed25519_noclamp(out.data(), factor.view().data(), public_key.data()) != 0)
    return bad_point();
  return out;
}

SecretArray<32> blind_private_key(ByteView seed, const SecretArray<32>& factor) {
  Bytes64 digest = sha512(seed);
  const SecretArray<32> scalar = clamp_and_reduce(ByteView(digest).first(32));
  wipe(digest);
  return blind_scalar(scalar, factor);
}

SecretArray<32> blind_scalar(const SecretArray<32>& scalar, const SecretArray<32>& factor) {
  ensure_ready();
  SecretArray<32> out;
  crypto_core_ed25519_scalar_mul(out.writable().data(), factor.view().data(), scalar.view().data());
  return out;
}

Bytes32 public_of_scalar(const SecretArray<32>& scalar) {
  ensure_ready();
  Bytes32 out;
  TP_CHECK(crypto_scalarmult_ed25519_base_noclamp(out.data(), scalar.view().data()) == 0);
  return out;
}

Bytes64 sign_blinded(const SecretArray<32>& scalar, ByteView public_key, ByteView message) {
  ensure_ready();
  Bytes64 digest = sha512(scalar.view());
  const ByteView salt = ByteView(digest).subspan(32);
  Bytes64 nonce_hash = sha512({salt, message, salt.subspan(1)});
  const SecretArray<32> nonce = reduce_scalar(nonce_hash);
  wipe(digest);
  wipe(nonce_hash);
  Bytes64 signature{};
  TP_CHECK(crypto_scalarmult_ed25519_base_noclamp(signature.data(), nonce.view().data()) == 0);
  const SecretArray<32> challenge =
      reduce_scalar(sha512({ByteView(signature).first(32), public_key, message}));
  SecretArray<32> product;
  crypto_core_ed25519_scalar_mul(product.writable().data(), challenge.view().data(),
                                 scalar.view().data());
  crypto_core_ed25519_scalar_add(signature.data() + 32, product.view().data(), nonce.view().data());
  return signature;
}

Bytes32 x25519_base(ByteView private_key) {
  ensure_ready();
  TP_CHECK(private_key.size() == 32);
  Bytes32 out;
  TP_CHECK(crypto_scalarmult_curve25519_base(out.data(), private_key.data()) == 0);
  return out;
}

Result<SecretArray<32>> x25519(ByteView private_key, ByteView public_key) {
  ensure_ready();
  TP_CHECK(private_key.size() == 32);
  if (public_key.size() != 32) return bad_point();
  SecretArray<32> out;
  if (crypto_scalarmult_curve25519(out.writable().data(), private_key.data(), public_key.data()) !=
      0)
    return bad_point();
  return out;
}

}  // namespace taubenpost::crypto

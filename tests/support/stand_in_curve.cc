// The functions of crypto/curve.h as hashes, for simulations: linked in place of the real ones.
//
// Sizes, equalities and refusals are those of the curves: blinding commutes with taking the public
// key, both sides of an exchange find the same secret, and another key, message or signature is
// noticed. Nothing here is secret or hard to forge: who has a public key can sign for it.
#include <algorithm>

#include "crypto/curve.h"

namespace taubenpost::crypto {
namespace {

Bytes32 hash(std::string_view role, ByteView one, ByteView two = {}) {
  Blake2b256 state;
  state.update(as_bytes(role));
  state.update(one);
  state.update(two);
  return state.finish();
}

bool is_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

Error bad_point() { return error(Errc::kInvalid, "not a usable curve point"); }

SecretArray<32> secret(const Bytes32& bytes) { return SecretArray<32>(ByteView(bytes)); }

Bytes64 signature_for(ByteView public_key, ByteView message) {
  const Bytes32 half = hash("signature", public_key, message);
  Bytes64 out;
  std::copy(half.begin(), half.end(), out.begin());
  std::copy(half.begin(), half.end(), out.begin() + 32);
  return out;
}

}  // namespace

SecretArray<64> ed25519_from_seed(ByteView seed) {
  TP_CHECK(seed.size() == 32);
  const Bytes32 public_key = hash("public key", seed);
  SecretArray<64> key;
  std::copy(seed.begin(), seed.end(), key.writable().begin());
  std::copy(public_key.begin(), public_key.end(), key.writable().begin() + 32);
  return key;
}

bool ed25519_point_ok(ByteView public_key) {
  return public_key.size() == 32 && !is_zero(public_key);
}

Bytes64 ed25519_sign(ByteView private_key, ByteView message) {
  TP_CHECK(private_key.size() == 64);
  return signature_for(private_key.subspan(32), message);
}

bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature) {
  return ed25519_point_ok(public_key) && equal(signature_for(public_key, message), signature);
}

SecretArray<32> clamp_and_reduce(ByteView bytes) {
  TP_CHECK(bytes.size() == 32);
  return SecretArray<32>(bytes);
}

SecretArray<32> reduce_scalar(ByteView wide) {
  TP_CHECK(wide.size() == 64);
  return secret(hash("scalar", wide));
}

SecretArray<32> blinding_factor(ByteView input) { return secret(hash("factor", input)); }

Result<Bytes32> blind_public_key(ByteView public_key, const SecretArray<32>& factor) {
  if (!ed25519_point_ok(public_key)) return bad_point();
  return hash("blinded", public_key, factor.view());
}

SecretArray<32> blind_private_key(ByteView seed, const SecretArray<32>& factor) {
  return secret(hash("blinded", hash("public key", seed), factor.view()));
}

SecretArray<32> blind_scalar(const SecretArray<32>& scalar, const SecretArray<32>& factor) {
  return secret(hash("blinded", scalar.view(), factor.view()));
}

Bytes32 public_of_scalar(const SecretArray<32>& scalar) { return to_array<32>(scalar.view()); }

Bytes64 sign_blinded(const SecretArray<32>&, ByteView public_key, ByteView message) {
  return signature_for(public_key, message);
}

Bytes32 x25519_base(ByteView private_key) { return to_array<32>(private_key); }

Result<SecretArray<32>> x25519(ByteView private_key, ByteView public_key) {
  if (private_key.size() != 32 || public_key.size() != 32 || is_zero(public_key))
    return bad_point();
  Bytes32 both;
  for (std::size_t i = 0; i < both.size(); ++i) both[i] = private_key[i] ^ public_key[i];
  return secret(hash("shared", both));
}

}  // namespace taubenpost::crypto

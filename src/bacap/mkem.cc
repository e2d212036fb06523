#include "bacap/mkem.h"

#include <algorithm>

#include "base/random.h"
#include "crypto/aead.h"
#include "crypto/curve.h"
#include "crypto/hash.h"

namespace taubenpost::bacap {
namespace {

constexpr std::size_t kSecretFiller = 128;

std::size_t private_size_of(std::size_t public_size) {
  return public_size == kX25519KeySize ? kX25519KeySize : kNikePrivateKeySize;
}
bool is_key_size(std::size_t public_size) {
  return public_size == kX25519KeySize || public_size == kNikePublicKeySize;
}

// Filler in the place of the CTIDH half: a function of the X25519 half, so that it carries nothing.
Bytes with_filler(ByteView half, std::size_t size) {
  Bytes out;
  out.reserve(size);  // growing would leave a copy behind that is not wiped
  append(out, half);
  const SecretBytes filler =
      crypto::chacha20_keystream(crypto::blake2b_256(half), size - half.size());
  append(out, filler.view());
  return out;
}

}  // namespace

NikeKeyPair make_nike_key_pair(std::size_t public_size) {
  SecretArray<32> seed;
  fill_random(seed.writable());
  return nike_key_pair_from(seed.view(), public_size);
}

NikeKeyPair nike_key_pair_from(ByteView seed, std::size_t public_size) {
  TP_CHECK(seed.size() == kX25519KeySize && is_key_size(public_size));
  SecretBytes private_key{Bytes(private_size_of(public_size))};
  std::copy(seed.begin(), seed.end(), private_key.writable().begin());
  return NikeKeyPair{std::move(private_key), with_filler(crypto::x25519_base(seed), public_size)};
}

SecretArray<32> secret_of(ByteView shared_secret) {
  Bytes32 digest = crypto::blake2b_256(shared_secret);
  SecretArray<32> secret{ByteView(digest)};
  wipe(digest);
  return secret;
}

Result<SecretArray<32>> nike_secret(ByteView private_key, ByteView public_key) {
  const bool sizes_fit =
      is_key_size(public_key.size()) && private_key.size() == private_size_of(public_key.size());
  if (!sizes_fit) return error(Errc::kInvalid, "an envelope key of a wrong size");
  if (!equal(with_filler(public_key.first(kX25519KeySize), public_key.size()), public_key))
    return error(Errc::kInvalid, "an envelope key that is not of the local network");
  Result<SecretArray<32>> curve =
      crypto::x25519(private_key.first(kX25519KeySize), public_key.first(kX25519KeySize));
  if (!curve) return curve.error();
  if (public_key.size() == kX25519KeySize) return secret_of(curve->view());
  const SecretBytes shared(with_filler(curve->view(), kX25519KeySize + kSecretFiller));
  return secret_of(shared.view());
}

Result<Encapsulated> encapsulate(const std::vector<ByteView>& recipients, ByteView message) {
  TP_CHECK(!recipients.empty());
  if (!is_key_size(recipients.front().size()))
    return error(Errc::kInvalid, "an envelope key of a wrong size");
  Encapsulated out{make_nike_key_pair(recipients.front().size()), {}, {}};
  SecretArray<32> message_key;
  fill_random(message_key.writable());
  for (const ByteView recipient : recipients) {
    Result<SecretArray<32>> secret = nike_secret(out.sender.private_key.view(), recipient);
    if (!secret) return secret.error();
    out.deks.push_back(crypto::chacha20poly1305_seal(secret->view(), message_key.view()));
  }
  out.envelope = crypto::chacha20poly1305_seal(message_key.view(), message);
  return out;
}

Result<Bytes> open_with_secret(const SecretArray<32>& secret, const std::vector<ByteView>& deks,
                               ByteView envelope) {
  for (const ByteView dek : deks) {
    Result<Bytes> opened = crypto::chacha20poly1305_open(secret.view(), dek);
    if (!opened) continue;
    const SecretBytes message_key(std::move(opened).value());
    if (message_key.size() != 32) return error(Errc::kInvalid, "a message key of a wrong size");
    return crypto::chacha20poly1305_open(message_key.view(), envelope);
  }
  return error(Errc::kNotFound, "the envelope is not for this key");
}

Result<OpenedMessage> decapsulate(ByteView private_key, ByteView sender_public_key,
                                  const std::vector<ByteView>& deks, ByteView envelope) {
  Result<SecretArray<32>> secret = nike_secret(private_key, sender_public_key);
  if (!secret) return secret.error();
  Result<Bytes> message = open_with_secret(secret.value(), deks, envelope);
  if (!message) return message.error();
  return OpenedMessage{std::move(message).value(), std::move(secret).value()};
}

Bytes seal_reply(const SecretArray<32>& secret, ByteView padded_reply) {
  return crypto::chacha20poly1305_seal(secret.view(), padded_reply);
}

Result<Bytes> open_reply(const SecretArray<32>& secret, ByteView envelope_reply) {
  return crypto::chacha20poly1305_open(secret.view(), envelope_reply);
}

}  // namespace taubenpost::bacap

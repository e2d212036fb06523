#include "crypto/aead.h"

#include <gcrypt.h>
#include <sodium.h>

#include "base/random.h"
#include "crypto/init.h"

namespace taubenpost::crypto {
namespace {

Error not_authentic() { return error(Errc::kInvalid, "the ciphertext is not authentic"); }

// An AES-256-GCM-SIV context with key, nonce and associated data set.
class GcmSiv {
 public:
  GcmSiv(ByteView key, ByteView nonce, ByteView associated) {
    ensure_ready();
    TP_CHECK(key.size() == 32 && nonce.size() == 12);
    TP_CHECK(gcry_cipher_open(&handle_, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM_SIV, 0) == 0);
    TP_CHECK(gcry_cipher_setkey(handle_, key.data(), key.size()) == 0);
    TP_CHECK(gcry_cipher_setiv(handle_, nonce.data(), nonce.size()) == 0);
    TP_CHECK(gcry_cipher_authenticate(handle_, associated.data(), associated.size()) == 0);
  }
  ~GcmSiv() { gcry_cipher_close(handle_); }
  GcmSiv(const GcmSiv&) = delete;
  GcmSiv& operator=(const GcmSiv&) = delete;
  gcry_cipher_hd_t get() const { return handle_; }

 private:
  gcry_cipher_hd_t handle_ = nullptr;
};

}  // namespace

Bytes aes_256_gcm_siv_seal(ByteView key, ByteView nonce, ByteView associated, ByteView plaintext) {
  const GcmSiv cipher(key, nonce, associated);
  Bytes out(plaintext.size() + kTagSize);
  const Bytes never_null(1);
  const std::uint8_t* in = plaintext.empty() ? never_null.data() : plaintext.data();
  TP_CHECK(gcry_cipher_final(cipher.get()) == 0);
  TP_CHECK(gcry_cipher_encrypt(cipher.get(), out.data(), plaintext.size(), in, plaintext.size()) ==
           0);
  TP_CHECK(gcry_cipher_gettag(cipher.get(), out.data() + plaintext.size(), kTagSize) == 0);
  return out;
}

Result<Bytes> aes_256_gcm_siv_open(ByteView key, ByteView nonce, ByteView associated,
                                   ByteView sealed) {
  if (sealed.size() < kTagSize) return not_authentic();
  const GcmSiv cipher(key, nonce, associated);
  const ByteView body = sealed.first(sealed.size() - kTagSize);
  const ByteView tag = sealed.last(kTagSize);
  Bytes out(body.size() + 1);
  TP_CHECK(gcry_cipher_set_decryption_tag(cipher.get(), tag.data(), tag.size()) == 0);
  TP_CHECK(gcry_cipher_final(cipher.get()) == 0);
  const std::uint8_t* in = body.empty() ? out.data() : body.data();
  if (gcry_cipher_decrypt(cipher.get(), out.data(), body.size(), in, body.size()) != 0)
    return not_authentic();
  out.resize(body.size());
  return out;
}

Bytes chacha20poly1305_seal(ByteView key, ByteView plaintext) {
  ensure_ready();
  TP_CHECK(key.size() == 32);
  Bytes out(plaintext.size() + kChaChaOverhead);
  fill_random(std::span(out).first(12));
  TP_CHECK(crypto_aead_chacha20poly1305_ietf_encrypt(out.data() + 12, nullptr, plaintext.data(),
                                                     plaintext.size(), nullptr, 0, nullptr,
                                                     out.data(), key.data()) == 0);
  return out;
}

Result<Bytes> chacha20poly1305_open(ByteView key, ByteView sealed) {
  ensure_ready();
  TP_CHECK(key.size() == 32);
  if (sealed.size() < kChaChaOverhead) return not_authentic();
  Bytes out(sealed.size() - kChaChaOverhead + 1);
  if (crypto_aead_chacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, sealed.data() + 12,
                                                sealed.size() - 12, nullptr, 0, sealed.data(),
                                                key.data()) != 0)
    return not_authentic();
  out.pop_back();
  return out;
}

Bytes xchacha20poly1305_seal(ByteView key, ByteView associated, ByteView plaintext) {
  ensure_ready();
  TP_CHECK(key.size() == 32);
  Bytes out(plaintext.size() + kXChaChaOverhead);
  fill_random(std::span(out).first(24));
  TP_CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(
               out.data() + 24, nullptr, plaintext.data(), plaintext.size(), associated.data(),
               associated.size(), nullptr, out.data(), key.data()) == 0);
  return out;
}

Result<Bytes> xchacha20poly1305_open(ByteView key, ByteView associated, ByteView sealed) {
  ensure_ready();
  TP_CHECK(key.size() == 32);
  if (sealed.size() < kXChaChaOverhead) return not_authentic();
  Bytes out(sealed.size() - kXChaChaOverhead + 1);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, sealed.data() + 24,
                                                 sealed.size() - 24, associated.data(),
                                                 associated.size(), sealed.data(), key.data()) != 0)
    return not_authentic();
  out.pop_back();
  return out;
}

SecretBytes chacha20_keystream(ByteView key, std::size_t count) {
  ensure_ready();
  TP_CHECK(key.size() == crypto_stream_chacha20_KEYBYTES);
  if (count == 0) return SecretBytes();
  const std::array<std::uint8_t, crypto_stream_chacha20_NONCEBYTES> nonce{};
  Bytes out(count);
  crypto_stream_chacha20(out.data(), out.size(), nonce.data(), key.data());
  return SecretBytes(std::move(out));
}

}  // namespace taubenpost::crypto

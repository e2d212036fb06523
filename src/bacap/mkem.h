// MKEM: one message for several replicas, and their encrypted answers (pigeonhole 4.3).
//
// The NIKE here is the sized stand-in of the specification: X25519 with filler, keys and secrets as
// long as those of CTIDH1024-X25519; or X25519 as it is. Keys tell by their size which of the two
// they are for. Everything above it (AEAD, DEKs, hashes) is the real thing, and the functions that
// start from a shared secret serve any NIKE.
#pragma once

#include <vector>

#include "bacap/geometry.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

namespace taubenpost::bacap {

// Stand-in keys: 162 bytes private, 160 bytes public. X25519 keys: 32 bytes each.
struct NikeKeyPair {
  SecretBytes private_key;
  Bytes public_key;
};
// With a public key of that size: kNikePublicKeySize or kX25519KeySize.
NikeKeyPair make_nike_key_pair(std::size_t public_size = kNikePublicKeySize);
// The same pair for the same 32 random bytes.
NikeKeyPair nike_key_pair_from(ByteView seed, std::size_t public_size = kNikePublicKeySize);
// s = BLAKE2b-256 of the hybrid shared secret. kInvalid for keys of a wrong size or form.
Result<SecretArray<32>> nike_secret(ByteView private_key, ByteView public_key);
// s of a shared secret that came from elsewhere.
SecretArray<32> secret_of(ByteView shared_secret);

struct Encapsulated {
  NikeKeyPair sender;       // ephemeral; the private key opens the answers
  std::vector<Bytes> deks;  // 60 bytes each, in the order of the recipients
  Bytes envelope;           // 28 bytes longer than the message
};
// At least one recipient, all with keys of one size. kInvalid if a public key is unusable.
Result<Encapsulated> encapsulate(const std::vector<ByteView>& recipients, ByteView message);

struct OpenedMessage {
  Bytes message;
  SecretArray<32> secret;  // s: what the answer is encrypted with
};
// Tries each DEK. kNotFound: none of them is for this key; kInvalid: the envelope is damaged.
Result<OpenedMessage> decapsulate(ByteView private_key, ByteView sender_public_key,
                                  const std::vector<ByteView>& deks, ByteView envelope);
// The same from s.
Result<Bytes> open_with_secret(const SecretArray<32>& secret, const std::vector<ByteView>& deks,
                               ByteView envelope);

// The answer of a replica under s: 28 bytes longer than `padded_reply`.
Bytes seal_reply(const SecretArray<32>& secret, ByteView padded_reply);
Result<Bytes> open_reply(const SecretArray<32>& secret, ByteView envelope_reply);

}  // namespace taubenpost::bacap

// Stand-in data of the vectors: bytes and envelopes that are named instead of listed.
#pragma once

#include <string>

#include "bacap/wire.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "support/vectors.h"

namespace taubenpost::test {

// fill(tag, n) of tests/vectors/README.md.
inline Bytes fill(const std::string& tag, std::size_t count) {
  return to_bytes(crypto::chacha20_keystream(crypto::blake2b_256(as_bytes(tag)), count).view());
}

// The serialised envelope that {"tag", "pk", "ct"} names; "toy" is that of pigeonhole 5.6.
inline Bytes stand_in_envelope(const Json& name) {
  const std::string tag = name.at("tag");
  bacap::CourierEnvelope out;
  out.intermediates = {1, 4};
  out.epoch = 480;
  if (tag == "toy") {
    out.dek1.fill(0xd1);
    out.dek2.fill(0xd2);
    out.sender_key = {0xaa, 0xbb};
    out.ciphertext = {0xc0, 0xc1, 0xc2};
  } else {
    out.dek1 = to_array<bacap::kDekSize>(fill(tag + "/dek1", bacap::kDekSize));
    out.dek2 = to_array<bacap::kDekSize>(fill(tag + "/dek2", bacap::kDekSize));
    out.sender_key = fill(tag + "/pk", name.at("pk").get<std::size_t>());
    out.ciphertext = fill(tag + "/ct", name.at("ct").get<std::size_t>());
  }
  return bacap::encode(out);
}

inline Bytes concatenated(const std::vector<Bytes>& pieces) {
  Bytes out;
  for (const Bytes& piece : pieces) append(out, piece);
  return out;
}

}  // namespace taubenpost::test

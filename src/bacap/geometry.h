// Every length of the Pigeonhole format, from two numbers (pigeonhole 2.3 to 2.5).
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace taubenpost::bacap {

// All in bytes. P is box_payload_max, the *Max* of the design.
struct Geometry {
  std::uint64_t user_forward_payload = 0;  // U
  std::uint64_t nike_public_key = 0;       // N
  std::string nike_name;

  std::uint64_t box_payload_max() const { return user_forward_payload - 291 - nike_public_key; }
  std::uint64_t copy_chunk() const { return box_payload_max() - 4; }  // user bytes, copy streams
  std::uint64_t stream_chunk() const {
    return box_payload_max() - 5;
  }  // C: stream bytes an element
  std::uint64_t padded_payload() const { return box_payload_max() + 4; }
  std::uint64_t box_ciphertext() const { return box_payload_max() + 20; }
  std::uint64_t replica_write() const { return box_payload_max() + 120; }
  std::uint64_t inner_write() const { return box_payload_max() + 121; }
  std::uint64_t inner_padded() const { return box_payload_max() + 125; }
  std::uint64_t envelope_ciphertext() const { return box_payload_max() + 153; }
  std::uint64_t courier_envelope() const { return box_payload_max() + 290 + nike_public_key; }
  std::uint64_t courier_query() const { return user_forward_payload; }
  std::uint64_t inner_read_reply() const { return box_payload_max() + 122; }
  std::uint64_t reply_padded() const { return box_payload_max() + 126; }
  std::uint64_t envelope_reply() const { return box_payload_max() + 154; }
  std::uint64_t reported_query_reply() const { return box_payload_max() + 169; }  // stale, 2.3
  std::uint64_t real_query_reply() const { return box_payload_max() + 194; }
  // Destination boxes of one payload in a copy stream: all but the last are full (2.4), none for an
  // empty payload. This and the next need a geometry that can carry copy streams (P of 6 or more).
  std::uint64_t destination_boxes(std::uint64_t payload) const;
  // Temporary boxes for n destination boxes in one continuously buffered stream (2.5).
  std::uint64_t temporary_boxes(std::uint64_t destination_boxes) const;
};

// Bytes that one envelope-building call takes for one destination (5.4).
inline constexpr std::uint64_t kCopyPayloadMax = 10'485'760;

// The NIKE that is actually used: X25519 first, CTIDH-1024 second.
inline constexpr std::uint64_t kNikePublicKeySize = 160;
inline constexpr std::uint64_t kNikePrivateKeySize = 162;
inline constexpr const char* kNikeName = "CTIDH1024-X25519";
// Its first half alone, which some test networks use; private keys have the same size.
inline constexpr std::uint64_t kX25519KeySize = 32;
inline constexpr const char* kX25519Name = "x25519";

// kInvalid if nothing is left for the payload.
Result<Geometry> make_geometry(std::uint64_t user_forward_payload,
                               std::uint64_t nike_public_key = kNikePublicKeySize,
                               std::string nike_name = kNikeName);

}  // namespace taubenpost::bacap

// Frames between thin client and daemon: encode, decode, limits (thin-protocol 1.4 to 1.7).
//
// A frame is a 4-byte big-endian length and one CBOR map. Encoded frames may hold secrets and come
// as SecretBytes.
#pragma once

#include <optional>

#include "base/error.h"
#include "base/secret.h"
#include "wire/messages.h"
#include "wire/replies.h"

namespace taubenpost::wire {

inline constexpr std::size_t kFrameHeader = 4;
inline constexpr std::size_t kFrameMax = 41'943'040;  // bytes of the body

// Body length of a frame from its first four bytes; kInvalid for 0 and for more than kFrameMax.
Result<std::size_t> frame_body_size(ByteView header);

// Whole frames. A request has its one top-level key; a response all 25, the unused ones null.
// kRejected if the body would be longer than kFrameMax.
Result<SecretBytes> encode_request(const Request& request);
Result<SecretBytes> encode_response(const Response& response);

// What a malformed request still reveals, so that a daemon can answer it.
struct RequestHead {
  std::string key;  // of the request that is set; empty if none
  Id16 query_id;
};

// What becomes of ids and hashes of a wrong length.
enum class Ids : std::uint8_t {
  kExact,
  kPadded,  // as the real daemon does (8.14): filled up with zeros, or cut off
};

// The request in a frame body; nothing if no key is set (or the body is null). With several keys,
// the one that the daemon prefers (3.0). kInvalid: not a map, a field of a wrong type or size.
Result<std::optional<Request>> decode_request(ByteView body, RequestHead* head = nullptr,
                                              Ids ids = Ids::kExact);

// The response in a frame body; of several keys the first in the order of the wire. kInvalid: not a
// map (or null), a field of a wrong type or size.
Result<Response> decode_response(ByteView body);

// The query_id of a reply; nothing for events and for the session reply.
Id16 query_id_of(const Response& response);
Id16 query_id_of(const Request& request);
std::optional<std::uint8_t> error_code_of(const Response& response);

}  // namespace taubenpost::wire

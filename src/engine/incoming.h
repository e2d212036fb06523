// What a receive job is to fetch, decoded from the box that announced it: a letter, or the header
// of a stream, ours or one of pigeonhole-cp (design 3).
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "model/rows.h"
#include "wire/letter.h"

namespace taubenpost {

// No inline transfer is longer.
inline constexpr std::uint64_t kInlineMax = 1ULL << 30;

// The content goes on in the boxes behind the header, up to `size` bytes.
struct StreamRef {
  Bytes head;  // what stands in the header's box
};

// What bytes are known by.
struct Fingerprint {
  std::uint64_t size = 0;
  Bytes32 digest{};
  bool operator==(const Fingerprint&) const = default;
};

struct Incoming {
  std::string name;                    // of the placed file
  std::string folder;                  // of what it is unpacked to; empty: it is no archive
  std::uint64_t size = 0;              // of what is fetched
  std::optional<Bytes32> digest;       // none: nothing says what the bytes should be
  std::optional<Fingerprint> decoded;  // what they are decoded to; none: they are the content
  std::optional<std::uint32_t> mode;
  std::optional<std::int64_t> mtime;
  std::variant<Bytes, wire::BodyRef, StreamRef> content;  // all of it, or where it is
};

// The letter in a box; nothing if it holds something else.
std::optional<wire::Letter> letter_in(ByteView box);
// Whether the box is the header of a stream, and whether that is an inline transfer of ours.
bool is_stream_header(ByteView box);
bool is_inline_header(ByteView box);
// The boxes behind such a header which hold its content; none behind any other box. Nobody says how
// full those of somebody else's stream are: it has so many at least, and none if it claims more
// than anybody could send.
std::uint64_t content_boxes(ByteView box, std::uint64_t box_max);

// kInvalid: it announces nothing.
Result<Incoming> incoming_of(const ReceiveJobRow& row);

}  // namespace taubenpost

// What stands in a channel box: letters, and what else may be found there (schema/letter.cddl,
// design 3.1, 3.3).
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/error.h"
#include "model/layout.h"
#include "model/units.h"

namespace taubenpost::wire {

enum class LetterKind : std::uint8_t { kFile, kTar };

// Where the content is, when it is not in the letter.
struct BodyRef {
  ReadCapBytes cap{};
  std::uint64_t boxes = 0;  // ceil(size / chunk)
  std::uint64_t chunk = 0;  // content bytes per box
};

struct Letter {
  TransferId id{};
  std::string name;
  LetterKind kind = LetterKind::kFile;
  Encoding encoding = Encoding::kNone;
  std::uint64_t size = 0;   // bytes as stored
  Bytes32 digest{};         // BLAKE2b-256 of them
  std::uint64_t usize = 0;  // the same after decoding
  Bytes32 udigest{};
  std::variant<Bytes, BodyRef> content;  // the content itself, or where it is
  std::optional<std::uint32_t> mode;     // permission bits of a single file
  std::optional<std::int64_t> mtime;     // Unix seconds
  std::string note;                      // empty: none
  std::uint64_t sent = 0, until = 0;     // Unix seconds
};

inline constexpr std::size_t kNameMax = 255;
inline constexpr std::size_t kNoteMax = 512;

// 1 to 255 bytes of UTF-8, not "." or "..", without '/', '\', control or bidi-control characters.
bool valid_name(std::string_view name);

// Deterministic encoding (RFC 8949 4.2.1).
Bytes encode_letter(const Letter& letter);

// That a letter has reached somebody.
struct Receipt {
  TransferId id{};
  std::string status;      // kReceived, or of a later version
  std::uint64_t time = 0;  // Unix seconds, by the clock of who received it
};
// The transfer is complete, verified and in its place.
inline constexpr std::string_view kReceived = "received";
inline constexpr std::size_t kStatusMax = 64;

// Deterministic encoding.
Bytes encode_receipt(const Receipt& receipt);

// What a box holds.
struct UnknownType {
  std::string type;  // of a later version
};
// What taubenpost puts into the header of a stream, beside its name and its size.
struct StreamMarks {
  TransferId id{};
  LetterKind kind = LetterKind::kFile;
  Bytes32 digest{};  // BLAKE2b-256 of the content
  std::optional<std::uint32_t> mode;
  std::optional<std::int64_t> mtime;
  std::string note;
};
// The header of an inline transfer: name and size first, as pigeonhole-cp has them.
Bytes encode_stream_header(const std::string& name, std::uint64_t size, const StreamMarks& marks);

struct Foreign {  // a stream of pigeonhole-cp's format: the rest of the box is content
  std::string name;
  std::uint64_t size = 0;
  std::size_t header_size = 0;
  std::optional<StreamMarks> marks;  // none: somebody else's
};
using BoxContent = std::variant<Letter, Receipt, UnknownType, Foreign>;
// kInvalid says what is wrong with it.
Result<BoxContent> decode_box_content(ByteView box);

}  // namespace taubenpost::wire

// The one reader of CBOR from outside: libcbor's streaming decoder behind limits.
//
// Gives a bounded tree. Depth, items, sizes and UTF-8 are checked before anything is kept; nesting
// costs no stack. Tags are read and ignored. Maps keep text, integer and byte-string keys, in the
// order of the input. Duplicate keys: the first one counts (find()).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace taubenpost::wire {

struct CborLimits {
  std::size_t depth_max = 32;           // nested arrays, maps and tags (thin-protocol 1.6)
  std::size_t container_max = 131'072;  // elements of one array, pairs of one map
  std::size_t items_max = 400'000;      // of the whole input: bounds the memory of the tree
};

struct CborValue {
  enum class Kind : std::uint8_t {
    kNull,  // null and undefined
    kBool,
    kUnsigned,
    kNegative,  // −1 − number
    kFloat,
    kBytes,
    kText,
    kArray,
    kMap,
    kSimple,  // one that has no meaning
  };
  Kind kind = Kind::kNull;
  std::uint64_t number = 0;      // kUnsigned, kNegative, kBool
  double real = 0;               // kFloat
  Bytes bytes;                   // kBytes, kText
  std::vector<CborValue> items;  // kArray; kMap: key, value, key, value …

  bool is(Kind k) const { return kind == k; }
  std::string_view text() const { return as_text(bytes); }
  // The signed value of an integer, if it fits.
  std::optional<std::int64_t> as_int64() const;
  // A byte string, or an array of integers 0 to 255, as some encoders write it.
  std::optional<Bytes> byte_string() const;
  // The value of a text key of a map: exact match, else one that differs in letter case only (as
  // the daemon's decoder does). Null if there is none, or if this is no map.
  const CborValue* find(std::string_view key) const;
};

// One item and nothing behind it; else kInvalid.
Result<CborValue> read_cbor(ByteView bytes, const CborLimits& limits = {});

// One item at the front; `used` is its length.
struct CborPrefix {
  CborValue value;
  std::size_t used = 0;
};
Result<CborPrefix> read_cbor_prefix(ByteView bytes, const CborLimits& limits = {});

}  // namespace taubenpost::wire

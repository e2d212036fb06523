// Rows to bytes and back: cereal's portable-binary encoding, little-endian (schema/store.md).
//
// decode() trusts nothing: every length is checked against the bytes that are left before anything
// is allocated, and unknown states, flags that are neither 0 nor 1, and trailing bytes are
// kInvalid. A member that is added to a row stops row_codec.cc from compiling until the version
// that brings it is thought of; rows of older versions are read as if it had its default.
#pragma once

#include "base/error.h"
#include "model/rows.h"

namespace taubenpost {

// What encode() writes. The versions are listed in schema/store.md.
inline constexpr std::uint8_t kRowVersion = 14;

// An acknowledged element: that it exists says everything.
struct AckRow {};
// Where the letter of a transfer is, found by its transfer id.
struct InboxTransferRow {
  std::uint64_t counter = 0;
};

// Defined for every row of model/rows.h that has a key, and for the two above.
template <class Row>
Bytes encode(const Row& row);
template <class Row>
Result<Row> decode(ByteView bytes, std::uint8_t version = kRowVersion);  // kInvalid

}  // namespace taubenpost

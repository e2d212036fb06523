// Byte strings, and fixed-width integers in both byte orders.
//
// Bytes own, ByteView borrows. The integer readers abort on a short view (TP_CHECK): callers check
// the length of outside data first.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/error.h"

namespace taubenpost {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using Bytes16 = std::array<std::uint8_t, 16>;
using Bytes32 = std::array<std::uint8_t, 32>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) { return Bytes(view.begin(), view.end()); }
inline void append(Bytes& out, ByteView tail) { out.insert(out.end(), tail.begin(), tail.end()); }

// Copies a view of exactly N bytes; anything else is our own mistake.
template <std::size_t N>
std::array<std::uint8_t, N> to_array(ByteView view) {
  TP_CHECK(view.size() == N);
  std::array<std::uint8_t, N> out;
  for (std::size_t i = 0; i < N; ++i) out[i] = view[i];
  return out;
}

bool equal(ByteView a, ByteView b);

template <std::unsigned_integral Int>
void append_be(Bytes& out, Int value) {
  for (std::size_t i = sizeof value; i-- > 0;)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
template <std::unsigned_integral Int>
void append_le(Bytes& out, Int value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
template <std::unsigned_integral Int>
Int read_be(ByteView view) {
  TP_CHECK(view.size() >= sizeof(Int));
  Int value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i) value = static_cast<Int>((value << 8) | view[i]);
  return value;
}
template <std::unsigned_integral Int>
Int read_le(ByteView view) {
  TP_CHECK(view.size() >= sizeof(Int));
  Int value = 0;
  for (std::size_t i = sizeof(Int); i-- > 0;) value = static_cast<Int>((value << 8) | view[i]);
  return value;
}

std::string to_hex(ByteView bytes);
// Lower or upper case, even length; else kInvalid.
Result<Bytes> from_hex(std::string_view text);

// RFC 4648 base32, lower case, no padding.
std::string to_base32(ByteView bytes);
// Either case, no padding, no other characters, zero trailing bits; else kInvalid.
Result<Bytes> from_base32(std::string_view text);

// RFC 4648 base64, standard alphabet, with padding.
std::string to_base64(ByteView bytes);
Result<Bytes> from_base64(std::string_view text);

// Text from outside for a terminal or a log: control, bidirectional and malformed characters are
// escaped, at most `limit` bytes of the input are shown.
std::string printable(std::string_view text, std::size_t limit = 300);

// Whether the text is well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

}  // namespace taubenpost

#include "base/bytes.h"

#include <algorithm>

namespace taubenpost {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Error bad_text(std::string_view kind) {
  return error(Errc::kInvalid, "not valid " + std::string(kind) + " text");
}

// Writes `bytes` in digits of `bits` bits, most significant first, the last digit zero-filled.
std::string encode_digits(ByteView bytes, int bits, std::string_view alphabet) {
  std::string out;
  out.reserve((bytes.size() * 8 + 31) / static_cast<unsigned>(bits) + 1);
  unsigned buffer = 0;
  int have = 0;
  for (const std::uint8_t byte : bytes) {
    buffer = (buffer << 8) | byte;
    for (have += 8; have >= bits; have -= bits)
      out.push_back(alphabet[(buffer >> (have - bits)) & ((1U << bits) - 1)]);
    buffer &= 0xffff;
  }
  if (have > 0) out.push_back(alphabet[(buffer << (bits - have)) & ((1U << bits) - 1)]);
  return out;
}

Result<Bytes> decode_digits(std::string_view text, int bits, std::string_view alphabet,
                            std::string_view kind) {
  Bytes out;
  out.reserve(text.size() * static_cast<unsigned>(bits) / 8);
  unsigned buffer = 0;
  int have = 0;
  for (const char c : text) {
    const std::size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos) return bad_text(kind);
    buffer = ((buffer << bits) | static_cast<unsigned>(digit)) & 0xffffff;
    have += bits;
    if (have >= 8) {
      have -= 8;
      out.push_back(static_cast<std::uint8_t>(buffer >> have));
    }
  }
  if (have >= bits || (buffer & ((1U << have) - 1)) != 0) return bad_text(kind);
  return out;
}

struct Scalar {
  std::uint32_t value;
  std::size_t length;  // 0: malformed
};

Scalar next_scalar(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length == 0 || lead > 0xf4 || text.size() < length) return {0, 0};
  std::uint32_t value = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {0, 0};
    value = (value << 6) | (at(i) & 0x3fU);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10ffff) return {0, 0};
  if (value >= 0xd800 && value <= 0xdfff) return {0, 0};
  return {value, length};
}

bool is_unsafe(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == '\\' || c == 0x61c || c == 0x200e ||
         c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

}  // namespace

bool equal(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

std::string to_hex(ByteView bytes) { return encode_digits(bytes, 4, kHex); }

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return bad_text("hex");
  std::string folded(text);
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);
  return decode_digits(folded, 4, kHex, "hex");
}

std::string to_base32(ByteView bytes) { return encode_digits(bytes, 5, kBase32); }

Result<Bytes> from_base32(std::string_view text) {
  std::string folded(text);
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);
  return decode_digits(folded, 5, kBase32, "base32");
}

std::string to_base64(ByteView bytes) {
  std::string out = encode_digits(bytes, 6, kBase64);
  while (out.size() % 4 != 0) out.push_back('=');
  return out;
}

Result<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return bad_text("base64");
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode_digits(text, 6, kBase64, "base64");
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Scalar scalar = next_scalar(text);
    if (scalar.length == 0) return false;
    text.remove_prefix(scalar.length);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t limit) {
  const bool cut = text.size() > limit;
  if (cut) text = text.substr(0, limit);
  std::string out;
  while (!text.empty()) {
    const Scalar scalar = next_scalar(text);
    const std::size_t length = scalar.length == 0 ? 1 : scalar.length;
    if (scalar.length == 0 || is_unsafe(scalar.value)) {
      for (const char c : text.substr(0, length)) {
        out += "\\x";
        out += kHex[static_cast<std::uint8_t>(c) >> 4];
        out += kHex[static_cast<std::uint8_t>(c) & 0xf];
      }
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  if (cut) out += "…";
  return out;
}

}  // namespace taubenpost

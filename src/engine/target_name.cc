#include "engine/target_name.h"

#include "base/check.h"

namespace taubenpost {
namespace {

constexpr std::size_t kNameMax = 255;

// Cut to `limit` bytes, never inside a UTF-8 sequence.
std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  text.resize(limit);
  return text;
}

}  // namespace

std::string target_candidate(const std::string& name, std::uint32_t n) {
  TP_CHECK(n >= 1);
  // A leading dot begins a hidden name, no extension; neither does a dot far from the end.
  constexpr std::size_t kExtensionMax = 16;
  std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0 || name.size() - dot > kExtensionMax) dot = name.size();
  const std::string tail = (n == 1 ? "" : " (" + std::to_string(n) + ")") + name.substr(dot);
  return cut(name.substr(0, dot), kNameMax - tail.size()) + tail;
}

std::uint32_t candidate_number(const std::string& name, const std::string& candidate) {
  for (std::uint32_t n = 1; n <= kTargetAttemptsMax; ++n)
    if (target_candidate(name, n) == candidate) return n;
  return 0;
}

}  // namespace taubenpost

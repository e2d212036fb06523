// What an archive of ours may hold: what is packed is what whoever unpacks takes.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"

namespace taubenpost {

inline constexpr std::size_t kArchiveEntriesMax = 100'000;
// Folders in each other above an entry.
inline constexpr std::size_t kArchiveDepthMax = 64;

// Whether a component of a name (neither empty, nor "." or "..") can be a file's anywhere.
inline bool can_be_stored(std::string_view component) {
  return is_utf8(component) && component.find('\\') == std::string_view::npos &&
         printable(component, component.size()) == component;
}

}  // namespace taubenpost

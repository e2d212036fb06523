// Names under which a received file is placed: its own, else "name (2).ext", "name (3).ext", …
#pragma once

#include <cstdint>
#include <string>

namespace taubenpost {

inline constexpr std::uint32_t kTargetAttemptsMax = 10'000;

// The n-th candidate, n >= 1, for a valid base name; at most 255 bytes of UTF-8 (the stem is cut).
std::string target_candidate(const std::string& name, std::uint32_t n);

// Which candidate `candidate` is; 0 if it is none.
std::uint32_t candidate_number(const std::string& name, const std::string& candidate);

}  // namespace taubenpost

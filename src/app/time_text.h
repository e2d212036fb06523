// Points in time as people write and read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace taubenpost {

// Unix seconds of an RFC 3339 time ("2026-12-24T18:00:00+01:00", fractions are dropped), or of
// "+" and a duration from `now` on ("+90m", "+1d12h": weeks, days, hours, minutes, seconds, at most
// ten years). kUsage.
Result<std::uint64_t> parse_time(std::string_view text, std::uint64_t now);

// Unix seconds, by the clock of this machine.
std::uint64_t unix_now();

// "2026-12-24 17:00:00 UTC".
std::string utc(std::uint64_t unix_seconds);

}  // namespace taubenpost

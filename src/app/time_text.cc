#include "app/time_text.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>

#include "base/bytes.h"

namespace taubenpost {
namespace {

constexpr std::uint64_t kLongestDuration = 3650ULL * 86'400;

// Takes exactly `digits` digits off the front.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  unsigned value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + digits, value);
  if (failure != std::errc() || end != text.data() + digits) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view one_of) {
  if (text.empty() || one_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::uint64_t> duration_of(std::string_view text) {
  std::uint64_t sum = 0;
  while (!text.empty()) {
    std::uint64_t count = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (failure != std::errc() || end == text.data() + text.size()) return std::nullopt;
    std::uint64_t unit = 1;
    switch (*end) {
      case 'w':
        unit = 7 * 86'400;
        break;
      case 'd':
        unit = 86'400;
        break;
      case 'h':
        unit = 3'600;
        break;
      case 'm':
        unit = 60;
        break;
      case 's':
        break;
      default:
        return std::nullopt;
    }
    if (count > kLongestDuration / unit) return std::nullopt;
    sum += count * unit;
    if (sum > kLongestDuration) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  }
  return sum;
}

// Seconds east of Greenwich.
std::optional<std::int64_t> offset_of(std::string_view text) {
  if (take(text, "Zz")) return text.empty() ? std::optional<std::int64_t>(0) : std::nullopt;
  const bool is_west = text.starts_with('-');
  if (!take(text, "+-")) return std::nullopt;
  const std::optional<unsigned> hours = take_number(text, 2);
  if (!hours || !take(text, ":")) return std::nullopt;
  const std::optional<unsigned> minutes = take_number(text, 2);
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = *hours * 3600LL + *minutes * 60LL;
  return is_west ? -seconds : seconds;
}

std::optional<std::uint64_t> time_of(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || !take(text, "Tt ")) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || !take(text, ":")) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  if (take(text, ".")) do {
      if (!take(text, "0123456789")) return std::nullopt;
    } while (!text.empty() && text.front() >= '0' && text.front() <= '9');
  const std::optional<std::int64_t> offset = offset_of(text);
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!offset || !date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t time =
      days * 86'400 + *hour * 3600LL + *minute * 60LL + *second - offset.value();
  if (time <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(time);
}

}  // namespace

Result<std::uint64_t> parse_time(std::string_view text, std::uint64_t now) {
  std::optional<std::uint64_t> time;
  if (text.starts_with('+')) {
    if (text.size() > 1) time = duration_of(text.substr(1));
    if (time) *time += now;
  } else {
    time = time_of(text);
  }
  if (time) return *time;
  return error(Errc::kUsage, printable(text) + ": is no time",
               "write 2026-12-24T18:00:00Z, or a time from now on as +90m, +12h or +2d");
}

std::uint64_t unix_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

std::string utc(std::uint64_t unix_seconds) {
  using std::chrono::days;
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  const auto midnight = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(time - midnight);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d UTC",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

}  // namespace taubenpost

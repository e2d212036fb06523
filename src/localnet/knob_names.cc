#include "localnet/knob_names.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <variant>

#include "base/bytes.h"

namespace taubenpost::localnet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kDurationMax = 30LL * 24 * 3600 * 1000;
constexpr double kRateMax = 1000;
constexpr std::size_t kFileMax = 64U << 10;
constexpr std::size_t kServicesMax = 16;
constexpr std::size_t kServiceNameMax = 31;  // a queue id has at most 32 bytes

// A number with a range, a flag, a set of positions below a limit, or services; the others are
// words.
struct Rate {
  double Knobs::* field;
};
struct Probability {
  double Knobs::* field;
};
struct Positions {
  std::set<std::uint8_t> Knobs::* field;
  std::size_t (NetworkSize::*limit)() const;
};
using Services = std::map<std::string, std::uint8_t>;
using Field = std::variant<Milliseconds Knobs::*, bool Knobs::*, Rate, Probability, Positions,
                           Services Knobs::*, TempCleanup Knobs::*, ProxiedReplyKey Knobs::*>;

struct Knob {
  KnobName name;
  Field field;
};

const std::array kKnobs{
    Knob{{"copy_poll", "pause between polls of a copy command"}, &Knobs::copy_poll},
    Knob{{"not_found_poll", "pause between looks at a missing box"}, &Knobs::not_found_poll},
    Knob{{"retransmit", "how long the daemon waits for an answer"}, &Knobs::retransmit},
    Knob{{"resume_grace", "how long a dropped session can be resumed"}, &Knobs::resume_grace},
    Knob{{"broadcast_release", "how long a connection without a session token hears nothing"},
         &Knobs::broadcast_release},
    Knob{{"farewell", "from shutdown_event to the end of the stream"}, &Knobs::farewell},
    Knob{{"slot_rate", "slots for packets of all clients, per millisecond"},
         Rate{&Knobs::slot_rate}},
    Knob{{"encrypt_time", "of one envelope, on its connection"}, &Knobs::encrypt_time},
    Knob{{"decrypt_time", "of one answer, one after the other for all clients"},
         &Knobs::decrypt_time},
    Knob{{"gateway_down", "the daemon has no link to the mixnet"}, &Knobs::gateway_down},
    Knob{{"hop_rate", "at each hop a packet waits for an event of this rate"},
         Rate{&Knobs::hop_rate}},
    Knob{{"request_loss", "packets that never reach their courier"},
         Probability{&Knobs::request_loss}},
    Knob{{"reply_loss", "answers that never reach the daemon"}, Probability{&Knobs::reply_loss}},
    Knob{{"link_rate", "a courier's or replica's message to a replica waits for such an event"},
         Rate{&Knobs::link_rate}},
    Knob{{"courier_time", "of a courier for each temporary box that it reads"},
         &Knobs::courier_time},
    Knob{{"courier_down", "couriers that do not answer"},
         Positions{&Knobs::courier_down, &NetworkSize::couriers}},
    Knob{{"courier_unlisted", "couriers that are not in the directory, and answer all the same"},
         Positions{&Knobs::courier_unlisted, &NetworkSize::couriers}},
    Knob{{"services", "beside the couriers; only echo answers"}, &Knobs::services},
    Knob{{"replica_time", "of a replica for each message"}, &Knobs::replica_time},
    Knob{{"replica_down", "replicas that do not answer, and are not in the directory"},
         Positions{&Knobs::replica_down, &NetworkSize::replicas}},
    Knob{{"replica_silent", "replicas in the directory that cannot be reached"},
         Positions{&Knobs::replica_silent, &NetworkSize::replicas}},
    Knob{{"storage_full", "replicas that take no more boxes"},
         Positions{&Knobs::storage_full, &NetworkSize::replicas}},
    Knob{{"replication_delay", "until a box reaches its other shard"}, &Knobs::replication_delay},
    Knob{{"replication_loss", "boxes that never reach their other shard"},
         Probability{&Knobs::replication_loss}},
    Knob{{"temp_cleanup", "what couriers write over temporary boxes after a copy"},
         &Knobs::temp_cleanup},
    Knob{{"proxied_reply_key", "which key answers from another replica are encrypted with"},
         &Knobs::proxied_reply_key},
};

constexpr std::array<std::string_view, 3> kCleanups{"pseudo", "real", "none"};
constexpr std::array<std::string_view, 2> kReplyKeys{"current_epoch", "matching_epoch"};

Error wrong(const Knob& knob, std::string_view value, const std::string& allowed) {
  return error(Errc::kUsage,
               "knob " + std::string(knob.name.name) + ": " + printable(value) + " is not possible",
               "it takes " + allowed);
}

// Finite and without a sign.
std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value) || std::signbit(value)) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> whole_number_of(std::string_view text) {
  const auto value = number_of(text);
  if (!value || *value != std::floor(*value) || *value > double(kDurationMax)) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

// What stands between commas; nothing for `none`.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  if (text == "none") return words;
  for (std::size_t comma = text.find(','); comma != std::string_view::npos;
       comma = text.find(',')) {
    words.push_back(text.substr(0, comma));
    text.remove_prefix(comma + 1);
  }
  words.push_back(text);
  return words;
}

bool is_service_name(std::string_view name) {
  const auto is_usual = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= kServiceNameMax && name != "courier" && name != "none" &&
         std::all_of(name.begin(), name.end(), is_usual);
}

template <class Word, std::size_t N>
Status set_word(Word& field, const Knob& knob, std::string_view text,
                const std::array<std::string_view, N>& words) {
  std::string allowed;
  for (std::size_t i = 0; i < N; ++i) {
    if (words[i] == text) {
      field = static_cast<Word>(i);
      return ok();
    }
    allowed += (i == 0 ? "" : " or ") + std::string(words[i]);
  }
  return wrong(knob, text, allowed);
}

struct Setter {
  Knobs& knobs;
  const NetworkSize& size;
  const Knob& knob;
  std::string_view text;

  Status operator()(Milliseconds Knobs::* field) const {
    const auto value = whole_number_of(text);
    if (!value) return wrong(knob, text, "whole milliseconds, at most 30 days of them");
    knobs.*field = Milliseconds(static_cast<Milliseconds::rep>(*value));
    return ok();
  }
  Status operator()(bool Knobs::* field) const {
    if (text != "true" && text != "false") return wrong(knob, text, "true or false");
    knobs.*field = text == "true";
    return ok();
  }
  Status operator()(const Rate& rate) const {
    const auto value = number_of(text);
    if (!value || *value > kRateMax)
      return wrong(knob, text, "events per millisecond, from 0 to 1000");
    knobs.*rate.field = *value;
    return ok();
  }
  Status operator()(const Probability& probability) const {
    const auto value = number_of(text);
    if (!value || *value > 1) return wrong(knob, text, "a number from 0 to 1");
    knobs.*probability.field = *value;
    return ok();
  }
  Status operator()(const Positions& positions) const {
    const std::size_t limit = (size.*positions.limit)();
    std::set<std::uint8_t> found;
    for (const std::string_view word : words_of(text)) {
      const auto value = whole_number_of(word);
      if (!value || *value >= limit)
        return wrong(knob, text,
                     "numbers below " + std::to_string(limit) + " with commas between, or none");
      found.insert(static_cast<std::uint8_t>(*value));
    }
    knobs.*positions.field = std::move(found);
    return ok();
  }
  Status operator()(Services Knobs::* field) const {
    Services found;
    for (const std::string_view word : words_of(text)) {
      const std::size_t colon = std::min(word.find(':'), word.size());
      const std::string_view name = word.substr(0, colon);
      const auto providers = colon == word.size() ? std::optional<std::uint64_t>(size.couriers())
                                                  : whole_number_of(word.substr(colon + 1));
      const bool is_right =
          is_service_name(name) && providers && *providers >= 1 && *providers <= size.couriers();
      if (!is_right || found.size() == kServicesMax || found.contains(std::string(name)))
        return wrong(
            knob, text,
            "up to 16 different names of letters, digits, - and _ with commas between, each "
            "alone or with :1 to :" +
                std::to_string(size.couriers()) + " providers, or none");
      found[std::string(name)] =
          *providers == size.couriers() ? kEveryNode : static_cast<std::uint8_t>(*providers);
    }
    knobs.*field = std::move(found);
    return ok();
  }
  Status operator()(TempCleanup Knobs::* field) const {
    return set_word(knobs.*field, knob, text, kCleanups);
  }
  Status operator()(ProxiedReplyKey Knobs::* field) const {
    return set_word(knobs.*field, knob, text, kReplyKeys);
  }
};

struct Shower {
  const Knobs& knobs;
  Json operator()(Milliseconds Knobs::* field) const { return (knobs.*field).count(); }
  Json operator()(bool Knobs::* field) const { return knobs.*field; }
  Json operator()(const Rate& rate) const { return knobs.*rate.field; }
  Json operator()(const Probability& probability) const { return knobs.*probability.field; }
  Json operator()(const Positions& positions) const { return knobs.*positions.field; }
  Json operator()(Services Knobs::* field) const {
    Json out = Json::array();
    for (const auto& [name, providers] : knobs.*field)
      out.push_back(providers == kEveryNode ? name : name + ":" + std::to_string(providers));
    return out;
  }
  Json operator()(TempCleanup Knobs::* field) const {
    return kCleanups[static_cast<std::size_t>(knobs.*field)];
  }
  Json operator()(ProxiedReplyKey Knobs::* field) const {
    return kReplyKeys[static_cast<std::size_t>(knobs.*field)];
  }
};

Result<const Knob*> find_knob(std::string_view name) {
  for (const Knob& knob : kKnobs)
    if (knob.name.name == name) return &knob;
  std::string all;
  for (const Knob& knob : kKnobs) all += (all.empty() ? "" : ", ") + std::string(knob.name.name);
  return error(Errc::kUsage, "there is no knob " + printable(name), "there are " + all);
}

Status set_knob(Knobs& knobs, const NetworkSize& size, std::string_view name,
                std::string_view value) {
  const auto knob = find_knob(name);
  if (!knob) return knob.error();
  return std::visit(Setter{knobs, size, **knob, value}, (*knob)->field);
}

// A TOML value as it would be written after NAME=.
std::string text_of(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  if (const toml::array* array = node.as_array()) {
    std::string out;
    for (const toml::node& item : *array) out += (out.empty() ? "" : ",") + text_of(item);
    return out.empty() ? "none" : out;
  }
  std::ostringstream out;
  out.precision(std::numeric_limits<double>::max_digits10);
  if (const auto whole = node.value_exact<std::int64_t>())
    out << *whole;
  else if (const auto real = node.value_exact<double>())
    out << *real;
  return out.str();
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return error(Errc::kNotFound, printable(path) + ": can't be read");
  std::string text(kFileMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileMax) return error(Errc::kIo, printable(path) + ": is over 64 KiB");
  return text;
}

}  // namespace

std::vector<KnobName> knob_names() {
  std::vector<KnobName> names;
  for (const Knob& knob : kKnobs) names.push_back(knob.name);
  return names;
}

Status set_knobs(Knobs& knobs, const NetworkSize& size, const std::vector<std::string>& words) {
  Knobs changed = knobs;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos)
      return error(Errc::kUsage, printable(word) + ": is not NAME=VALUE");
    const std::string_view view(word);
    TP_TRY(set_knob(changed, size, view.substr(0, equals), view.substr(equals + 1)));
  }
  knobs = std::move(changed);
  return ok();
}

Status parse_knobs(Knobs& knobs, const NetworkSize& size, std::string_view text,
                   std::string_view path) {
  const auto wrong = [&](std::size_t line, const std::string& what, const std::string& hint) {
    return error(Errc::kUsage, printable(path) + ":" + std::to_string(line) + ": " + what, hint);
  };
  Knobs changed = knobs;
  try {
    for (const auto& [name, value] : toml::parse(text)) {
      const Status set = set_knob(changed, size, name.str(), text_of(value));
      if (!set) return wrong(value.source().begin.line, set.error().what, set.error().hint);
    }
  } catch (const toml::parse_error& problem) {
    return wrong(problem.source().begin.line, printable(problem.description()), {});
  }
  knobs = std::move(changed);
  return ok();
}

Status load_knobs(Knobs& knobs, const NetworkSize& size, const std::string& path) {
  const Result<std::string> text = read_file(path);
  if (!text) return text.error();
  return parse_knobs(knobs, size, *text, path);
}

std::string knobs_json(const Knobs& knobs) {
  Json out;
  for (const Knob& knob : kKnobs)
    out[std::string(knob.name.name)] = std::visit(Shower{knobs}, knob.field);
  return out.dump();
}

Result<std::string> knobs_json(const Knobs& knobs, const std::vector<std::string>& names) {
  Json out;
  for (const std::string& name : names) {
    const auto knob = find_knob(name);
    if (!knob) return knob.error();
    out[name] = std::visit(Shower{knobs}, (*knob)->field);
  }
  return out.dump();
}

}  // namespace taubenpost::localnet

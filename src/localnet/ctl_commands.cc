#include "localnet/ctl_commands.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/bytes.h"
#include "localnet/knob_names.h"
#include "localnet/profile.h"

namespace taubenpost::localnet {
namespace {

using Arguments = std::vector<std::string>;

const NetworkSize& size_of(const Controlled& controlled) {
  return controlled.network.context().directory.size();
}

Result<std::string> audit(const Controlled& controlled, const Arguments&) {
  return controlled.network.audit().to_json();
}

Result<std::string> knobs(const Controlled& controlled, const Arguments& names) {
  const Knobs& all = controlled.network.knobs();
  return names.empty() ? knobs_json(all) : knobs_json(all, names);
}

Result<std::string> set(const Controlled& controlled, const Arguments& arguments) {
  Knobs changed = controlled.network.knobs();
  TP_TRY(set_knobs(changed, size_of(controlled), arguments));
  controlled.network.set_knobs(changed);
  Arguments names;
  for (const std::string& word : arguments) names.push_back(word.substr(0, word.find('=')));
  return knobs_json(changed, names);
}

Result<std::string> set_profile(const Controlled& controlled, const Arguments& arguments) {
  const auto wanted = profile(arguments.front());
  if (!wanted) return wanted.error();
  const Knobs changed = with_rates(controlled.network.knobs(), *wanted);
  controlled.network.set_knobs(changed);
  return knobs_json(changed, rate_names());
}

Result<std::string> shutdown(const Controlled& controlled, const Arguments&) {
  if (!controlled.shutdown)
    return error(Errc::kRefused, "this network ends with the program that it is a part of");
  controlled.shutdown();
  return nlohmann::json{{"stopping", true}}.dump();
}

// The Prometheus text is one field, so that the answer stays one line of JSON.
Result<std::string> metrics(const Controlled& controlled, const Arguments&) {
  return nlohmann::json{{"metrics", controlled.network.audit().to_prometheus()}}.dump();
}

std::optional<std::size_t> position_of(const Arguments& arguments) {
  const std::string& text = arguments.front();
  std::size_t position = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, position);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return position;
}

Result<std::string> restarted(const char* what, std::size_t count, bool is_done,
                              const Arguments& arguments) {
  if (!is_done)
    return error(Errc::kUsage,
                 std::string("there is no ") + what + " " + printable(arguments.front()),
                 "the first is 0, the last " + std::to_string(count - 1));
  return nlohmann::json{{"restarted", std::string(what) + " " + arguments.front()}}.dump();
}

Result<std::string> restart_courier(const Controlled& controlled, const Arguments& arguments) {
  const auto position = position_of(arguments);
  return restarted("courier", size_of(controlled).couriers(),
                   position && controlled.network.restart_courier(*position), arguments);
}

Result<std::string> restart_replica(const Controlled& controlled, const Arguments& arguments) {
  const auto position = position_of(arguments);
  return restarted("replica", size_of(controlled).replicas(),
                   position && controlled.network.restart_replica(*position), arguments);
}

struct Command {
  std::string_view name, arguments;
  std::size_t fewest, most;
  Result<std::string> (*run)(const Controlled&, const Arguments&);
};
constexpr std::size_t kMany = 64;
constexpr Command kCommands[] = {
    {"audit", "", 0, 0, audit},
    {"metrics", "", 0, 0, metrics},
    {"knobs", " [NAME...]", 0, kMany, knobs},
    {"set", " NAME=VALUE...", 1, kMany, set},
    {"profile", " NAME", 1, 1, set_profile},
    {"restart-courier", " N", 1, 1, restart_courier},
    {"restart-replica", " N", 1, 1, restart_replica},
    {"shutdown", "", 0, 0, shutdown},
};

}  // namespace

Result<std::string> run_command(const Controlled& controlled, const std::string& command,
                                const std::vector<std::string>& arguments) {
  std::string all;
  for (const Command& known : kCommands) {
    const std::string usage = std::string(known.name) + std::string(known.arguments);
    all += (all.empty() ? "" : ", ") + usage;
    if (known.name != command) continue;
    if (arguments.size() < known.fewest || arguments.size() > known.most)
      return error(Errc::kUsage, "expected " + usage);
    return known.run(controlled, arguments);
  }
  return error(Errc::kUsage, "there is no command " + printable(command), "there are " + all);
}

}  // namespace taubenpost::localnet

#include "localnet/ctl_commands.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/bytes.h"
#include "localnet/knob_names.h"

namespace taubenpost::localnet {
namespace {

using Arguments = std::vector<std::string>;

Result<std::string> audit(Network& network, const Arguments&) { return network.audit().to_json(); }

Result<std::string> knobs(Network& network, const Arguments&) {
  return knobs_json(network.knobs());
}

Result<std::string> set(Network& network, const Arguments& arguments) {
  Knobs changed = network.knobs();
  TP_TRY(set_knobs(changed, arguments));
  network.set_knobs(changed);
  return knobs_json(network.knobs());
}

// The Prometheus text is one field, so that the answer stays one line of JSON.
Result<std::string> metrics(Network& network, const Arguments&) {
  return nlohmann::json{{"metrics", network.audit().to_prometheus()}}.dump();
}

std::optional<std::size_t> position_of(const Arguments& arguments) {
  const std::string& text = arguments.front();
  if (text.size() != 1 || text[0] < '0' || text[0] > '9') return std::nullopt;
  return static_cast<std::size_t>(text[0] - '0');
}

Result<std::string> restarted(const char* what, bool is_done, const Arguments& arguments) {
  if (!is_done)
    return error(Errc::kUsage,
                 std::string("there is no ") + what + " " + printable(arguments.front()));
  return nlohmann::json{{"restarted", std::string(what) + " " + arguments.front()}}.dump();
}

Result<std::string> restart_courier(Network& network, const Arguments& arguments) {
  const auto position = position_of(arguments);
  return restarted("courier", position && network.restart_courier(*position), arguments);
}

Result<std::string> restart_replica(Network& network, const Arguments& arguments) {
  const auto position = position_of(arguments);
  return restarted("replica", position && network.restart_replica(*position), arguments);
}

struct Command {
  std::string_view name, arguments;
  std::size_t fewest, most;
  Result<std::string> (*run)(Network&, const Arguments&);
};
constexpr std::size_t kMany = 64;
constexpr Command kCommands[] = {
    {"audit", "", 0, 0, audit},
    {"metrics", "", 0, 0, metrics},
    {"knobs", "", 0, 0, knobs},
    {"set", " NAME=VALUE...", 1, kMany, set},
    {"restart-courier", " N", 1, 1, restart_courier},
    {"restart-replica", " N", 1, 1, restart_replica},
};

}  // namespace

Result<std::string> run_command(Network& network, const std::string& command,
                                const std::vector<std::string>& arguments) {
  std::string all;
  for (const Command& known : kCommands) {
    const std::string usage = std::string(known.name) + std::string(known.arguments);
    all += (all.empty() ? "" : ", ") + usage;
    if (known.name != command) continue;
    if (arguments.size() < known.fewest || arguments.size() > known.most)
      return error(Errc::kUsage, "expected " + usage);
    return known.run(network, arguments);
  }
  return error(Errc::kUsage, "there is no command " + printable(command), "there are " + all);
}

}  // namespace taubenpost::localnet

#include "localnet/ctl_request.h"

#include <nlohmann/json.hpp>

namespace taubenpost::localnet {

using Json = nlohmann::json;

std::optional<CtlRequest> parse_ctl_request(std::string_view line) {
  const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || !object.contains("command") || !object["command"].is_string())
    return std::nullopt;
  CtlRequest request{object["command"].get<std::string>(), {}};
  if (!object.contains("arguments")) return request;
  if (!object["arguments"].is_array()) return std::nullopt;
  for (const Json& argument : object["arguments"]) {
    if (!argument.is_string()) return std::nullopt;
    request.arguments.push_back(argument.get<std::string>());
  }
  return request;
}

std::string to_line(const CtlRequest& request) {
  return Json{{"command", request.command}, {"arguments", request.arguments}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace taubenpost::localnet

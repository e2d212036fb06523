#include "localnet/audit.h"

#include <nlohmann/json.hpp>

namespace taubenpost::localnet {
namespace {

// Only codes that occurred, so that an empty object means "none".
nlohmann::json by_code(const Audit::ByCode& counts) {
  nlohmann::json out = nlohmann::json::object();
  for (std::size_t code = 0; code < counts.size(); ++code)
    if (counts[code] != 0) out[std::to_string(code)] = counts[code];
  return out;
}

}  // namespace

std::string Audit::to_json() const {
  nlohmann::json failed = nlohmann::json::object();
  for (const auto& [code, count] : copies_failed) failed[std::to_string(code)] = count;
  const nlohmann::json out{
      {"packets", packets},
      {"retransmissions", retransmissions},
      {"writes", by_code(writes)},
      {"conflicting_writes", writes[10]},
      {"tombstones", by_code(tombstones)},
      {"reads", by_code(reads)},
      {"boxes_stored", boxes_stored},
      {"envelopes_built", envelopes_built},
      {"copies_started", copies_started},
      {"copies_succeeded", copies_succeeded},
      {"copies_failed", failed},
  };
  return out.dump();
}

}  // namespace taubenpost::localnet

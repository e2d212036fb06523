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
      {"slots", slots},
      {"slots_used", slots_used},
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

namespace {

struct Exposition {
  std::string text;

  void type(const char* name, const char* help) {
    text += std::string("# HELP taubenpost_localnet_") + name + " " + help +
            "\n# TYPE taubenpost_localnet_" + name + " counter\n";
  }
  void sample(const char* name, const std::string& labels, std::uint64_t value) {
    text +=
        std::string("taubenpost_localnet_") + name + labels + " " + std::to_string(value) + "\n";
  }
  void one(const char* name, const char* help, std::uint64_t value) {
    type(name, help);
    sample(name, "", value);
  }
  void by_code(const char* name, const char* help, const Audit::ByCode& values) {
    type(name, help);
    for (std::size_t code = 0; code < values.size(); ++code)
      if (values[code] > 0) sample(name, "{code=\"" + std::to_string(code) + "\"}", values[code]);
  }
};

}  // namespace

std::string Audit::to_prometheus() const {
  Exposition out;
  out.one("packets_total", "Packets from clients to couriers, polls included.", packets);
  out.one("retransmissions_total", "Packets sent again because no answer came.", retransmissions);
  out.one("slots_total", "Slots of the daemon's clock.", slots);
  out.one("slots_used_total", "Slots with a client's packet.", slots_used);
  out.by_code("writes_total", "Data writes at shards by replica code.", writes);
  out.by_code("tombstones_total", "Tombstones at shards by replica code.", tombstones);
  out.by_code("reads_total", "Reads at shards by replica code.", reads);
  out.one("boxes_stored_total", "Boxes that a shard did not have before.", boxes_stored);
  out.one("envelopes_built_total", "Envelopes made by the daemon.", envelopes_built);
  out.one("copies_started_total", "Copy commands that couriers began.", copies_started);
  out.one("copies_succeeded_total", "Copy commands that succeeded.", copies_succeeded);
  out.type("copies_failed_total", "Copy commands that failed by replica code.");
  for (const auto& [code, count] : copies_failed)
    out.sample("copies_failed_total", "{code=\"" + std::to_string(code) + "\"}", count);
  return out.text;
}

}  // namespace taubenpost::localnet

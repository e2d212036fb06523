#include "localnet/audit.h"

#include <nlohmann/json.hpp>

namespace taubenpost::localnet {
namespace {

using Json = nlohmann::json;

// Only codes that occurred, so that an empty object means "none".
Json by_code(const ReplicaCounters::ByCode& counts) {
  Json out = Json::object();
  for (std::size_t code = 0; code < counts.size(); ++code)
    if (counts[code] != 0) out[std::to_string(code)] = counts[code];
  return out;
}

void show(Json& out, const CourierCounters& counters) {
  out["packets"] = counters.packets;
  out["copies_started"] = counters.copies_started;
  out["copies_succeeded"] = counters.copies_succeeded;
  out["copies_failed"] = Json::object();
  for (const auto& [code, count] : counters.copies_failed)
    out["copies_failed"][std::to_string(code)] = count;
}

void show(Json& out, const ReplicaCounters& counters) {
  out["messages"] = counters.messages;
  out["writes"] = by_code(counters.writes);
  out["conflicting_writes"] = counters.writes[10];
  out["tombstones"] = by_code(counters.tombstones);
  out["reads"] = by_code(counters.reads);
  out["boxes_stored"] = counters.boxes_stored;
}

template <class Each>
Json list_of(const Each& each) {
  Json out = Json::array();
  for (const auto& counters : each) show(out.emplace_back(Json::object()), counters);
  return out;
}

}  // namespace

std::string Audit::to_json() const {
  Json out{{"retransmissions", retransmissions}, {"slots", slots},
           {"slots_used", slots_used},           {"envelopes_built", envelopes_built},
           {"couriers", list_of(couriers)},      {"replicas", list_of(replicas)}};
  show(out, static_cast<const CourierCounters&>(*this));
  show(out, static_cast<const ReplicaCounters&>(*this));
  return out.dump();
}

namespace {

// One counter after the other, each with its help, its type and its samples. What belongs to one
// courier or replica has that as a label; who adds these up has the sum.
class Exposition {
 public:
  explicit Exposition(const Audit& audit) : audit_(audit) {}
  std::string take() { return std::move(text_); }

  void one(const std::string& name, const char* help, std::uint64_t value) {
    type(name, help);
    sample("", value);
  }
  void each_courier(const std::string& name, const char* help, auto CourierCounters::* field) {
    type("courier_" + name, help);
    samples("courier", audit_.couriers, field);
  }
  void each_replica(const std::string& name, const char* help, auto ReplicaCounters::* field) {
    type("replica_" + name, help);
    samples("replica", audit_.replicas, field);
  }

 private:
  void type(const std::string& name, const char* help) {
    name_ = "taubenpost_localnet_" + name;
    text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " counter\n";
  }
  void sample(const std::string& labels, std::uint64_t value) {
    text_ += name_ + labels + " " + std::to_string(value) + "\n";
  }
  void samples(const std::string& role, const auto& all, auto field) {
    for (std::size_t i = 0; i < all.size(); ++i)
      values(role + "=\"" + std::to_string(i) + "\"", all[i].*field);
  }
  void values(const std::string& label, std::uint64_t value) { sample("{" + label + "}", value); }
  void values(const std::string& label, const ReplicaCounters::ByCode& counts) {
    for (std::size_t code = 0; code < counts.size(); ++code)
      if (counts[code] > 0) coded(label, code, counts[code]);
  }
  void values(const std::string& label, const std::map<std::uint8_t, std::uint64_t>& counts) {
    for (const auto& [code, count] : counts) coded(label, code, count);
  }
  void coded(const std::string& label, std::size_t code, std::uint64_t value) {
    sample("{" + label + ",code=\"" + std::to_string(code) + "\"}", value);
  }

  const Audit& audit_;
  std::string name_, text_;
};

}  // namespace

std::string Audit::to_prometheus() const {
  Exposition out(*this);
  out.one("packets_total", "Packets from clients to couriers, polls included.", packets);
  out.one("retransmissions_total", "Packets sent again because no answer came.", retransmissions);
  out.one("slots_total", "Slots of the daemon's clock.", slots);
  out.one("slots_used_total", "Slots with a client's packet.", slots_used);
  out.one("envelopes_built_total", "Envelopes made by the daemon.", envelopes_built);
  out.each_courier("packets_total", "Packets from clients.", &CourierCounters::packets);
  out.each_courier("copies_started_total", "Copy commands that began.",
                   &CourierCounters::copies_started);
  out.each_courier("copies_succeeded_total", "Copy commands that succeeded.",
                   &CourierCounters::copies_succeeded);
  out.each_courier("copies_failed_total", "Copy commands that failed by replica code.",
                   &CourierCounters::copies_failed);
  out.each_replica("messages_total", "Halves of envelopes from couriers.",
                   &ReplicaCounters::messages);
  out.each_replica("writes_total", "Data writes by replica code.", &ReplicaCounters::writes);
  out.each_replica("tombstones_total", "Tombstones by replica code.", &ReplicaCounters::tombstones);
  out.each_replica("reads_total", "Reads by replica code.", &ReplicaCounters::reads);
  out.each_replica("boxes_stored_total", "Boxes that were not there before.",
                   &ReplicaCounters::boxes_stored);
  return out.take();
}

}  // namespace taubenpost::localnet

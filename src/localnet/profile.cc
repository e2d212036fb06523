#include "localnet/profile.h"

#include <string>

#include "base/bytes.h"

namespace taubenpost::localnet {
namespace {

// Rates of the container test network of Katzenpost.
Knobs network_b() {
  Knobs knobs;
  knobs.slot_rate = 0.001;
  knobs.hop_rate = 0.005;
  knobs.link_rate = 0.005;
  return knobs;
}

Knobs network_a() {
  Knobs knobs = network_b();
  knobs.encrypt_time = Milliseconds(2'900);
  knobs.decrypt_time = Milliseconds(1'700);
  // Couriers and replicas do several such operations for one message, on the same two cores.
  knobs.courier_time = Milliseconds(9'500);
  knobs.replica_time = Milliseconds(2'400);
  return knobs;
}

Knobs network_c() {
  Knobs knobs;
  knobs.slot_rate = 0.02;
  knobs.hop_rate = 0.02;
  knobs.link_rate = 0.05;
  return knobs;
}

template <auto kField>
void take(Knobs& to, const Knobs& from) {
  to.*kField = from.*kField;
}
// What a network that runs takes from a profile.
struct TakenKnob {
  const char* name;
  void (*take)(Knobs& to, const Knobs& from);
};
constexpr TakenKnob kTaken[] = {
    {"slot_rate", take<&Knobs::slot_rate>},       {"hop_rate", take<&Knobs::hop_rate>},
    {"link_rate", take<&Knobs::link_rate>},       {"encrypt_time", take<&Knobs::encrypt_time>},
    {"decrypt_time", take<&Knobs::decrypt_time>}, {"courier_time", take<&Knobs::courier_time>},
    {"replica_time", take<&Knobs::replica_time>},
};

}  // namespace

Result<Profile> profile(std::string_view name) {
  if (name == "fast") return Profile{};
  if (name == "a") return Profile{network_a(), EnvelopeNike::kHybrid};
  if (name == "b") return Profile{network_b(), EnvelopeNike::kX25519};
  if (name == "c") return Profile{network_c(), EnvelopeNike::kX25519};
  return error(Errc::kUsage, "there is no profile " + printable(name), "there are fast, a, b, c");
}

Knobs with_rates(Knobs knobs, const Profile& profile) {
  for (const TakenKnob& each : kTaken) each.take(knobs, profile.knobs);
  return knobs;
}

std::vector<std::string> rate_names() {
  std::vector<std::string> names;
  for (const TakenKnob& each : kTaken) names.emplace_back(each.name);
  return names;
}

}  // namespace taubenpost::localnet

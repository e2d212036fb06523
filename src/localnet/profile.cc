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

}  // namespace

Result<Profile> profile(std::string_view name) {
  if (name == "fast") return Profile{};
  if (name == "a") return Profile{network_a(), EnvelopeNike::kHybrid};
  if (name == "b") return Profile{network_b(), EnvelopeNike::kX25519};
  if (name == "c") return Profile{network_c(), EnvelopeNike::kX25519};
  return error(Errc::kUsage, "there is no profile " + printable(name), "there are fast, a, b, c");
}

Knobs with_rates(Knobs knobs, const Profile& profile) {
  knobs.slot_rate = profile.knobs.slot_rate;
  knobs.hop_rate = profile.knobs.hop_rate;
  knobs.link_rate = profile.knobs.link_rate;
  knobs.encrypt_time = profile.knobs.encrypt_time;
  knobs.decrypt_time = profile.knobs.decrypt_time;
  knobs.courier_time = profile.knobs.courier_time;
  knobs.replica_time = profile.knobs.replica_time;
  return knobs;
}

}  // namespace taubenpost::localnet

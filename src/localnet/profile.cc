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

Result<Knobs> profile(std::string_view name) {
  if (name == "fast") return Knobs{};
  if (name == "a") return network_a();
  if (name == "b") return network_b();
  if (name == "c") return network_c();
  return error(Errc::kUsage, "there is no profile " + printable(name), "there are fast, a, b, c");
}

}  // namespace taubenpost::localnet

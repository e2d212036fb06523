// What the parts of the daemon front share. All of it outlives them; one thread.
#pragma once

#include "bacap/epochs.h"
#include "localnet/audit.h"
#include "localnet/daemon_behaviour.h"
#include "localnet/directory.h"
#include "localnet/gateway_link.h"
#include "localnet/knobs.h"
#include "localnet/mixnet.h"
#include "localnet/random.h"
#include "localnet/scheduler.h"
#include "localnet/serial_worker.h"
#include "localnet/slot_clock.h"

namespace taubenpost::localnet {

struct Context {
  Scheduler& scheduler;
  const Directory& directory;
  Mixnet& mixnet;
  Audit& audit;
  Random& random;
  const Knobs& knobs;
  SlotClock& slots;
  SerialWorker& decrypter;
  GatewayLink& gateway;
  const DaemonBehaviour behaviour{};

  std::uint64_t mix_epoch() const { return bacap::mix_epoch(scheduler.unix_ms() / 1000); }
  // Of the directory document in force; envelopes are made for this one.
  std::uint64_t replica_epoch() const {
    return bacap::replica_epoch_of_mix(gateway.epoch_in_force().value_or(mix_epoch()));
  }
};

}  // namespace taubenpost::localnet

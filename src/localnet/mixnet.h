// The way between the daemon and the couriers: one packet there, at most one answer back.
//
// Nothing limits or delays packets; each way is a step of its own on the scheduler. Packets and
// answers can be lost, and a courier can be down. Whoever sends waits for an answer only as long as
// it likes: none comes for a query that the courier ignores.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "localnet/audit.h"
#include "localnet/courier.h"
#include "localnet/knobs.h"
#include "localnet/random.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

class Mixnet {
 public:
  using OnReply = std::function<void(Bytes)>;

  // All outlive the mixnet.
  Mixnet(Scheduler& scheduler, std::vector<std::unique_ptr<Courier>>& couriers, Audit& audit,
         Random& random, const Knobs& knobs);

  // `courier` is a position in Directory::couriers().
  void send(std::size_t courier, std::shared_ptr<const Bytes> query, OnReply on_reply);

 private:
  Scheduler& scheduler_;
  std::vector<std::unique_ptr<Courier>>& couriers_;
  Audit& audit_;
  Random& random_;
  const Knobs& knobs_;
};

}  // namespace taubenpost::localnet

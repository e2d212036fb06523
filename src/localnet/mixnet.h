// The way between the daemon and the couriers: one packet there, at most one answer back.
//
// Without a profile nothing limits or delays packets; each hop is a step of its own on the
// scheduler. Whoever sends waits for an answer only as long as it likes: none comes for a query
// that the courier ignores.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "localnet/audit.h"
#include "localnet/courier.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

class Mixnet {
 public:
  using OnReply = std::function<void(Bytes)>;

  // All outlive the mixnet.
  Mixnet(Scheduler& scheduler, std::vector<std::unique_ptr<Courier>>& couriers, Audit& audit);

  // `courier` is a position in Directory::couriers().
  void send(std::size_t courier, std::shared_ptr<const Bytes> query, OnReply on_reply);

 private:
  Scheduler& scheduler_;
  std::vector<std::unique_ptr<Courier>>& couriers_;
  Audit& audit_;
};

}  // namespace taubenpost::localnet

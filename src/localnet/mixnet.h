// The way between the daemon and the couriers: one packet there, at most one answer back.
//
// Each way takes the delays of its hops, drawn when the packet leaves (knob hop_rate), or a step of
// its own on the scheduler. Nine are drawn and promised to the sender, and eight are waited for:
// real replies come earlier than promised, by what one hop takes (measured; which one it is was
// not, here the service node does not wait). Packets and answers can be lost, and a courier can be
// down. Whoever sends waits for an answer only as long as it likes: none comes for a query that the
// courier ignores.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "localnet/audit.h"
#include "localnet/courier.h"
#include "localnet/gateway_link.h"
#include "localnet/knobs.h"
#include "localnet/random.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

class Mixnet {
 public:
  using OnReply = std::function<void(Bytes)>;

  // All outlive the mixnet.
  Mixnet(Scheduler& scheduler, std::vector<std::unique_ptr<Courier>>& couriers, Audit& audit,
         Random& random, const Knobs& knobs, GatewayLink& gateway);

  // `courier` is a position in Directory::couriers(). Returns the round trip that is promised.
  Milliseconds send(std::size_t courier, std::shared_ptr<const Bytes> query, OnReply on_reply);

  // There and back, for a message to a service; nothing if one of both is lost.
  struct Trip {
    Milliseconds there{0}, back{0};
    Milliseconds promised{0};
    bool arrives = true, returns = true;
  };
  Trip draw();

 private:
  Milliseconds way(int hops);

  Scheduler& scheduler_;
  std::vector<std::unique_ptr<Courier>>& couriers_;
  Audit& audit_;
  Random& random_;
  const Knobs& knobs_;
  GatewayLink& gateway_;
};

}  // namespace taubenpost::localnet

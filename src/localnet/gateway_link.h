// The daemon's link to its gateway (thin-protocol 2.2 and 6.10, knob gateway_down).
//
// While it is down no packet leaves (slot_clock.h), answers wait at the gateway, and no document is
// fetched: the daemon has those that it had before. Local calls go on as long as one of them is in
// force.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "localnet/knobs.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

class GatewayLink {
 public:
  // Both outlive the link.
  GatewayLink(Scheduler& scheduler, const Knobs& knobs);

  bool is_up() const { return is_up_; }
  bool was_ever_up() const { return last_up_.has_value(); }
  // Whether the daemon has the document of this mix epoch. From the network it gets the previous
  // one, the current one and the next.
  bool has_document(std::uint64_t mix_epoch) const;
  // Whose document it works with: this epoch's or, failing that, the previous one's.
  std::optional<std::uint64_t> epoch_in_force() const;
  // Runs the task when an answer gets through: now, or as soon as the link is up.
  void bring(Task answer);
  // The knob may have changed; whether the link has.
  bool look();

 private:
  std::uint64_t now_epoch() const;

  Scheduler& scheduler_;
  const Knobs& knobs_;
  bool is_up_;
  std::optional<std::uint64_t> last_up_;  // mix epoch in which it was up last
  std::vector<Task> waiting_;             // answers at the gateway
};

}  // namespace taubenpost::localnet

#include "localnet/gateway_link.h"

#include <utility>

#include "bacap/epochs.h"

namespace taubenpost::localnet {

GatewayLink::GatewayLink(Scheduler& scheduler, const Knobs& knobs)
    : scheduler_(scheduler), knobs_(knobs), is_up_(!knobs.gateway_down) {
  if (is_up_) last_up_ = now_epoch();
}

std::uint64_t GatewayLink::now_epoch() const {
  return bacap::mix_epoch(scheduler_.unix_ms() / 1000);
}

bool GatewayLink::has_document(std::uint64_t mix_epoch) const {
  const std::optional<std::uint64_t> newest = is_up_ ? now_epoch() : last_up_;
  return newest && bacap::in_epoch_window(mix_epoch, *newest);
}

std::optional<std::uint64_t> GatewayLink::epoch_in_force() const {
  const std::uint64_t now = now_epoch();
  for (const std::uint64_t epoch : {now, now - 1})
    if (has_document(epoch)) return epoch;
  return std::nullopt;
}

void GatewayLink::bring(Task answer) {
  if (is_up_) return answer();
  waiting_.push_back(std::move(answer));
}

bool GatewayLink::look() {
  if (is_up_ != knobs_.gateway_down) return false;
  is_up_ = !is_up_;
  last_up_ = now_epoch();
  if (is_up_)
    for (Task& answer : std::exchange(waiting_, {})) scheduler_.post(std::move(answer));
  return true;
}

}  // namespace taubenpost::localnet

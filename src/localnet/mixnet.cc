#include "localnet/mixnet.h"

#include <utility>

namespace taubenpost::localnet {

Mixnet::Mixnet(Scheduler& scheduler, std::vector<std::unique_ptr<Courier>>& couriers, Audit& audit)
    : scheduler_(scheduler), couriers_(couriers), audit_(audit) {}

void Mixnet::send(std::size_t courier, std::shared_ptr<const Bytes> query, OnReply on_reply) {
  TP_CHECK(courier < couriers_.size());
  ++audit_.packets;
  scheduler_.post([this, courier, query = std::move(query), on_reply = std::move(on_reply)] {
    auto reply = couriers_[courier]->handle(*query);
    if (!reply) return;
    scheduler_.post([on_reply, reply = *std::move(reply)] { on_reply(reply); });
  });
}

}  // namespace taubenpost::localnet

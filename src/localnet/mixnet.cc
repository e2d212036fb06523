#include "localnet/mixnet.h"

#include <utility>

namespace taubenpost::localnet {

Mixnet::Mixnet(Scheduler& scheduler, std::vector<std::unique_ptr<Courier>>& couriers, Audit& audit,
               Random& random, const Knobs& knobs)
    : scheduler_(scheduler), couriers_(couriers), audit_(audit), random_(random), knobs_(knobs) {}

void Mixnet::send(std::size_t courier, std::shared_ptr<const Bytes> query, OnReply on_reply) {
  TP_CHECK(courier < couriers_.size());
  ++audit_.packets;
  if (random_.happens(knobs_.request_loss)) return;
  scheduler_.post([this, courier, query = std::move(query), on_reply = std::move(on_reply)] {
    if (knobs_.courier_down.contains(static_cast<std::uint8_t>(courier))) return;
    auto reply = couriers_[courier]->handle(*query);
    if (!reply || random_.happens(knobs_.reply_loss)) return;
    scheduler_.post([on_reply, reply = *std::move(reply)] { on_reply(reply); });
  });
}

}  // namespace taubenpost::localnet

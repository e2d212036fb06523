#include "localnet/mixnet.h"

#include <utility>

namespace taubenpost::localnet {

Mixnet::Mixnet(Scheduler& scheduler, std::vector<std::unique_ptr<Courier>>& couriers, Audit& audit,
               Random& random, const Knobs& knobs, GatewayLink& gateway)
    : scheduler_(scheduler),
      couriers_(couriers),
      audit_(audit),
      random_(random),
      knobs_(knobs),
      gateway_(gateway) {}

Milliseconds Mixnet::way(int hops) {
  Milliseconds sum{0};
  for (int hop = 0; hop < hops; ++hop) sum += random_.exponential(knobs_.hop_rate);
  return sum;
}

// Gateway, three mixes and the service node; then three mixes and the gateway.
Mixnet::Trip Mixnet::draw() {
  const Milliseconds there = way(4), at_service = way(1), back = way(4);
  const bool arrives = !random_.happens(knobs_.request_loss);
  return {there, back, there + at_service + back, arrives,
          arrives && !random_.happens(knobs_.reply_loss)};
}

Milliseconds Mixnet::send(std::size_t courier, std::shared_ptr<const Bytes> query,
                          OnReply on_reply) {
  TP_CHECK(courier < couriers_.size());
  audit_.at_courier(courier, [](CourierCounters& at) { ++at.packets; });
  const Trip trip = draw();
  if (!trip.arrives) return trip.promised;
  const auto arrive = [this, courier, trip, query = std::move(query),
                       on_reply = std::move(on_reply)] {
    if (knobs_.courier_down.contains(static_cast<std::uint8_t>(courier))) return;
    auto reply = couriers_[courier]->handle(*query);
    if (!reply || !trip.returns) return;
    defer(scheduler_, trip.back, [this, on_reply, reply = *std::move(reply)] {
      gateway_.bring([on_reply, reply] { on_reply(reply); });
    });
  };
  defer(scheduler_, trip.there, arrive);
  return trip.promised;
}

}  // namespace taubenpost::localnet

// What the service does with channels that have a delivery: whatever arrives in them becomes a
// receive job for the folder, and in the way, that their user has said once (ChannelDelivery).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/poll.h"
#include "engine/ports.h"

namespace taubenpost {

inline bool has_delivery(const ChannelRow& channel) { return !channel.delivery.folder.empty(); }
PlaceOptions place_of(const ChannelDelivery& delivery);

struct DeliveryRound {
  PollSummary found;
  std::vector<ChannelRow> without_folder;  // not polled: what is there stays for a later round
  std::optional<Error> no_answer;          // of some channel: the others were polled
};
// One round over all of them, side by side, so that a channel with much in it holds up no other.
// Needs no network if there is none. Errors: of connect_to_network(), of the store.
boost::asio::awaitable<Result<DeliveryRound>> poll_deliveries(EnginePorts ports);

}  // namespace taubenpost

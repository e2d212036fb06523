#include "engine/deliver.h"

#include <boost/asio/this_coro.hpp>

#include "engine/engine.h"
#include "engine/task_group.h"

namespace taubenpost {
namespace asio = boost::asio;

namespace {

struct Polled {
  ChannelRow channel;
  std::optional<Result<PollSummary>> found;
};

asio::awaitable<void> poll(EnginePorts ports, Polled& one) {
  const ChannelDelivery& delivery = one.channel.delivery;
  const PlaceOptions place = place_of(delivery);
  Result<PollSummary> all = PollSummary{};
  for (unsigned turn = 0; turn < kPollTurns; ++turn) {
    const Result<PollSummary> found =
        co_await poll_channel(ports, one.channel.id, delivery.folder, place);
    if (!found) all = found.error();
    if (!found) break;
    const bool has_more = found->more > 0;
    all->more = 0;  // of the turn before
    *all += *found;
    if (!has_more) break;
  }
  one.found.emplace(std::move(all));
}

}  // namespace

PlaceOptions place_of(const ChannelDelivery& delivery) {
  PlaceOptions place;
  if (delivery.unpack) place.archives = Archives::kUnpack;
  place.if_exists = delivery.if_exists;
  place.on_received = delivery.on_received;
  return place;
}

asio::awaitable<Result<DeliveryRound>> poll_deliveries(EnginePorts ports) {
  DeliveryRound round;
  Result<std::vector<ChannelRow>> channels = ports.store.channels();
  if (!channels) co_return channels.error();
  std::vector<Polled> polled;
  for (ChannelRow& channel : channels.value()) {
    if (!has_delivery(channel)) continue;
    const Result<std::uint64_t> folder = ports.files.free_space(channel.delivery.folder);
    if (folder)
      polled.push_back({std::move(channel), std::nullopt});
    else
      round.without_folder.push_back(std::move(channel));
  }
  if (polled.empty()) co_return round;
  const Result<ports::NetworkView> network = co_await connect_to_network(ports);
  if (!network) co_return network.error();
  TaskGroup group(co_await asio::this_coro::executor);
  for (Polled& one : polled) group.spawn(poll(ports, one));
  co_await group.join();
  for (const Polled& one : polled) {
    if (*one.found)
      round.found += **one.found;
    else if (!is_of_one_channel(one.found->error().code))
      co_return one.found->error();
    else if (!round.no_answer)
      round.no_answer = one.found->error();
  }
  co_return round;
}

}  // namespace taubenpost

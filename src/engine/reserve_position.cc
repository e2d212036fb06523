#include "engine/reserve_position.h"

#include "engine/index_steps.h"

namespace taubenpost {

Status reserve_position(const ports::Store& store, RecipientRow recipient,
                        ports::Transaction& step) {
  Result<ChannelRow> channel = store.channel(recipient.channel);
  if (!channel) return channel.error();
  // Jobs of such channels are held (held.h); what comes here is share and retry.
  if (channel->unsynchronised)
    return error(
        Errc::kRefused,
        "channel " + printable(channel->name) + " is not synchronised since the store was restored",
        "'taubenpost channel resync " + printable(channel->name) + "' first");
  Result<IndexBytes> next = advanced(channel->next, 1);
  if (!next) return next.error();
  recipient.position = channel->next;
  recipient.counter = channel->counter;
  channel->next = next.value();
  ++channel->counter;
  step.move(std::move(recipient), RecipientEvent::kReserve);
  step.update(std::move(channel).value());
  return ok();
}

}  // namespace taubenpost

#include "engine/reserve_position.h"

#include "engine/index_steps.h"

namespace taubenpost {

Status reserve_position(const ports::Store& store, RecipientRow recipient,
                        ports::Transaction& step) {
  Result<ChannelRow> channel = store.channel(recipient.channel);
  if (!channel) return channel.error();
  // Jobs of such channels are held (held.h): nothing comes here.
  if (channel->unsynchronised)
    return error(
        Errc::kTemporary,
        "channel " + printable(channel->name) + " is not synchronised since the store was restored",
        "taubenpost channel resync NAME");
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

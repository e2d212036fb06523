#include "engine/held.h"

namespace taubenpost {

Result<std::string> held_reason(const ports::Store& store, const SendJobRow& job) {
  if (has_ended(job.state)) return std::string();
  const Result<std::vector<RecipientRow>> recipients = store.recipients(job.id);
  if (!recipients) return recipients.error();
  for (const RecipientRow& recipient : *recipients) {
    if (is_settled(recipient.state)) continue;
    const Result<ChannelRow> channel = store.channel(recipient.channel);
    if (!channel) return channel.error();
    if (channel->unsynchronised)
      return "restored store: channel " + printable(channel->name) + " is not synchronised";
  }
  return std::string();
}

}  // namespace taubenpost

#include "engine/held.h"

namespace taubenpost {

Result<HeldJobs> HeldJobs::read(const ports::Store& store) {
  const Result<std::vector<ChannelRow>> channels = store.channels();
  if (!channels) return channels.error();
  HeldJobs held(store);
  for (const ChannelRow& channel : *channels)
    if (channel.unsynchronised) held.unsynchronised_.emplace(channel.id, channel.name);
  return held;
}

Result<std::string> HeldJobs::reason(const SendJobRow& job) const {
  if (has_ended(job.state) || unsynchronised_.empty()) return std::string();
  const Result<std::vector<RecipientRow>> recipients = store_->recipients(job.id);
  if (!recipients) return recipients.error();
  for (const RecipientRow& recipient : *recipients) {
    const auto channel = unsynchronised_.find(recipient.channel);
    if (!is_settled(recipient.state) && channel != unsynchronised_.end())
      return "restored store: channel " + printable(channel->second) + " is not synchronised";
  }
  return std::string();
}

Result<std::string> held_reason(const ports::Store& store, const SendJobRow& job) {
  const Result<HeldJobs> held = HeldJobs::read(store);
  if (!held) return held.error();
  return held->reason(job);
}

}  // namespace taubenpost

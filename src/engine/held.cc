#include "engine/held.h"

namespace taubenpost {

Result<HeldJobs> HeldJobs::read(const ports::Store& store) {
  const Result<std::vector<ChannelRow>> channels = store.channels();
  if (!channels) return channels.error();
  HeldJobs held(store);
  for (const ChannelRow& channel : *channels)
    if (channel.unsynchronised || channel.stream != JobId{})
      held.closed_.emplace(channel.id, channel);
  return held;
}

Result<std::string> HeldJobs::reason(const SendJobRow& job) const {
  if (has_ended(job.state) || closed_.empty()) return std::string();
  const Result<std::vector<RecipientRow>> recipients = store_->recipients(job.id);
  if (!recipients) return recipients.error();
  for (const RecipientRow& recipient : *recipients) {
    const auto closed = closed_.find(recipient.channel);
    if (is_settled(recipient.state) || closed == closed_.end()) continue;
    const ChannelRow& channel = closed->second;
    if (channel.unsynchronised)
      return "restored store: channel " + printable(channel.name) + " is not synchronised";
    if (channel.stream != job.id)
      return "channel " + printable(channel.name) +
             " has another job: " + to_base32(channel.stream);
  }
  return std::string();
}

Result<std::string> held_reason(const ports::Store& store, const SendJobRow& job) {
  const Result<HeldJobs> held = HeldJobs::read(store);
  if (!held) return held.error();
  return held->reason(job);
}

}  // namespace taubenpost

#include "engine/poll_receipts.h"

#include <map>
#include <set>

#include "bacap/epochs.h"
#include "engine/engine.h"

namespace taubenpost {
namespace asio = boost::asio;

namespace {

// A transfer is received before its body has aged out, and its receipt lives as long as any box.
constexpr std::uint64_t kAfterUntil = 2 * bacap::kReplicaEpochSeconds;

// Channels for receipts of letters that may still be received.
Result<std::vector<ChannelId>> expected(const ports::Store& store, std::uint64_t now) {
  const Result<std::vector<ChannelRow>> channels = store.channels();
  if (!channels) return channels.error();
  std::map<ChannelId, ChannelId> receipts_of;
  for (const ChannelRow& channel : *channels)
    if (channel.direction == ChannelDirection::kOutgoing && channel.receipts != ChannelId{})
      receipts_of.emplace(channel.id, channel.receipts);
  if (receipts_of.empty()) return std::vector<ChannelId>();
  const Result<std::vector<SendJobRow>> jobs = store.send_job_rows();
  if (!jobs) return jobs.error();
  std::set<JobId> sent;
  for (const SendJobRow& job : *jobs)
    if (job.sent != 0 && now < job.until + kAfterUntil) sent.insert(job.id);
  const Result<std::vector<RecipientRow>> recipients = store.all_recipients();
  if (!recipients) return recipients.error();
  std::set<ChannelId> waiting;
  for (const RecipientRow& recipient : *recipients) {
    const auto receipts = receipts_of.find(recipient.channel);
    if (receipts != receipts_of.end() && recipient.received == 0 && sent.contains(recipient.job))
      waiting.insert(receipts->second);
  }
  return std::vector<ChannelId>(waiting.begin(), waiting.end());
}

}  // namespace

asio::awaitable<Result<ReceiptRound>> poll_receipts(EnginePorts ports) {
  ReceiptRound round;
  const Result<std::vector<ChannelId>> channels =
      expected(ports.store, ports.clock.unix_ms() / 1000);
  if (!channels) co_return channels.error();
  if (channels->empty()) co_return round;
  const Result<ports::NetworkView> network = co_await connect_to_network(ports);
  if (!network) co_return network.error();
  for (const ChannelId& channel : *channels) {
    const Result<PollSummary> found = co_await poll_receipt_channel(ports, channel);
    if (found) {
      round.seen.insert(round.seen.end(), found->receipts.begin(), found->receipts.end());
      round.others += found->others + found->retracted;
    } else if (is_of_one_channel(found.error().code)) {
      round.no_answer = found.error();
    } else {
      co_return found.error();
    }
  }
  co_return round;
}

}  // namespace taubenpost

#include "engine/receipts.h"

#include <algorithm>
#include <set>

#include "bacap/epochs.h"
#include "crypto/hash.h"
#include "engine/engine.h"
#include "engine/enqueue.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

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

JobId receipt_id(JobId receive_job) {
  crypto::Blake2b256 hash;
  hash.update(as_bytes("taubenpost receipt 1"));
  hash.update(receive_job);
  return to_array<16>(ByteView(hash.finish()).first(16));
}

Status add_receipt(EnginePorts& ports, const ReceiveJobRow& placed, Transaction& step) {
  const Result<ChannelRow> channel = ports.store.channel(placed.channel);
  if (!channel) return channel.error();
  if (channel->receipts == ChannelId{}) return ok();
  const Result<wire::BoxContent> content = wire::decode_box_content(placed.letter);
  const auto* letter = content ? std::get_if<wire::Letter>(&*content) : nullptr;
  if (letter == nullptr) return ok();
  const Result<ChannelRow> receipts = ports.store.channel(channel->receipts);
  if (!receipts) return receipts.error();
  SendJobRow job;
  job.id = receipt_id(placed.id);
  job.created = placed.finished;
  job.name = "receipt";
  job.transfer = letter->id;
  job.commit = Way::kDirect;  // one box: a copy stream would cost more packets
  job.receipt_for = placed.id;
  job.recipients = 1;
  step.create(new_recipient(job.id, 0, *receipts));
  step.note(job.id, ports.clock.unix_ms(), "queued");
  step.create(std::move(job));
  return ok();
}

Bytes receipt_box(const SendJobRow& job) {
  return wire::encode_receipt({job.transfer, std::string(wire::kReceived), job.created});
}

asio::awaitable<Status> forget_receipt(EnginePorts ports, SendJobRow job) {
  Transaction step;
  const bool is_posted = job.state == SendState::kPosted;
  const Result<ReceiveJobRow> placed = ports.store.receive_job(job.receipt_for);
  if (placed)
    step.note(placed->id, ports.clock.unix_ms(),
              is_posted ? "receipt posted" : "receipt not posted: " + job.error_text);
  step.forget(job);
  co_return co_await ports.store.commit(std::move(step));
}

Status ReceiptBook::read() {
  letters_.emplace();
  const Result<std::vector<ChannelRow>> channels = store_->channels();
  if (!channels) return channels.error();
  const auto main = std::ranges::find(*channels, of_, &ChannelRow::receipts);
  if (main == channels->end()) return ok();
  const Result<std::vector<SendJobRow>> jobs = store_->send_job_rows();
  if (!jobs) return jobs.error();
  std::map<JobId, TransferId> transfers;
  for (const SendJobRow& job : *jobs)
    if (job.sent != 0) transfers.emplace(job.id, job.transfer);
  const Result<std::vector<RecipientRow>> recipients = store_->all_recipients();
  if (!recipients) return recipients.error();
  for (const RecipientRow& recipient : *recipients) {
    const auto job = transfers.find(recipient.job);
    if (recipient.channel != main->id || recipient.letter.empty() || job == transfers.end())
      continue;
    const std::pair place(recipient.job, recipient.index);
    // Of a transfer that was sent anew there are two: the letter that is known to be there counts.
    if (!letters_->emplace(job->second, place).second && recipient.state == RecipientState::kPosted)
      (*letters_)[job->second] = place;
  }
  return ok();
}

Result<std::optional<ReceiptBook::Confirmed>> ReceiptBook::confirmed_by(
    const wire::Receipt& receipt, std::uint64_t now) {
  if (!letters_) TP_TRY(read());
  const auto found = letters_->find(receipt.id);
  if (found == letters_->end()) return std::optional<Confirmed>();
  const auto& [id, index] = found->second;
  const Result<SendJobRow> job = store_->send_job(id);
  if (!job) return job.error();
  Result<std::vector<RecipientRow>> recipients = store_->recipients(id);
  if (!recipients) return recipients.error();
  Confirmed confirmed{recipients->at(index.value())};
  confirmed.is_known = confirmed.recipient.received != 0;
  // Whatever its clock says: not before it was sent, and not after it was seen here.
  if (!confirmed.is_known)
    confirmed.recipient.received = std::max(job->sent, std::min(receipt.time, now));
  return std::optional(std::move(confirmed));
}

void keep_receipt(Transaction& step, RecipientRow confirmed, std::uint64_t now_ms) {
  step.note(confirmed.job, now_ms,
            "recipient " + std::to_string(confirmed.index.value()) + ": received");
  step.update(std::move(confirmed));
}

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
    } else if (found.error().code == Errc::kTemporary || found.error().code == Errc::kRejected ||
               found.error().code == Errc::kStateConflict) {
      round.no_answer = found.error();
    } else {
      co_return found.error();
    }
  }
  co_return round;
}

}  // namespace taubenpost

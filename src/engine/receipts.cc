#include "engine/receipts.h"

#include <algorithm>

#include "crypto/hash.h"
#include "engine/enqueue.h"
#include "engine/incoming.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

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
  const std::optional<wire::Letter> letter = letter_in(placed.letter);
  if (!letter) return ok();
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
  const Result<std::vector<RecipientRow>> recipients = store_->all_recipients();
  if (!recipients) return recipients.error();
  for (const RecipientRow& recipient : *recipients) {
    if (recipient.channel != main->id) continue;
    const std::optional<wire::Letter> letter = letter_in(recipient.letter);
    if (!letter) continue;  // it is not decided yet
    const std::pair place(recipient.job, recipient.index);
    // Of a transfer that was sent anew there are two: the letter that is known to be there counts.
    if (!letters_->emplace(letter->id, place).second && recipient.state == RecipientState::kPosted)
      (*letters_)[letter->id] = place;
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

}  // namespace taubenpost

#include "engine/transfer_again.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "engine/incoming.h"

namespace taubenpost {
using ports::Transaction;

namespace {

// Nothing if it was forgotten.
Result<std::optional<ReceiveJobRow>> job_of(const ports::Store& store, const InboxRow& letter) {
  Result<ReceiveJobRow> job = store.receive_job(letter.job);
  if (job) return std::optional<ReceiveJobRow>(std::move(job).value());
  if (job.error().code == Errc::kNotFound) return std::optional<ReceiveJobRow>();
  return job.error();
}

// A duplicate that was never tried names the job of the letter whose duplicate it was.
Result<bool> is_untried(const ports::Store& store, const InboxRow& letter) {
  if (letter.kind != InboxKind::kDuplicate || letter.discarded || !letter_in(letter.content))
    return false;
  const Result<std::optional<ReceiveJobRow>> job = job_of(store, letter);
  if (!job) return job.error();
  return !*job || (*job)->counter != letter.counter;
}

Result<std::optional<InboxRow>> newest_untried(const ports::Store& store, ChannelId channel,
                                               const TransferId& transfer) {
  Result<std::vector<InboxRow>> inbox = store.inbox(channel);
  if (!inbox) return inbox.error();
  for (InboxRow& letter : std::views::reverse(inbox.value())) {
    if (letter.transfer != transfer) continue;
    const Result<bool> untried = is_untried(store, letter);
    if (!untried) return untried.error();
    if (*untried) return std::optional<InboxRow>(std::move(letter));
  }
  return std::optional<InboxRow>();
}

}  // namespace

Result<bool> gives_way(const ports::Store& store, const InboxRow& letter) {
  if (letter.kind != InboxKind::kLetter) return false;
  const Result<std::optional<ReceiveJobRow>> job = job_of(store, letter);
  if (!job) return job.error();
  return *job && (*job)->state == ReceiveState::kFailed;
}

void step_aside(InboxRow letter, Transaction& step) {
  const InboxKind from = std::exchange(letter.kind, InboxKind::kDuplicate);
  step.update(std::move(letter), from);
}

Status hand_over(const ports::Store& store, const ReceiveJobRow& job, Transaction& step) {
  if (!letter_in(job.letter)) return ok();
  Result<ChannelRow> channel = store.channel(job.channel);
  if (!channel) return channel.error();
  Result<std::optional<InboxRow>> own = store.inbox_at(job.channel, job.counter);
  if (!own) return own.error();
  if (*own && (*own)->kind == InboxKind::kLetter) {
    Result<std::optional<InboxRow>> other = newest_untried(store, job.channel, (*own)->transfer);
    if (!other) return other.error();
    if (*other) {
      step_aside(std::move(**own), step);
      (*other)->kind = InboxKind::kDeferred;
      (*other)->job = {};
      (*other)->reason = "the transfer could not be received by an earlier letter";
      ++channel->deferred;
      step.update(std::move(**other), InboxKind::kDuplicate);
    }
  }
  step.update(std::move(channel).value());
  return ok();
}

}  // namespace taubenpost

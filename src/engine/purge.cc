#include "engine/purge.h"

#include <algorithm>
#include <utility>

#include "bacap/epochs.h"
#include "engine/end_send.h"
#include "engine/inline_channels.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

// A box lives two replica epochs at most, a letter is never newer than its body: twice that.
constexpr std::uint64_t kInboxSeconds = 4 * bacap::kReplicaEpochSeconds;

constexpr std::size_t kPositionsAtOnce = 1000;

bool is_over(const auto& row, std::uint64_t before) {
  return has_ended(row.state) && row.finished < before;
}

// Its transfer was not received: should it be sent anew, it is taken.
Status forget_letter(const ports::Store& store, const ReceiveJobRow& job, Transaction& step) {
  const Result<std::optional<InboxRow>> letter = store.inbox_at(job.channel, job.counter);
  if (!letter) return letter.error();
  if (*letter) step.forget_inbox(job.channel, job.counter);
  return ok();
}

asio::awaitable<Status> forget_positions(EnginePorts ports, std::uint64_t before,
                                         PurgeSummary& summary) {
  const Result<std::vector<ChannelRow>> channels = ports.store.channels();
  if (!channels) co_return channels.error();
  for (const ChannelRow& channel : channels.value()) {
    const Result<std::vector<InboxRow>> rows = ports.store.inbox(channel.id);
    if (!rows) co_return rows.error();
    Transaction step;
    for (const InboxRow& row : rows.value()) {
      const bool has_job = row.kind == InboxKind::kLetter && ports.store.receive_job(row.job);
      const bool waits =
          row.kind == InboxKind::kDeferred || (row.kind == InboxKind::kHeld && !row.discarded);
      if (has_job || waits || row.seen >= before) continue;
      step.forget_inbox(row.channel, row.counter);
      ++summary.positions;
      if (summary.positions % kPositionsAtOnce == 0)
        TP_CO_TRY(co_await ports.store.commit(std::exchange(step, Transaction())));
    }
    if (!step.empty()) TP_CO_TRY(co_await ports.store.commit(std::move(step)));
  }
  co_return ok();
}

}  // namespace

asio::awaitable<Result<PurgeSummary>> purge_ended(EnginePorts ports, std::uint64_t before) {
  PurgeSummary summary;
  const Result<std::vector<SendJobRow>> sends = ports.store.send_job_rows();
  if (!sends) co_return sends.error();
  for (const SendJobRow& row : sends.value()) {
    if (!is_over(row, before)) continue;
    const Result<std::optional<RetractJobRow>> retraction = ports.store.retract_job(row.id);
    if (!retraction) co_return retraction.error();
    if (*retraction && !has_ended((*retraction)->state)) continue;
    const Result<bool> has_boxes = has_channels(ports.store, row);
    if (!has_boxes) co_return has_boxes.error();
    if (*has_boxes) continue;  // nobody would pass its places; cancelled, it leaves tombstones
    Transaction step;
    TP_CO_TRY(drop_batches(ports.store, row.id, step));
    step.forget(row);
    Status forgotten = co_await ports.store.commit(std::move(step));
    if (!forgotten) co_return forgotten.error();
    TP_CO_TRY(ports.files.remove_spool(row.id));
    ++summary.send_jobs;
  }
  const Result<std::vector<ReceiveJobRow>> receives = ports.store.receive_job_rows();
  if (!receives) co_return receives.error();
  for (const ReceiveJobRow& row : receives.value()) {
    if (!is_over(row, before)) continue;
    // What is kept for another try goes first: later nobody knows of it.
    if (row.state != ReceiveState::kPlaced && !ports.files.remove_part(row.folder, row.id))
      continue;
    Transaction step;
    step.forget(row);
    if (row.state == ReceiveState::kFailed) TP_CO_TRY(forget_letter(ports.store, row, step));
    Status forgotten = co_await ports.store.commit(std::move(step));
    if (!forgotten) co_return forgotten.error();
    ++summary.receive_jobs;
  }
  const std::uint64_t now = ports.clock.unix_ms() / 1000;
  const std::uint64_t aged = now > kInboxSeconds ? now - kInboxSeconds : 0;
  Status positions = co_await forget_positions(ports, std::min(before, aged), summary);
  if (!positions) co_return positions.error();
  co_return summary;
}

}  // namespace taubenpost

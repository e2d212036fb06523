#include "thin/operations.h"

#include <algorithm>
#include <vector>

namespace taubenpost::thin {
namespace {

using State = Operation::State;

// A connection that is lost so soon after a start, so often in a row, may be lost because of it
// (thin-protocol 8.4).
constexpr std::chrono::seconds kQuickLoss{2};
constexpr std::uint32_t kQuickLossesMax = 5;
// A cancel is a local call; when its reply does not come, the step is repeated.
constexpr std::chrono::seconds kCancelSilence{60};

// Of the cancels that nobody waits for: a daemon that never answers must not make them pile up.
constexpr std::size_t kUnheardMax = 1'000;

constexpr std::uint8_t kCodeCancelled = 24;  // thin-protocol 5.1

}  // namespace

Draft cancel_draft(OpKind kind, const Bytes32& hash) {
  Result<Draft> draft =
      kind == OpKind::kCopy
          ? Draft::make(wire::CancelResendingCopyCommand{std::nullopt, hash})
          : Draft::make(wire::CancelResendingEncryptedMessage{std::nullopt, hash});
  return std::move(draft).value();  // far below the frame limit
}

Operations::Operations(Link& link, Calls& calls, std::uint32_t starts_max,
                       std::function<Limit()> silence)
    : link_(link), calls_(calls), starts_max_(starts_max), silence_(std::move(silence)) {
  TP_CHECK(starts_max_ > 0);
}

Status Operations::add(OperationPtr op) {
  if (!table_.try_emplace(key_of(*op), op).second)
    return error(Errc::kStateConflict, "an operation with this hash is running");
  op->order = next_order_++;
  queue(op);
  pump();
  return ok();
}

void Operations::queue(const OperationPtr& op) {
  op->state = State::kQueued;
  op->restart_at = kNever;
  queue_[op->order] = op;
}

void Operations::pump() {
  while (link_.is_online() && out_ < starts_max_ && !queue_.empty()) {
    const OperationPtr op = queue_.begin()->second;
    queue_.erase(queue_.begin());
    start(op);
  }
}

void Operations::start(const OperationPtr& op) {
  if (op->kind != OpKind::kMessage) op->query = Draft::fresh_query();
  link_.send(op->request.frame(op->query), op->query);
  ++out_;
  starts_[op->query] = op;
  op->state = State::kStarted;
  op->ever_started = true;
  op->started_at = Clock::now();
  if (op->kind != OpKind::kMessage) op->restart_at = deadline_after(silence_());
  op->wake.cancel();  // its caller waits for the new time
}

Limit Operations::cancel_silence() const { return std::min<Limit>(kCancelSilence, silence_()); }

void Operations::redrive(const OperationPtr& op) {
  op->restart_at = kNever;
  if (!op->is_out() || op->forgotten || !link_.is_open()) return;
  if (op->cancel_call) calls_.drop(*op->cancel_call);
  op->state = State::kCancelling;
  op->restart_at = deadline_after(cancel_silence());
  op->wake.cancel();  // its caller waits for the new time
  auto again = [this, op](const Result<wire::Response>&) {
    // Whatever the daemon says: after its answer the old start is gone, or was never there.
    op->cancel_call.reset();
    if (op->state != State::kCancelling) return;
    starts_.erase(op->query);
    --out_;
    queue(op);
    pump();
  };
  op->cancel_call = calls_.add(Calls::Kind::kCancel, cancel_draft(op->kind, op->hash), again);
}

void Operations::finish(const OperationPtr& op, Result<wire::Response> end) {
  if (op->state == State::kDone) return;
  forget(op);
  op->end.emplace(std::move(end));
  op->wake.cancel();
  pump();
}

void Operations::finish_cancelled(const OperationPtr& op) {
  op->cancelled = true;
  finish(op, error(Errc::kCancelled, "the operation was cancelled"));
}

void Operations::forget(const OperationPtr& op) {
  if (op->state == State::kDone) return;
  if (op->is_out()) {
    --out_;
    link_.take_back(op->query);
  }
  if (op->cancel_call) calls_.drop(*op->cancel_call);
  op->cancel_call.reset();
  op->state = State::kDone;
  table_.erase(key_of(*op));
  queue_.erase(op->order);
  starts_.erase(op->query);
}

void Operations::abandon(const OperationPtr& op) {
  // A start that has not left yet runs nowhere: what ran before it was cancelled, or is gone.
  const bool has_left = !op->is_out() || !link_.take_back(op->query);
  const bool may_run = op->ever_started && has_left && op->state != State::kDone;
  if (may_run && op->kind == OpKind::kMessage) {
    give_up_later(op);
    return;
  }
  forget(op);
  if (may_run) cancel_for_nobody(*op);
  pump();
}

// A daemon that does not know the operation answers as well.
void Operations::cancel_for_nobody(const Operation& op) {
  auto ignore = [](const Result<wire::Response>&) {};
  unheard_.push_back(calls_.add(Calls::Kind::kCancel, cancel_draft(op.kind, op.hash), ignore));
  if (unheard_.size() <= kUnheardMax) return;
  calls_.drop(unheard_.front());
  unheard_.pop_front();
}

// A daemon that never tells a message's end must not keep others from starting.
void Operations::give_up_later(const OperationPtr& op) {
  op->forgotten = true;
  op->wake.expires_after(silence_());
  op->wake.async_wait(
      [this, watched = std::weak_ptr<Operation>(op)](const boost::system::error_code& cancelled) {
        const OperationPtr silent = watched.lock();  // only the tables keep it
        if (cancelled || !silent || silent->state == State::kDone) return;
        forget(silent);
        pump();
      });
}

void Operations::begin_cancel(OpKind kind, const Bytes32& hash) {
  const auto found = table_.find(key_of(kind, hash));
  if (found == table_.end()) return;
  const OperationPtr op = found->second;
  op->forgotten = true;
  op->restart_at = kNever;
  if (!op->is_out() || !link_.is_open()) finish_cancelled(op);
}

void Operations::finish_cancel(OpKind kind, const Bytes32& hash) {
  const auto found = table_.find(key_of(kind, hash));
  if (found == table_.end() || !found->second->forgotten) return;
  finish_cancelled(OperationPtr(found->second));
}

void Operations::on_lost() {
  std::vector<OperationPtr> out;
  for (const auto& [key, op] : table_)
    if (op->is_out()) out.push_back(op);
  for (const OperationPtr& op : out) {
    const bool quick = Clock::now() - op->started_at < kQuickLoss;
    op->restart_at = kNever;  // the next connection decides
    op->quick_losses = quick ? op->quick_losses + 1 : 0;
    if (op->kind == OpKind::kMessage) {
      finish(op, error(Errc::kOutcomeUnknown,
                       "the connection was lost before the daemon said that the message was sent"));
    } else if (op->forgotten) {
      finish_cancelled(op);
    } else if (op->quick_losses >= kQuickLossesMax) {
      finish(op, error(Errc::kOutcomeUnknown,
                       "the connection was lost right after this start, several times in a row"));
    }
  }
}

void Operations::on_open(bool same_state) {
  std::vector<OperationPtr> out;
  for (const auto& [key, op] : table_)
    if (op->is_out()) out.push_back(op);
  for (const OperationPtr& op : out) {
    if (same_state) {
      if (op->state == State::kStarted) redrive(op);
      // The cancel of one that is kCancelling has been issued again already.
      op->restart_at = deadline_after(cancel_silence());
      op->wake.cancel();
      continue;
    }
    if (op->cancel_call) calls_.drop(*op->cancel_call);
    op->cancel_call.reset();
    starts_.erase(op->query);
    --out_;
    queue(op);
  }
  pump();
}

void Operations::on_document(const Document& document) {
  const std::vector<ServiceId> couriers = document.services("courier");
  std::vector<OperationPtr> stranded;
  for (const auto& [key, op] : table_)
    if (op->state == State::kStarted && op->pin &&
        std::find(couriers.begin(), couriers.end(), *op->pin) == couriers.end())
      stranded.push_back(op);
  for (const OperationPtr& op : stranded) redrive(op);
}

bool Operations::take(const QueryId& query, wire::Response& response) {
  const auto found = starts_.find(query);
  if (found == starts_.end()) return false;
  const OperationPtr op = found->second;
  // The 24 of our own cancel before a repetition says nothing to the caller.
  if (op->state == State::kCancelling && wire::error_code_of(response) == kCodeCancelled)
    return true;
  finish(op, std::move(response));
  return true;
}

void Operations::fail_all(const Error& reason) {
  while (!table_.empty()) finish(OperationPtr(table_.begin()->second), reason);
}

}  // namespace taubenpost::thin

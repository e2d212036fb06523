// Running reads, writes, copies and messages: which are at the daemon, which wait, and what a loss
// means.
//
//   kQueued      in the client: no connection, the daemon is offline, or enough are out already
//   kStarted     at the daemon, under `query`
//   kCancelling  the cancel before a repetition is out (thin-protocol 6.9); then kQueued again
//   kDone        `end` holds how it ended; in no table any more
//
// A message is done when the daemon says that it is sent or has failed; it is never started again,
// nor cancelled at the daemon. One operation for each hash. At most `starts_max` are kStarted or
// kCancelling, since the daemon stops reading a connection beyond (thin-protocol 8.5).
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "thin/calls.h"
#include "thin/draft.h"
#include "thin/link.h"
#include "thin/results.h"
#include "thin/wait.h"

namespace taubenpost::thin {

enum class OpKind : std::uint8_t { kRead, kWrite, kCopy, kMessage };

struct Operation {
  enum class State : std::uint8_t { kQueued, kStarted, kCancelling, kDone };

  Operation(boost::asio::any_io_executor executor, OpKind op_kind, Bytes32 op_hash,
            Draft op_request)
      : kind(op_kind), hash(op_hash), request(std::move(op_request)), wake(std::move(executor)) {}

  bool is_out() const { return state == State::kStarted || state == State::kCancelling; }

  const OpKind kind;
  const Bytes32 hash;  // of a message: its id, and zeros
  const Draft request;
  std::optional<ServiceId> pin;  // of a copy

  State state = State::kQueued;
  bool ever_started = false;
  bool forgotten = false;  // cancelled by the caller: never started again
  std::uint32_t quick_losses = 0;
  std::uint64_t order = 0;
  QueryId query{};  // a message has it from the start
  std::optional<CallId> cancel_call;
  TimePoint started_at{};
  TimePoint restart_at = kNever;  // silent for too long after this
  boost::asio::steady_timer wake;
  bool cancelled = false;  // `end` is an error because somebody called cancel()
  // The final reply, or why there is none.
  std::optional<Result<wire::Response>> end;
};
using OperationPtr = std::shared_ptr<Operation>;

// The request that cancels the operation with this hash.
Draft cancel_draft(OpKind kind, const Bytes32& hash);

class Operations {
 public:
  // `link` and `calls` outlive this. `silence` is how long a start may be silent.
  Operations(Link& link, Calls& calls, std::uint32_t starts_max, std::function<Limit()> silence);

  // kStateConflict if the hash is running.
  Status add(OperationPtr op);
  // Takes it out of the tables; a start that may be at the daemon is cancelled there. A message
  // that may be there keeps its place among the starts until the daemon has told its end, or has
  // been silent for too long.
  void abandon(const OperationPtr& op);
  // The same without a word to the daemon: for coroutines that are destroyed.
  void forget(const OperationPtr& op);
  // Cancels and starts again what has been silent for too long.
  void redrive(const OperationPtr& op);
  // Ends the operation as cancelled: at once if it is not at the daemon, otherwise when
  // finish_cancel() says that the daemon has answered.
  void begin_cancel(OpKind kind, const Bytes32& hash);
  void finish_cancel(OpKind kind, const Bytes32& hash);

  // After Calls::on_open(): the cancels of before precede every start.
  void on_open(bool same_state);
  void on_lost();
  // Something that holds starts back may have changed.
  void pump();
  // Repeats copies whose courier has left the document: the daemon then says so.
  void on_document(const Document& document);
  // Takes the reply if it belongs to an operation.
  bool take(const QueryId& query, wire::Response& response);
  void fail_all(const Error& reason);

 private:
  // Envelopes, copies and messages have hash spaces of their own.
  using Key = std::pair<OpKind, Bytes32>;
  static Key key_of(OpKind kind, const Bytes32& hash) {
    return {kind == OpKind::kWrite ? OpKind::kRead : kind, hash};
  }
  static Key key_of(const Operation& op) { return key_of(op.kind, op.hash); }
  Limit cancel_silence() const;
  void cancel_for_nobody(const Operation& op);
  void give_up_later(const OperationPtr& op);
  void start(const OperationPtr& op);
  void queue(const OperationPtr& op);
  void finish(const OperationPtr& op, Result<wire::Response> end);
  void finish_cancelled(const OperationPtr& op);

  Link& link_;
  Calls& calls_;
  std::uint32_t starts_max_;
  std::function<Limit()> silence_;
  std::map<Key, OperationPtr> table_;
  std::map<std::uint64_t, OperationPtr> queue_;  // by order of the caller
  std::map<QueryId, OperationPtr> starts_;
  std::uint32_t out_ = 0;
  std::deque<CallId> unheard_;  // cancels whose answer nobody waits for
  std::uint64_t next_order_ = 1;
};

}  // namespace taubenpost::thin

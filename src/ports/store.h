// The job store as the engine sees it: rows in, one atomic durable step out.
//
// A Transaction is pure data; commit() applies it wholly and durably (synced) or not at all. Every
// change of an existing row names the revision it was decided on, and a move also the event; a row
// that has moved on, or a move that is not in the tables, answers kStateConflict and changes
// nothing. Reads see everything whose commit has completed. One thread (the engine's) calls this.
// length: one interface, and every step that it knows.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "model/rows.h"

namespace taubenpost::ports {

class Transaction {
 public:
  // New rows; kStateConflict for one whose key exists, a channel whose name is taken, and a second
  // row for the same transfer in a channel (holds_transfer).
  Transaction& create(SendJobRow row);
  Transaction& create(RecipientRow row);
  Transaction& create(BatchRow row);
  Transaction& create(RetractJobRow row);
  Transaction& create(ChannelRow row);
  Transaction& create(InboxRow row);
  Transaction& create(AwaitedRow row);
  Transaction& create(ReceiveJobRow row);
  Transaction& create(ElementRow row);

  // Writes a row whose state is unchanged. `row.revision` is the one that was read.
  Transaction& update(SendJobRow row);
  Transaction& update(RecipientRow row);
  Transaction& update(BatchRow row);
  Transaction& update(RetractJobRow row);
  Transaction& update(ChannelRow row);
  Transaction& update(ReceiveJobRow row);
  // Replaces what a position held, which is of kind `from`; kStateConflict if it is not (any more).
  // What stands for a transfer goes on to stand for that one, or becomes a duplicate of it.
  Transaction& update(InboxRow row, InboxKind from);

  // Writes a row and moves it from row.state by `event`.
  Transaction& move(SendJobRow row, SendEvent event);
  Transaction& move(RecipientRow row, RecipientEvent event);
  Transaction& move(BatchRow row, BatchEvent event);
  Transaction& move(RetractJobRow row, RetractEvent event);
  Transaction& move(ReceiveJobRow row, ReceiveEvent event);

  // Marks one stored element of the open generation as acknowledged; again is no conflict, but
  // kStateConflict if it is not stored (any more).
  Transaction& acknowledge(JobId job, BatchIndex batch, Generation generation, ElementIndex index);
  // Deletes elements and marks of every generation of a batch, also when there are none.
  Transaction& drop_elements(JobId job, BatchIndex batch);
  // Ends the waiting for a position; kStateConflict if it is not awaited (any more).
  Transaction& drop_awaited(ChannelId channel, std::uint64_t counter);
  // Deletes the row of a batch (in the commit that moves it to done).
  Transaction& drop_batch(JobId job, BatchIndex batch);
  // Deletes a job that is at its end, with all its rows and its history; kStateConflict if it is
  // not, or if its row has moved on. What a receive job leaves is its place in the inbox, without
  // the letter: a second copy of it is still told apart.
  Transaction& forget(const SendJobRow& row);
  Transaction& forget(const ReceiveJobRow& row);
  // Deletes what a position of a channel held; kStateConflict while a job of it is known.
  Transaction& forget_inbox(ChannelId channel, std::uint64_t counter);
  Transaction& note(JobId job, std::uint64_t time_ms, std::string text);
  // Binds the store to a network; kStateConflict if it is bound to another.
  Transaction& bind(NetworkId network);
  // Replaces what was measured.
  Transaction& upload_rate(std::uint64_t packets_in_1000_s);

  enum class How : std::uint8_t { kCreate, kUpdate, kMove };
  template <class Row, class Event>
  struct Put {
    How how;
    Row row;
    Event event{};
  };
  struct NoEvent {};
  struct ReplaceInbox {
    InboxRow row;
    InboxKind from;
  };
  struct Acknowledge {
    JobId job;
    BatchIndex batch;
    Generation generation;
    ElementIndex index;
  };
  struct DropElements {
    JobId job;
    BatchIndex batch;
  };
  struct DropBatch {
    JobId job;
    BatchIndex batch;
  };
  struct DropAwaited {
    ChannelId channel;
    std::uint64_t counter;
  };
  struct ForgetSend {
    JobId job;
    std::uint32_t revision;
  };
  struct ForgetReceive {
    JobId job;
    std::uint32_t revision;
  };
  struct ForgetInbox {
    ChannelId channel;
    std::uint64_t counter;
  };
  struct Bind {
    NetworkId network;
  };
  struct UploadRate {
    std::uint64_t packets_in_1000_s;
  };
  using Step =
      std::variant<Put<SendJobRow, SendEvent>, Put<RecipientRow, RecipientEvent>,
                   Put<BatchRow, BatchEvent>, Put<RetractJobRow, RetractEvent>,
                   Put<ReceiveJobRow, ReceiveEvent>, Put<ChannelRow, NoEvent>,
                   Put<InboxRow, NoEvent>, ReplaceInbox, Put<AwaitedRow, NoEvent>,
                   Put<ElementRow, NoEvent>, Acknowledge, DropElements, DropBatch, DropAwaited,
                   JournalRow, ForgetSend, ForgetReceive, ForgetInbox, Bind, UploadRate>;
  const std::vector<Step>& steps() const { return steps_; }
  bool empty() const { return steps_.empty(); }

 private:
  std::vector<Step> steps_;
};

class Store {
 public:
  virtual ~Store() = default;

  virtual Result<StoreIdentityRow> identity() const = 0;
  // Ids of all jobs, oldest first.
  virtual Result<std::vector<JobId>> send_jobs() const = 0;
  virtual Result<std::vector<JobId>> receive_jobs() const = 0;
  // The rows themselves, each kind in one pass: what a list of ten thousand jobs needs.
  virtual Result<std::vector<SendJobRow>> send_job_rows() const = 0;        // oldest first
  virtual Result<std::vector<ReceiveJobRow>> receive_job_rows() const = 0;  // oldest first
  virtual Result<std::vector<RecipientRow>> all_recipients() const = 0;     // by job, then index
  virtual Result<SendJobRow> send_job(JobId id) const = 0;                  // kNotFound
  virtual Result<ReceiveJobRow> receive_job(JobId id) const = 0;            // kNotFound
  // The retraction of a send job, if there is one.
  virtual Result<std::optional<RetractJobRow>> retract_job(JobId id) const = 0;
  virtual Result<std::vector<RetractJobRow>> retract_job_rows() const = 0;  // by job
  virtual Result<std::vector<RecipientRow>> recipients(JobId id) const = 0;
  // Batches that have a row, that is opened and not done, in order.
  virtual Result<std::vector<BatchRow>> batches(JobId id) const = 0;
  virtual Result<BatchRow> batch(JobId id, BatchIndex index) const = 0;
  // Elements of a generation that are stored and not acknowledged, in order.
  virtual Result<std::vector<ElementIndex>> unacknowledged(JobId id, BatchIndex batch,
                                                           Generation generation) const = 0;
  virtual Result<Bytes> element(JobId id, BatchIndex batch, Generation generation,
                                ElementIndex index) const = 0;
  virtual Result<std::vector<ChannelRow>> channels() const = 0;
  virtual Result<ChannelRow> channel(ChannelId id) const = 0;
  virtual Result<std::optional<InboxRow>> inbox_transfer(ChannelId channel,
                                                         TransferId transfer) const = 0;
  // In order.
  virtual Result<std::vector<InboxRow>> inbox(ChannelId channel) const = 0;
  virtual Result<std::optional<InboxRow>> inbox_at(ChannelId channel,
                                                   std::uint64_t counter) const = 0;
  // Positions that were passed over, in order.
  virtual Result<std::vector<AwaitedRow>> awaited(ChannelId channel) const = 0;
  virtual Result<std::vector<JournalRow>> journal(JobId id) const = 0;

  // Applies a transaction. The awaiting coroutine goes on when it is on disk.
  virtual boost::asio::awaitable<Status> commit(Transaction transaction) = 0;
};

}  // namespace taubenpost::ports

// WatchedStore: passes everything to a store, and stops virtual time while a commit is on its way,
// so that the speed of the disk changes nothing in a test. A commit can be a step of a Throwaway.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "ports/store.h"
#include "support/virtual_clock.h"

namespace taubenpost {

class WatchedStore : public ports::Store {
 public:
  // `step` is called before each commit, which then also takes a moment.
  WatchedStore(std::unique_ptr<ports::Store> store, VirtualClock& clock,
               std::function<void()> step = nullptr)
      : store_(std::move(store)), clock_(clock), step_(std::move(step)) {}

  Result<StoreIdentityRow> identity() const override { return store_->identity(); }
  Result<std::vector<JobId>> send_jobs() const override { return store_->send_jobs(); }
  Result<std::vector<JobId>> receive_jobs() const override { return store_->receive_jobs(); }
  Result<std::vector<SendJobRow>> send_job_rows() const override { return store_->send_job_rows(); }
  Result<std::vector<ReceiveJobRow>> receive_job_rows() const override {
    return store_->receive_job_rows();
  }
  Result<std::vector<RecipientRow>> all_recipients() const override {
    return store_->all_recipients();
  }
  Result<SendJobRow> send_job(JobId id) const override { return store_->send_job(id); }
  Result<ReceiveJobRow> receive_job(JobId id) const override { return store_->receive_job(id); }
  Result<std::vector<RetractJobRow>> retract_job_rows() const override {
    return store_->retract_job_rows();
  }
  Result<std::optional<RetractJobRow>> retract_job(JobId id) const override {
    return store_->retract_job(id);
  }
  Result<std::vector<RecipientRow>> recipients(JobId id) const override {
    return store_->recipients(id);
  }
  Result<std::vector<BatchRow>> batches(JobId id) const override { return store_->batches(id); }
  Result<BatchRow> batch(JobId id, BatchIndex index) const override {
    return store_->batch(id, index);
  }
  Result<std::vector<ElementIndex>> unacknowledged(JobId id, BatchIndex batch,
                                                   Generation generation) const override {
    return store_->unacknowledged(id, batch, generation);
  }
  Result<Bytes> element(JobId id, BatchIndex batch, Generation generation,
                        ElementIndex index) const override {
    return store_->element(id, batch, generation, index);
  }
  Result<std::vector<ChannelRow>> channels() const override { return store_->channels(); }
  Result<ChannelRow> channel(ChannelId id) const override { return store_->channel(id); }
  Result<std::optional<InboxRow>> inbox_transfer(ChannelId channel,
                                                 TransferId transfer) const override {
    return store_->inbox_transfer(channel, transfer);
  }
  Result<std::vector<InboxRow>> inbox(ChannelId channel) const override {
    return store_->inbox(channel);
  }
  Result<std::optional<InboxRow>> inbox_at(ChannelId channel,
                                           std::uint64_t counter) const override {
    return store_->inbox_at(channel, counter);
  }
  Result<std::vector<AwaitedRow>> awaited(ChannelId channel) const override {
    return store_->awaited(channel);
  }
  Result<std::vector<JournalRow>> journal(JobId id) const override { return store_->journal(id); }

  boost::asio::awaitable<Status> commit(ports::Transaction transaction) override {
    if (step_) {
      step_();
      co_await clock_.sleep(std::chrono::milliseconds(1));
    }
    ++clock_.held;
    Status status = co_await store_->commit(std::move(transaction));
    --clock_.held;
    co_return status;
  }

 private:
  std::unique_ptr<ports::Store> store_;
  VirtualClock& clock_;
  const std::function<void()> step_;
};

}  // namespace taubenpost

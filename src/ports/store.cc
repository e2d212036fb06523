#include "ports/store.h"

namespace taubenpost::ports {
namespace {

using How = Transaction::How;
using NoEvent = Transaction::NoEvent;

}  // namespace

Transaction& Transaction::create(SendJobRow row) {
  steps_.emplace_back(Put<SendJobRow, SendEvent>{How::kCreate, std::move(row)});
  return *this;
}
Transaction& Transaction::create(RecipientRow row) {
  steps_.emplace_back(Put<RecipientRow, RecipientEvent>{How::kCreate, std::move(row)});
  return *this;
}
Transaction& Transaction::create(RetractJobRow row) {
  steps_.emplace_back(Put<RetractJobRow, RetractEvent>{How::kCreate, std::move(row)});
  return *this;
}
Transaction& Transaction::create(BatchRow row) {
  steps_.emplace_back(Put<BatchRow, BatchEvent>{How::kCreate, std::move(row)});
  return *this;
}
Transaction& Transaction::create(ChannelRow row) {
  steps_.emplace_back(Put<ChannelRow, NoEvent>{How::kCreate, std::move(row)});
  return *this;
}
Transaction& Transaction::create(InboxRow row) {
  steps_.emplace_back(Put<InboxRow, NoEvent>{How::kCreate, std::move(row)});
  return *this;
}
Transaction& Transaction::create(AwaitedRow row) {
  steps_.emplace_back(Put<AwaitedRow, NoEvent>{How::kCreate, std::move(row)});
  return *this;
}
Transaction& Transaction::create(ReceiveJobRow row) {
  steps_.emplace_back(Put<ReceiveJobRow, ReceiveEvent>{How::kCreate, std::move(row)});
  return *this;
}
Transaction& Transaction::create(ElementRow row) {
  steps_.emplace_back(Put<ElementRow, NoEvent>{How::kCreate, std::move(row)});
  return *this;
}
Transaction& Transaction::update(SendJobRow row) {
  steps_.emplace_back(Put<SendJobRow, SendEvent>{How::kUpdate, std::move(row)});
  return *this;
}
Transaction& Transaction::update(RecipientRow row) {
  steps_.emplace_back(Put<RecipientRow, RecipientEvent>{How::kUpdate, std::move(row)});
  return *this;
}
Transaction& Transaction::update(RetractJobRow row) {
  steps_.emplace_back(Put<RetractJobRow, RetractEvent>{How::kUpdate, std::move(row)});
  return *this;
}
Transaction& Transaction::update(BatchRow row) {
  steps_.emplace_back(Put<BatchRow, BatchEvent>{How::kUpdate, std::move(row)});
  return *this;
}
Transaction& Transaction::update(ChannelRow row) {
  steps_.emplace_back(Put<ChannelRow, NoEvent>{How::kUpdate, std::move(row)});
  return *this;
}
Transaction& Transaction::update(ReceiveJobRow row) {
  steps_.emplace_back(Put<ReceiveJobRow, ReceiveEvent>{How::kUpdate, std::move(row)});
  return *this;
}
Transaction& Transaction::update(InboxRow row, InboxKind from) {
  steps_.emplace_back(ReplaceInbox{std::move(row), from});
  return *this;
}
Transaction& Transaction::move(SendJobRow row, SendEvent event) {
  steps_.emplace_back(Put<SendJobRow, SendEvent>{How::kMove, std::move(row), event});
  return *this;
}
Transaction& Transaction::move(RecipientRow row, RecipientEvent event) {
  steps_.emplace_back(Put<RecipientRow, RecipientEvent>{How::kMove, std::move(row), event});
  return *this;
}
Transaction& Transaction::move(BatchRow row, BatchEvent event) {
  steps_.emplace_back(Put<BatchRow, BatchEvent>{How::kMove, std::move(row), event});
  return *this;
}
Transaction& Transaction::move(RetractJobRow row, RetractEvent event) {
  steps_.emplace_back(Put<RetractJobRow, RetractEvent>{How::kMove, std::move(row), event});
  return *this;
}
Transaction& Transaction::move(ReceiveJobRow row, ReceiveEvent event) {
  steps_.emplace_back(Put<ReceiveJobRow, ReceiveEvent>{How::kMove, std::move(row), event});
  return *this;
}
Transaction& Transaction::acknowledge(JobId job, BatchIndex batch, Generation generation,
                                      ElementIndex index) {
  steps_.emplace_back(Acknowledge{job, batch, generation, index});
  return *this;
}
Transaction& Transaction::drop_elements(JobId job, BatchIndex batch) {
  steps_.emplace_back(DropElements{job, batch});
  return *this;
}
Transaction& Transaction::drop_batch(JobId job, BatchIndex batch) {
  steps_.emplace_back(DropBatch{job, batch});
  return *this;
}
Transaction& Transaction::drop_awaited(ChannelId channel, std::uint64_t counter) {
  steps_.emplace_back(DropAwaited{channel, counter});
  return *this;
}
Transaction& Transaction::note(JobId job, std::uint64_t time_ms, std::string text) {
  steps_.emplace_back(JournalRow{job, time_ms, std::move(text)});
  return *this;
}
Transaction& Transaction::forget(const SendJobRow& row) {
  steps_.emplace_back(ForgetSend{row.id, row.revision});
  return *this;
}
Transaction& Transaction::forget(const ReceiveJobRow& row) {
  steps_.emplace_back(ForgetReceive{row.id, row.revision});
  return *this;
}
Transaction& Transaction::forget_inbox(ChannelId channel, std::uint64_t counter) {
  steps_.emplace_back(ForgetInbox{channel, counter});
  return *this;
}
Transaction& Transaction::bind(NetworkId network) {
  steps_.emplace_back(Bind{network});
  return *this;
}
Transaction& Transaction::upload_rate(std::uint64_t packets_in_1000_s) {
  steps_.emplace_back(UploadRate{packets_in_1000_s});
  return *this;
}

}  // namespace taubenpost::ports

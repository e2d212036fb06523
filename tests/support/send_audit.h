// SendAudit: holds what a sender does in the network against what is durable in its store.
//
// Invariants 1 to 3 of design section 5, and that no position ever gets two contents: each call of
// the model network comes by here first. A breach is a failure of the running test.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "bacap/capability.h"
#include "engine/bodies.h"
#include "ports/network.h"
#include "ports/store.h"

namespace taubenpost {

class SendAudit {
 public:
  explicit SendAudit(std::uint64_t chunk) : chunk_(chunk) {}

  // The store of the process that runs; nullptr while none does.
  void watch(const ports::Store* store) { store_ = store; }

  // The store is an older one now: what it had open since was never its own.
  void restored() {
    open_.clear();
    restored_ = true;
  }

  // Invariant 2: a batch whose row is gone was read back, or its job was given up.
  void look() {
    ASSERT_NE(store_, nullptr) << "a call of a process that does not run";
    for (const JobId& id : jobs())
      for (const BatchRow& row : batches(id)) remember(row);
    for (auto seen = open_.begin(); seen != open_.end();) {
      const auto [id, index] = seen->first;
      if (store_->batch(id, BatchIndex{index})) {
        ++seen;
        continue;
      }
      const bool found = restored_ && store_->send_job(id)->state == SendState::kPosted;  // resync
      const auto& read = is_retraction(BatchIndex{index}) ? read_tombstones_ : read_back_;
      EXPECT_TRUE(found || given_up(id, BatchIndex{index}) || read.count(seen->second))
          << "batch " << index << " is done, and its last box was never read back";
      seen = open_.erase(seen);
    }
    for (const JobId& id : jobs())
      for (const RecipientRow& row : recipients(id))
        EXPECT_TRUE(row.state != RecipientState::kRetracted || read_tombstones_.count(row.position))
            << "a letter is retracted, and was never read back";
  }

  // Invariant 7: a letter that counts as posted was read back.
  void look_at_letters() const {
    for (const JobId& id : jobs())
      for (const RecipientRow& row : recipients(id))
        EXPECT_TRUE(row.state != RecipientState::kPosted || read_back_.count(row.position))
            << "a letter is posted that nobody has read back";
  }

  // A packet is about to leave: one write at an index of a sequence, or the copy of one. Nothing of
  // a job that is paused goes on, and no letter whose body may have aged out.
  void leaves(ByteView cap, const std::optional<IndexBytes>& index, std::uint64_t now_s) const {
    if (index) {
      if (const std::optional<InlineBox> box = inline_box(cap, *index)) return goes_on(box->job);
      if (const std::optional<SendJobRow> body = job_of_body(cap)) return goes_on(*body);
      for (const JobId& id : jobs())
        for (const RecipientRow& to : recipients(id))
          if (to.position == *index) return is_in_time(*store_->send_job(id), now_s);
    }
    const std::optional<BatchRow> row = batch_of_temporary(cap);
    ASSERT_TRUE(row) << "a packet of a sequence that no stored batch names";
    const SendJobRow job = *store_->send_job(row->job);
    if (is_body(row->index)) goes_on(job);
    if (is_commit(row->index) && !index) is_in_time(job, now_s);
  }

  // Whether the sequence is one of the sender's channels.
  bool is_channel(ByteView cap) const {
    for (const ChannelRow& channel : channels())
      if (equal(channel.capability, cap)) return true;
    return false;
  }

  // Whose temporary sequence it is; nothing for a channel.
  std::optional<JobId> job_of(ByteView cap) const {
    const std::optional<BatchRow> row = batch_of_temporary(cap);
    return row ? std::optional(row->job) : std::nullopt;
  }

  // A single write is an element of an open generation, a chunk of a body that is written straight,
  // or a letter.
  void written(ByteView cap, const IndexBytes& index, ByteView plaintext) {
    if (const std::optional<InlineBox> box = inline_box(cap, index)) {
      inline_chunk(*box);
    } else if (is_channel(cap)) {
      letter(cap, index, plaintext);
    } else if (const std::optional<SendJobRow> job = job_of_body(cap)) {
      chunk(*job, index);
    } else {
      const std::optional<BatchRow> row = batch_of_temporary(cap);
      ASSERT_TRUE(row) << "a write to a sequence that no stored batch names";
      const bacap::MessageBoxIndex first = bacap::WriteCap::from_seed(row->temporary_seed).index();
      const bacap::MessageBoxIndex at = *bacap::MessageBoxIndex::parse(index);
      ASSERT_TRUE(bacap::is_on_stream(first, at, row->elements)) << "an index of another sequence";
      const auto number = static_cast<std::uint32_t>(at.counter() - first.counter());
      Result<Bytes> stored =
          store_->element(row->job, row->index, row->generation, ElementIndex{number});
      ASSERT_TRUE(stored) << "element " << number << " is written and not stored";
      EXPECT_TRUE(equal(*stored, plaintext)) << "element " << number << " is not what is stored";
    }
    one_content(cap, index, plaintext);
  }

  // The sender has been told that the write at the index was taken.
  void taken(const IndexBytes& index) { taken_.insert(index); }

  // One builder call: the body's next slice, or letters.
  void built(const std::vector<ports::Destination>& destinations, ByteView buffer, bool is_start) {
    ASSERT_FALSE(destinations.empty());
    for (const ports::Destination& to : destinations) {
      ASSERT_FALSE(to.payload.empty());
      if (const std::optional<InlineBox> box = inline_box(to.write_cap, to.start))
        inline_slice(*box, buffer, is_start);
      else if (is_channel(to.write_cap))
        letter(to.write_cap, to.start, to.payload);
      else
        body(to, buffer, is_start);
      bacap::MessageBoxIndex at = *bacap::MessageBoxIndex::parse(to.start);
      for (std::size_t i = 0; i < to.payload.size(); i += chunk_, at = *at.next())
        one_content(to.write_cap, at.bytes(),
                    to.payload.subspan(i, std::min<std::size_t>(chunk_, to.payload.size() - i)));
    }
  }

  // One builder call of a retraction.
  void tombstones_built(ByteView cap, const IndexBytes& start, std::uint32_t count, ByteView buffer,
                        bool is_start) {
    ASSERT_GT(count, 0U);
    const std::optional<JobId> id = tombstone(cap, start, count);
    if (!id) return;
    for (const BatchRow& row : batches(*id))
      if (row.state == BatchState::kBuilding && is_retraction(row.index) &&
          is_start == (row.built == 0) && equal(row.buffer, buffer) &&
          (is_channel(cap) || row.next_index == start))
        return;
    ADD_FAILURE() << "a slice that does not follow the stored ones";
  }
  void tombstone_written(ByteView cap, const IndexBytes& index) { tombstone(cap, index, 1); }

  void copy_issued(ByteView cap, const CourierRow& courier) {
    const std::optional<BatchRow> row = batch_of_temporary(cap);
    ASSERT_TRUE(row) << "a copy of a sequence that no stored batch names";
    EXPECT_EQ(row->state, BatchState::kCopying);
    EXPECT_EQ(row->built, row->count);
    EXPECT_NE(row->copy_issued_ms, 0U);
    EXPECT_EQ(row->courier, courier);
    EXPECT_TRUE(store_->unacknowledged(row->job, row->index, row->generation)->empty());
    for (const CourierRow& failed : row->failed_couriers) EXPECT_NE(failed, courier);
    bacap::MessageBoxIndex at = bacap::WriteCap::from_seed(row->temporary_seed).index();
    for (std::uint32_t i = 0; i < row->elements; ++i, at = *at.next())
      EXPECT_TRUE(taken_.count(at.bytes()))
          << "element " << i << " is acknowledged and nobody took it";
  }

  // The sender has been told that the box at the index of the sequence holds `plaintext`.
  void read(const IndexBytes& index, ByteView plaintext) {
    const auto built = body_content_.find(index);
    if (built != body_content_.end() && equal(built->second, plaintext)) read_back_.insert(index);
  }
  void read_tombstone(const IndexBytes& index) { read_tombstones_.insert(index); }

  // The test has made a letter that can't be retracted: then the body is all the same.
  bool letters_may_stay = false;

 private:
  // By value: what a loop walks over must outlive it.
  std::vector<JobId> jobs() const { return store_->send_jobs().value(); }
  std::vector<BatchRow> batches(JobId id) const { return store_->batches(id).value(); }
  std::vector<RecipientRow> recipients(JobId id) const { return store_->recipients(id).value(); }
  std::vector<ChannelRow> channels() const { return store_->channels().value(); }

  static void goes_on(const SendJobRow& job) {
    EXPECT_FALSE(job.paused) << "a packet of a job that is paused";
  }
  static void is_in_time(const SendJobRow& job, std::uint64_t now_s) {
    EXPECT_LT(now_s, job.until) << "a letter whose body may have aged out";
  }

  // A box behind the header of an inline job, by its number (engine/inline_content.h).
  struct InlineBox {
    SendJobRow job;
    std::uint64_t number;
  };
  std::optional<InlineBox> inline_box(ByteView cap, const IndexBytes& index) const {
    const bacap::MessageBoxIndex at = *bacap::MessageBoxIndex::parse(index);
    for (const JobId& id : jobs()) {
      const SendJobRow job = *store_->send_job(id);
      if (job.layout != Layout::kInline) continue;
      for (const RecipientRow& to : recipients(id)) {
        if (to.position == IndexBytes{} || to.position == index) continue;
        if (!equal(store_->channel(to.channel)->capability, cap)) continue;
        const bacap::MessageBoxIndex header = *bacap::MessageBoxIndex::parse(to.position);
        if (!bacap::is_on_stream(header, at, job.plan.boxes / job.recipients)) continue;
        const std::uint64_t chunk = at.counter() - header.counter() - 1;
        return InlineBox{job, chunk * job.recipients + to.index.value()};
      }
    }
    return std::nullopt;
  }
  void inline_slice(const InlineBox& box, ByteView buffer, bool is_start) {
    EXPECT_EQ(box.job.state, SendState::kUploading);
    for (const BatchRow& row : batches(box.job.id))
      if (row.state == BatchState::kBuilding && box.number >= row.first + row.built &&
          box.number < row.first + row.count && is_start == (row.built == 0) &&
          equal(row.buffer, buffer))
        return;
    ADD_FAILURE() << "a slice that does not follow the stored ones";
  }
  void inline_chunk(const InlineBox& box) {
    EXPECT_EQ(box.job.transport, Way::kDirect);
    EXPECT_EQ(box.job.state, SendState::kUploading);
    for (const BatchRow& row : batches(box.job.id))
      if (row.state == BatchState::kPlanned && box.number >= row.first &&
          box.number < row.first + row.count)
        return;
    ADD_FAILURE() << "a chunk that no stored batch has planned";
  }
  IndexBytes last_box_of(const BatchRow& row) const {
    const SendJobRow job = *store_->send_job(row.job);
    bacap::MessageBoxIndex at = *bacap::MessageBoxIndex::parse(row.body_index);
    std::uint64_t steps = row.count - 1;
    if (job.layout == Layout::kInline && is_body(row.index)) {
      const std::uint64_t last = row.first + row.count - 1;
      const RecipientRow to = recipients(row.job).at(last % job.recipients);
      at = *bacap::MessageBoxIndex::parse(to.position);
      steps = last / job.recipients + 1;
    }
    for (std::uint64_t i = 0; i < steps; ++i) at = *at.next();
    return at.bytes();
  }

  bool given_up(const JobId& id, BatchIndex index) const {
    const SendState state = store_->send_job(id)->state;
    const std::optional<RetractJobRow> retraction = store_->retract_job(id).value();
    if (is_retraction(index)) return retraction && retraction->state == RetractState::kFailed;
    return state == SendState::kFailed || state == SendState::kCancelled;
  }

  // Whose retraction may overwrite this: one of its letters, or boxes of its body once no letter
  // can be found any more.
  std::optional<JobId> tombstone(ByteView cap, const IndexBytes& start, std::uint64_t count) const {
    const bacap::MessageBoxIndex at = *bacap::MessageBoxIndex::parse(start);
    for (const JobId& id : jobs()) {
      const std::optional<RetractJobRow> row = store_->retract_job(id).value();
      if (!row || row->state != RetractState::kWriting) continue;
      const std::vector<RecipientRow> to = recipients(id);
      bool letters_left = false;
      for (const std::uint64_t number : row->letters) {
        const RecipientRow& recipient = to.at(number);
        letters_left |= recipient.state != RecipientState::kRetracted;
        if (count == 1 && recipient.position == start && is_channel(cap)) return id;
      }
      const SendJobRow job = *store_->send_job(id);
      if (job.layout == Layout::kInline) {
        const std::optional<InlineBox> first = inline_box(cap, start);
        if (!first || first->job.id != id) continue;
        EXPECT_LE(first->number / job.recipients + count, job.plan.boxes / job.recipients);
      } else {
        const std::optional<std::uint64_t> number = body_number(job, cap);
        if (row->boxes == 0 || !number) continue;
        const bacap::MessageBoxIndex first = body_of(job, *number).index();
        const std::uint64_t begin = *number * boxes_per_copy(job);
        EXPECT_TRUE(bacap::is_on_stream(first, at, boxes_per_copy(job))) << "a box behind the body";
        EXPECT_LE(begin + at.counter() - first.counter() + count, row->boxes);
      }
      EXPECT_TRUE(!letters_left || letters_may_stay) << "the body before the letters";
      return id;
    }
    ADD_FAILURE() << "a tombstone that no stored retraction asks for";
    return std::nullopt;
  }

  void remember(const BatchRow& row) {
    if (is_body(row.index) || row.index.value() >= kFirstBodyTombstones) {
      open_[{row.job, row.index.value()}] = last_box_of(row);
    }
    if (row.generation.value() == 0) return;
    const auto owner = std::tuple(row.job, row.index.value(), row.generation.value());
    const auto known = generations_.emplace(row.temporary_seed, owner).first;
    EXPECT_EQ(known->second, owner) << "two generations share a temporary sequence";
  }

  std::optional<BatchRow> batch_of_temporary(ByteView cap) const {
    for (const JobId& id : jobs())
      for (const BatchRow& row : batches(id))
        if (row.state != BatchState::kPlanned &&
            equal(bacap::WriteCap::from_seed(row.temporary_seed).view(), cap))
          return row;
    return std::nullopt;
  }

  // Invariant 3: the letter is stored as it is, and every batch of the body is done.
  void letter(ByteView cap, const IndexBytes& index, ByteView bytes) {
    for (const JobId& id : jobs())
      for (const RecipientRow& recipient : recipients(id)) {
        if (recipient.position != index) continue;
        if (!equal(store_->channel(recipient.channel)->capability, cap)) continue;
        const SendJobRow job = *store_->send_job(id);
        EXPECT_EQ(job.state, SendState::kCommitting);
        EXPECT_TRUE(equal(recipient.letter, bytes)) << "a letter that is not the stored one";
        EXPECT_EQ(boxes_opened(job), job.plan.boxes);
        for (const BatchRow& row : batches(id)) EXPECT_TRUE(is_commit(row.index));
        return;
      }
    ADD_FAILURE() << "a letter for a position that nobody has reserved";
  }

  void body(const ports::Destination& to, ByteView buffer, bool is_start) {
    for (const JobId& id : jobs()) {
      const SendJobRow job = *store_->send_job(id);
      if (!body_number(job, to.write_cap)) continue;
      EXPECT_EQ(job.state, SendState::kUploading);
      for (const BatchRow& row : batches(id))
        if (row.state == BatchState::kBuilding && row.next_index == to.start &&
            is_start == (row.built == 0) && equal(row.buffer, buffer))
          return;
      ADD_FAILURE() << "a slice that does not follow the stored ones";
      return;
    }
    ADD_FAILURE() << "a slice of a body that nobody sends";
  }

  static std::optional<std::uint64_t> body_number(const SendJobRow& job, ByteView cap) {
    for (std::uint64_t body = 0; body < copies_of(job); ++body)
      if (equal(body_of(job, body).view(), cap)) return body;
    return std::nullopt;
  }
  std::optional<SendJobRow> job_of_body(ByteView cap) const {
    for (const JobId& id : jobs()) {
      const SendJobRow job = *store_->send_job(id);
      if (body_number(job, cap)) return job;
    }
    return std::nullopt;
  }
  void chunk(const SendJobRow& job, const IndexBytes& index) {
    EXPECT_EQ(job.transport, Way::kDirect);
    EXPECT_EQ(job.state, SendState::kUploading);
    const bacap::MessageBoxIndex at = *bacap::MessageBoxIndex::parse(index);
    for (const BatchRow& row : batches(job.id)) {
      const bacap::MessageBoxIndex first = *bacap::MessageBoxIndex::parse(row.body_index);
      if (row.state == BatchState::kPlanned && bacap::is_on_stream(first, at, row.count)) return;
    }
    ADD_FAILURE() << "a chunk that no stored batch has planned";
  }

  void one_content(ByteView cap, const IndexBytes& index, ByteView content) {
    const auto known = content_.emplace(std::pair(to_bytes(cap), index), to_bytes(content)).first;
    EXPECT_TRUE(equal(known->second, content)) << "one position, two contents";
    body_content_.emplace(index, to_bytes(content));
  }

  const std::uint64_t chunk_;
  const ports::Store* store_ = nullptr;
  bool restored_ = false;
  std::map<std::pair<JobId, std::uint32_t>, IndexBytes> open_;  // body batches: their last box
  std::map<Bytes32, std::tuple<JobId, std::uint32_t, std::uint32_t>> generations_;
  std::map<std::pair<Bytes, IndexBytes>, Bytes> content_;
  std::map<IndexBytes, Bytes> body_content_;  // indices are random: no two sequences share one
  std::set<IndexBytes> taken_, read_back_, read_tombstones_;
};

}  // namespace taubenpost

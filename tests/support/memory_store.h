// MemoryStore: the contract of ports::Store in memory, for tests in virtual time.
//
// A commit takes effect at once and wholly, or not at all. What is durable is MemoryRows, which
// outlives the stores on it as a disk outlives processes; a transaction whose commit did not begin
// when its process was thrown away is lost. A new kind of row is one more table and one step().
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ports/store.h"

namespace taubenpost {

// The tables are ordered by their keys: rows of one job or channel are neighbours.
struct MemoryRows {
  using Element = std::tuple<JobId, BatchIndex, Generation, ElementIndex>;

  StoreIdentityRow identity{StoreId{1}, {2}, 3, false, {}};
  std::map<JobId, SendJobRow> send_jobs;
  std::map<JobId, ReceiveJobRow> receive_jobs;
  std::map<std::pair<JobId, RecipientIndex>, RecipientRow> recipients;
  std::map<std::pair<JobId, BatchIndex>, BatchRow> batches;
  std::map<JobId, RetractJobRow> retract_jobs;
  std::map<Element, ElementRow> elements;
  std::map<Element, bool> acknowledged;
  std::map<ChannelId, ChannelRow> channels;
  std::map<std::pair<ChannelId, std::uint64_t>, InboxRow> inbox;
  std::map<std::pair<ChannelId, std::uint64_t>, AwaitedRow> awaited;
  std::map<std::pair<ChannelId, TransferId>, std::uint64_t> transfers;  // counter of the letter
  std::map<std::tuple<JobId, std::uint64_t, std::uint64_t>, JournalRow> journal;  // time, number
};

class MemoryStore : public ports::Store {
 public:
  explicit MemoryStore(std::shared_ptr<MemoryRows> rows) : rows_(std::move(rows)) {}

  Result<StoreIdentityRow> identity() const override { return rows_->identity; }
  Result<std::vector<JobId>> send_jobs() const override { return ids_of(send_job_rows()); }
  Result<std::vector<JobId>> receive_jobs() const override { return ids_of(receive_job_rows()); }
  Result<std::vector<SendJobRow>> send_job_rows() const override {
    return by_age(rows_->send_jobs);
  }
  Result<std::vector<ReceiveJobRow>> receive_job_rows() const override {
    return by_age(rows_->receive_jobs);
  }
  Result<std::vector<RecipientRow>> all_recipients() const override {
    std::vector<RecipientRow> all;
    for (const auto& [key, row] : rows_->recipients) all.push_back(row);
    return all;
  }
  Result<SendJobRow> send_job(JobId id) const override { return get(rows_->send_jobs, id); }
  Result<ReceiveJobRow> receive_job(JobId id) const override {
    return get(rows_->receive_jobs, id);
  }
  Result<std::vector<RetractJobRow>> retract_job_rows() const override {
    std::vector<RetractJobRow> all;
    for (const auto& [id, row] : rows_->retract_jobs) all.push_back(row);
    return all;
  }
  Result<std::optional<RetractJobRow>> retract_job(JobId id) const override {
    const auto found = rows_->retract_jobs.find(id);
    if (found == rows_->retract_jobs.end()) return std::optional<RetractJobRow>();
    return std::optional(found->second);
  }
  Result<std::vector<RecipientRow>> recipients(JobId id) const override {
    return rows_of(rows_->recipients, std::pair(id, RecipientIndex{0}));
  }
  Result<std::vector<BatchRow>> batches(JobId id) const override {
    return rows_of(rows_->batches, std::pair(id, BatchIndex{0}));
  }
  Result<BatchRow> batch(JobId id, BatchIndex index) const override {
    return get(rows_->batches, std::pair(id, index));
  }
  Result<std::vector<ElementIndex>> unacknowledged(JobId id, BatchIndex batch,
                                                   Generation generation) const override {
    std::vector<ElementIndex> missing;
    const auto first =
        rows_->elements.lower_bound(std::tuple(id, batch, generation, ElementIndex{0}));
    for (auto at = first; at != rows_->elements.end(); ++at) {
      const auto& [job, of, made, index] = at->first;
      if (std::tie(job, of, made) != std::tie(id, batch, generation)) break;
      if (!rows_->acknowledged.contains(at->first)) missing.push_back(index);
    }
    return missing;
  }
  Result<Bytes> element(JobId id, BatchIndex batch, Generation generation,
                        ElementIndex index) const override {
    const auto found = rows_->elements.find(std::tuple(id, batch, generation, index));
    if (found == rows_->elements.end()) return gone();
    return found->second.bytes;
  }
  Result<std::vector<ChannelRow>> channels() const override {
    std::vector<ChannelRow> all;
    for (const auto& [id, row] : rows_->channels) all.push_back(row);
    return all;
  }
  Result<ChannelRow> channel(ChannelId id) const override { return get(rows_->channels, id); }
  Result<std::optional<InboxRow>> inbox_transfer(ChannelId channel,
                                                 TransferId transfer) const override {
    const auto found = rows_->transfers.find(std::pair(channel, transfer));
    if (found == rows_->transfers.end()) return std::optional<InboxRow>();
    return std::optional(rows_->inbox.at(std::pair(channel, found->second)));
  }
  Result<std::vector<InboxRow>> inbox(ChannelId channel) const override {
    return rows_of(rows_->inbox, std::pair(channel, std::uint64_t{0}));
  }
  Result<std::optional<InboxRow>> inbox_at(ChannelId channel,
                                           std::uint64_t counter) const override {
    const auto found = rows_->inbox.find(std::pair(channel, counter));
    if (found == rows_->inbox.end()) return std::optional<InboxRow>();
    return std::optional(found->second);
  }
  Result<std::vector<AwaitedRow>> awaited(ChannelId channel) const override {
    return rows_of(rows_->awaited, std::pair(channel, std::uint64_t{0}));
  }
  Result<std::vector<JournalRow>> journal(JobId id) const override {
    return rows_of(rows_->journal, std::tuple(id, std::uint64_t{0}, std::uint64_t{0}));
  }

  boost::asio::awaitable<Status> commit(ports::Transaction transaction) override {
    Status outcome = ok();
    for (const Transaction::Step& one : transaction.steps()) {
      outcome = std::visit([this](const auto& s) { return step(s); }, one);
      if (!outcome) break;
    }
    if (!outcome)
      for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
    undo_.clear();
    co_return outcome;
  }

 private:
  using Transaction = ports::Transaction;
  using NoEvent = Transaction::NoEvent;

  // ---- reading ----

  static Error gone() { return error(Errc::kNotFound, "the row is not there"); }

  template <class Key, class Row>
  static Result<Row> get(const std::map<Key, Row>& table, const Key& key) {
    const auto found = table.find(key);
    if (found == table.end()) return gone();
    return found->second;
  }
  // Those whose keys begin like `first`, which is the lowest of them.
  template <class Key, class Row>
  static std::vector<Row> rows_of(const std::map<Key, Row>& table, const Key& first) {
    std::vector<Row> rows;
    for (auto at = table.lower_bound(first);
         at != table.end() && std::get<0>(at->first) == std::get<0>(first); ++at)
      rows.push_back(at->second);
    return rows;
  }
  template <class Row>
  static std::vector<Row> by_age(const std::map<JobId, Row>& table) {
    std::vector<Row> rows;
    for (const auto& [id, row] : table) rows.push_back(row);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.created < b.created; });
    return rows;
  }
  template <class Row>
  static std::vector<JobId> ids_of(const Result<std::vector<Row>>& rows) {
    std::vector<JobId> ids;
    for (const Row& row : *rows) ids.push_back(row.id);
    return ids;
  }

  // ---- writing: each change leaves the way back ----

  static Status conflict(const char* why) { return error(Errc::kStateConflict, why); }

  template <class Key, class Value>
  Status put(std::map<Key, Value>& table, const Key& key, Value value) {
    const auto [at, is_new] = table.try_emplace(key);
    if (is_new)
      undo_.push_back([&table, key] { table.erase(key); });
    else
      undo_.push_back([&old_place = at->second, old = at->second] { old_place = old; });
    at->second = std::move(value);
    return ok();
  }
  template <class Key, class Value>
  Status create(std::map<Key, Value>& table, const Key& key, Value value) {
    if (table.contains(key)) return conflict("exists");
    return put(table, key, std::move(value));
  }
  template <class Key, class Value>
  void erase(std::map<Key, Value>& table, typename std::map<Key, Value>::iterator at) {
    undo_.push_back([&table, old = *at] { table.insert(old); });
    table.erase(at);
  }

  template <class Key, class Row, class Event>
  Status change(std::map<Key, Row>& table, const Key& key, const Transaction::Put<Row, Event>& to) {
    if (to.how == Transaction::How::kCreate) return create(table, key, to.row);
    const auto stored = table.find(key);
    if (stored == table.end()) return conflict("is gone");
    if (stored->second.revision != to.row.revision) return conflict("has another revision");
    if (stored->second.state != to.row.state) return conflict("is in another state");
    Row row = to.row;
    ++row.revision;
    if (to.how == Transaction::How::kMove) {
      const auto next = after(row.state, to.event);
      if (!next) return conflict("has no such move");
      row.state = *next;
    }
    return put(table, key, std::move(row));
  }

  Status step(const Transaction::Put<SendJobRow, SendEvent>& to) {
    return change(rows_->send_jobs, to.row.id, to);
  }
  Status step(const Transaction::Put<ReceiveJobRow, ReceiveEvent>& to) {
    return change(rows_->receive_jobs, to.row.id, to);
  }
  Status step(const Transaction::Put<RecipientRow, RecipientEvent>& to) {
    return change(rows_->recipients, std::pair(to.row.job, to.row.index), to);
  }
  Status step(const Transaction::Put<BatchRow, BatchEvent>& to) {
    return change(rows_->batches, std::pair(to.row.job, to.row.index), to);
  }
  Status step(const Transaction::Put<RetractJobRow, RetractEvent>& to) {
    return change(rows_->retract_jobs, to.row.job, to);
  }
  Status step(const Transaction::Put<ChannelRow, NoEvent>& to) {
    for (const auto& [id, other] : rows_->channels)
      if (other.name == to.row.name && id != to.row.id) return conflict("has that name");
    if (to.how == Transaction::How::kCreate) return create(rows_->channels, to.row.id, to.row);
    const auto stored = rows_->channels.find(to.row.id);
    if (stored == rows_->channels.end()) return conflict("is gone");
    if (stored->second.revision != to.row.revision) return conflict("has another revision");
    ChannelRow row = to.row;
    ++row.revision;
    return put(rows_->channels, row.id, row);
  }
  Status step(const Transaction::Put<InboxRow, NoEvent>& to) {
    const InboxRow& row = to.row;
    TP_TRY(create(rows_->inbox, std::pair(row.channel, row.counter), row));
    if (!holds_transfer(row.kind)) return ok();
    return create(rows_->transfers, std::pair(row.channel, row.transfer), row.counter);
  }
  Status step(const Transaction::ReplaceInbox& to) {
    const std::pair key(to.row.channel, to.row.counter);
    const auto stored = rows_->inbox.find(key);
    if (stored == rows_->inbox.end() || stored->second.kind != to.from)
      return conflict("is of another kind");
    const bool held = holds_transfer(to.from);
    const bool holds = holds_transfer(to.row.kind);
    const bool fits = holds || to.row.kind == InboxKind::kDuplicate;
    if (held && (!fits || stored->second.transfer != to.row.transfer))
      return conflict("stands for a transfer");
    if (held && !holds)
      erase(rows_->transfers, rows_->transfers.find({key.first, to.row.transfer}));
    if (!held && holds)
      TP_TRY(create(rows_->transfers, std::pair(key.first, to.row.transfer), key.second));
    return put(rows_->inbox, key, to.row);
  }
  Status step(const Transaction::Put<AwaitedRow, NoEvent>& to) {
    return create(rows_->awaited, std::pair(to.row.channel, to.row.counter), to.row);
  }
  Status step(const Transaction::DropAwaited& drop) {
    const auto found = rows_->awaited.find(std::pair(drop.channel, drop.counter));
    if (found == rows_->awaited.end()) return conflict("is gone");
    erase(rows_->awaited, found);
    return ok();
  }
  Status step(const Transaction::Put<ElementRow, NoEvent>& to) {
    const ElementRow& row = to.row;
    return create(rows_->elements, std::tuple(row.job, row.batch, row.generation, row.index), row);
  }
  Status step(const Transaction::Acknowledge& a) {
    const MemoryRows::Element key(a.job, a.batch, a.generation, a.index);
    if (!rows_->elements.contains(key)) return conflict("is gone");
    return put(rows_->acknowledged, key, true);
  }
  Status step(const Transaction::DropElements& drop) {
    drop_all(rows_->elements, drop);
    drop_all(rows_->acknowledged, drop);
    return ok();
  }
  template <class Value>
  void drop_all(std::map<MemoryRows::Element, Value>& table,
                const Transaction::DropElements& drop) {
    auto at = table.lower_bound({drop.job, drop.batch, Generation{0}, ElementIndex{0}});
    while (at != table.end() && std::get<0>(at->first) == drop.job &&
           std::get<1>(at->first) == drop.batch)
      erase(table, at++);
  }
  Status step(const Transaction::DropBatch& drop) {
    const auto found = rows_->batches.find(std::pair(drop.job, drop.batch));
    if (found != rows_->batches.end()) erase(rows_->batches, found);
    return ok();
  }
  template <class Key, class Value, class Match>
  void erase_if(std::map<Key, Value>& table, Match matches) {
    for (auto at = table.begin(); at != table.end();) {
      const auto next = std::next(at);
      if (matches(at->first)) erase(table, at);
      at = next;
    }
  }
  template <class Row>
  Status forget(std::map<JobId, Row>& table, JobId id, std::uint32_t revision) {
    const auto found = table.find(id);
    if (found == table.end()) return conflict("is gone");
    if (found->second.revision != revision) return conflict("has another revision");
    if (!has_ended(found->second.state)) return conflict("is not at its end");
    erase_if(rows_->journal, [&](const auto& key) { return std::get<0>(key) == id; });
    erase(table, found);
    return ok();
  }
  Status step(const Transaction::ForgetSend& one) {
    const auto retraction = rows_->retract_jobs.find(one.job);
    if (retraction != rows_->retract_jobs.end()) {
      if (!has_ended(retraction->second.state)) return conflict("is being retracted");
      erase(rows_->retract_jobs, retraction);
    }
    erase_if(rows_->recipients, [&](const auto& key) { return key.first == one.job; });
    return forget(rows_->send_jobs, one.job, one.revision);
  }
  Status step(const Transaction::ForgetReceive& one) {
    for (auto& [key, letter] : rows_->inbox) {
      if (letter.kind != InboxKind::kLetter || letter.job != one.job) continue;
      InboxRow trimmed = letter;
      trimmed.job = {};
      trimmed.content.clear();
      TP_TRY(put(rows_->inbox, key, trimmed));
    }
    return forget(rows_->receive_jobs, one.job, one.revision);
  }
  Status step(const Transaction::ForgetInbox& one) {
    const auto found = rows_->inbox.find({one.channel, one.counter});
    if (found == rows_->inbox.end()) return conflict("is gone");
    if (holds_transfer(found->second.kind)) {
      if (rows_->receive_jobs.contains(found->second.job)) return conflict("has a job");
      erase(rows_->transfers, rows_->transfers.find({one.channel, found->second.transfer}));
    }
    erase(rows_->inbox, found);
    return ok();
  }
  Status step(const JournalRow& note) {
    return put(rows_->journal, std::tuple(note.job, note.time_ms, rows_->journal.size()), note);
  }
  Status step(const Transaction::Bind& bind) {
    StoreIdentityRow& identity = rows_->identity;
    if (identity.bound && identity.network != bind.network)
      return conflict("is bound to another network");
    undo_.push_back([&identity, old = identity] { identity = old; });
    identity.bound = true;
    identity.network = bind.network;
    return ok();
  }

  Status step(const Transaction::UploadRate& rate) {
    StoreIdentityRow& identity = rows_->identity;
    undo_.push_back([&identity, old = identity] { identity = old; });
    identity.upload_rate = rate.packets_in_1000_s;
    return ok();
  }

  const std::shared_ptr<MemoryRows> rows_;
  std::vector<std::function<void()>> undo_;  // of the commit that runs
};

}  // namespace taubenpost

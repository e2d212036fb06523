#include "store/transaction_writer.h"

#include "base/check.h"

namespace taubenpost {
namespace {

Error conflict(const RowKey& key, std::string_view reason) {
  return error(Errc::kStateConflict, "store.commit: " + describe(key) + ": " + std::string(reason));
}

RowKey key_of(const SendJobRow& row) { return send_job_key(row.id); }
RowKey key_of(const ReceiveJobRow& row) { return receive_job_key(row.id); }
RowKey key_of(const RecipientRow& row) { return recipient_key(row.job, row.index); }
RowKey key_of(const RetractJobRow& row) { return retract_job_key(row.job); }
RowKey key_of(const BatchRow& row) { return batch_key(row.job, row.index); }

}  // namespace

TransactionWriter::TransactionWriter(const StoreDb& db, const RowSeal& seal)
    : db_(db),
      seal_(seal),
      batch_(rocksdb::BytewiseComparator(), /*reserved_bytes=*/0, /*overwrite_key=*/true),
      rows_(db, seal, &batch_) {}

Status TransactionWriter::apply(const ports::Transaction& transaction) {
  batch_.SetSavePoint();
  Status outcome = ok();
  for (const Transaction::Step& one : transaction.steps()) {
    outcome = std::visit([this](const auto& s) { return step(s); }, one);
    if (!outcome) break;
  }
  const rocksdb::Status s = outcome ? batch_.PopSavePoint() : batch_.RollbackToSavePoint();
  TP_CHECK(s.ok());
  return outcome;
}

template <class Row>
Status TransactionWriter::create(const RowKey& key, const Row& row) {
  const Result<bool> exists = rows_.exists(key);
  if (!exists) return exists.error();
  if (*exists) return conflict(key, "exists");
  return replace(key, row);
}

template <class Row>
Status TransactionWriter::replace(const RowKey& key, const Row& row) {
  const Result<std::string> sealed = seal_row(seal_, key, row);
  if (!sealed) return sealed.error();
  if (auto s = batch_.Put(db_.handle(key.family), key.bytes, *sealed); !s.ok())
    return store_error(s, "store.commit", describe(key));
  return ok();
}

template <class Row, class Event>
Status TransactionWriter::step(const Transaction::Put<Row, Event>& put) {
  const RowKey key = key_of(put.row);
  if (put.how == Transaction::How::kCreate) return create(key, put.row);

  const Result<std::optional<Row>> stored = rows_.find<Row>(key);
  if (!stored) return stored.error();
  if (!*stored) return conflict(key, "is gone");
  if ((*stored)->revision != put.row.revision) return conflict(key, "has another revision");
  if ((*stored)->state != put.row.state) return conflict(key, "is in another state");
  Row row = put.row;
  ++row.revision;
  if (put.how == Transaction::How::kMove) {
    const auto next = after(row.state, put.event);
    if (!next) return conflict(key, "has no such move");
    row.state = *next;
  }
  return replace(key, row);
}

Status TransactionWriter::name_is_free(const ChannelRow& row) {
  return rows_.scan(channel_prefix(), [&](const RowKey& key, std::string_view value) -> Status {
    const Result<ChannelRow> other = rows_.unseal<ChannelRow>(key, value);
    if (!other) return other.error();
    if (other->name == row.name && other->id != row.id) return conflict(key, "has that name");
    return ok();
  });
}

Status TransactionWriter::step(const Transaction::Put<ChannelRow, Transaction::NoEvent>& put) {
  const RowKey key = channel_key(put.row.id);
  if (put.how == Transaction::How::kCreate) {
    TP_TRY(name_is_free(put.row));
    return create(key, put.row);
  }
  const Result<std::optional<ChannelRow>> stored = rows_.find<ChannelRow>(key);
  if (!stored) return stored.error();
  if (!*stored) return conflict(key, "is gone");
  if ((*stored)->revision != put.row.revision) return conflict(key, "has another revision");
  if ((*stored)->name != put.row.name) TP_TRY(name_is_free(put.row));
  ChannelRow row = put.row;
  ++row.revision;
  return replace(key, row);
}

Status TransactionWriter::step(const Transaction::Put<InboxRow, Transaction::NoEvent>& put) {
  TP_TRY(create(inbox_key(put.row.channel, put.row.counter), put.row));
  // A second letter of the same transfer is refused here: that is what makes it a duplicate.
  if (!holds_transfer(put.row.kind)) return ok();
  return create(inbox_transfer_key(put.row.channel, put.row.transfer),
                InboxTransferRow{put.row.counter});
}

Status TransactionWriter::step(const Transaction::ReplaceInbox& to) {
  const RowKey key = inbox_key(to.row.channel, to.row.counter);
  const Result<std::optional<InboxRow>> stored = rows_.find<InboxRow>(key);
  if (!stored) return stored.error();
  if (!*stored || (*stored)->kind != to.from) return conflict(key, "is of another kind");
  const bool held = holds_transfer(to.from);
  const bool holds = holds_transfer(to.row.kind);
  const bool fits = holds || to.row.kind == InboxKind::kDuplicate;
  if (held && (!fits || (*stored)->transfer != to.row.transfer))
    return conflict(key, "stands for a transfer");
  if (held && !holds) TP_TRY(remove(inbox_transfer_key(to.row.channel, to.row.transfer)));
  if (holds && !held)
    TP_TRY(create(inbox_transfer_key(to.row.channel, to.row.transfer),
                  InboxTransferRow{to.row.counter}));
  return replace(key, to.row);
}

Status TransactionWriter::step(const Transaction::Put<AwaitedRow, Transaction::NoEvent>& put) {
  return create(awaited_key(put.row.channel, put.row.counter), put.row);
}

Status TransactionWriter::step(const Transaction::Put<ElementRow, Transaction::NoEvent>& put) {
  const ElementRow& row = put.row;
  return create(element_key(row.job, row.batch, row.generation, row.index), row);
}

Status TransactionWriter::step(const Transaction::Acknowledge& a) {
  const RowKey element = element_key(a.job, a.batch, a.generation, a.index);
  const Result<bool> stored = rows_.exists(element);
  if (!stored) return stored.error();
  if (!*stored) return conflict(element, "is gone");
  return replace(ack_key(a.job, a.batch, a.generation, a.index), AckRow{});
}

Status TransactionWriter::step(const Transaction::DropElements& drop) {
  return remove_all(all_elements_prefix(drop.job, drop.batch));
}

Status TransactionWriter::step(const Transaction::DropBatch& drop) {
  return remove(batch_key(drop.job, drop.batch));
}

Status TransactionWriter::remove(const RowKey& key) {
  if (auto s = batch_.Delete(db_.handle(key.family), key.bytes); !s.ok())
    return store_error(s, "store.commit", describe(key));
  return ok();
}

Status TransactionWriter::step(const Transaction::DropAwaited& drop) {
  const RowKey key = awaited_key(drop.channel, drop.counter);
  const Result<bool> stored = rows_.exists(key);
  if (!stored) return stored.error();
  if (!*stored) return conflict(key, "is gone");
  return remove(key);
}

Status TransactionWriter::remove_all(const RowKey& prefix) {
  // Single deletions: the batch can't index a range deletion, and there are a few hundred at most.
  std::vector<RowKey> keys;
  TP_TRY(rows_.scan(prefix, [&](const RowKey& key, std::string_view) {
    keys.push_back(key);
    return ok();
  }));
  for (const RowKey& key : keys) TP_TRY(remove(key));
  return ok();
}

template <class Row>
Result<Row> TransactionWriter::ended(const RowKey& key, std::uint32_t revision) {
  Result<std::optional<Row>> stored = rows_.find<Row>(key);
  if (!stored) return stored.error();
  if (!*stored) return conflict(key, "is gone");
  if ((*stored)->revision != revision) return conflict(key, "has another revision");
  if (!has_ended((*stored)->state)) return conflict(key, "is not at its end");
  return std::move(**stored);
}

Status TransactionWriter::step(const Transaction::ForgetSend& forget) {
  const RowKey key = send_job_key(forget.job);
  TP_TRY(ended<SendJobRow>(key, forget.revision));
  const RowKey retract_key = retract_job_key(forget.job);
  const Result<std::optional<RetractJobRow>> retraction = rows_.find<RetractJobRow>(retract_key);
  if (!retraction) return retraction.error();
  if (*retraction && !has_ended((*retraction)->state)) return conflict(key, "is being retracted");
  if (*retraction) TP_TRY(remove(retract_key));
  TP_TRY(remove_all(recipient_prefix(forget.job)));
  TP_TRY(remove_all(journal_prefix(forget.job)));
  return remove(key);
}

Status TransactionWriter::step(const Transaction::ForgetReceive& forget) {
  const RowKey key = receive_job_key(forget.job);
  const Result<ReceiveJobRow> row = ended<ReceiveJobRow>(key, forget.revision);
  if (!row) return row.error();
  const RowKey place = inbox_key(row->channel, row->counter);
  Result<std::optional<InboxRow>> letter = rows_.find<InboxRow>(place);
  if (!letter) return letter.error();
  if (*letter) {
    (*letter)->job = {};
    (*letter)->content.clear();
    TP_TRY(replace(place, **letter));
  }
  TP_TRY(remove_all(journal_prefix(forget.job)));
  return remove(key);
}

Status TransactionWriter::step(const Transaction::ForgetInbox& forget) {
  const RowKey key = inbox_key(forget.channel, forget.counter);
  const Result<std::optional<InboxRow>> row = rows_.find<InboxRow>(key);
  if (!row) return row.error();
  if (!*row) return conflict(key, "is gone");
  const bool is_letter = holds_transfer((*row)->kind);
  const Result<bool> has_job = rows_.exists(receive_job_key((*row)->job));
  if (!has_job) return has_job.error();
  if (is_letter && *has_job) return conflict(key, "has a job");
  if (is_letter) TP_TRY(remove(inbox_transfer_key(forget.channel, (*row)->transfer)));
  return remove(key);
}

Status TransactionWriter::step(const JournalRow& note) {
  // Notes of the same millisecond are told apart by a sequence number, in the order of arrival.
  std::uint32_t sequence = 0;
  TP_TRY(
      rows_.scan(journal_prefix(note.job, note.time_ms), [&](const RowKey& key, std::string_view) {
        sequence = key_tail(key.bytes) + 1;
        return ok();
      }));
  return replace(journal_key(note.job, note.time_ms, sequence), note);
}

Status TransactionWriter::step(const Transaction::Bind& bind) {
  Result<StoreIdentityRow> identity = rows_.get_row<StoreIdentityRow>(identity_key());
  if (!identity) return identity.error();
  if (identity->bound && identity->network != bind.network)
    return conflict(identity_key(), "is bound to another network");
  if (identity->bound) return ok();
  identity->bound = true;
  identity->network = bind.network;
  return replace(identity_key(), *identity);
}

Status TransactionWriter::step(const Transaction::UploadRate& rate) {
  Result<StoreIdentityRow> identity = rows_.get_row<StoreIdentityRow>(identity_key());
  if (!identity) return identity.error();
  identity->upload_rate = rate.packets_in_1000_s;
  return replace(identity_key(), *identity);
}

}  // namespace taubenpost

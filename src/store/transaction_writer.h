// TransactionWriter: checks transactions against what is stored and collects them in one batch.
//
// Each transaction is all or nothing: one that finds another state than it expects leaves no trace
// in the batch. Later transactions of a group see the writes of earlier ones. Used by the commit
// thread only; nothing is on disk until the batch is written.
#pragma once

#include <rocksdb/utilities/write_batch_with_index.h>

#include "ports/store.h"
#include "store/row_store.h"

namespace taubenpost {

class TransactionWriter {
 public:
  // Both outlive this object.
  TransactionWriter(const StoreDb& db, const RowSeal& seal);

  // kStateConflict, or a reading error; then the batch is as it was before.
  Status apply(const ports::Transaction& transaction);

  bool empty() { return batch_.GetWriteBatch()->Count() == 0; }
  rocksdb::WriteBatch* batch() { return batch_.GetWriteBatch(); }

 private:
  using Transaction = ports::Transaction;

  // One overload per kind of step; all return kStateConflict where the stored row disagrees.
  template <class Row, class Event>
  Status step(const Transaction::Put<Row, Event>& put);
  Status step(const Transaction::Put<ChannelRow, Transaction::NoEvent>& put);
  Status step(const Transaction::Put<InboxRow, Transaction::NoEvent>& put);
  Status step(const Transaction::ReplaceInbox& to);
  Status step(const Transaction::Put<AwaitedRow, Transaction::NoEvent>& put);
  Status step(const Transaction::Put<ElementRow, Transaction::NoEvent>& put);
  Status step(const Transaction::Acknowledge& acknowledge);
  Status step(const Transaction::DropElements& drop);
  Status step(const Transaction::DropBatch& drop);
  Status step(const Transaction::DropAwaited& drop);
  Status step(const JournalRow& note);
  Status step(const Transaction::ForgetSend& forget);
  Status step(const Transaction::ForgetReceive& forget);
  Status step(const Transaction::ForgetInbox& forget);
  Status step(const Transaction::Bind& bind);
  Status step(const Transaction::UploadRate& rate);

  template <class Row>
  Status create(const RowKey& key, const Row& row);
  template <class Row>
  Status replace(const RowKey& key, const Row& row);
  Status name_is_free(const ChannelRow& row);
  // The row, if it is at its end and at that revision.
  template <class Row>
  Result<Row> ended(const RowKey& key, std::uint32_t revision);
  Status remove(const RowKey& key);
  Status remove_all(const RowKey& prefix);

  const StoreDb& db_;
  const RowSeal& seal_;
  rocksdb::WriteBatchWithIndex batch_;
  RowStore rows_;
};

}  // namespace taubenpost

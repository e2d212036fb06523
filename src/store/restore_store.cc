#include "store/restore_store.h"

#include <algorithm>

#include "store/row_store.h"

namespace taubenpost {
namespace {

class Marking {
 public:
  explicit Marking(const OpenedStore& store) : store_(store), rows_(*store.db, *store.seal) {}

  Status channels() {
    const Result<std::uint64_t> last = last_used();
    if (!last) return last.error();
    return rows_.scan(channel_prefix(), [&](const RowKey& key, std::string_view value) -> Status {
      Result<ChannelRow> row = rows_.unseal<ChannelRow>(key, value);
      if (!row) return row.error();
      // One that waits since an earlier restoration keeps the time of that one.
      if (row->direction != ChannelDirection::kOutgoing || row->unsynchronised) return ok();
      row->unsynchronised = true;
      row->found = *last;
      ++row->revision;
      return put(key, *row);
    });
  }

  Status open_generations() {
    const RowKey all{Family::kBatches, {}};
    return rows_.scan(all, [this](const RowKey& key, std::string_view value) -> Status {
      Result<BatchRow> row = rows_.unseal<BatchRow>(key, value);
      if (!row) return row.error();
      const std::optional<BatchState> planned = after(row->state, BatchEvent::kRespin);
      if (!planned) return ok();
      row->state = *planned;
      ++row->revision;
      TP_TRY(put(key, *row));
      return rows_.scan(all_elements_prefix(row->job, row->index), [this](const RowKey& element,
                                                                          std::string_view) {
        return done(batch_.Delete(store_.db->handle(element.family), element.bytes));
      });
    });
  }

  // Unix seconds of the youngest trace in the store of it being used. What is written from now on
  // says nothing about the age of the backup any more.
  Result<std::uint64_t> last_used() const {
    std::uint64_t last = 0;
    TP_TRY(rows_.scan(channel_prefix(), [&](const RowKey& key, std::string_view value) -> Status {
      const Result<ChannelRow> row = rows_.unseal<ChannelRow>(key, value);
      if (!row) return row.error();
      last = std::max(last, row->created);
      return ok();
    }));
    const RowKey journal{Family::kJournal, {}};
    TP_TRY(rows_.scan(journal, [&](const RowKey& key, std::string_view value) -> Status {
      const Result<JournalRow> note = rows_.unseal<JournalRow>(key, value);
      if (!note) return note.error();
      last = std::max(last, note->time_ms / 1000);
      return ok();
    }));
    return last;
  }

  template <class Row>
  Status put(const RowKey& key, const Row& row) {
    const Result<std::string> sealed = seal_row(*store_.seal, key, row);
    if (!sealed) return sealed.error();
    return done(batch_.Put(store_.db->handle(key.family), key.bytes, *sealed));
  }

  Status write() { return done(store_.db->db().Write(durable_write(), &batch_)); }

 private:
  Status done(const rocksdb::Status& status) const {
    if (!status.ok()) return store_error(status, "store.restore", store_.db->path());
    return ok();
  }

  const OpenedStore& store_;
  RowStore rows_;
  rocksdb::WriteBatch batch_;
};

}  // namespace

Status mark_restored(const OpenedStore& store, const StoreIdentityRow& identity) {
  Marking marking(store);
  TP_TRY(marking.channels());
  TP_TRY(marking.open_generations());
  TP_TRY(marking.put(identity_key(), identity));
  return marking.write();
}

}  // namespace taubenpost

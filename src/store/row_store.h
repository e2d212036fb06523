// RowStore: typed, authenticated reads of rows, with or without a write batch on top.
//
// Given a batch, reads see the batch's own writes over what is stored: that is how the commit
// thread checks the expected state of a transaction whose predecessor is in the same group.
// Nothing RocksDB owns leaves a call. Thread-safe without a batch.
#pragma once

#include <rocksdb/utilities/write_batch_with_index.h>

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "store/row_codec.h"
#include "store/row_seal.h"
#include "store/store_db.h"

namespace taubenpost {

class RowStore {
 public:
  RowStore(const StoreDb& db, const RowSeal& seal, rocksdb::WriteBatchWithIndex* batch = nullptr)
      : db_(db), seal_(seal), batch_(batch) {}

  // Errors: kStoreBad, kStoreIo. A row that is not there is an empty optional.
  template <class Row>
  Result<std::optional<Row>> find(const RowKey& key) const {
    Result<std::optional<std::string>> value = get(key);
    if (!value) return value.error();
    if (!*value) return std::optional<Row>();
    Result<Row> row = unseal<Row>(key, **value);
    if (!row) return row.error();
    return std::optional<Row>(std::move(*row));
  }
  // kNotFound if it is not there.
  template <class Row>
  Result<Row> get_row(const RowKey& key) const {
    Result<std::optional<Row>> row = find<Row>(key);
    if (!row) return row.error();
    if (!*row) return error(Errc::kNotFound, "no such row: " + describe(key));
    return std::move(**row);
  }
  // All rows whose key begins so, in key order.
  template <class Row>
  Result<std::vector<Row>> list(const RowKey& prefix) const {
    std::vector<Row> rows;
    const Status done = scan(prefix, [&](const RowKey& key, std::string_view value) -> Status {
      Result<Row> row = unseal<Row>(key, value);
      if (!row) return row.error();
      rows.push_back(std::move(*row));
      return ok();
    });
    if (!done) return done.error();
    return rows;
  }

  Result<bool> exists(const RowKey& key) const;
  // The stored, still sealed value.
  Result<std::optional<std::string>> get(const RowKey& key) const;
  using Visit = std::function<Status(const RowKey& key, std::string_view value)>;
  // Stops at the first error that `visit` returns.
  Status scan(const RowKey& prefix, const Visit& visit) const;

  template <class Row>
  Result<Row> unseal(const RowKey& key, std::string_view value) const {
    const Result<RowSeal::Opened> opened = seal_.open(key, value);
    if (!opened) return opened.error();
    Result<Row> row = decode<Row>(opened->row.view(), opened->version);
    if (!row) return error(Errc::kStoreBad, "store.read: " + describe(key) + ": malformed row");
    return row;
  }

 private:
  const StoreDb& db_;
  const RowSeal& seal_;
  rocksdb::WriteBatchWithIndex* batch_;
};

}  // namespace taubenpost

#include "store/row_store.h"

namespace taubenpost {

Result<std::optional<std::string>> RowStore::get(const RowKey& key) const {
  std::string value;
  const rocksdb::ReadOptions options;
  rocksdb::ColumnFamilyHandle* family = db_.handle(key.family);
  const rocksdb::Status s =
      batch_ == nullptr ? db_.db().Get(options, family, key.bytes, &value)
                        : batch_->GetFromBatchAndDB(&db_.db(), options, family, key.bytes, &value);
  if (s.IsNotFound()) return std::optional<std::string>();
  if (!s.ok()) return store_error(s, "store.read", describe(key));
  return std::optional<std::string>(std::move(value));
}

Result<bool> RowStore::exists(const RowKey& key) const {
  const Result<std::optional<std::string>> value = get(key);
  if (!value) return value.error();
  return value->has_value();
}

Status RowStore::scan(const RowKey& prefix, const Visit& visit) const {
  rocksdb::ColumnFamilyHandle* family = db_.handle(prefix.family);
  std::unique_ptr<rocksdb::Iterator> row(db_.db().NewIterator(rocksdb::ReadOptions(), family));
  if (batch_ != nullptr) row.reset(batch_->NewIteratorWithBase(family, row.release()));
  for (row->Seek(prefix.bytes); row->Valid() && row->key().starts_with(prefix.bytes); row->Next())
    TP_TRY(visit(RowKey{prefix.family, row->key().ToString()}, row->value().ToStringView()));
  if (!row->status().ok()) return store_error(row->status(), "store.read", describe(prefix));
  return ok();
}

}  // namespace taubenpost

// A state folder in a temporary folder that goes away with the test, and raw access to its
// database.
#pragma once

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <string>

#include "store/rocks_store.h"
#include "store/row_keys.h"
#include "support/store_commit.h"

namespace taubenpost {

class StoreDir {
 public:
  StoreDir() {
    std::string name = (std::filesystem::temp_directory_path() / "tp_store_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) root_ = name;
    TP_CHECK(!root_.empty());
  }
  ~StoreDir() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  StoreDir(const StoreDir&) = delete;
  StoreDir& operator=(const StoreDir&) = delete;

  std::filesystem::path root() const { return root_; }
  std::filesystem::path state() const { return root_ / "state"; }
  std::filesystem::path database() const { return state() / "store.db"; }
  std::filesystem::path key() const { return state() / "store.key"; }

  Result<std::unique_ptr<RocksStore>> create(rocksdb::Env* env = nullptr) const {
    return RocksStore::create(state(), KeyFile{key()}, env);
  }
  Result<std::unique_ptr<RocksStore>> open(rocksdb::Env* env = nullptr) const {
    return RocksStore::open(state(), KeyFile{key()}, env);
  }

 private:
  std::filesystem::path root_;
};

// Calls `edit` with the value of every row of a family; an emptied value deletes the row.
inline void edit_rows(const std::filesystem::path& database, Family family,
                      const std::function<void(const std::string& key, std::string& value)>& edit) {
  rocksdb::Options options;
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(options, database.string(), &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names)
    families.emplace_back(name, rocksdb::ColumnFamilyOptions(options));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, database.string(), families, &handles, &raw).ok());
  const std::unique_ptr<rocksdb::DB> db(raw);
  rocksdb::WriteBatch batch;
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    if (handle->GetName() != family_name(family)) continue;
    const std::unique_ptr<rocksdb::Iterator> row(db->NewIterator(rocksdb::ReadOptions(), handle));
    for (row->SeekToFirst(); row->Valid(); row->Next()) {
      std::string value = row->value().ToString();
      edit(row->key().ToString(), value);
      const rocksdb::Status s =
          value.empty() ? batch.Delete(handle, row->key()) : batch.Put(handle, row->key(), value);
      ASSERT_TRUE(s.ok());
    }
  }
  ASSERT_TRUE(db->Write(rocksdb::WriteOptions(), &batch).ok());
  for (rocksdb::ColumnFamilyHandle* handle : handles)
    ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
}

}  // namespace taubenpost

// Making the state folder of a store, and opening one (schema/store.md, "State folder").
//
// DIR/store.db appears by a rename when everything in it is durable: it is complete or absent.
#pragma once

#include <filesystem>
#include <memory>

#include "store/rocks_store.h"
#include "store/row_seal.h"
#include "store/store_db.h"

namespace taubenpost {

struct OpenedStore {
  std::unique_ptr<StoreDb> db;
  std::unique_ptr<RowSeal> seal;
  bool was_restored = false;  // found to be a copy when it was opened just now
};

// Errors of both: as RocksStore::create() and RocksStore::open().
Status create_store(const std::filesystem::path& dir, const KeySource& key, rocksdb::Env* env);
Result<OpenedStore> open_store(const std::filesystem::path& dir, const KeySource& key,
                               rocksdb::Env* env);
// As open_store(), to look only: nothing is written. Also a restored copy is opened.
Result<OpenedStore> open_store_to_look(const std::filesystem::path& dir, const KeySource& key,
                                       rocksdb::Env* env);

// The key under which files beside the store (the spool) are sealed; derived from the store key.
SecretArray<32> spool_key_of(const OpenedStore& store);

}  // namespace taubenpost

// StoreDb: the opened RocksDB with its column families, and every option that matters by name.
//
// The only place that opens RocksDB and the only one that translates its status. Pointers that it
// hands out live as long as it does. Thread-safe as RocksDB is.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/row_keys.h"

namespace taubenpost {

class StoreDb {
 public:
  // A new database; the folder must not hold one.
  static Result<std::unique_ptr<StoreDb>> create(const std::filesystem::path& path,
                                                 rocksdb::Env* env);
  // An existing database that has all our column families; others are seen by has_foreign_family().
  static Result<std::unique_ptr<StoreDb>> open(const std::filesystem::path& path,
                                               rocksdb::Env* env);
  // The same, to look only: nothing is written, not even to RocksDB's own log, and nobody else can
  // open it meanwhile.
  static Result<std::unique_ptr<StoreDb>> open_to_look(const std::filesystem::path& path,
                                                       rocksdb::Env* env);
  ~StoreDb();
  StoreDb(const StoreDb&) = delete;
  StoreDb& operator=(const StoreDb&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  bool has_foreign_family() const { return handles_.size() > kFamilies.size() + 1; }
  // False after open_to_look().
  bool is_writable() const { return lock_ == nullptr; }
  const std::string& path() const { return path_; }
  // Bytes that this user may still write where the database is. kStoreIo.
  Result<std::uint64_t> free_space() const;

 private:
  enum class Access : std::uint8_t { kWrite, kLook };
  explicit StoreDb(std::string path) : path_(std::move(path)) {}
  static Result<std::unique_ptr<StoreDb>> open_present(const std::filesystem::path& path,
                                                       rocksdb::Options options, Access access);
  static Result<std::unique_ptr<StoreDb>> open_with(const std::filesystem::path& path,
                                                    const rocksdb::Options& options,
                                                    std::vector<std::string> foreign,
                                                    Access access);
  Status take_lock(rocksdb::Env* env);

  std::string path_;
  rocksdb::Env* lock_env_ = nullptr;
  rocksdb::FileLock* lock_ = nullptr;  // where RocksDB takes none
  std::unique_ptr<rocksdb::DB> db_;
  // Ours in the order of kFamilies, then "default", then foreign ones. Destroyed before db_.
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

// How every durable write is made: synced, with the write-ahead log.
rocksdb::WriteOptions durable_write();

// kLocked, kDiskFull, kStoreBad (damaged, foreign) or kStoreIo. `status` is not ok.
Error store_error(const rocksdb::Status& status, std::string_view operation,
                  std::string_view subject);

}  // namespace taubenpost

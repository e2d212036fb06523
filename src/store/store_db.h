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
#include "store/durable_file.h"
#include "store/row_keys.h"

namespace taubenpost {

class StoreDb {
 public:
  // A new database; the folder must not hold one.
  static Result<std::unique_ptr<StoreDb>> create(const std::filesystem::path& path,
                                                 rocksdb::Env* env);
  // An existing database that has all our column families; others are seen by has_foreign_family().
  // kLocked while another StoreDb has it, before anything in its folder is touched: RocksDB renames
  // its own log before it takes its own lock.
  static Result<std::unique_ptr<StoreDb>> open(const std::filesystem::path& path,
                                               rocksdb::Env* env);
  // The same, to look only: nothing is written, not even to RocksDB's own log.
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
  bool is_writable() const { return access_ == Access::kWrite; }
  const std::string& path() const { return path_; }
  // Bytes that this user may still write where the database is. kStoreIo.
  Result<std::uint64_t> free_space() const;

 private:
  enum class Access : std::uint8_t { kWrite, kLook };
  StoreDb(std::string path, Access access, FolderLock lock)
      : path_(std::move(path)), access_(access), lock_(std::move(lock)) {}
  static Result<std::unique_ptr<StoreDb>> open_present(const std::filesystem::path& path,
                                                       rocksdb::Options options, Access access);
  static Result<std::unique_ptr<StoreDb>> open_with(const std::filesystem::path& path,
                                                    const rocksdb::Options& options,
                                                    std::vector<std::string> foreign, Access access,
                                                    FolderLock lock);

  const std::string path_;
  const Access access_;
  const FolderLock lock_;  // on the folder; outlives db_
  std::unique_ptr<rocksdb::DB> db_;
  // Ours in the order of kFamilies, then "default", then foreign ones. Destroyed before db_.
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

// How every durable write is made: synced, with the write-ahead log.
rocksdb::WriteOptions durable_write();

// kDiskFull, kStoreBad (damaged, foreign) or kStoreIo. `status` is not ok.
Error store_error(const rocksdb::Status& status, std::string_view operation,
                  std::string_view subject);

}  // namespace taubenpost

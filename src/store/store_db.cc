#include "store/store_db.h"

#include <rocksdb/cache.h>
#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <system_error>

#include "base/check.h"

namespace taubenpost {
namespace {

constexpr std::size_t kMiB = 1U << 20;

// After a failed write this program stops writing (Committer::write). RocksDB's own attempts to go
// on, in a thread of its own, work on the log that failed, and would abort the process.
class NoAutomaticRecovery : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* automatic) override {
    *automatic = false;
  }
};

class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::ColumnFamilyOptions family_options(const rocksdb::Options& options) {
  return rocksdb::ColumnFamilyOptions(options);
}

rocksdb::Options store_options(rocksdb::Env* env) {
  rocksdb::Options options;
  if (env != nullptr) options.env = env;
  options.create_if_missing = false;
  options.create_missing_column_families = false;
  options.paranoid_checks = true;
  // A record cut off at the very end was never acknowledged and is dropped; any other damage to the
  // log refuses to open, because a store that silently forgets acknowledged steps could use a
  // position twice (schema/store.md, "Crash reasoning").
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.recycle_log_file_num = 0;
  options.manual_wal_flush = false;
  options.max_bgerror_resume_count = 0;
  options.listeners.push_back(std::make_shared<NoAutomaticRecovery>());
  options.use_fsync = false;  // fdatasync: enough for a log whose length is part of its metadata

  options.write_buffer_size = 2 * kMiB;
  options.max_write_buffer_number = 2;
  options.db_write_buffer_size = 16 * kMiB;
  options.max_total_wal_size = 32 * kMiB;
  options.max_background_jobs = 2;
  options.max_subcompactions = 1;
  options.max_open_files = 64;
  options.compression = rocksdb::kNoCompression;  // values are sealed: nothing to gain
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(4 * kMiB);
  table.cache_index_and_filter_blocks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  options.info_log_level = rocksdb::InfoLogLevel::ERROR_LEVEL;
  options.max_log_file_size = kMiB;
  options.keep_log_file_num = 2;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

}  // namespace

Result<std::unique_ptr<StoreDb>> StoreDb::create(const std::filesystem::path& path,
                                                 rocksdb::Env* env) {
  rocksdb::Options options = store_options(env);
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.error_if_exists = true;
  std::error_code code;
  std::filesystem::create_directory(path, code);
  Result<FolderLock> lock = FolderLock::take(path, "store.create");
  if (!lock) return lock.error();
  return open_with(path, options, {}, Access::kWrite, std::move(lock).value());
}

Result<std::unique_ptr<StoreDb>> StoreDb::open(const std::filesystem::path& path,
                                               rocksdb::Env* env) {
  return open_present(path, store_options(env), Access::kWrite);
}

Result<std::unique_ptr<StoreDb>> StoreDb::open_to_look(const std::filesystem::path& path,
                                                       rocksdb::Env* env) {
  rocksdb::Options options = store_options(env);
  options.info_log = std::make_shared<NoLog>();
  return open_present(path, std::move(options), Access::kLook);
}

Result<std::unique_ptr<StoreDb>> StoreDb::open_present(const std::filesystem::path& path,
                                                       rocksdb::Options options, Access access) {
  Result<FolderLock> lock = FolderLock::take(path, "store.open");
  if (!lock) return lock.error();
  std::vector<std::string> names;
  if (auto s = rocksdb::DB::ListColumnFamilies(options, path.string(), &names); !s.ok())
    return store_error(s, "store.open", path.string());
  std::size_t ours = 0;
  for (const Family family : kFamilies) ours += std::erase(names, family_name(family));
  if (ours == 0)
    return error(Errc::kStoreBad, "store.open: " + path.string() + ": not a taubenpost store");
  if (ours != kFamilies.size())
    return error(Errc::kStoreBad,
                 "store.open: " + path.string() + ": damaged: families are missing",
                 "restore a backup, or keep the folder for inspection");
  std::erase(names, rocksdb::kDefaultColumnFamilyName);
  return open_with(path, options, std::move(names), access, std::move(lock).value());
}

Result<std::unique_ptr<StoreDb>> StoreDb::open_with(const std::filesystem::path& path,
                                                    const rocksdb::Options& options,
                                                    std::vector<std::string> foreign, Access access,
                                                    FolderLock lock) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const Family family : kFamilies)
    families.emplace_back(std::string(family_name(family)), family_options(options));
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options(options));
  for (const std::string& name : foreign) families.emplace_back(name, family_options(options));

  std::unique_ptr<StoreDb> store(new StoreDb(path.string(), access, std::move(lock)));
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status s =
      access == Access::kLook
          ? rocksdb::DB::OpenForReadOnly(options, path.string(), families, &store->handles_, &raw)
          : rocksdb::DB::Open(options, path.string(), families, &store->handles_, &raw);
  if (!s.ok()) return store_error(s, "store.open", path.string());
  store->db_.reset(raw);
  return store;
}

StoreDb::~StoreDb() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    const rocksdb::Status s = db_->DestroyColumnFamilyHandle(handle);
    TP_CHECK(s.ok());
  }
}

Result<std::uint64_t> StoreDb::free_space() const {
  std::uint64_t bytes = 0;
  const rocksdb::IOStatus s =
      db_->GetFileSystem()->GetFreeSpace(path_, rocksdb::IOOptions(), &bytes, nullptr);
  if (!s.ok()) return store_error(s, "store.space", path_);
  return bytes;
}

rocksdb::WriteOptions durable_write() {
  rocksdb::WriteOptions options;
  options.sync = true;
  options.disableWAL = false;
  return options;
}

Error store_error(const rocksdb::Status& status, std::string_view operation,
                  std::string_view subject) {
  TP_CHECK(!status.ok());
  const std::string reason = status.ToString();
  const auto make = [&](Errc code, std::string hint = {}) {
    return error(code, std::string(operation) + ": " + std::string(subject) + ": " + reason,
                 std::move(hint));
  };
  if (status.IsNoSpace()) return make(Errc::kDiskFull);
  if (status.IsPathNotFound()) return make(Errc::kStoreBad, "a file of the store is missing");
  if (status.IsCorruption() || status.IsInvalidArgument() || status.IsNotFound() ||
      status.IsNotSupported())
    return make(Errc::kStoreBad, "restore a backup, or keep the folder for inspection");
  return make(Errc::kStoreIo);
}

}  // namespace taubenpost

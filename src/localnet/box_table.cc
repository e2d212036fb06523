#include "localnet/box_table.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <utility>

namespace taubenpost::localnet {
namespace {

// Small on purpose: the whole network is to run beside the product in a few hundred megabytes.
constexpr std::size_t kWriteBuffer = 4U << 20;
constexpr std::size_t kBlockCache = 16U << 20;

rocksdb::Options database_options() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kBlockCache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  rocksdb::Options options;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.write_buffer_size = kWriteBuffer;
  options.max_write_buffer_number = 2;
  options.memtable_prefix_bloom_size_ratio = 0.05;  // most look-ups find nothing
  options.memtable_whole_key_filtering = true;
  options.max_open_files = 128;
  options.compression = rocksdb::kNoCompression;  // boxes are ciphertext
  options.keep_log_file_num = 2;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

struct BoxTable::Impl {
  std::unique_ptr<rocksdb::DB> db;
};

Result<std::unique_ptr<BoxTable>> BoxTable::open(const std::string& folder) {
  rocksdb::DB* raw = nullptr;
  const auto status = rocksdb::DB::Open(database_options(), folder, &raw);
  if (!status.ok())
    return error(Errc::kStoreBad, "localnet.boxes: " + folder + ": " + status.ToString());
  auto impl = std::make_unique<Impl>();
  impl->db.reset(raw);
  return std::unique_ptr<BoxTable>(new BoxTable(std::move(impl)));
}

BoxTable::BoxTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BoxTable::~BoxTable() = default;

BoxTable::Found BoxTable::get(const std::string& key, std::string& value) const {
  const auto status = impl_->db->Get({}, key, &value);
  if (status.IsNotFound()) return Found::kNo;
  return status.ok() ? Found::kYes : Found::kFailed;
}

bool BoxTable::put(const std::string& key, const std::string& value) {
  rocksdb::WriteOptions options;
  options.sync = false;
  options.disableWAL = false;
  return impl_->db->Put(options, key, value).ok();
}

std::vector<std::pair<std::string, std::string>> BoxTable::scan(const std::string& begin,
                                                                const std::string& end,
                                                                std::size_t count) const {
  const rocksdb::Slice bound(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(impl_->db->NewIterator(options));
  std::vector<std::pair<std::string, std::string>> out;
  for (at->Seek(begin); at->Valid() && out.size() < count; at->Next())
    out.emplace_back(at->key().ToString(), at->value().ToString());
  return out;
}

Status BoxTable::drop(const std::string& begin, const std::string& end) {
  const auto status = impl_->db->DeleteRange({}, impl_->db->DefaultColumnFamily(), begin, end);
  if (!status.ok()) return error(Errc::kStoreIo, "localnet.boxes: expire: " + status.ToString());
  return ok();
}

}  // namespace taubenpost::localnet

#include "localnet/replica_store.h"

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
  options.max_open_files = 128;
  options.compression = rocksdb::kNoCompression;  // boxes are ciphertext
  options.keep_log_file_num = 2;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::Slice as_slice(const Bytes& bytes) { return {as_text(bytes).data(), bytes.size()}; }

constexpr const char* kSizeKey = "ciphertext size";

std::string epoch_key(ReplicaId replica, std::uint64_t epoch) {
  Bytes key{replica};
  append_be(key, epoch);
  return std::string(as_text(key));
}

std::string box_key(ReplicaId replica, std::uint64_t epoch, const BoxId& box_id) {
  return epoch_key(replica, epoch).append(as_text(box_id));
}

}  // namespace

struct ReplicaStore::Database {
  std::unique_ptr<rocksdb::DB> db;

  // The record that a reader in `epoch` sees: this epoch's, else the previous one's. An error is
  // code 4, nothing is code 1.
  ReadResult find(ReplicaId replica, std::uint64_t epoch, const BoxId& box_id) const {
    for (const std::uint64_t age : {0, 1}) {
      if (age > epoch) break;
      std::string value;
      const auto status = db->Get({}, box_key(replica, epoch - age, box_id), &value);
      if (status.IsNotFound()) continue;
      if (!status.ok()) return {};
      auto parsed = bacap::parse_box(as_bytes(value));
      if (!parsed || parsed->used != value.size()) return {};
      const bool is_tombstone = parsed->value.is_tombstone();
      return {is_tombstone ? ReplicaCode::kTombstone : ReplicaCode::kSuccess,
              std::move(parsed->value)};
    }
    return {ReplicaCode::kBoxIdNotFound, Box{box_id, {}, {}}};
  }

  // A database has boxes of one size.
  Status bind(const std::string& folder, std::size_t ciphertext_size) {
    Bytes size;
    append_be(size, std::uint64_t{ciphertext_size});
    std::string bound;
    const auto found = db->Get({}, kSizeKey, &bound);
    if (found.ok() && bound == as_text(size)) return ok();
    if (found.ok())
      return error(Errc::kUsage, "localnet.boxes: " + folder + " holds boxes of another size",
                   "take the --profile it was made with, or another --data folder");
    const auto written = found.IsNotFound() ? db->Put({}, kSizeKey, as_slice(size)) : found;
    if (written.ok()) return ok();
    return error(Errc::kStoreBad, "localnet.boxes: " + folder + ": " + written.ToString());
  }

  ReplicaCode put(ReplicaId replica, std::uint64_t epoch, const Box& box) {
    rocksdb::WriteOptions options;
    options.sync = false;
    options.disableWAL = false;
    const Bytes value = bacap::encode_box(box);
    return db->Put(options, box_key(replica, epoch, box.id), as_slice(value)).ok()
               ? ReplicaCode::kSuccess
               : ReplicaCode::kDatabaseFailure;
  }
};

Result<std::unique_ptr<ReplicaStore>> ReplicaStore::open(const std::string& folder,
                                                         std::size_t ciphertext_size) {
  rocksdb::DB* raw = nullptr;
  const auto status = rocksdb::DB::Open(database_options(), folder, &raw);
  if (!status.ok())
    return error(Errc::kStoreBad, "localnet.boxes: " + folder + ": " + status.ToString());
  auto db = std::make_unique<Database>();
  db->db.reset(raw);
  TP_TRY(db->bind(folder, ciphertext_size));
  return std::unique_ptr<ReplicaStore>(new ReplicaStore(std::move(db), ciphertext_size));
}

ReplicaStore::ReplicaStore(std::unique_ptr<Database> db, std::size_t ciphertext_size)
    : db_(std::move(db)), ciphertext_size_(ciphertext_size) {}
ReplicaStore::~ReplicaStore() = default;

ReplicaCode ReplicaStore::validate(const Box& box) const {
  if (!box.payload.empty() && box.payload.size() != ciphertext_size_)
    return ReplicaCode::kInvalidPayload;
  if (!bacap::verify(box.id, box.payload, box.signature)) return ReplicaCode::kInvalidSignature;
  return ReplicaCode::kSuccess;
}

ReplicaStore::WriteResult ReplicaStore::write(ReplicaId replica, std::uint64_t epoch,
                                              const Box& box) {
  // A tombstone always wins, whatever is there.
  if (box.payload.empty()) return {db_->put(replica, epoch, box), false};
  const auto found = db_->find(replica, epoch, box.id);
  switch (found.code) {
    case ReplicaCode::kBoxIdNotFound: {
      const auto code = db_->put(replica, epoch, box);
      return {code, code == ReplicaCode::kSuccess};
    }
    case ReplicaCode::kSuccess:
      // Nothing is written again: repeating a write does not make the box younger.
      if (found.box.payload == box.payload && found.box.signature == box.signature)
        return {ReplicaCode::kSuccess, false};
      return {ReplicaCode::kBoxAlreadyExists, false};
    case ReplicaCode::kTombstone:
      return {ReplicaCode::kBoxAlreadyExists, false};
    default:
      return {ReplicaCode::kDatabaseFailure, false};
  }
}

ReplicaStore::ReadResult ReplicaStore::read(ReplicaId replica, std::uint64_t epoch,
                                            const BoxId& box_id) const {
  return db_->find(replica, epoch, box_id);
}

Status ReplicaStore::drop_older_than(ReplicaId replica, std::uint64_t epoch) {
  if (epoch < 2) return ok();
  const auto begin = epoch_key(replica, 0);
  const auto end = epoch_key(replica, epoch - 1);
  const auto status = db_->db->DeleteRange({}, db_->db->DefaultColumnFamily(), begin, end);
  if (!status.ok()) return error(Errc::kStoreIo, "localnet.boxes: expire: " + status.ToString());
  return ok();
}

}  // namespace taubenpost::localnet

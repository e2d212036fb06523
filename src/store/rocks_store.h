// RocksStore: the job store on RocksDB, sealed, synced, for one process (schema/store.md).
//
// Guarantees: commit() resumes its caller when the transaction is synced, and a transaction is
// there wholly or not at all after any crash. Transactions that arrive while another one is being
// synced share the next sync. Every value on disk is sealed under the store key; a row is decoded
// only after its seal opened. After a failed write (kStoreIo) every later call answers kStoreIo:
// what is on disk is then unknown until the next start. kDiskFull leaves reads working; commits
// work again when there is space, those that create nothing sooner than others.
//
// Threads: one owner thread calls everything; one thread of the store's own runs the commits. The
// executors of all awaiting coroutines outlive the store. Destroying it first finishes what was
// submitted.
#pragma once

#include <filesystem>
#include <memory>

#include "base/secret.h"
#include "ports/store.h"
#include "store/key_source.h"

namespace rocksdb {
class Env;
}

namespace taubenpost {

class RocksStore : public ports::Store {
 public:
  // DIR/store.key, the default place of the key file.
  static std::filesystem::path default_key_file(const std::filesystem::path& dir);

  // Makes a store in `dir` (made if missing, 0700) and opens it; `key` is its first key slot. A key
  // file that exists is used, else it is made (0600). Killed at any point, a later create starts
  // again or finds it complete. kStateConflict: already initialised; kLocked: another create is at
  // work; kCannotUnlock: the key file is not one; kTemporary: no memory for a passphrase;
  // kDiskFull, kStoreIo. `env` is the seam where tests inject disk faults.
  static Result<std::unique_ptr<RocksStore>> create(const std::filesystem::path& dir,
                                                    const KeySource& key,
                                                    rocksdb::Env* env = nullptr);
  // kStoreBad: missing, foreign, damaged or of a newer version (the text says which); kLocked;
  // kCannotUnlock: the key is missing, malformed or another one; kTemporary: no memory for a
  // passphrase. A restored copy of a store (its
  // incarnation differs from DIR/incarnation, design 4.5) is opened with every outgoing channel
  // unsynchronised. On a disk without the space to open it, it can be read; commits answer
  // kDiskFull.
  static Result<std::unique_ptr<RocksStore>> open(const std::filesystem::path& dir,
                                                  const KeySource& key,
                                                  rocksdb::Env* env = nullptr);
  ~RocksStore() override;
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  // The key under which files beside the store (the spool) are sealed; derived from the store key.
  SecretArray<32> spool_key() const;
  // Whether this open found it to be a restored copy.
  bool was_restored() const;

  Result<StoreIdentityRow> identity() const override;
  Result<std::vector<JobId>> send_jobs() const override;
  Result<std::vector<JobId>> receive_jobs() const override;
  Result<std::vector<SendJobRow>> send_job_rows() const override;
  Result<std::vector<ReceiveJobRow>> receive_job_rows() const override;
  Result<std::vector<RecipientRow>> all_recipients() const override;
  Result<SendJobRow> send_job(JobId id) const override;
  Result<ReceiveJobRow> receive_job(JobId id) const override;
  Result<std::optional<RetractJobRow>> retract_job(JobId id) const override;
  Result<std::vector<RetractJobRow>> retract_job_rows() const override;
  Result<std::vector<RecipientRow>> recipients(JobId id) const override;
  Result<std::vector<BatchRow>> batches(JobId id) const override;
  Result<BatchRow> batch(JobId id, BatchIndex index) const override;
  Result<std::vector<ElementIndex>> unacknowledged(JobId id, BatchIndex batch,
                                                   Generation generation) const override;
  Result<Bytes> element(JobId id, BatchIndex batch, Generation generation,
                        ElementIndex index) const override;
  Result<std::vector<ChannelRow>> channels() const override;
  Result<ChannelRow> channel(ChannelId id) const override;
  Result<std::optional<InboxRow>> inbox_transfer(ChannelId channel,
                                                 TransferId transfer) const override;
  Result<std::vector<InboxRow>> inbox(ChannelId channel) const override;
  Result<std::optional<InboxRow>> inbox_at(ChannelId channel, std::uint64_t counter) const override;
  Result<std::vector<AwaitedRow>> awaited(ChannelId channel) const override;
  Result<std::vector<JournalRow>> journal(JobId id) const override;

  // Not cancellable: once begun it ends when the outcome is known.
  boost::asio::awaitable<Status> commit(ports::Transaction transaction) override;

 private:
  struct Impl;
  explicit RocksStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace taubenpost

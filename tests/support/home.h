// Home: the state directory of one user in virtual time, with a store and real files, and a process
// on it that can be thrown away at any step.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "files/files.h"
#include "store/rocks_store.h"
#include "support/memory_store.h"
#include "support/no_sync_fs.h"
#include "support/temp_folder.h"
#include "support/throwaway.h"
#include "support/watched_store.h"

namespace taubenpost {

enum class StoreKind : std::uint8_t { kRocks, kMemory };

class Home {
 public:
  // Told of each store that is opened, and of nullptr before that one goes.
  using Watch = std::function<void(const ports::Store*)>;

 private:  // these first: they outlive the store
  VirtualClock& clock_;
  const Watch watch_;
  const TempFolder state_;
  NoSyncDisk plain_disk_;
  Disk* disk_ = &plain_disk_;
  const std::unique_ptr<rocksdb::Env> env_ = no_sync_env();
  const std::shared_ptr<MemoryRows> rows_;  // of a store in memory

 public:
  Home(VirtualClock& clock, Watch watch, StoreKind kind = StoreKind::kRocks)
      : clock_(clock),
        watch_(std::move(watch)),
        rows_(kind == StoreKind::kMemory ? std::make_shared<MemoryRows>() : nullptr),
        process(clock, [this] { reopen(); }) {
    if (rows_)
      std::filesystem::create_directory(state_folder());
    else
      TP_CHECK(RocksStore::create(state_folder(), KeyFile{key_file()}, env_.get()));
    open();
  }

  std::string state_folder() const { return state_ / "state"; }
  void use_disk(Disk& other) {
    disk_ = &other;
    reopen();
  }

  // Copies the state directory as a backup does, without its incarnation (store kind kRocks).
  void back_up() {
    close();
    std::filesystem::remove_all(backup());
    std::filesystem::copy(state_folder(), backup(), std::filesystem::copy_options::recursive);
    std::filesystem::remove(backup() + "/incarnation");
    open();
  }
  // What is in the state directory is lost; the copy takes its place.
  void restore() {
    close();
    std::filesystem::remove_all(state_folder());
    std::filesystem::copy(backup(), state_folder(), std::filesystem::copy_options::recursive);
    open();
  }

  std::unique_ptr<ports::Store> store;
  std::unique_ptr<RealFiles> files;
  Throwaway process;  // commits are steps of it

 private:
  std::string key_file() const { return state_ / "key"; }
  std::string backup() const { return state_ / "backup"; }
  // The store first finishes what was handed to it, while the loop of that process still exists.
  void reopen() {
    close();
    open();
  }
  void close() {
    watch_(nullptr);
    files.reset();
    store.reset();
  }
  void open() {
    if (rows_) return take(std::make_unique<MemoryStore>(rows_), SecretArray<32>());
    Result<std::unique_ptr<RocksStore>> opened =
        RocksStore::open(state_folder(), KeyFile{key_file()}, env_.get());
    TP_CHECK(opened);
    SecretArray<32> spool_key = (*opened)->spool_key();
    take(std::move(opened).value(), std::move(spool_key));
  }
  void take(std::unique_ptr<ports::Store> opened, SecretArray<32> spool_key) {
    files = std::make_unique<RealFiles>(state_folder(), std::move(spool_key),
                                        opened->identity()->store, *disk_);
    store = std::make_unique<WatchedStore>(std::move(opened), clock_, [this] { process.step(); });
    watch_(store.get());
  }
};

}  // namespace taubenpost

// Home: the state directory of one user in virtual time, with a real store and real files, and a
// process on it that can be thrown away at any step.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "files/files.h"
#include "store/rocks_store.h"
#include "support/no_sync_fs.h"
#include "support/temp_folder.h"
#include "support/throwaway.h"
#include "support/watched_store.h"

namespace taubenpost {

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

 public:
  Home(VirtualClock& clock, Watch watch)
      : clock_(clock), watch_(std::move(watch)), process(clock, [this] { reopen(); }) {
    Result<std::unique_ptr<RocksStore>> made =
        RocksStore::create(state_folder(), key_file(), env_.get());
    TP_CHECK(made);
    take(std::move(made).value());
  }

  std::string state_folder() const { return state_ / "state"; }
  void use_disk(Disk& other) {
    disk_ = &other;
    reopen();
  }

  std::unique_ptr<ports::Store> store;
  std::unique_ptr<RealFiles> files;
  Throwaway process;  // commits are steps of it

 private:
  std::string key_file() const { return state_ / "key"; }
  // The store first finishes what was handed to it, while the loop of that process still exists.
  void reopen() {
    watch_(nullptr);
    files.reset();
    store.reset();
    Result<std::unique_ptr<RocksStore>> opened =
        RocksStore::open(state_folder(), KeyFile{key_file()}, env_.get());
    TP_CHECK(opened);
    take(std::move(opened).value());
  }
  void take(std::unique_ptr<RocksStore> opened) {
    files = std::make_unique<RealFiles>(state_folder(), opened->spool_key(),
                                        opened->identity()->store, *disk_);
    store = std::make_unique<WatchedStore>(std::move(opened), clock_, [this] { process.step(); });
    watch_(store.get());
  }
};

}  // namespace taubenpost

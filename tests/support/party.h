// Party: one user of the program in a simulation, with a store, files, and a daemon on
// the shared local network. Its process can be thrown away at any step.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/channels.h"
#include "engine/engine.h"
#include "engine/enqueue.h"
#include "engine/poll.h"
#include "files/files.h"
#include "store/rocks_store.h"
#include "support/local_network_port.h"
#include "support/no_sync_fs.h"
#include "support/temp_folder.h"
#include "support/throwaway.h"
#include "support/watched_store.h"

namespace taubenpost {

class Party {
  TempFolder state_;  // these first: they outlive the store
  NoSyncDisk disk_;
  const std::unique_ptr<rocksdb::Env> env_ = no_sync_env();

 public:
  Party(VirtualClock& clock, localnet::Network& network, std::uint64_t seed)
      : port(clock, network), clock_(clock), random_(seed) {
    port.step = [this] { process_.step(); };
    Result<std::unique_ptr<RocksStore>> made =
        RocksStore::create(state_folder(), key_file(), env_.get());
    TP_CHECK(made);
    take(std::move(made).value());
  }

  EnginePorts ports() { return {*store, port, *files, clock_, random_}; }

  template <class T>
  T run(boost::asio::awaitable<T> work) {
    return process_.run(std::move(work));
  }
  // Nothing if the process was thrown away at step `kill_at`.
  std::optional<Result<RunSummary>> run_engine_until(std::uint64_t kill_at) {
    Engine engine(ports(), options);
    return process_.run_until_killed<Result<RunSummary>>(
        [&engine] { return engine.run_until_idle(); }, kill_at);
  }
  std::optional<Result<PollSummary>> poll_until(ChannelId channel, std::uint64_t kill_at) {
    return process_.run_until_killed<Result<PollSummary>>(
        [&] { return poll_channel(ports(), channel, folder.path()); }, kill_at);
  }
  std::uint64_t steps() const { return process_.steps(); }  // of the last run

  JobId queue(const std::string& name, ByteView content, std::vector<std::string> to) {
    write_file(folder / name, std::string(as_text(content)));
    SendRequest request;
    request.source = folder / name;
    request.to = std::move(to);
    const Result<JobId> id = run(enqueue_send(ports(), std::move(request)));
    TP_CHECK(id);
    return *id;
  }

  TempFolder folder;  // of its files: sent from, received into
  LocalNetworkPort port;
  SendAudit audit{1545};
  EngineOptions options;
  std::unique_ptr<ports::Store> store;
  std::unique_ptr<RealFiles> files;

 private:
  std::string state_folder() const { return state_ / "state"; }
  std::string key_file() const { return state_ / "key"; }
  // The store first finishes what was handed to it, while the loop of that process still exists.
  void reopen() {
    audit.watch(nullptr);
    port.forget_process();
    files.reset();
    store.reset();
    Result<std::unique_ptr<RocksStore>> opened =
        RocksStore::open(state_folder(), KeyFile{key_file()}, env_.get());
    TP_CHECK(opened);
    take(std::move(opened).value());
  }
  void take(std::unique_ptr<RocksStore> opened) {
    files = std::make_unique<RealFiles>(state_folder(), opened->spool_key(),
                                        opened->identity()->store, disk_);
    store = std::make_unique<WatchedStore>(std::move(opened), clock_, [this] { process_.step(); });
    audit.watch(store.get());
    port.audit = &audit;
  }

  VirtualClock& clock_;
  SeededRandom random_;
  Throwaway process_{clock_, [this] { reopen(); }};
};

}  // namespace taubenpost

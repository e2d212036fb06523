// Session: one opened state directory with everything that a command needs to work on it.
//
// Owns the store (and its lock), the files, the connection to the daemon and the io_context that
// all of them run on; closes them in the right order. The daemon is dialled only when something
// asks for it. run() is the only way in; a signal that asks to stop ends it early, and then every
// job is in the store as it was left: the next run goes on from there.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/daemon_network.h"
#include "app/real_clock.h"
#include "app/unlock.h"
#include "engine/ports.h"
#include "files/files.h"
#include "store/rocks_store.h"

namespace taubenpost {

// Whether a command may use up what is kept for ending work on a full disk (store/reserve.h).
enum class Reserve : std::uint8_t { kKeep, kUse };

class Session {
 public:
  // Errors: kStoreBad (no store, damaged, newer), kLocked, kCannotUnlock, kTemporary (no memory for
  // a passphrase), kUsage (config.toml, several keys). `key`: as key_source() takes what is given.
  static Result<std::unique_ptr<Session>> open(const std::string& state_dir, const KeyOptions& key,
                                               Reserve reserve = Reserve::kKeep);
  // Says goodbye to the daemon, for at most a second.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  EnginePorts ports() { return {*store_, *network_, *files_, clock_, random_}; }
  const ports::Store& store() const { return *store_; }
  // Whether this open found the store to be a restored copy.
  bool was_restored() const { return store_->was_restored(); }

  // Runs a coroutine to its end. kCancelled after SIGINT or SIGTERM, from then on at once.
  template <class T>
  Result<T> run(boost::asio::awaitable<Result<T>> work) {
    std::optional<Result<T>> result;
    if (signal_ == 0) drive(keep(std::move(work), result));
    if (result) return std::move(result).value();
    return stopped();
  }
  // Calls `tick` now and then while run() works; it must be quick and may read the store.
  void on_tick(std::function<void()> tick) { tick_ = std::move(tick); }
  // The signal that ended run(), or 0.
  int interrupted_by() const { return signal_; }

 private:
  Session(std::unique_ptr<RocksStore> store, const std::string& state_dir, StoreId id,
          std::string thin_config);

  template <class T>
  static boost::asio::awaitable<void> keep(boost::asio::awaitable<Result<T>> work,
                                           std::optional<Result<T>>& result) {
    Result<T> value = co_await std::move(work);
    result.emplace(std::move(value));
  }
  void drive(boost::asio::awaitable<void> work);
  void beat();
  void close_network();
  Error stopped() const;

  // First, so that it outlives what waits on it.
  boost::asio::io_context io_{1};
  Disk disk_;
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<RealFiles> files_;
  std::unique_ptr<DaemonNetwork> network_;
  RealClock clock_;
  SystemRandom random_;
  boost::asio::steady_timer timer_{io_};
  std::function<void()> tick_;
  bool is_driving_ = false;
  int signal_ = 0;
};

}  // namespace taubenpost

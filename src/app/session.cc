#include "app/session.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <exception>

#include "app/state_dir.h"
#include "store/reserve.h"

namespace taubenpost {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::seconds kGoodbye{1};

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const std::string& state_dir, const KeyOptions& key,
                                               Reserve reserve) {
  if (reserve == Reserve::kUse) release_reserve(state_dir);
  Result<Config> config = load_app_config(state_dir);
  if (!config) return config.error();
  const Result<KeySource> source = key_source(key, config->key, state_dir);
  if (!source) return source.error();
  auto store = RocksStore::open(state_dir, *source);
  if (!store) return store.error();
  if (reserve == Reserve::kKeep) keep_reserve(state_dir);
  const Result<StoreIdentityRow> identity = (*store)->identity();
  if (!identity) return identity.error();
  return std::unique_ptr<Session>(
      new Session(std::move(store).value(), state_dir, identity->store, config->thin_config));
}

Session::Session(std::unique_ptr<RocksStore> store, const std::string& state_dir, StoreId id,
                 std::string thin_config)
    : store_(std::move(store)),
      files_(std::make_unique<RealFiles>(state_dir, store_->spool_key(), id, disk_)),
      network_(std::make_unique<DaemonNetwork>(io_.get_executor(), std::move(thin_config))),
      clock_(io_.get_executor()) {}

Session::~Session() {
  if (signal_ == 0) close_network();
}

void Session::drive(asio::awaitable<void> work) {
  asio::signal_set signals(io_, SIGINT, SIGTERM);
  signals.async_wait([this](const boost::system::error_code& cancelled, int number) {
    if (cancelled) return;
    signal_ = number;
    io_.stop();
  });
  asio::co_spawn(io_, std::move(work), [this](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
    io_.stop();
  });
  is_driving_ = true;
  if (tick_) beat();
  io_.restart();
  io_.run();
  is_driving_ = false;
  timer_.cancel();
  // The work may go on meanwhile and find that the daemon went away; it never runs again later,
  // since what it was given by the caller of run() is gone then.
  if (signal_ != 0) close_network();
}

void Session::beat() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled || !is_driving_) return;
    tick_();
    beat();
  });
}

void Session::close_network() {
  if (!network_->is_in_use()) return;
  timer_.expires_after(kGoodbye);
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) io_.stop();
  });
  asio::co_spawn(io_, network_->close(), [this](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
    io_.stop();
  });
  io_.restart();
  io_.run();
}

Error Session::stopped() const {
  return error(Errc::kCancelled,
               std::string("stopped by ") + (signal_ == SIGINT ? "SIGINT" : "SIGTERM"),
               "unfinished jobs go on with 'taubenpost serve --until-idle'");
}

}  // namespace taubenpost

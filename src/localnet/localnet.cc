#include "localnet/localnet.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "localnet/ctl.h"
#include "localnet/ctl_commands.h"
#include "localnet/daemon.h"
#include "localnet/listener.h"
#include "localnet/network.h"

namespace taubenpost::localnet {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds kGoodbye{2};

Error system_error(const std::string& path) {
  return error(Errc::kIo, "localnet: " + path + ": " + std::strerror(errno));
}

// The lock on a data folder; released when the process ends, however it ends.
class FolderLock {
 public:
  explicit FolderLock(int fd) : fd_(fd) {}
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;

  static Result<FolderLock> take(const std::string& folder) {
    const std::string path = folder + "/lock";
    FolderLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (lock.fd_ < 0) return system_error(path);
    if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0)
      return error(Errc::kLocked, "localnet: " + folder + ": another network runs on this folder");
    return lock;
  }

 private:
  int fd_;
};

Status check_time_scale(double scale) {
  if (is_time_scale(scale)) return ok();
  std::ostringstream text;
  text << scale;
  return error(Errc::kUsage, "localnet: time scale " + text.str() + " is not possible",
               "it takes 0.001 to 1000 seconds of the network for one real second");
}

Status make_folder(const std::string& path) {
  std::error_code failed;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, failed);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error(path);
  return ok();
}

// Whole or not at all, so that a client that watches for the file never reads half of it.
Status write_file(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  std::ofstream out(draft, std::ios::trunc);
  out << text;
  out.close();
  if (!out || ::rename(draft.c_str(), path.c_str()) != 0) return system_error(path);
  return ok();
}

}  // namespace

class LocalNetwork::Impl {
 public:
  Impl(asio::io_context& io, const Options& options, FolderLock lock, Directory directory,
       std::unique_ptr<ReplicaStore> store)
      : lock_(std::move(lock)),
        scheduler_(make_asio_scheduler(io, options.time_scale)),
        random_(system_random()),
        network_(*scheduler_, *random_, std::move(directory), std::move(store), options.knobs,
                 options.daemon),
        daemon_(std::make_unique<Daemon>(network_.context())) {}

  Status open(asio::io_context& io, const Options& options) {
    network_.on_new_document([this] {
      if (daemon_ != nullptr) daemon_->announce_document();
    });
    network_.on_link_change([this] {
      if (daemon_ != nullptr) daemon_->announce_link();
    });
    TP_TRY(network_.expire());
    auto ctl =
        CtlServer::open(io, options.data_dir,
                        [controlled = Controlled{network_, options.on_shutdown}](
                            const std::string& command, const CtlServer::Arguments& arguments) {
                          return run_command(controlled, command, arguments);
                        });
    if (!ctl) return ctl.error();
    ctl_ = std::move(ctl).value();
    auto listener = Listener::open(
        io, options.listen, [this](Listener::Socket socket) { daemon_->accept(std::move(socket)); },
        options.allow_remote ? Reach::kAnywhere : Reach::kLoopback);
    if (!listener) return listener.error();
    listener_ = std::move(listener).value();
    address_ = listener_->address();
    if (options.thin_config_path.empty()) return ok();
    return write_file(options.thin_config_path, thin_config_text(address_));
  }

  void stop() {
    if (daemon_ == nullptr) return;  // again
    ctl_.reset();
    listener_.reset();
    daemon_->shutdown();
    daemon_.reset();
    network_.stop_expiry();
  }

  const std::string& address() const { return address_; }
  const Audit& audit() const { return network_.audit(); }

 private:
  FolderLock lock_;
  const std::unique_ptr<Scheduler> scheduler_;
  const std::unique_ptr<Random> random_;
  Network network_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<CtlServer> ctl_;
  std::string address_;
};

LocalNetwork::LocalNetwork(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalNetwork::~LocalNetwork() = default;

Result<std::unique_ptr<LocalNetwork>> LocalNetwork::start(asio::io_context& io, Options options) {
  TP_TRY(check_time_scale(options.time_scale));
  TP_TRY(make_folder(options.data_dir));
  auto lock = FolderLock::take(options.data_dir);
  if (!lock) return lock.error();
  auto directory = Directory::open(options.data_dir, options.nike, options.size);
  if (!directory) return directory.error();
  auto store = ReplicaStore::open(options.data_dir + "/boxes",
                                  directory->geometry().box_ciphertext(), options.size.replicas());
  if (!store) return store.error();
  auto impl = std::make_unique<Impl>(io, options, std::move(lock).value(),
                                     std::move(directory).value(), std::move(store).value());
  TP_TRY(impl->open(io, options));
  return std::unique_ptr<LocalNetwork>(new LocalNetwork(std::move(impl)));
}

void LocalNetwork::stop() { impl_->stop(); }
const std::string& LocalNetwork::address() const { return impl_->address(); }
std::string LocalNetwork::audit_json() const { return impl_->audit().to_json(); }

Status run_localnet(Options options) {
  asio::io_context io(1);
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](const boost::system::error_code& error, int) {
    if (!error) io.stop();
  });
  options.on_shutdown = [&io, &signals] {
    signals.cancel();  // nothing of ours is to be left on the context
    io.stop();
  };
  const bool is_remote = options.allow_remote;
  auto network = LocalNetwork::start(io, std::move(options));
  if (!network) return network.error();
  if (is_remote)
    std::fprintf(stderr, "warning: whoever can connect to %s has full use of this network\n",
                 (*network)->address().c_str());
  std::printf("listening on %s\n", (*network)->address().c_str());
  std::fflush(stdout);
  io.run();
  (*network)->stop();
  // Lets the clients read what is queued for them; none can hold us for longer.
  io.restart();
  io.run_for(kGoodbye);
  return ok();
}

}  // namespace taubenpost::localnet

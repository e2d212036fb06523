// The local Pigeonhole network: daemon front, couriers and replicas in one process.
//
// Speaks the thin-client protocol of the Katzenpost daemon on a Unix or loopback TCP socket, with
// real capabilities, real copy streams and the courier and replica rules of the specification
// (pigeonhole 6 and 7). Boxes, and the network's identity, live in the data folder and survive a
// kill of the process; courier state is memory only, as on the real network.
//
// One io_context thread owns everything. start() may run before the context does; all other
// members belong to that thread. ctl_request() is for other threads and other processes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "localnet/daemon_behaviour.h"
#include "localnet/directory.h"
#include "localnet/knobs.h"

namespace taubenpost::localnet {

struct Options {
  // "unix:PATH" (made with mode 0600; the folder must be ours or root's and not writable by others
  // unless sticky), "unix:@NAME" (abstract), or "tcp:HOST:PORT" with a loopback address; port 0
  // takes a free one.
  std::string listen;
  // TCP on any address: whoever can connect has full use of the network.
  bool allow_remote = false;
  // Made with mode 0700 if absent. One process at a time.
  std::string data_dir;
  // Where to write a thinclient.toml for this network; empty: nowhere.
  std::string thin_config_path;
  Knobs knobs;
  // Of the data folder as long as there are boxes in it.
  EnvelopeNike nike = EnvelopeNike::kHybrid;
  // The data folder may have fewer replicas, not more.
  NetworkSize size;
  DaemonBehaviour daemon = kRobustDaemon;
  // Seconds of the network that pass in a real one (scheduler.h has the limits). What a peer's
  // program needs to read what was sent to it stays real: Knobs::farewell, time-outs of sockets.
  double time_scale = 1;
  // What the command `shutdown` does, for a network that is a process of its own; empty: it is
  // refused.
  std::function<void()> on_shutdown{};
};

class LocalNetwork {
 public:
  // Opens the data folder, binds, and accepts connections as soon as `io` runs. `io` outlives the
  // network. Errors: kUsage (listen address, time scale, a folder
  // of other boxes), kLocked (data folder or socket in use),
  // kStoreBad, kIo, kRefused (unsafe socket folder, remote address that was not allowed).
  static Result<std::unique_ptr<LocalNetwork>> start(boost::asio::io_context& io, Options options);

  // Dropping the object without stop() looks like a killed daemon to the clients.
  ~LocalNetwork();
  LocalNetwork(const LocalNetwork&) = delete;
  LocalNetwork& operator=(const LocalNetwork&) = delete;

  // Orderly end: shutdown_event to every connection, then close. Nothing of ours is left on the
  // context once the handlers already due have run.
  void stop();

  // The address really bound, in the form of Options::listen.
  const std::string& address() const;

  // The counters of docs/localnet.md as one JSON object.
  std::string audit_json() const;

  class Impl;

 private:
  explicit LocalNetwork(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Runs a network until SIGTERM, SIGINT or the command `shutdown`; prints "listening on ADDRESS" on
// stdout when ready.
Status run_localnet(Options options);

// Sends one command to the control socket of a running network and returns its JSON answer. Blocks
// for at most ten seconds. Commands: docs/localnet.md. Errors: kNotFound (no network runs on that
// folder), kRejected (the network refuses), kUsage (too long), kTemporary (no answer in time), kIo.
Result<std::string> ctl_request(const std::string& data_dir, const std::string& command,
                                const std::vector<std::string>& arguments = {});

}  // namespace taubenpost::localnet

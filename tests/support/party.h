// Party: one user of the program in a simulation, with a state directory, files, and a daemon on
// the shared local network. Its process can be thrown away at any step.
#pragma once

#include <boost/asio/this_coro.hpp>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/channels.h"
#include "engine/engine.h"
#include "engine/enqueue.h"
#include "engine/poll.h"
#include "engine/task_group.h"
#include "support/home.h"
#include "support/local_network_port.h"

namespace taubenpost {

class Party {
 public:
  Party(VirtualClock& clock, localnet::Network& network, std::uint64_t seed, StoreKind kind)
      : port(clock, network, audit_),
        clock_(clock),
        random_(seed),
        home_(
            clock,
            [this](const ports::Store* opened) {
              audit_.watch(opened);
              if (opened == nullptr) port.forget_process();
            },
            kind) {
    port.step = [this] { home_.process.step(); };
  }

  ports::Store& store() const { return *home_.store; }
  EnginePorts ports() { return {store(), port, *home_.files, clock_, random_}; }

  template <class T>
  T run(boost::asio::awaitable<T> work) {
    return home_.process.run(std::move(work));
  }
  // Nothing if the process was thrown away at step `kill_at`. `user` runs beside the engine.
  using User = std::function<boost::asio::awaitable<void>()>;
  std::optional<Result<RunSummary>> run_engine_until(std::uint64_t kill_at, User user = nullptr) {
    Engine engine(ports(), options);
    return home_.process.run_until_killed<Result<RunSummary>>(
        [&] { return run_beside(&engine, user); }, kill_at);
  }
  std::optional<Result<PollSummary>> poll_until(ChannelId channel, std::uint64_t kill_at) {
    return home_.process.run_until_killed<Result<PollSummary>>(
        [&] { return poll_channel(ports(), channel, folder.path()); }, kill_at);
  }

  JobId queue(const std::string& name, ByteView content, std::vector<std::string> to,
              SendRequest request = {}) {
    write_file(folder / name, std::string(as_text(content)));
    request.sources = {folder / name};
    request.to = std::move(to);
    const Result<JobId> id = run(enqueue_send(ports(), std::move(request)));
    TP_CHECK(id);
    return *id;
  }

  TempFolder folder;  // of its files: sent from, received into

 private:
  static boost::asio::awaitable<Result<RunSummary>> run_beside(Engine* engine, User user) {
    TaskGroup beside(co_await boost::asio::this_coro::executor);
    if (user) beside.spawn(user());
    Result<RunSummary> summary = co_await engine->run_until_idle();
    co_await beside.join();
    co_return summary;
  }

  SendAudit audit_{1545};

 public:
  LocalNetworkPort port;
  EngineOptions options;

 private:
  VirtualClock& clock_;
  SeededRandom random_;
  Home home_;
};

}  // namespace taubenpost

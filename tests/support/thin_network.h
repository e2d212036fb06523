// A local network that runs on a thread of its own, for blocking clients and examples.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/packaged_task.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "localnet/localnet.h"
#include "support/temp_folder.h"
#include "thin/config.h"

namespace taubenpost::testing {

class ThreadedNetwork {
 public:
  ThreadedNetwork() : thread_([this] { io_.run(); }) { start(); }
  ~ThreadedNetwork() {
    kill();
    work_.reset();
    thread_.join();
  }
  ThreadedNetwork(const ThreadedNetwork&) = delete;
  ThreadedNetwork& operator=(const ThreadedNetwork&) = delete;

  void start() {
    localnet::Options options;
    options.listen = "unix:" + (folder_ / "d.sock");
    options.data_dir = folder_ / "data";
    options.knobs.copy_poll = std::chrono::milliseconds(5);
    options.knobs.not_found_poll = std::chrono::milliseconds(5);
    on_thread([&] {
      network_ = std::move(localnet::LocalNetwork::start(io_, options)).value();
      return 0;
    });
  }
  // Like a daemon that is killed: its boxes stay, its memory is gone.
  void kill() {
    on_thread([&] {
      network_.reset();
      return 0;
    });
  }
  thin::DialAddress address() const {
    return thin::parse_address("unix:" + (folder_ / "d.sock")).value();
  }

 private:
  template <class Do>
  void on_thread(Do work) {
    std::packaged_task<int()> task(std::move(work));
    boost::asio::post(io_, std::move(task)).get();
  }

  TempFolder folder_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::unique_ptr<localnet::LocalNetwork> network_;
  std::thread thread_;
};

}  // namespace taubenpost::testing

// A program that is run without a shell: its path, its arguments and its environment are data.
//
// Its standard input is empty, its standard output is our standard error, and it has no other file
// of ours. It leads a process group of its own, so that it can be ended with all that it started,
// and so that a signal for us from the terminal is not one for it.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ports/clock.h"

namespace taubenpost {

class ChildProcess {
 public:
  // `variables` ("NAME=VALUE") come to our environment, and in place of what has their names there.
  // kIo says why it could not be started.
  static Result<ChildProcess> start(const std::string& path, std::vector<std::string> arguments,
                                    std::vector<std::string> variables);
  // Asks one that still runs to end (SIGTERM): nobody waits for it any more.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;

  // Nothing while it runs; then how it ended: empty for status 0, else "ended with status 3".
  std::optional<std::string> ended();
  bool is_running() const;
  // To all that is left of its group. Only before ended() has told how it ended.
  void signal(int number) const;

 private:
  explicit ChildProcess(pid_t id) : id_(id) {}
  pid_t id_;  // 0: ended, or moved from
};

struct ChildLimits {
  std::chrono::seconds notice{5};     // then somebody is told that it is waited for
  std::chrono::seconds end{10 * 60};  // then it is asked to end; 0: never
  std::chrono::seconds grace{5};      // and then its group is killed
};

// Waits for its end, and how that was, as ended() says it: "was ended after 600 s" where it had to
// be. `notice` is called at most once.
boost::asio::awaitable<std::string> wait_for(ports::Clock& clock, ChildProcess& child,
                                             ChildLimits limits, std::function<void()> notice);

// kUsage if nobody could run it.
Status can_be_run(const std::string& path);

}  // namespace taubenpost

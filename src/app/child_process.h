// A program that is run without a shell: its path, its arguments and its environment are data.
//
// Its standard input is empty, its standard output is our standard error, and it has no other file
// of ours. It is waited for, and never stopped.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace taubenpost {

class ChildProcess {
 public:
  // `variables` ("NAME=VALUE") come to our environment. kIo says why it could not be started.
  static Result<ChildProcess> start(const std::string& path, std::vector<std::string> arguments,
                                    std::vector<std::string> variables);

  // Nothing while it runs; then how it ended: empty for status 0, else "ended with status 3".
  std::optional<std::string> ended() const;

 private:
  explicit ChildProcess(pid_t id) : id_(id) {}
  pid_t id_;
};

// kUsage if nobody could run it.
Status can_be_run(const std::string& path);

}  // namespace taubenpost

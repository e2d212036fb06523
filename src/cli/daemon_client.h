// The blocking client of one command. SIGINT and SIGTERM close it.
//
// A signal ends every call with kCancelled, now and later, and has the daemon drop what runs there
// (thin-protocol 2.7); the program then ends with the signal's exit status. A second one kills.
#pragma once

#include <chrono>
#include <memory>

#include "cli/command.h"
#include "thin/blocking_client.h"

namespace taubenpost::cli {

class DaemonClient : public thin::BlockingClient {
 public:
  // `context`, which is told the signal, outlives the client.
  DaemonClient(Context& context, thin::Options options);
  ~DaemonClient();

  // Does nothing for that long. kCancelled as soon as a signal comes.
  Status pause(std::chrono::milliseconds time);

 private:
  class Watch;
  std::unique_ptr<Watch> watch_;
};

}  // namespace taubenpost::cli

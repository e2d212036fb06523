// StandardInput: what is piped into the program, as a content to be sent.
//
// Waits without holding up anything else, so that a signal ends it. Descriptor 0 may be a pipe, a
// file or a terminal; its flags, which others may share, stay as they are.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>

#include "ports/input.h"

namespace taubenpost {

class StandardInput : public ports::Input {
 public:
  // Before anything else is opened: what is opened while descriptor 0 is closed becomes standard
  // input. kUsage if it is closed.
  static Result<std::unique_ptr<StandardInput>> open();
  ~StandardInput() override;
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

  // kSourceUnreadable.
  boost::asio::awaitable<Result<Bytes>> read(std::size_t limit) override;
  // Whether all of it was read.
  bool has_ended() const { return has_ended_; }

 private:
  explicit StandardInput(int descriptor) : descriptor_(descriptor) {}

  const int descriptor_;  // a duplicate
  std::optional<boost::asio::posix::stream_descriptor> waiter_;
  bool has_ended_ = false;
};

}  // namespace taubenpost

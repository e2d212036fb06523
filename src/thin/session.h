// One open stream to the daemon: whole frames in, whole frames out (thin-protocol 1.4).
//
// One coroutine reads, one writes; nothing here knows what a frame means. The length of a frame is
// checked before its buffer is allocated. Frames hold capabilities, so they are wiped once written.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "thin/dial.h"

namespace taubenpost::thin {

class Session {
 public:
  explicit Session(Socket socket);

  // The body of the next frame. kDaemonGone when the stream has ended or was closed, kInvalid for a
  // length of 0 or above the limit; there is nothing to read after either.
  boost::asio::awaitable<Result<SecretBytes>> read();

  // Queues one whole frame. Ignored once the session is closed: the connection's end tells more.
  void send(SecretBytes frame, const Bytes16& name);
  // Takes the frame of this name back if it has not begun to be written. A daemon that does not
  // read must not make the queue grow with requests that nobody waits for any more.
  bool take_back(const Bytes16& name);
  // Writes what is queued until the session is closed.
  boost::asio::awaitable<void> write_loop();
  // Refuses further frames, and closes when those queued are written.
  void finish();

  // Ends both coroutines. The first cause stays.
  void close(std::string cause);
  bool is_closed() const { return closed_; }
  const std::string& cause() const { return cause_; }

 private:
  Socket socket_;
  boost::asio::steady_timer wake_;  // of the writer
  struct Waiting {
    Bytes16 name;
    SecretBytes frame;
  };
  std::deque<Waiting> queue_;
  bool finishing_ = false;
  bool closed_ = false;
  std::string cause_;
};

}  // namespace taubenpost::thin

// Callers that wait for a service's answer to their message (thin-protocol 4.2).
//
// The daemon holds a message's reply block in its memory: another process has lost it, and so has
// one that forgot our session.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>

#include "base/error.h"
#include "thin/results.h"
#include "thin/waiter.h"

namespace taubenpost::thin {

class Replies {
 public:
  using Reply = Waiter<MessageReply>;

  // Before the message is handed to the daemon: a reply may overtake its sender.
  std::shared_ptr<Reply> expect(boost::asio::any_io_executor executor, const Bytes16& id);
  void drop(const Bytes16& id) { waiting_.erase(id); }

  // The daemon has written the message to its gateway.
  void on_sent(const Bytes16& id);
  // The first counts.
  void on_reply(const Bytes16& id, Result<MessageReply> reply);
  void on_open(bool same_state);
  void fail_all(const Error& reason);

 private:
  struct Entry {
    std::shared_ptr<Reply> waiter;
    bool is_sent = false;
  };
  std::map<Bytes16, Entry> waiting_;
};

}  // namespace taubenpost::thin

// The connection's life: dial, handshake, dispatch, loss, back-off, and again (thin-protocol 2).
//
// The link owns the session token and what the daemon told about itself. It hands every other
// response to its owner, and says when it opened and when it was lost. One thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "thin/dial.h"
#include "thin/events.h"
#include "thin/options.h"
#include "thin/session.h"
#include "thin/task_group.h"
#include "wire/frame.h"

namespace taubenpost::thin {

// The link's owner. Calls come from the link's coroutine and must not wait.
class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  // The handshake is complete. `same_state`: the daemon kept what it had of this client.
  virtual void on_open(bool same_state) = 0;
  // A connection that had opened is gone.
  virtual void on_lost(const DisconnectedEvent& event) = 0;
  virtual void on_status(const StatusEvent& event) = 0;
  virtual void on_document(const DocumentEvent& event) = 0;
  virtual void on_shutdown() = 0;
  // Replies, and events that do not concern the link.
  virtual void on_response(wire::Response response) = 0;
};

class Link {
 public:
  // `owner` outlives the link, and both outlive run().
  Link(boost::asio::any_io_executor executor, const Options& options, LinkOwner& owner);

  // Runs until stop() or finish(). `group` gets the writer of each connection, with `keeper`, which
  // keeps this object alive.
  boost::asio::awaitable<void> run(TaskGroup& group, std::shared_ptr<void> keeper);
  // Ends run(); nothing is said to the daemon.
  void stop();
  // Says thin_close if open, and ends run() when that is written, or after `limit`.
  void finish(std::chrono::milliseconds limit);

  // Queues a whole frame; only while a connection is up. Its query id, if any, is its name.
  void send(SecretBytes frame, const Bytes16& name = {});
  // Takes a frame back that has not begun to be written; false if there is none.
  bool take_back(const Bytes16& name);

  bool is_open() const { return phase_ == Phase::kOpen; }
  // Mixnet work makes sense: open, a gateway link, and a document (thin-protocol 2.2).
  bool is_online() const { return is_open() && gateway_link_ && has_document_; }
  const wire::SphinxGeometry* sphinx() const { return sphinx_ ? &*sphinx_ : nullptr; }
  const wire::PigeonholeGeometry* pigeonhole() const {
    return pigeonhole_ ? &*pigeonhole_ : nullptr;
  }
  const std::optional<Bytes16>& instance() const { return instance_; }
  // The newest one.
  DocumentPtr document() const;
  // Why there is no connection; empty while it is open.
  const std::string& last_problem() const { return last_problem_; }

 private:
  enum class Phase : std::uint8_t {
    kDown,
    kGreeting,  // waits for messages 1 and 2
    kSession,   // session_token is out
    kProbing,   // resumed: does the daemon answer at all?
    kOpen,
  };

  boost::asio::awaitable<std::string> serve(std::shared_ptr<Session> session);
  boost::asio::awaitable<void> back_off();
  Status dispatch(wire::Response response);
  Status take_status(const wire::ConnectionStatusEvent& event);
  void take_document(wire::NewPkiDocumentEvent event);
  void forget_old_documents();
  void take_session(const wire::SessionTokenReply& reply);
  bool take_probe(const wire::Response& response);
  void greet();
  void greeted();
  void open(bool resumed);
  void arm(std::chrono::milliseconds limit, std::string cause);

  boost::asio::any_io_executor executor_;
  DialAddress address_;
  Timing timing_;
  LinkOwner& owner_;
  SecretArray<16> token_;

  bool stopping_ = false;
  Phase phase_ = Phase::kDown;
  std::shared_ptr<Dialer> dialer_;
  std::shared_ptr<Session> session_;
  boost::asio::steady_timer watchdog_;  // of the handshake
  boost::asio::steady_timer pause_;     // between attempts
  Limit backoff_;
  std::string last_problem_;

  // Of the handshake that is going on.
  bool saw_status_ = false;
  bool saw_document_ = false;
  Bytes16 probe_query_{};
  bool shutdown_said_ = false;

  std::optional<Bytes16> instance_;         // of this connection
  std::optional<Bytes16> opened_instance_;  // of the last one that opened
  bool gateway_link_ = false;
  bool has_document_ = false;                // this connection brought one
  std::optional<std::uint64_t> last_epoch_;  // of the document that it brought last
  std::optional<wire::SphinxGeometry> sphinx_;
  std::optional<wire::PigeonholeGeometry> pigeonhole_;
  // The newest epochs (thin-protocol 7.6).
  std::map<std::uint64_t, DocumentPtr> documents_;
};

}  // namespace taubenpost::thin

// One connection of the daemon front, from its handshake to its end.
//
// Sends nothing between the document event and the session reply (thin-protocol 2.1): broadcasts
// wait until the client has presented its token, has asked for something else, or has been silent
// for a while. A daemon that behaves otherwise (daemon_behaviour.h) keeps the connection's requests
// for the mixnet in a queue.
#pragma once

#include <memory>
#include <optional>

#include "localnet/daemon.h"
#include "localnet/local_calls.h"
#include "wire/frame.h"

namespace taubenpost::localnet {

class Daemon::Session final : public Connection::Owner,
                              public std::enable_shared_from_this<Daemon::Session> {
 public:
  // The daemon outlives the session, or calls abandon() or say_goodbye().
  Session(Daemon& daemon, const Context& context, std::shared_ptr<Connection> connection);

  void start();
  const std::shared_ptr<Client>& client() const { return client_; }
  void set_client(std::shared_ptr<Client> client) { client_ = std::move(client); }
  void broadcast_document();
  void broadcast_status();
  // Ends the session without another word, to the peer or to the daemon.
  void abandon();
  // shutdown_event, then the end of the stream.
  void say_goodbye();

  void on_frame(Bytes body) override;
  void on_end() override;

 private:
  static constexpr std::size_t kQueueMax = 16;
  using Step = std::function<void(Client&)>;  // what a request for the mixnet sets off

  void malformed(const wire::RequestHead& head);
  void handle(wire::Request request);
  void handle_session_token(const wire::SessionToken& request);
  void handle_close();
  void take_up(Step step);
  void in_slot(const Step& step);
  wire::Response cancel(const wire::CancelResendingEncryptedMessage& request);
  wire::Response cancel(const wire::CancelResendingCopyCommand& request);
  // The code of the reply.
  std::uint8_t cancel(const wire::Id16& query_id, Client::Kind kind, const wire::Hash32& hash);
  void build(StreamPlan plan);
  void build_on(std::shared_ptr<StreamPlan> plan);
  void attach_client();
  wire::ConnectionStatusEvent status() const;
  wire::NewPkiDocumentEvent document(wire::KeyOrder order) const;
  void open();
  void respond(const wire::Response& response);
  void respond_after(Milliseconds time, wire::Response response);
  void end();

  Daemon& daemon_;
  const Context& context_;
  std::shared_ptr<Connection> connection_;
  std::shared_ptr<Client> client_;
  std::optional<Bytes16> token_;
  Milliseconds build_time_{0};  // of the builder call that runs
  std::size_t queued_ = 0;      // requests that wait for their slot
  bool loses_next_ = false;     // the next request is answered to nobody
  bool open_ = false;           // broadcasts may be sent
  bool missed_document_ = false;
  bool missed_status_ = false;
  bool ended_ = false;
  Scheduler::Timer release_ = 0;
};

}  // namespace taubenpost::localnet

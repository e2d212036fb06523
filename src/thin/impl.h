// The client behind its public face: one link, the calls and the operations on it, subscribers.
//
// Held by shared_ptr: the link's coroutine, and every caller's, keep it alive until they end.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "thin/calls.h"
#include "thin/client.h"
#include "thin/link.h"
#include "thin/operations.h"
#include "thin/replies.h"
#include "thin/task_group.h"
#include "thin/wait.h"
#include "thin/waiter.h"

namespace taubenpost::thin {

class Client::Impl : public LinkOwner, public std::enable_shared_from_this<Client::Impl> {
 public:
  Impl(boost::asio::any_io_executor executor, Options options);

  boost::asio::awaitable<Status> connect(TimePoint deadline);
  boost::asio::awaitable<void> close();
  // Ends everything without a word to the daemon.
  void stop();

  // The *Max* of the geometry, waited for if there was no connection yet.
  boost::asio::awaitable<Result<std::uint64_t>> box_max(TimePoint deadline);
  // One local call: the reply of its own kind, as it came.
  boost::asio::awaitable<Result<wire::Response>> call(Result<Draft> request, TimePoint deadline);
  // One start, to its end: the final reply.
  boost::asio::awaitable<Result<wire::Response>> run(OperationPtr op, TimePoint deadline);
  boost::asio::awaitable<Status> cancel(OpKind kind, Bytes32 hash, TimePoint deadline);
  OperationPtr make_operation(OpKind kind, const Bytes32& hash, Draft request);
  // One message: what the daemon says of it, and the service's answer.
  boost::asio::awaitable<Result<MessageSent>> post(Bytes16 id, ServiceId to, Bytes payload,
                                                   TimePoint deadline);
  boost::asio::awaitable<Result<MessageReply>> post_and_wait(ServiceId to, Bytes payload,
                                                             TimePoint deadline);

  const Link& link() const { return link_; }
  std::shared_ptr<Subscription> subscribe(std::size_t capacity);

 private:
  void on_open(bool same_state) override;
  void on_lost(const DisconnectedEvent& event) override;
  void on_status(const StatusEvent& event) override;
  void on_document(const DocumentEvent& event) override;
  void on_shutdown() override;
  void on_response(wire::Response response) override;

  void ensure_dialling();
  void end_all();
  void publish(const Event& event);
  Limit silence_limit() const;
  void take_sent(const wire::MessageSentEvent& event);
  void take_reply(wire::MessageReplyEvent event);
  std::size_t hops() const;
  TimePoint reply_deadline(const MessageSent& sent) const;
  Error too_late(const Operation& op) const;
  Error gone() const;

  boost::asio::any_io_executor executor_;
  Options options_;
  TaskGroup group_;
  Link link_;
  Calls calls_;
  Operations operations_;
  Replies replies_;
  bool dialling_ = false;
  bool closed_ = false;
  std::vector<std::weak_ptr<boost::asio::steady_timer>> open_waiters_;
  std::vector<std::weak_ptr<Subscription>> subscriptions_;
};

// The daemon's event as it is told to callers and subscribers.
MessageSent message_sent_of(const wire::MessageSentEvent& event);

}  // namespace taubenpost::thin

// Messages to services, and their replies (thin-protocol 3.1, 4.1, 4.2).
#include <algorithm>
#include <utility>

#include "thin/client.h"
#include "thin/impl.h"
#include "thin/reply.h"
#include "wire/replies.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

constexpr Limit kMessageLimit{600'000};
constexpr std::size_t kQueueIdMax = 32;

Status check_message(const ServiceId& to, ByteView payload, const wire::SphinxGeometry& geometry) {
  if (to.queue_id.empty() || to.queue_id.size() > kQueueIdMax)
    return wrong("send_message: a service's queue id has 1 to 32 bytes");
  const auto size = static_cast<std::int64_t>(payload.size());
  if (size > geometry.user_forward_payload_length)
    return wrong("send_message: " + std::to_string(size) + " bytes; a packet carries " +
                 std::to_string(geometry.user_forward_payload_length));
  return ok();
}

Result<Draft> message_draft(const ServiceId& to, ByteView payload) {
  wire::SendMessage message;
  message.with_surb = true;
  message.destination_id_hash = to.identity_hash;
  message.recipient_queue_id = to.queue_id;
  message.payload = to_bytes(payload);
  return Draft::make(std::move(message));
}

Result<MessageSent> sent_result(Result<wire::Response> response) {
  if (!response) return response.error();
  const auto* event = std::get_if<wire::MessageSentEvent>(&*response);
  if (event == nullptr)
    return error(Errc::kInvalid, "send_message: the daemon sent a reply of another kind");
  // The texts are not stable: nothing can be told apart by them.
  if (!event->err.value.empty())
    return error(Errc::kTemporary, "send_message: the daemon says: " + printable(event->err.value));
  return message_sent_of(*event);
}

}  // namespace

MessageSent message_sent_of(const wire::MessageSentEvent& event) {
  return {event.surbid.value_or(Bytes16{}), event.sent_at,
          std::chrono::nanoseconds(std::max<std::int64_t>(event.reply_eta, 0))};
}

// Hands the message to the daemon and returns what the daemon says of it.
asio::awaitable<Result<MessageSent>> Client::Impl::post(Bytes16 id, ServiceId to, Bytes payload,
                                                        TimePoint deadline) {
  if (!link_.is_open()) {
    const Status connected = co_await connect(deadline);
    if (!connected) co_return connected.error();
  }
  if (!link_.is_online())
    co_return error(Errc::kTemporary, "send_message: the daemon is offline", "try again later");
  TP_CO_TRY(check_message(to, payload, *link_.sphinx()));
  Result<Draft> request = message_draft(to, payload);
  wipe(payload);
  if (!request) co_return request.error();
  Bytes32 key{};
  std::copy(id.begin(), id.end(), key.begin());
  const OperationPtr op = make_operation(OpKind::kMessage, key, std::move(*request));
  op->query = id;
  Result<wire::Response> response = co_await run(op, deadline);
  co_return sent_result(std::move(response));
}

asio::awaitable<Result<MessageReply>> Client::Impl::post_and_wait(ServiceId to, Bytes payload,
                                                                  TimePoint deadline) {
  const Bytes16 id = Draft::fresh_query();
  const auto waiter = replies_.expect(executor_, id);
  const OnExit forget([this, id] { replies_.drop(id); });
  Result<MessageSent> sent = co_await post(id, std::move(to), std::move(payload), deadline);
  if (!sent) co_return sent.error();
  const auto state = co_await asio::this_coro::cancellation_state;
  if (is_cancelled(state)) co_return caller_cancelled();
  std::optional<Result<MessageReply>> reply =
      co_await waiter->wait(std::min(deadline, reply_deadline(*sent)));
  if (reply) co_return std::move(*reply);
  co_return error(Errc::kTemporary, "send_message: the service did not answer in time");
}

asio::awaitable<Result<MessageSent>> Client::send_message(ServiceId to, ByteView payload,
                                                          Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  co_return co_await impl->post(Draft::fresh_query(), std::move(to), to_bytes(payload),
                                deadline_of(limit, kMessageLimit));
}

asio::awaitable<Result<MessageReply>> Client::send_and_wait(ServiceId to, ByteView payload,
                                                            Limit limit) {
  const std::shared_ptr<Impl> impl = impl_;
  co_return co_await impl->post_and_wait(std::move(to), to_bytes(payload),
                                         deadline_of(limit, kMessageLimit));
}

}  // namespace taubenpost::thin

#include "localnet/session.h"

#include <utility>

#include "localnet/voucher_calls.h"
#include "wire/errors.h"

namespace taubenpost::localnet {
namespace {

// Envelopes made in one step of a builder call: a few milliseconds.
constexpr std::size_t kEnvelopesPerStep = 8;

// How long a daemon without a document tries to fetch one before it says so (thin-protocol 3).
constexpr Milliseconds kFetchAttempts{4'000};

// Requests that are answered on the spot.
template <class Request>
concept Local = requires(const Context& context, const Request& request) {
  { answer(context, request) } -> std::same_as<wire::Response>;
};
template <class Request>
concept Encrypting =
    std::same_as<Request, wire::EncryptRead> || std::same_as<Request, wire::EncryptWrite>;
template <class Request>
concept Building = requires(const Context& context, Request request) {
  { plan_stream(context, request) } -> std::same_as<StreamPlan>;
};

// The two that end the process of the real daemon (thin-protocol 8.17).
bool is_null(ByteView body) { return body.size() == 1 && (body[0] == 0xf6 || body[0] == 0xf7); }

// What is said in the place of a reply that does not fit into a frame.
std::optional<wire::Response> too_long(const wire::Response& response) {
  return std::visit(
      [](const auto& reply) -> std::optional<wire::Response> {
        if constexpr (requires { reply.query_id, reply.error_code; }) {
          std::remove_cvref_t<decltype(reply)> shorter;
          shorter.query_id = reply.query_id;
          shorter.error_code = wire::number(wire::ThinCode::kPayloadTooLarge);
          return wire::Response(std::move(shorter));
        }
        return std::nullopt;
      },
      response);
}

}  // namespace

Daemon::Session::Session(Daemon& daemon, const Context& context,
                         std::shared_ptr<Connection> connection)
    : daemon_(daemon),
      context_(context),
      connection_(std::move(connection)),
      client_(std::make_shared<Client>(context)) {}

void Daemon::Session::start() {
  respond(status());
  respond(document(wire::KeyOrder::kCanonical));
  attach_client();
  connection_->start(*this);
  if (context_.behaviour.pushes_in_handshake) return open();
  release_ = context_.scheduler.after(context_.knobs.broadcast_release, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->open();
  });
}

wire::ConnectionStatusEvent Daemon::Session::status() const {
  const GatewayLink& gateway = context_.gateway;
  wire::ConnectionStatusEvent event;
  event.is_connected =
      gateway.is_up() || (context_.behaviour.hopes_for_link && !gateway.was_ever_up());
  event.instance_token = daemon_.instance_token_;
  event.sphinx_geometry = context_.directory.sphinx_geometry();
  event.pigeonhole_geometry = context_.directory.pigeonhole_geometry();
  return event;
}

// Null where the daemon has none.
wire::NewPkiDocumentEvent Daemon::Session::document(wire::KeyOrder order) const {
  wire::NewPkiDocumentEvent event;
  if (const auto epoch = context_.gateway.epoch_in_force())
    event.payload = context_.directory.document(*epoch, context_.knobs, order);
  return event;
}

void Daemon::Session::open() {
  open_ = true;
  context_.scheduler.cancel(std::exchange(release_, 0));
  if (std::exchange(missed_status_, false)) broadcast_status();
  if (std::exchange(missed_document_, false)) broadcast_document();
}

void Daemon::Session::broadcast_document() {
  missed_document_ = !open_;
  if (!open_ || !client_->attached()) return;
  respond(document(context_.behaviour.pushes_declared_order ? wire::KeyOrder::kDeclared
                                                            : wire::KeyOrder::kCanonical));
}

void Daemon::Session::broadcast_status() {
  missed_status_ = !open_;
  if (open_ && client_->attached()) respond(status());
}

void Daemon::Session::on_frame(Bytes body) {
  const auto self = shared_from_this();  // a request may end the session
  wire::RequestHead head;
  const auto ids = context_.behaviour.pads_ids ? wire::Ids::kPadded : wire::Ids::kExact;
  auto request = wire::decode_request(body, &head, ids);
  if (std::exchange(loses_next_, false)) return connection_->next_frame();
  if (!request || (context_.behaviour.hangs_up_on_malformed && is_null(body)))
    return malformed(head);
  if (!*request) return take_up([](Client&) {});  // nothing asked, nothing answered
  handle(std::move(**request));
}

// A request that says what it is gets its answer; otherwise nobody knows what the peer is saying.
void Daemon::Session::malformed(const wire::RequestHead& head) {
  const bool is_session = head.key == wire::SessionToken::kKey;
  if (head.key.empty() || is_session || context_.behaviour.hangs_up_on_malformed) return end();
  const auto reply =
      error_reply(head.key, head.query_id, wire::number(wire::ThinCode::kInvalidRequest));
  if (reply) client_->answer(*reply);
  connection_->next_frame();
}

void Daemon::Session::handle(wire::Request request) {
  if (const auto* token = std::get_if<wire::SessionToken>(&request))
    return handle_session_token(*token);
  if (std::holds_alternative<wire::ThinClose>(request)) return handle_close();
  open();
  bool is_slow = false;
  std::visit(
      [&](auto& message) {
        using Message = std::remove_reference_t<decltype(message)>;
        if constexpr (Encrypting<Message> || Building<Message>) {
          if (!context_.gateway.epoch_in_force()) {
            is_slow = true;
            const auto code = wire::number(wire::ThinCode::kInternalError);
            return respond_after(kFetchAttempts,
                                 *error_reply(Message::kKey, message.query_id, code));
          }
        }
        if constexpr (Encrypting<Message>) {
          is_slow = true;
          respond_after(context_.knobs.encrypt_time, answer(context_, message));
        } else if constexpr (Local<Message>) {
          client_->answer(answer(context_, message));
        } else if constexpr (Building<Message>) {
          is_slow = true;
          build(plan_stream(context_, std::move(message)));
        } else if constexpr (requires { client_->start(message); }) {
          is_slow = true;
          take_up([message](Client& client) { client.start(message); });
        } else if constexpr (requires { cancel(message); }) {
          client_->answer(cancel(message));
        } else if constexpr (requires { client_->send(message); }) {
          is_slow = true;
          take_up([message](Client& client) { client.send(message); });
        }
      },
      request);
  if (!is_slow) connection_->next_frame();
}

void Daemon::Session::handle_session_token(const wire::SessionToken& request) {
  const Bytes16& token = request.client_instance_token;
  // All clients without a token would share one session.
  if (token == Bytes16{} && !context_.behaviour.shares_zero_token) return end();
  const auto before = client_;
  if (token_ && *token_ != token) {
    daemon_.leave(*this, *std::exchange(token_, std::nullopt));
    client_ = std::make_shared<Client>(context_);
  }
  const auto resumed = daemon_.attach(*this, token);
  if (!resumed) return end();
  token_ = token;
  if (client_ != before) queued_ = 0;  // what waits was asked for by nobody any more
  wire::SessionTokenReply reply;
  reply.app_id = to_bytes(client_->app_id());
  reply.resumed = *resumed;
  if (context_.behaviour.stored_replies_first) attach_client();
  respond(reply);
  if (!context_.behaviour.stored_replies_first) attach_client();
  open();
  loses_next_ =
      context_.behaviour.loses_early_requests && client_ != before && connection_->has_input();
  connection_->next_frame();
}

void Daemon::Session::handle_close() {
  if (token_) daemon_.forget(*std::exchange(token_, std::nullopt));
  end();
}

// Does what a request for the mixnet asks for: now, or in the slot that it is queued for.
void Daemon::Session::take_up(Step step) {
  if (!context_.behaviour.queues_unread) {
    step(*client_);
    return connection_->next_frame();
  }
  ++queued_;
  context_.slots.wait(client_->line(), Turn::kFresh,
                      [weak = weak_from_this(), step = std::move(step)] {
                        const auto self = weak.lock();
                        if (self == nullptr || self->ended_) return false;
                        self->in_slot(step);
                        return true;
                      });
  if (queued_ <= kQueueMax) connection_->next_frame();
}

void Daemon::Session::in_slot(const Step& step) {
  step(*client_);
  if (queued_-- > kQueueMax) connection_->next_frame();
}

wire::Response Daemon::Session::cancel(const wire::CancelResendingEncryptedMessage& request) {
  wire::CancelResendingEncryptedMessageReply reply;
  reply.query_id = request.query_id;
  reply.error_code = cancel(request.query_id, Client::Kind::kEncrypted, request.envelope_hash);
  return reply;
}

wire::Response Daemon::Session::cancel(const wire::CancelResendingCopyCommand& request) {
  wire::CancelResendingCopyCommandReply reply;
  reply.query_id = request.query_id;
  reply.error_code = cancel(request.query_id, Client::Kind::kCopy, request.write_cap_hash);
  return reply;
}

std::uint8_t Daemon::Session::cancel(const wire::Id16& query_id, Client::Kind kind,
                                     const wire::Hash32& hash) {
  if (!query_id || !hash) return wire::number(wire::ThinCode::kInvalidRequest);
  const Client::Key key{kind, *hash};
  daemon_.owner_of(key, *client_).cancel(key, *client_);
  return wire::number(wire::ThinCode::kSuccess);
}

void Daemon::Session::attach_client() {
  client_->attach([this](const wire::Response& response) { respond(response); });
}

void Daemon::Session::build(StreamPlan plan) {
  if (plan.builder != nullptr) {
    build_time_ =
        context_.knobs.encrypt_time * static_cast<Milliseconds::rep>(plan.builder->boxes());
    return build_on(std::make_shared<StreamPlan>(std::move(plan)));
  }
  client_->answer(plan.reply);
  connection_->next_frame();
}

// Nothing else of this connection is looked at before the answer (thin-protocol 8.3).
void Daemon::Session::respond_after(Milliseconds time, wire::Response response) {
  const auto answer = [weak = weak_from_this(), response = std::move(response)] {
    const auto self = weak.lock();
    if (self == nullptr || self->ended_) return;
    self->client_->answer(response);
    self->connection_->next_frame();
  };
  if (time.count() > 0)
    context_.scheduler.after(time, answer);
  else
    answer();
}

void Daemon::Session::build_on(std::shared_ptr<StreamPlan> plan) {
  const auto progress = plan->builder->step(kEnvelopesPerStep);
  if (progress == StreamBuilder::Progress::kMore) {
    context_.scheduler.post([weak = weak_from_this(), plan] {
      const auto self = weak.lock();
      if (self != nullptr && !self->ended_) self->build_on(plan);
    });
    return;
  }
  respond_after(build_time_, stream_reply(std::move(*plan), progress));
}

void Daemon::Session::respond(const wire::Response& response) {
  if (ended_) return;
  auto frame = wire::encode_response(response);
  if (!frame) {
    const auto shorter = too_long(response);
    if (!shorter) return;
    frame = wire::encode_response(*shorter);
    TP_CHECK(frame);  // a code and a query_id always fit
  }
  connection_->send(std::move(frame).value());
}

void Daemon::Session::end() {
  const auto self = shared_from_this();
  abandon();
  if (token_) daemon_.leave(*this, *token_);
  daemon_.drop(*this);
}

void Daemon::Session::on_end() { end(); }

void Daemon::Session::abandon() {
  if (std::exchange(ended_, true)) return;
  context_.scheduler.cancel(std::exchange(release_, 0));
  client_->detach();
  connection_->release();
  connection_->close();
}

// The stream ends a little later: the published Python client looks at the event only after its
// next read, and if that meets the end already, it reports a crash.
void Daemon::Session::say_goodbye() {
  respond(wire::ShutdownEvent{});
  ended_ = true;
  context_.scheduler.cancel(std::exchange(release_, 0));
  client_->detach();
  connection_->release();
  connection_->finish(context_.behaviour.ends_without_farewell ? Milliseconds(0)
                                                               : context_.knobs.farewell);
}

}  // namespace taubenpost::localnet

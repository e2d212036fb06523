#include "thin/impl.h"

#include <algorithm>
#include <utility>

#include "thin/reply.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

// How long an orderly close may take to write its last frame.
constexpr Limit kFarewell{2'000};

Error closed() { return error(Errc::kCancelled, "the client is closed"); }

}  // namespace

Client::Impl::Impl(asio::any_io_executor executor, Options options)
    : executor_(executor),
      options_(std::move(options)),
      group_(executor),
      link_(executor, options_, *this),
      calls_(link_),
      operations_(link_, calls_, options_.starts_max, [this] { return silence_limit(); }) {}

void Client::Impl::ensure_dialling() {
  if (dialling_ || closed_) return;
  dialling_ = true;
  group_.spawn([self = shared_from_this()] { return self->link_.run(self->group_, self); });
}

asio::awaitable<Status> Client::Impl::connect(TimePoint deadline) {
  ensure_dialling();
  const auto wake = std::make_shared<asio::steady_timer>(executor_);
  while (!link_.is_open()) {
    if (closed_) co_return closed();
    if (Clock::now() >= deadline) co_return gone();
    std::erase_if(open_waiters_, [](const auto& waiter) { return waiter.expired(); });
    open_waiters_.push_back(wake);
    const Wake woken = co_await wait_until(*wake, deadline);
    if (woken == Wake::kCancelled) co_return caller_cancelled();
  }
  co_return ok();
}

asio::awaitable<void> Client::Impl::close() {
  if (!closed_) {
    closed_ = true;
    link_.finish(kFarewell);
    end_all();
  }
  co_await group_.join();
}

void Client::Impl::stop() {
  closed_ = true;
  link_.stop();
  end_all();
}

void Client::Impl::end_all() {
  operations_.fail_all(closed());
  calls_.fail_all(closed());
  replies_.fail_all(closed());
  for (const auto& waiter : open_waiters_)
    if (const auto timer = waiter.lock()) timer->cancel();
  for (const auto& subscriber : subscriptions_)
    if (const auto subscription = subscriber.lock()) subscription->end();
}

asio::awaitable<Result<std::uint64_t>> Client::Impl::box_max(TimePoint deadline) {
  if (link_.pigeonhole() == nullptr) {
    const Status connected = co_await connect(deadline);
    if (!connected) co_return connected.error();
  }
  co_return static_cast<std::uint64_t>(link_.pigeonhole()->max_plaintext_payload_length);
}

asio::awaitable<Result<wire::Response>> Client::Impl::call(Result<Draft> request,
                                                           TimePoint deadline) {
  if (!request) co_return request.error();
  if (closed_) co_return closed();
  ensure_dialling();
  const auto waiter = std::make_shared<Waiter<wire::Response>>(executor_);
  auto done = [waiter](Result<wire::Response> result) { waiter->set(std::move(result)); };
  const CallId id = calls_.add(Calls::Kind::kLocal, std::move(*request), std::move(done));
  const OnExit forget([this, id] { calls_.drop(id); });
  std::optional<Result<wire::Response>> result = co_await waiter->wait(deadline);
  if (result) co_return std::move(*result);
  if (!link_.is_open()) co_return gone();
  co_return error(Errc::kTemporary, "the daemon did not answer in time");
}

OperationPtr Client::Impl::make_operation(OpKind kind, const Bytes32& hash, Draft request) {
  return std::make_shared<Operation>(executor_, kind, hash, std::move(request));
}

asio::awaitable<Result<wire::Response>> Client::Impl::run(OperationPtr op, TimePoint deadline) {
  if (closed_) co_return closed();
  ensure_dialling();
  TP_CO_TRY(operations_.add(op));
  const OnExit forget([this, op] {
    if (!op->forgotten) operations_.forget(op);
  });
  while (!op->end) {
    if (Clock::now() >= deadline) {
      const Error late = too_late(*op);
      operations_.abandon(op);
      co_return late;
    }
    if (Clock::now() >= op->restart_at) operations_.redrive(op);
    const Wake woken = co_await wait_until(op->wake, std::min(deadline, op->restart_at));
    if (woken == Wake::kCancelled && !op->end) {
      operations_.abandon(op);
      co_return caller_cancelled();
    }
  }
  co_return std::move(*op->end);
}

asio::awaitable<Status> Client::Impl::cancel(OpKind kind, Bytes32 hash, TimePoint deadline) {
  operations_.begin_cancel(kind, hash);
  Result<Draft> request = cancel_draft(kind, hash);
  const Result<wire::Response> reply = co_await call(std::move(request), deadline);
  // Also without an answer: its caller was told to stop, and nothing will start it again.
  operations_.finish_cancel(kind, hash);
  if (!reply) co_return reply.error();
  const std::optional<std::uint8_t> code = wire::error_code_of(*reply);
  if (code != std::uint8_t{0}) co_return error(Errc::kRejected, "the daemon refused the cancel");
  co_return ok();
}

Error Client::Impl::gone() const {
  const std::string& problem = link_.last_problem();
  return error(Errc::kDaemonGone,
               problem.empty() ? std::string("no connection to the daemon in time") : problem);
}

Error Client::Impl::too_late(const Operation& op) const {
  if (op.ever_started && op.kind != OpKind::kRead)
    return error(Errc::kOutcomeUnknown, "no answer in time to an operation that was started");
  if (!link_.is_open()) return gone();
  return error(Errc::kTemporary, op.ever_started ? "no answer in time to a read"
                                 : link_.is_online()
                                     ? "not started in time: other operations are in front"
                                     : "not started in time: the daemon is offline");
}

// Ten times the time that one exchange is expected to take (thin-protocol 6.9).
Limit Client::Impl::silence_limit() const {
  if (options_.timing.restart_silent.count() > 0) return options_.timing.restart_silent;
  constexpr Limit kWithoutDocument{600'000};
  const DocumentPtr document = link_.document();
  if (!document) return kWithoutDocument;
  const wire::PkiDocument& rates = document->content();
  // Also of rates that are no numbers.
  if (!(rates.mu > 0) || !(rates.lambda_p > 0)) return kWithoutDocument;
  const double slots = options_.starts_max / rates.lambda_p;
  const double wait =
      10.0 * (static_cast<double>(hops()) * (1.0 / rates.mu + 500.0) + 20'000.0) + slots;
  return Limit(static_cast<Limit::rep>(std::min(wait, 24.0 * 3'600'000.0)));
}

// Of a packet to a service and of its answer; 9 if nothing is known.
std::size_t Client::Impl::hops() const {
  const DocumentPtr document = link_.document();
  return document ? 2 * document->content().mix_layers + 3 : 9;
}

// The daemon forgets the reply block then, and tells nobody (thin-protocol 4.2).
TimePoint Client::Impl::reply_deadline(const MessageSent& sent) const {
  constexpr Limit kPerHop{500};
  constexpr Limit kMargin{10'000};
  const auto eta = std::chrono::duration_cast<Limit>(sent.reply_eta);
  return deadline_after(eta + kPerHop * static_cast<Limit::rep>(hops()) + kMargin);
}

std::shared_ptr<Subscription> Client::Impl::subscribe(std::size_t capacity) {
  auto subscription = std::make_shared<Subscription>(executor_, capacity);
  if (closed_) subscription->end();
  std::erase_if(subscriptions_, [](const auto& subscriber) { return subscriber.expired(); });
  subscriptions_.push_back(subscription);
  return subscription;
}

void Client::Impl::publish(const Event& event) {
  for (const auto& subscriber : subscriptions_)
    if (const auto subscription = subscriber.lock()) subscription->push(event);
}

void Client::Impl::on_open(bool same_state) {
  calls_.on_open();
  operations_.on_open(same_state);
  replies_.on_open(same_state);
  for (const auto& waiter : std::exchange(open_waiters_, {}))
    if (const auto timer = waiter.lock()) timer->cancel();
  publish(ConnectedEvent{same_state});
}

void Client::Impl::on_lost(const DisconnectedEvent& event) {
  operations_.on_lost();
  calls_.on_lost(event.cause);
  publish(event);
}

void Client::Impl::on_status(const StatusEvent& event) {
  operations_.pump();
  publish(event);
}

void Client::Impl::on_document(const DocumentEvent& event) {
  operations_.on_document(*event.document);
  operations_.pump();
  publish(event);
}

void Client::Impl::on_shutdown() { publish(ShutdownEvent{}); }

void Client::Impl::on_response(wire::Response response) {
  if (auto* sent = std::get_if<wire::MessageSentEvent>(&response)) return take_sent(*sent);
  if (auto* reply = std::get_if<wire::MessageReplyEvent>(&response))
    return take_reply(std::move(*reply));
  if (const auto* forgotten = std::get_if<wire::MessageIdGarbageCollected>(&response))
    return publish(MessageForgottenEvent{forgotten->message_id.value_or(Bytes16{})});
  const std::optional<QueryId> query = wire::query_id_of(response);
  if (!query) return;  // a reply to a request that had none, or of a later daemon: nobody is meant
  if (operations_.take(*query, response)) return;
  calls_.take(*query, response);
}

void Client::Impl::take_sent(const wire::MessageSentEvent& event) {
  publish(MessageSentEvent{message_sent_of(event), event.err.value});
  if (!event.surbid) return;
  if (event.err.value.empty()) replies_.on_sent(*event.surbid);
  wire::Response response(event);
  operations_.take(*event.surbid, response);
}

void Client::Impl::take_reply(wire::MessageReplyEvent event) {
  if (!event.surbid) return;
  const Bytes16 id = *event.surbid;
  if (event.error_code != 0) {
    const Error failure = code_error("send_message", event.error_code);
    replies_.on_reply(id, failure);
    return publish(MessageSentEvent{MessageSent{id, std::nullopt, {}}, failure.what});
  }
  const MessageReply reply{id, std::move(event.payload).value_or(Bytes{})};
  replies_.on_reply(id, reply);
  publish(MessageReplyEvent{reply});
}

}  // namespace taubenpost::thin

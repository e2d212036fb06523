#include "thin/impl.h"

#include <algorithm>
#include <utility>

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

// How long an orderly close may take to write its last frame.
constexpr Limit kFarewell{2'000};

Error closed() { return error(Errc::kCancelled, "the client is closed"); }
Error caller_cancelled() { return error(Errc::kCancelled, "the caller was cancelled"); }

// A call that waits: its reply comes from the link's coroutine.
struct Waiter {
  explicit Waiter(asio::any_io_executor executor) : wake(std::move(executor)) {}
  asio::steady_timer wake;
  std::optional<Result<wire::Response>> result;
};

// Forgets what the caller started when its coroutine is destroyed in the middle.
template <class Forget>
class OnExit {
 public:
  explicit OnExit(Forget forget) : forget_(std::move(forget)) {}
  ~OnExit() { forget_(); }
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;

 private:
  Forget forget_;
};

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
  const auto waiter = std::make_shared<Waiter>(executor_);
  auto done = [waiter](Result<wire::Response> result) {
    waiter->result.emplace(std::move(result));
    waiter->wake.cancel();
  };
  const CallId id = calls_.add(Calls::Kind::kLocal, std::move(*request), std::move(done));
  const OnExit forget([this, id] { calls_.drop(id); });
  while (!waiter->result) {
    if (Clock::now() >= deadline) {
      if (!link_.is_open()) co_return gone();
      co_return error(Errc::kTemporary, "the daemon did not answer in time");
    }
    const Wake woken = co_await wait_until(waiter->wake, deadline);
    if (woken == Wake::kCancelled && !waiter->result) co_return caller_cancelled();
  }
  co_return std::move(*waiter->result);
}

OperationPtr Client::Impl::make_operation(OpKind kind, const Bytes32& hash, Draft request) {
  return std::make_shared<Operation>(executor_, kind, hash, std::move(request));
}

asio::awaitable<Result<wire::Response>> Client::Impl::run(OperationPtr op, TimePoint deadline) {
  if (closed_) co_return closed();
  ensure_dialling();
  TP_CO_TRY(operations_.add(op));
  const OnExit forget([this, op] { operations_.forget(op); });
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
  const auto document = link_.document();
  if (!document || document->mu <= 0 || document->lambda_p <= 0) return kWithoutDocument;
  const double hops = 2.0 * static_cast<double>(document->mix_layers) + 3.0;
  const double slots = options_.starts_max / document->lambda_p;
  const double wait = 10.0 * (hops * (1.0 / document->mu + 500.0) + 20'000.0) + slots;
  return Limit(static_cast<Limit::rep>(std::min(wait, 24.0 * 3'600'000.0)));
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
  const std::optional<QueryId> query = wire::query_id_of(response);
  // Without a query id nobody can be meant: message events (this client sends no messages), and
  // replies to requests that had none.
  if (!query) return;
  if (operations_.take(*query, response)) return;
  calls_.take(*query, response);
}

}  // namespace taubenpost::thin

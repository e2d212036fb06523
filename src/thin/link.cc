#include "thin/link.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/random.h"
#include "thin/wait.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kDocumentsMax = 6;
constexpr std::size_t kDocumentBytesMax = 67'108'864;  // of all of them; the newest may have more

// Sizes that the client computes with. A box holds more than the heads of its parts (5 bytes), and
// nothing is larger than a frame.
bool is_possible(const wire::ConnectionStatusEvent& event) {
  const auto within = [](std::int64_t size, std::int64_t least) {
    return size >= least && size <= static_cast<std::int64_t>(wire::kFrameMax);
  };
  const auto& sphinx = event.sphinx_geometry;
  const auto& pigeonhole = event.pigeonhole_geometry;
  return (!sphinx || within(sphinx->user_forward_payload_length, 1)) &&
         (!pigeonhole || within(pigeonhole->max_plaintext_payload_length, 6));
}

}  // namespace

Link::Link(asio::any_io_executor executor, const Options& options, LinkOwner& owner)
    : executor_(executor),
      address_(options.address),
      timing_(options.timing),
      owner_(owner),
      watchdog_(executor),
      pause_(executor),
      backoff_(options.timing.backoff_min) {
  fill_random(token_.writable());
}

asio::awaitable<void> Link::run(TaskGroup& group, std::shared_ptr<void> keeper) {
  while (!stopping_) {
    dialer_ = std::make_shared<Dialer>(executor_);
    Result<Socket> socket = co_await dialer_->run(address_, timing_.dial);
    dialer_.reset();
    if (stopping_) break;
    if (!socket) {
      last_problem_ = socket.error().what;
    } else {
      const auto session = std::make_shared<Session>(std::move(*socket));
      group.spawn([session, keeper] { return session->write_loop(); });
      session_ = session;
      const std::string cause = co_await serve(session);
      session->close(cause);
      session_.reset();
      const bool was_open = is_open();
      if (phase_ == Phase::kProbing) fill_random(token_.writable());
      phase_ = Phase::kDown;
      last_problem_ = session->cause();
      watchdog_.cancel();
      if (was_open) owner_.on_lost(DisconnectedEvent{shutdown_said_, last_problem_});
    }
    if (!stopping_) co_await back_off();
  }
}

// Reads until the stream ends; returns why.
asio::awaitable<std::string> Link::serve(std::shared_ptr<Session> session) {
  greet();
  while (true) {
    const Result<SecretBytes> body = co_await session->read();
    if (!body) co_return body.error().what;
    Result<wire::Response> response = wire::decode_response(body->view());
    if (!response) co_return "the daemon sent what cannot be read: " + response.error().what;
    const Status handled = dispatch(std::move(*response));
    if (!handled) co_return handled.error().what;
  }
}

asio::awaitable<void> Link::back_off() {
  // Jitter keeps clients that lost the same daemon from coming back in step.
  const auto range = static_cast<std::uint64_t>(backoff_.count() / 4);
  const Limit delay = backoff_ + Limit(random_below(range + 1));
  backoff_ = std::min(backoff_ * 2, timing_.backoff_max);
  pause_.expires_after(delay);
  co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Link::stop() {
  stopping_ = true;
  phase_ = Phase::kDown;
  if (dialer_) dialer_->stop();
  if (session_) session_->close("closed by this client");
  watchdog_.cancel();
  pause_.cancel();
}

void Link::finish(std::chrono::milliseconds limit) {
  if (!is_open()) {
    stop();
    return;
  }
  stopping_ = true;
  send(wire::encode_request(wire::ThinClose{}).value());
  phase_ = Phase::kDown;
  session_->finish();
  arm(limit, "closed by this client");
}

void Link::send(SecretBytes frame, const Bytes16& name) {
  TP_CHECK(session_);
  session_->send(std::move(frame), name);
}

bool Link::take_back(const Bytes16& name) { return session_ && session_->take_back(name); }

void Link::greet() {
  phase_ = Phase::kGreeting;
  saw_status_ = saw_document_ = shutdown_said_ = false;
  gateway_link_ = has_document_ = false;
  instance_.reset();
  last_epoch_.reset();
  arm(timing_.greeting, "the daemon did not complete the handshake in time");
}

// Closes this session, and no later one, with `cause` after `limit`.
void Link::arm(std::chrono::milliseconds limit, std::string cause) {
  watchdog_.expires_after(limit);
  watchdog_.async_wait([watched = std::weak_ptr<Session>(session_),
                        cause = std::move(cause)](const boost::system::error_code& cancelled) {
    const std::shared_ptr<Session> session = watched.lock();
    if (!cancelled && session) session->close(cause);
  });
}

Status Link::dispatch(wire::Response response) {
  if (const auto* status = std::get_if<wire::ConnectionStatusEvent>(&response)) {
    TP_TRY(take_status(*status));
  } else if (auto* document = std::get_if<wire::NewPkiDocumentEvent>(&response)) {
    take_document(std::move(*document));
  } else if (const auto* session = std::get_if<wire::SessionTokenReply>(&response)) {
    take_session(*session);
  } else if (std::get_if<wire::ShutdownEvent>(&response) != nullptr) {
    shutdown_said_ = true;
    owner_.on_shutdown();
  } else if (!take_probe(response)) {
    owner_.on_response(std::move(response));
  }
  return ok();
}

Status Link::take_status(const wire::ConnectionStatusEvent& event) {
  if (!is_possible(event))
    return error(Errc::kInvalid, "the daemon's geometry is impossible: incompatible");
  if (event.sphinx_geometry) sphinx_ = event.sphinx_geometry;
  if (event.pigeonhole_geometry) pigeonhole_ = event.pigeonhole_geometry;
  if (!saw_status_ && !(event.sphinx_geometry && event.pigeonhole_geometry))
    return error(Errc::kInvalid, "the daemon did not tell its geometry: incompatible");
  instance_ = event.instance_token;
  saw_status_ = true;
  gateway_link_ = event.is_connected;
  owner_.on_status(StatusEvent{event.is_connected});
  if (phase_ == Phase::kGreeting && saw_document_) greeted();
  return ok();
}

void Link::take_document(wire::NewPkiDocumentEvent event) {
  saw_document_ = true;
  if (event.payload) {
    Result<Document> parsed = Document::parse(std::move(*event.payload));
    // A document that nobody can read is no document; the next epoch brings another.
    if (parsed) {
      const std::uint64_t epoch = parsed->epoch();
      last_epoch_ = epoch;
      documents_[epoch] = std::make_shared<const Document>(std::move(*parsed));
      forget_old_documents();
      has_document_ = true;
      owner_.on_document(DocumentEvent{document()});
    }
  }
  if (phase_ == Phase::kGreeting && saw_status_) greeted();
}

void Link::forget_old_documents() {
  std::size_t bytes = 0;
  for (const auto& [epoch, held] : documents_) bytes += held->raw().size();
  while (documents_.size() > kDocumentsMax ||
         (documents_.size() > 1 && bytes > kDocumentBytesMax)) {
    bytes -= documents_.begin()->second->raw().size();
    documents_.erase(documents_.begin());
  }
}

DocumentPtr Link::document() const {
  return documents_.empty() ? nullptr : documents_.rbegin()->second;
}

// Messages 1 and 2 are here: the session token goes first, and alone (thin-protocol 2.1).
void Link::greeted() {
  phase_ = Phase::kSession;
  // Another process may serve another network, whose epochs say nothing beside the old ones.
  if (opened_instance_ != instance_)
    std::erase_if(documents_, [this](const auto& held) { return held.first != last_epoch_; });
  wire::SessionToken token{to_array<16>(token_.view())};
  send(wire::encode_request(token).value());
  wipe(token.client_instance_token);
  arm(timing_.session_reply, "the daemon did not answer the session token in time");
}

void Link::take_session(const wire::SessionTokenReply& reply) {
  if (phase_ != Phase::kSession) return;
  backoff_ = timing_.backoff_min;
  if (!reply.resumed) {
    open(/*resumed=*/false);
    return;
  }
  // The daemon may have confused this connection with the one before (thin-protocol 2.6); then it
  // answers nothing, and only a new session helps.
  phase_ = Phase::kProbing;
  probe_query_ = random_array<16>();
  send(wire::encode_request(wire::GetDirectoryAuthorities{probe_query_}).value());
  arm(timing_.resume_probe, "the resumed session does not answer");
}

bool Link::take_probe(const wire::Response& response) {
  const auto* reply = std::get_if<wire::GetDirectoryAuthoritiesReply>(&response);
  if (phase_ != Phase::kProbing || reply == nullptr || reply->query_id != probe_query_)
    return false;
  open(/*resumed=*/true);
  return true;
}

void Link::open(bool resumed) {
  watchdog_.cancel();
  phase_ = Phase::kOpen;
  last_problem_.clear();
  const bool same_state = resumed && opened_instance_ == instance_;
  opened_instance_ = instance_;
  owner_.on_open(same_state);
}

}  // namespace taubenpost::thin

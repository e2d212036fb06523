#include "localnet/daemon.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "localnet/session.h"

namespace taubenpost::localnet {
namespace {

// How upstream looks for its first document.
constexpr Milliseconds kLookInterval{200};
constexpr int kLooks = 150;

}  // namespace

Daemon::Daemon(const Context& context, std::size_t buffer_limit)
    : context_(context),
      instance_token_(random_array<16>()),
      buffers_(std::make_shared<BufferBudget>(buffer_limit)) {
  follow_epochs();
}

Daemon::~Daemon() {
  context_.scheduler.cancel(epoch_timer_);
  context_.scheduler.cancel(arrival_timer_);
  for (const auto& session : std::exchange(arriving_, {})) session->abandon();
  for (auto& [token, entry] : tokens_) context_.scheduler.cancel(entry.grace);
  for (auto& [key, session] : std::exchange(sessions_, {})) session->abandon();
}

void Daemon::accept(Connection::Socket socket) {
  // A connection too many is closed at once.
  if (sessions_.size() + arriving_.size() >= kSessionsMax) return;
  auto session = std::make_shared<Session>(
      *this, context_, std::make_shared<Connection>(std::move(socket), buffers_));
  if (!context_.behaviour.waits_for_document) return let_in(session);
  arriving_.push_back(std::move(session));
  if (arriving_.size() == 1) receive_next(kLooks);
}

void Daemon::let_in(const std::shared_ptr<Session>& session) {
  sessions_.emplace(session.get(), session);
  session->start();
}

// The first of those that arrive: now, or at the next look for a document.
void Daemon::receive_next(int looks_left) {
  while (!arriving_.empty()) {
    if (!context_.gateway.epoch_in_force() && looks_left > 0) {
      arrival_timer_ = context_.scheduler.after(
          kLookInterval, [this, looks_left] { receive_next(looks_left - 1); });
      return;
    }
    const auto session = std::move(arriving_.front());
    arriving_.pop_front();
    let_in(session);
    looks_left = kLooks;
  }
}

void Daemon::shutdown() {
  context_.scheduler.cancel(arrival_timer_);
  for (const auto& session : std::exchange(arriving_, {})) session->abandon();
  for (auto& [token, entry] : tokens_) entry.session = nullptr;
  for (auto& [key, session] : std::exchange(sessions_, {})) session->say_goodbye();
}

std::optional<bool> Daemon::attach(Session& session, const Bytes16& token) {
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) {
    if (tokens_.size() >= kTokensMax) return std::nullopt;
    tokens_[token] = Token{session.client(), &session, 0};
    return false;
  }
  Token& entry = found->second;
  context_.scheduler.cancel(std::exchange(entry.grace, 0));
  Session* const before = std::exchange(entry.session, &session);
  const bool is_elsewhere = before != nullptr && before != &session;
  if (is_elsewhere && !context_.behaviour.replies_follow_token) {
    const auto kept = sessions_.extract(before);
    entry.client->detach();
    kept.mapped()->abandon();
  }
  if (session.client() != entry.client && !context_.behaviour.loses_early_requests)
    entry.client->adopt(*session.client());
  session.set_client(entry.client);
  return true;
}

void Daemon::leave(Session& session, const Bytes16& token) {
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return;
  Token& entry = found->second;
  if (entry.session != &session && !context_.behaviour.replies_follow_token) return;
  entry.session = nullptr;
  context_.scheduler.cancel(entry.grace);
  entry.client->detach(memory_for(token));
  entry.grace =
      context_.scheduler.after(context_.knobs.resume_grace, [this, token] { forget(token); });
}

void Daemon::forget(const Bytes16& token) {
  const auto found = tokens_.find(token);
  if (found == tokens_.end()) return;
  context_.scheduler.cancel(found->second.grace);
  found->second.client->clear();
  tokens_.erase(found);
}

// It is not forgotten at once: it may be in the middle of storing a reply.
std::unique_ptr<BufferBudget::Share> Daemon::memory_for(const Bytes16& token) {
  const auto forget_it = [this, token, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    const auto found = tokens_.find(token);
    if (found != tokens_.end() && !found->second.client->attached()) forget(token);
  };
  return std::make_unique<BufferBudget::Share>(
      buffers_, [forget_it, &scheduler = context_.scheduler] { scheduler.post(forget_it); });
}

Client& Daemon::owner_of(const Client::Key& key, Client& asker) const {
  if (!context_.behaviour.anybody_cancels) return asker;
  for (const auto& [token, entry] : tokens_)
    if (entry.client->runs(key)) return *entry.client;
  for (const auto& [session, kept] : sessions_)
    if (session->client()->runs(key)) return *session->client();
  return asker;
}

void Daemon::drop(Session& session) { sessions_.erase(&session); }

void Daemon::announce_document() {
  if (!context_.gateway.is_up()) return;
  const auto sessions = sessions_;
  for (const auto& [key, session] : sessions) session->broadcast_document();
}

void Daemon::announce_link() {
  const auto sessions = sessions_;
  for (const auto& [key, session] : sessions) session->broadcast_status();
  announce_document();
}

// There is a document for each mix epoch.
void Daemon::follow_epochs() {
  const std::uint64_t next =
      (bacap::kEpochOrigin + (context_.mix_epoch() + 1) * bacap::kMixEpochSeconds) * 1000;
  const Milliseconds wait(next - std::min(next, context_.scheduler.unix_ms()));
  epoch_timer_ = context_.scheduler.after(wait, [this] {
    announce_document();
    follow_epochs();
  });
}

}  // namespace taubenpost::localnet

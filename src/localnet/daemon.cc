#include "localnet/daemon.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "localnet/session.h"

namespace taubenpost::localnet {

Daemon::Daemon(const Context& context) : context_(context), instance_token_(random_array<16>()) {
  follow_epochs();
}

Daemon::~Daemon() {
  context_.scheduler.cancel(epoch_timer_);
  for (auto& [token, entry] : tokens_) context_.scheduler.cancel(entry.grace);
  for (auto& [key, session] : std::exchange(sessions_, {})) session->abandon();
}

void Daemon::accept(Connection::Socket socket) {
  // A connection too many is closed at once.
  if (sessions_.size() >= kSessionsMax) return;
  auto session = std::make_shared<Session>(
      *this, context_, std::make_shared<Connection>(std::move(socket), buffers_));
  sessions_.emplace(session.get(), session);
  session->start();
}

void Daemon::shutdown() {
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
  entry.client->detach();
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

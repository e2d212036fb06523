// The daemon front: connections, the handshake, session tokens, and who answers which request
// (thin-protocol 2 and 3).
//
// Local and control requests of a connection are answered in order, and never wait for the
// network; mixnet operations run beside them. A malformed request is answered with code 3 where it
// still says what it is; only what can't be read at all costs the connection. That is the robust
// daemon; daemon_behaviour.h has the other.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "localnet/client.h"
#include "localnet/connection.h"
#include "localnet/context.h"

namespace taubenpost::localnet {

class Daemon {
 public:
  static constexpr std::size_t kSessionsMax = 256;
  static constexpr std::size_t kTokensMax = 1024;

  // The context outlives the daemon. `buffer_limit` is what connections and clients that are away
  // hold in memory together (buffer_budget.h).
  explicit Daemon(const Context& context, std::size_t buffer_limit = BufferBudget::kDefaultLimit);
  // Drops all connections at once.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  void accept(Connection::Socket socket);
  // Tells every connection that the daemon ends, and closes it once that is written.
  void shutdown();
  // Every connection gets the document in force: there is a new one.
  void announce_document();
  // Every connection hears whether there is a link to the gateway, and if so gets the document.
  void announce_link();

 private:
  class Session;
  struct Token {
    std::shared_ptr<Client> client;
    Session* session = nullptr;  // the connection that has it now
    Scheduler::Timer grace = 0;  // runs while there is none
  };

  // Gives the session the client of the token; whether that client was known. Takes it away from
  // an older connection, which is closed if this daemon is robust. Nothing if there are too many
  // clients.
  std::optional<bool> attach(Session& session, const Bytes16& token);
  // The session no longer has the token; its client waits for the next one.
  void leave(Session& session, const Bytes16& token);
  void forget(const Bytes16& token);
  // Whose operation a cancel of the asker's ends.
  Client& owner_of(const Client::Key& key, Client& asker) const;
  // For the replies to a client that is away, which is forgotten when others need the memory.
  std::unique_ptr<BufferBudget::Share> memory_for(const Bytes16& token);
  void drop(Session& session);
  void let_in(const std::shared_ptr<Session>& session);
  void receive_next(int looks_left);
  void follow_epochs();

  const Context& context_;
  const Bytes16 instance_token_;
  const std::shared_ptr<BufferBudget> buffers_;
  std::map<Bytes16, Token> tokens_;
  std::map<Session*, std::shared_ptr<Session>> sessions_;
  std::deque<std::shared_ptr<Session>> arriving_;  // wait for a document
  Scheduler::Timer arrival_timer_ = 0;
  Scheduler::Timer epoch_timer_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace taubenpost::localnet

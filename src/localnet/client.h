// What the daemon holds for one client: running operations, and replies that await it.
//
// Outlives the connection when the client presented a session token. Operations belong to the
// client that started them: nobody else can cancel them, and their replies go nowhere else. Every
// query_id gets exactly one final reply, sent or stored. (All of this as far as the daemon's
// behaviour goes: daemon_behaviour.h.)
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "localnet/buffer_budget.h"
#include "localnet/context.h"
#include "localnet/operation.h"
#include "wire/replies.h"

namespace taubenpost::localnet {

class Client {
 public:
  // That run; and, beside them, requests that wait for a slot.
  static constexpr std::size_t kOperationsMax = 4096;
  static constexpr std::size_t kStoredMessagesMax = 1000;

  using Deliver = std::function<void(const wire::Response&)>;

  // The context outlives the client.
  explicit Client(const Context& context);

  const Bytes16& app_id() const { return app_id_; }

  // Where replies go from now on; stored ones first, in order.
  void attach(Deliver deliver);
  // Replies are stored from now on. What they take is counted in `memory`, if there is one.
  void detach(std::unique_ptr<BufferBudget::Share> memory = nullptr);
  bool attached() const { return deliver_ != nullptr; }
  // Takes over what `other` runs: what a connection started before it said whose it is.
  void adopt(Client& other);
  // Forgets what runs and what is stored.
  void clear();
  // The reply to a local call: for whoever is there.
  void answer(const wire::Response& response);
  const SlotClock::LinePtr& line() const { return line_; }

  void start(const wire::StartResendingEncryptedMessage& request);
  void start(const wire::StartResendingCopyCommand& request);
  void send(const wire::SendMessage& request);

  enum class Kind : std::uint8_t { kEncrypted, kCopy };
  using Key = std::pair<Kind, Bytes32>;  // envelope hash, or copy key
  bool runs(const Key& key) const { return running_.contains(key); }
  // The owner's last reply, with code 24, goes to `hearer`.
  void cancel(const Key& key, Client& hearer);

 private:
  using Owner = std::shared_ptr<Client*>;
  struct Running {
    std::shared_ptr<Operation> operation;
    std::vector<Bytes16> query_ids;  // all want the same answer
    Bytes fingerprint;               // equal for starts that may share one operation
    Owner owner;                     // whom the operation tells of its end
  };

  template <class Make>
  void run(const Key& key, const Bytes16& query_id, Bytes fingerprint, Make make);
  bool is_full() const;
  bool share(const Key& key, const Bytes16& query_id, const Bytes& fingerprint);
  void hide(const Key& key);
  void finish(const Key& key, const Owner& owner, const OperationResult& result);
  void end(const Key& key, const Running& running, const OperationResult& result);
  void reply(Kind kind, const Bytes16& query_id, std::size_t courier,
             const OperationResult& result);
  void refuse(Kind kind, const wire::Id16& query_id, std::uint8_t code);
  void deliver(const wire::Response& response);
  void count(const wire::Response& stored);
  void send_now(const wire::SendMessage& request, const Bytes& payload, bool is_answered);
  void send_failed(const wire::SendMessage& request, const char* why);

  const Context& context_;
  const SlotClock::LinePtr line_;
  const Bytes16 app_id_;
  Deliver deliver_;
  std::map<Key, Running> running_;
  std::multimap<Key, Running> hidden_;  // run, but no cancel finds them
  std::deque<wire::Response> stored_;
  std::size_t stored_messages_ = 0;
  std::unique_ptr<BufferBudget::Share> stored_memory_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace taubenpost::localnet

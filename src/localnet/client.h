// What the daemon holds for one client: running operations, and replies that await it.
//
// Outlives the connection when the client presented a session token. Operations belong to the
// client that started them: nobody else can cancel them, and their replies go nowhere else. Every
// query_id gets exactly one final reply, sent or stored.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "localnet/context.h"
#include "localnet/operation.h"
#include "wire/replies.h"

namespace taubenpost::localnet {

class Client {
 public:
  static constexpr std::size_t kOperationsMax = 4096;
  static constexpr std::size_t kStoredMessagesMax = 1000;

  using Deliver = std::function<void(const wire::Response&)>;

  // The context outlives the client.
  explicit Client(const Context& context);

  const Bytes16& app_id() const { return app_id_; }

  // Where replies go from now on; stored ones first, in order.
  void attach(Deliver deliver);
  // Replies are stored from now on.
  void detach() { deliver_ = nullptr; }
  bool attached() const { return deliver_ != nullptr; }
  // Takes over what `other` runs: what a connection started before it said whose it is.
  void adopt(Client& other);

  void start(const wire::StartResendingEncryptedMessage& request);
  void start(const wire::StartResendingCopyCommand& request);
  // The owner's reply with code 24 is delivered before the reply that is returned.
  wire::Response cancel(const wire::CancelResendingEncryptedMessage& request);
  wire::Response cancel(const wire::CancelResendingCopyCommand& request);
  void send(const wire::SendMessage& request);

 private:
  enum class Kind : std::uint8_t { kEncrypted, kCopy };
  struct Running {
    std::shared_ptr<Operation> operation;
    std::vector<Bytes16> query_ids;  // all want the same answer
    Bytes fingerprint;               // equal for starts that may share one operation
    std::shared_ptr<Client*> owner;  // whom the operation tells of its end
  };
  using Key = std::pair<Kind, Bytes32>;  // envelope hash, or copy key

  template <class Make>
  void run(const Key& key, const Bytes16& query_id, Bytes fingerprint, Make make);
  bool share(const Key& key, const Bytes16& query_id, const Bytes& fingerprint);
  void finish(const Key& key, const OperationResult& result);
  void reply(Kind kind, const Bytes16& query_id, std::size_t courier,
             const OperationResult& result);
  void refuse(Kind kind, const wire::Id16& query_id, std::uint8_t code);
  void cancel(const Key& key);
  void deliver(const wire::Response& response);
  void send_now(const wire::SendMessage& request, const Bytes& payload, bool is_answered);
  void send_failed(const wire::SendMessage& request, const char* why);

  const Context& context_;
  const SlotClock::LinePtr line_;
  const Bytes16 app_id_;
  Deliver deliver_;
  std::map<Key, Running> running_;
  std::deque<wire::Response> stored_;
  std::size_t stored_messages_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace taubenpost::localnet

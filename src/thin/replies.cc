#include "thin/replies.h"

#include <utility>

namespace taubenpost::thin {

std::shared_ptr<Replies::Reply> Replies::expect(boost::asio::any_io_executor executor,
                                                const Bytes16& id) {
  auto waiter = std::make_shared<Reply>(std::move(executor));
  waiting_[id].waiter = waiter;
  return waiter;
}

void Replies::on_sent(const Bytes16& id) {
  const auto found = waiting_.find(id);
  if (found != waiting_.end()) found->second.is_sent = true;
}

void Replies::on_reply(const Bytes16& id, Result<MessageReply> reply) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end() || found->second.waiter->is_set()) return;
  found->second.waiter->set(std::move(reply));
}

void Replies::on_open(bool same_state) {
  if (same_state) return;
  for (const auto& [id, entry] : waiting_)
    if (entry.is_sent && !entry.waiter->is_set())
      entry.waiter->set(error(Errc::kOutcomeUnknown,
                              "the message was sent; the daemon has lost its reply block since"));
}

void Replies::fail_all(const Error& reason) {
  for (const auto& [id, entry] : waiting_)
    if (!entry.waiter->is_set()) entry.waiter->set(reason);
}

}  // namespace taubenpost::thin

#include "thin/subscription.h"

#include <algorithm>
#include <utility>

#include "thin/wait.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

// A state that the next event of its kind replaces.
bool is_state(const Event& event) {
  return std::holds_alternative<StatusEvent>(event) || std::holds_alternative<DocumentEvent>(event);
}

constexpr std::size_t kBytesMax = 67'108'864;

// What an event holds beside itself.
struct SizeOf {
  std::size_t operator()(const DocumentEvent& event) const {
    return event.document ? event.document->raw().size() : 0;
  }
  std::size_t operator()(const DisconnectedEvent& event) const { return event.cause.size(); }
  std::size_t operator()(const MessageSentEvent& event) const { return event.failure.size(); }
  std::size_t operator()(const MessageReplyEvent& event) const {
    return event.reply.payload.size();
  }
  template <class Small>
  std::size_t operator()(const Small&) const {
    return 0;
  }
};
std::size_t size_of(const Event& event) { return std::visit(SizeOf{}, event); }

}  // namespace

Subscription::Subscription(asio::any_io_executor executor, std::size_t capacity)
    : wake_(std::move(executor)), capacity_(capacity) {
  TP_CHECK(capacity_ > 0);
}

asio::awaitable<Result<Event>> Subscription::next(std::chrono::milliseconds limit) {
  const std::shared_ptr<Subscription> self = shared_from_this();
  const TimePoint deadline = deadline_after(limit);
  while (events_.empty() && !ended_) {
    if (Clock::now() >= deadline) co_return error(Errc::kTemporary, "no event in time");
    const Wake woken = co_await wait_until(wake_, deadline);
    if (woken == Wake::kCancelled && events_.empty())
      co_return error(Errc::kCancelled, "waiting for an event was cancelled");
  }
  if (events_.empty()) co_return error(Errc::kCancelled, "the client is closed");
  co_return take();
}

Event Subscription::take() {
  if (told_ != lost_) return MissedEvent{lost_ - std::exchange(told_, lost_)};
  return remove(events_.begin());
}

Event Subscription::remove(std::deque<Event>::iterator event) {
  bytes_ -= size_of(*event);
  Event removed = std::move(*event);
  events_.erase(event);
  return removed;
}

// Drops the oldest state that a later event replaces, or else the oldest event, and counts it.
void Subscription::make_room(const Event& coming) {
  for (auto event = events_.begin(); event != events_.end(); ++event) {
    const auto same_kind = [&event](const Event& later) { return later.index() == event->index(); };
    if (!is_state(*event)) continue;
    if (same_kind(coming) || std::any_of(std::next(event), events_.end(), same_kind)) {
      remove(event);
      return;
    }
  }
  remove(events_.begin());
  ++lost_;
}

void Subscription::push(Event event) {
  const std::size_t size = size_of(event);
  while (!events_.empty() && (events_.size() == capacity_ || bytes_ + size > kBytesMax))
    make_room(event);
  bytes_ += size;
  events_.push_back(std::move(event));
  wake_.cancel();
}

void Subscription::end() {
  ended_ = true;
  wake_.cancel();
}

}  // namespace taubenpost::thin

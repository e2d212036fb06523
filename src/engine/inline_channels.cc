#include "engine/inline_channels.h"

#include <utility>

#include "engine/bodies.h"
#include "engine/index_steps.h"
#include "engine/letter_of.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

constexpr std::uint64_t kStepsAtOnce = 4096;

// As advanced(); others may go on in between.
asio::awaitable<Result<IndexBytes>> advanced_far(EnginePorts ports, IndexBytes index,
                                                 std::uint64_t steps) {
  for (; steps > kStepsAtOnce; steps -= kStepsAtOnce) {
    const Result<IndexBytes> next = advanced(index, kStepsAtOnce);
    if (!next) co_return next;
    index = *next;
    co_await ports.clock.sleep(std::chrono::milliseconds(0));
  }
  co_return advanced(index, steps);
}

bool is_over(const RecipientRow& recipient) {
  return recipient.state == RecipientState::kPosted || recipient.position == IndexBytes{};
}

// A channel that the job has for itself, and who reads it.
struct Own {
  ChannelRow channel;
  RecipientRow recipient;
};
Result<std::vector<Own>> own_channels(const ports::Store& store, const SendJobRow& job) {
  std::vector<Own> own;
  if (job.layout != Layout::kInline) return own;
  Result<std::vector<RecipientRow>> recipients = store.recipients(job.id);
  if (!recipients) return recipients.error();
  for (RecipientRow& recipient : recipients.value()) {
    Result<ChannelRow> channel = store.channel(recipient.channel);
    if (!channel) return channel.error();
    if (channel->stream == job.id)
      own.push_back({std::move(channel).value(), std::move(recipient)});
  }
  return own;
}

}  // namespace

Status take_channels(const ports::Store& store, const SendJobRow& job, Transaction& step) {
  const Result<std::vector<RecipientRow>> recipients = store.recipients(job.id);
  if (!recipients) return recipients.error();
  for (const RecipientRow& recipient : *recipients) {
    Result<ChannelRow> channel = store.channel(recipient.channel);
    if (!channel) return channel.error();
    TP_CHECK(channel->layout == Layout::kInline);
    if (channel->stream == job.id) continue;
    if (channel->stream != JobId{})
      return error(Errc::kRefused, "channel " + printable(channel->name) + " has another job");
    channel->stream = job.id;
    step.update(std::move(channel).value());
  }
  return ok();
}

asio::awaitable<Status> reserve_streams(EnginePorts ports, SendJobRow job, Transaction& step) {
  Result<std::vector<RecipientRow>> recipients = ports.store.recipients(job.id);
  if (!recipients) co_return recipients.error();
  const Bytes header = letter_of(job, RecipientIndex{0});
  const std::uint64_t boxes = 1 + boxes_per_copy(job);
  for (RecipientRow& recipient : recipients.value()) {
    Result<ChannelRow> channel = ports.store.channel(recipient.channel);
    if (!channel) co_return channel.error();
    TP_CHECK(channel->stream == job.id);
    const Result<IndexBytes> next = co_await advanced_far(ports, channel->next, boxes);
    if (!next) co_return next.error();
    recipient.letter = header;
    recipient.position = channel->next;
    recipient.counter = channel->counter;
    channel->next = *next;
    channel->counter += boxes;
    step.move(std::move(recipient), RecipientEvent::kReserve);
    step.update(std::move(channel).value());
  }
  co_return ok();
}

Result<IndexBytes> next_start(const ports::Store& store, const ChannelRow& channel) {
  if (channel.stream == JobId{}) return channel.next;
  const Result<std::vector<RecipientRow>> recipients = store.recipients(channel.stream);
  if (!recipients) return recipients.error();
  for (const RecipientRow& recipient : *recipients)
    if (recipient.channel == channel.id && recipient.state == RecipientState::kReserved)
      return recipient.position;
  return channel.next;
}

Result<bool> has_channels(const ports::Store& store, const SendJobRow& job) {
  const Result<std::vector<Own>> own = own_channels(store, job);
  if (!own) return own.error();
  return !own->empty();
}

Status release_channels(const ports::Store& store, const SendJobRow& job, Release which,
                        Transaction& step) {
  Result<std::vector<Own>> own = own_channels(store, job);
  if (!own) return own.error();
  for (auto& [channel, recipient] : own.value()) {
    if (which == Release::kEnded && !is_over(recipient)) continue;
    channel.stream = {};
    if (which == Release::kUndoing && recipient.state == RecipientState::kReserved) {
      channel.next = std::exchange(recipient.position, IndexBytes{});
      channel.counter = recipient.counter;
      recipient.error_text = "nothing was written";
      step.move(std::move(recipient), RecipientEvent::kGiveUp);
    }
    step.update(std::move(channel));
  }
  return ok();
}

}  // namespace taubenpost

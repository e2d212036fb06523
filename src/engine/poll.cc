#include "engine/poll.h"

#include "bacap/capability.h"
#include "base/failpoint.h"
#include "engine/backoff.h"
#include "wire/letter.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;
using ports::Transaction;

namespace {

// Reads without a clear answer before the round ends; the next round goes on at the same position.
constexpr unsigned kAttempts = 5;

Error no_answer(const std::string& detail) {
  return error(Errc::kTemporary, "poll: the network gave no clear answer: " + printable(detail),
               "nothing was skipped; try again later");
}

// kOk, kTombstone or kNotFound; everything else is an error.
asio::awaitable<Result<ports::ReadResult>> read_position(EnginePorts ports, Bytes read_cap,
                                                         IndexBytes index) {
  Backoff backoff(ports);
  for (;;) {
    ports::ReadResult result = co_await ports.network.read(read_cap, index);
    switch (result.outcome) {
      case Outcome::kOk:
      case Outcome::kTombstone:
      case Outcome::kNotFound:
        co_return result;
      case Outcome::kRejected:
        co_return error(Errc::kRejected, "poll: the read was refused: " + printable(result.detail));
      case Outcome::kRetry:
      case Outcome::kReencrypt:
      case Outcome::kUnreadable:  // of a replica's making, perhaps: never a reason to skip a letter
      case Outcome::kStorageFull:
      case Outcome::kTaken:
        break;
    }
    if (backoff.attempts() + 1 >= kAttempts) co_return no_answer(result.detail);
    const Result<ports::NetworkView> alive = co_await ports.network.view(kDaemonLimitMs);
    if (!alive) co_return alive.error();
    co_await backoff.pause();
  }
}

// What a position holds, and the job that follows from it.
struct Found {
  InboxRow inbox;
  std::optional<ReceiveJobRow> job;
};

ReceiveJobRow new_job(EnginePorts& ports, const ChannelRow& channel, const Bytes& box,
                      const std::string& folder) {
  ReceiveJobRow job;
  ports.random.fill(job.id);
  job.created = ports.clock.unix_ms() / 1000;
  job.channel = channel.id;
  job.channel_name = channel.name;
  job.counter = channel.counter;
  job.letter = box;
  job.folder = folder;
  return job;
}

// Store errors only: a box that makes no sense is a row like any other.
Result<Found> decide(EnginePorts& ports, const ChannelRow& channel, ports::ReadResult read,
                     const std::string& folder) {
  Found found;
  InboxRow& inbox = found.inbox;
  inbox.channel = channel.id;
  inbox.counter = channel.counter;
  inbox.seen = ports.clock.unix_ms() / 1000;
  inbox.content = std::move(read.plaintext);
  if (read.outcome == Outcome::kTombstone) {
    inbox.kind = InboxKind::kRetracted;
    return found;
  }
  const Result<wire::BoxContent> content = wire::decode_box_content(inbox.content);
  if (!content) {
    inbox.kind = InboxKind::kInvalid;
    inbox.reason = content.error().what;
    return found;
  }
  const auto* letter = std::get_if<wire::Letter>(&*content);
  if (letter == nullptr) {
    inbox.kind = InboxKind::kUnknown;
    inbox.reason = std::holds_alternative<wire::Foreign>(*content)
                       ? "the beginning of a pigeonhole-cp stream"
                       : "a type that this version does not know";
    return found;
  }
  inbox.transfer = letter->id;
  const Result<std::optional<InboxRow>> known = ports.store.inbox_transfer(channel.id, letter->id);
  if (!known) return known.error();
  if (known.value()) {
    inbox.kind = InboxKind::kDuplicate;
    inbox.job = (*known)->job;
    return found;
  }
  inbox.kind = InboxKind::kLetter;
  found.job = new_job(ports, channel, inbox.content, folder);
  inbox.job = found.job->id;
  return found;
}

}  // namespace

asio::awaitable<Result<PollSummary>> poll_channel(EnginePorts ports, ChannelId channel,
                                                  std::string folder) {
  TP_CHECK(!folder.empty() && folder.front() == '/');
  PollSummary summary;
  for (;;) {
    Result<ChannelRow> row = ports.store.channel(channel);
    if (!row) co_return row.error();
    if (row->direction != ChannelDirection::kIncoming)
      co_return error(Errc::kUsage, "channel " + printable(row->name) + " is for sending",
                      "poll a channel made with 'channel import'");
    Result<ports::ReadResult> read = co_await read_position(ports, row->capability, row->next);
    if (!read) co_return read.error();
    if (read->outcome == Outcome::kNotFound) co_return summary;

    Result<Found> found = decide(ports, *row, std::move(read).value(), folder);
    if (!found) co_return found.error();
    const Result<bacap::MessageBoxIndex> index = bacap::MessageBoxIndex::parse(row->next);
    if (!index) co_return index.error();
    const Result<bacap::MessageBoxIndex> next = index->next();
    if (!next) co_return next.error();
    row->next = next->bytes();
    row->counter = next->counter();

    const bool is_letter = found->job.has_value();
    Transaction step;
    step.create(std::move(found->inbox)).update(std::move(row).value());
    if (is_letter) step.create(std::move(*found->job));
    TP_FAILPOINT("receive.poll.before_commit");
    Status stored = co_await ports.store.commit(std::move(step));
    if (!stored) co_return stored.error();
    TP_FAILPOINT("receive.poll.committed");
    ++(is_letter ? summary.letters : summary.others);
  }
}

}  // namespace taubenpost

#include "engine/resync.h"

#include <boost/asio/this_coro.hpp>
#include <map>

#include "bacap/capability.h"
#include "bacap/epochs.h"
#include "base/failpoint.h"
#include "engine/channels.h"
#include "engine/end_send.h"
#include "engine/engine.h"
#include "engine/index_steps.h"
#include "engine/read_surely.h"
#include "engine/task_group.h"
#include "wire/letter.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;
using ports::Transaction;

namespace {

constexpr std::size_t kMisses = 16;
constexpr std::uint64_t kMissMs = 60'000;      // of fresh reads, before a position counts as empty
constexpr std::uint64_t kFarthest = 1U << 20;  // of --at: each position costs a hash

// A letter of ours, or a receipt, and where it stands.
struct Found {
  std::uint64_t sent = 0, until = 0;
  Bytes box;
  IndexBytes position{};
  std::uint64_t counter = 0;
};

class Resync {
 public:
  Resync(EnginePorts ports, ChannelRow channel, Bytes read_cap)
      : ports_(ports), channel_(std::move(channel)), read_cap_(std::move(read_cap)) {}

  asio::awaitable<Result<ResyncSummary>> run() {
    for (;;) {
      Result<std::size_t> used = co_await look_ahead();
      if (!used) co_return used.error();
      if (*used == 0) break;
    }
    TP_CO_TRY(step_over(1));
    channel_.unsynchronised = false;
    Transaction step;
    TP_CO_TRY(record_posted(step));
    summary_.position = channel_.counter;
    step.update(std::move(channel_));
    TP_FAILPOINT("resync.before_commit");
    Status stored = co_await ports_.store.commit(std::move(step));
    if (!stored) co_return stored.error();
    TP_FAILPOINT("resync.committed");
    co_return summary_;
  }

  // Positions below `counter` are used: the recipient has read them.
  Status start_at(std::uint64_t counter) {
    if (counter <= channel_.counter) return ok();
    if (counter - channel_.counter > kFarthest)
      return error(Errc::kUsage,
                   "position " + std::to_string(counter) + " is far beyond " +
                       std::to_string(channel_.counter) + ", which this store knows",
                   "ask the recipient for the position that 'taubenpost channel show' prints");
    return step_over(counter - channel_.counter);
  }

 private:
  struct Read {
    IndexBytes index{};
    std::optional<Result<ports::ReadResult>> result;
  };

  Status step_over(std::uint64_t positions) {
    const Result<IndexBytes> next = advanced(channel_.next, positions);
    if (!next) return next.error();
    channel_.next = *next;
    channel_.counter += positions;
    return ok();
  }

  asio::awaitable<void> read(Read& one) {
    Result<ports::ReadResult> result = co_await read_surely(ports_, read_cap_, one.index, kMissMs);
    one.result.emplace(std::move(result));
  }

  // Reads the next positions side by side, and steps over those that are used. How many that were.
  asio::awaitable<Result<std::size_t>> look_ahead() {
    std::vector<Read> reads(kMisses);
    IndexBytes index = channel_.next;
    for (Read& one : reads) {
      one.index = index;
      Result<IndexBytes> next = advanced(index, 1);
      if (!next) co_return next.error();
      index = *next;
    }
    TaskGroup group(co_await asio::this_coro::executor);
    for (Read& one : reads) group.spawn(read(one));
    co_await group.join();
    std::size_t used = 0;
    for (std::size_t i = 0; i < reads.size(); ++i) {
      Result<ports::ReadResult>& result = *reads[i].result;
      if (!result) co_return result.error();
      if (result->outcome == Outcome::kRejected)
        co_return error(Errc::kRejected,
                        "resync: a read was refused: " + printable(result->detail));
      if (result->outcome == Outcome::kNotFound) continue;
      used = i + 1;
      ++summary_.used;
      if (result->outcome == Outcome::kOk)
        keep_letter(std::move(result->plaintext), reads[i].index, channel_.counter + i);
    }
    TP_CO_TRY(step_over(used));
    co_return used;
  }

  void keep_letter(Bytes box, const IndexBytes& position, std::uint64_t counter) {
    Result<wire::BoxContent> content = wire::decode_box_content(box);
    // The first one counts: that is the one the recipient takes.
    const auto* letter = content ? std::get_if<wire::Letter>(&*content) : nullptr;
    if (letter != nullptr)
      found_.try_emplace(letter->id,
                         Found{letter->sent, letter->until, std::move(box), position, counter});
    const auto* receipt = content ? std::get_if<wire::Receipt>(&*content) : nullptr;
    if (receipt != nullptr)
      found_.try_emplace(receipt->id,
                         Found{receipt->time, receipt->time, std::move(box), position, counter});
  }

  // Recipients of unfinished jobs whose letter was found, and jobs that are finished by that.
  Status record_posted(Transaction& step) {
    const Result<std::vector<SendJobRow>> jobs = ports_.store.send_job_rows();
    if (!jobs) return jobs.error();
    for (const SendJobRow& job : *jobs) {
      const auto found = found_.find(job.transfer);
      if (has_ended(job.state) || found == found_.end()) continue;
      TP_TRY(record_posted(job, found->second, step));
    }
    return ok();
  }

  Status record_posted(const SendJobRow& job, const Found& found, Transaction& step) {
    const Result<std::vector<RecipientRow>> recipients = ports_.store.recipients(job.id);
    if (!recipients) return recipients.error();
    bool all_posted = true;
    for (RecipientRow recipient : *recipients) {
      if (recipient.channel == channel_.id && !is_settled(recipient.state)) {
        post(std::move(recipient), found, step);
        step.note(job.id, ports_.clock.unix_ms(),
                  "found posted at position " + std::to_string(found.counter));
        ++summary_.posted;
      } else if (recipient.state != RecipientState::kPosted) {
        all_posted = false;
      }
    }
    if (all_posted && after(job.state, SendEvent::kFoundPosted)) return finish(job, found, step);
    return ok();
  }

  void post(RecipientRow recipient, const Found& found, Transaction& step) {
    recipient.position = found.position;
    recipient.counter = found.counter;
    recipient.letter = found.box;
    if (recipient.state != RecipientState::kReserved) {
      step.move(recipient, RecipientEvent::kReserve);
      recipient.state = RecipientState::kReserved;
      ++recipient.revision;
    }
    step.move(std::move(recipient), RecipientEvent::kReadBack);
  }

  // What is left of the upload goes in the same commit; its spool with the next run.
  Status finish(SendJobRow job, const Found& letter, Transaction& step) {
    TP_TRY(drop_batches(ports_.store, job.id, step));
    job.paused = false;
    job.sent = letter.sent;
    job.until = letter.until;
    job.finished = ports_.clock.unix_ms() / 1000;
    step.note(job.id, ports_.clock.unix_ms(), "posted");
    step.move(std::move(job), SendEvent::kFoundPosted);
    return ok();
  }

  EnginePorts ports_;
  ChannelRow channel_;
  const Bytes read_cap_;
  std::map<TransferId, Found> found_;
  ResyncSummary summary_;
};

}  // namespace

asio::awaitable<Result<ResyncSummary>> resync_channel(EnginePorts ports, std::string name,
                                                      std::optional<std::uint64_t> at) {
  Result<ChannelRow> channel = find_channel(ports.store, name);
  if (!channel) co_return channel.error();
  // Of one for receiving that sends receipts, it is theirs.
  if (channel->direction == ChannelDirection::kIncoming && channel->receipts != ChannelId{})
    channel = ports.store.channel(channel->receipts);
  if (!channel) co_return channel.error();
  if (channel->direction != ChannelDirection::kOutgoing)
    co_return error(Errc::kUsage, "channel " + printable(name) + " is for receiving",
                    "it needs no resync: it is read where it was left");
  if (channel->unsynchronised && channel->layout == Layout::kInline)
    co_return error(Errc::kRefused,
                    "channel " + printable(name) +
                        " is inline: content of transfers that the "
                        "backup does not know may be anywhere in it",
                    "make a new channel");
  if (!channel->unsynchronised)
    co_return error(Errc::kNothingToDo, "channel " + printable(name) + " is synchronised");
  if (!at && ports.clock.unix_ms() / 1000 >= channel->found + bacap::kReplicaEpochSeconds)
    co_return error(Errc::kRefused,
                    "the store was last used more than a week ago: letters sent "
                    "since may have aged out, so that their positions look free",
                    "give --at the position that the recipient's 'taubenpost channel show' "
                    "prints, or make a new channel");
  const Result<bacap::WriteCap> cap = bacap::WriteCap::parse(channel->capability);
  if (!cap) co_return cap.error();
  Result<ports::NetworkView> view = co_await connect_to_network(ports);
  if (!view) co_return view.error();
  const bacap::ReadCap read_cap = cap->read_cap();
  Resync resync(ports, std::move(channel).value(), to_bytes(read_cap.view()));
  if (at) TP_CO_TRY(resync.start_at(*at));
  co_return co_await resync.run();
}

}  // namespace taubenpost

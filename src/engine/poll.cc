#include "engine/poll.h"

#include <algorithm>

#include "bacap/capability.h"
#include "bacap/epochs.h"
#include "base/failpoint.h"
#include "engine/ageing.h"
#include "engine/incoming.h"
#include "engine/index_steps.h"
#include "engine/looks.h"
#include "engine/receipts.h"
#include "engine/transfer_again.h"
#include "wire/letter.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;
using ports::Transaction;

namespace {

// Boxes that a round takes before it leaves off.
constexpr std::size_t kTakenInARound = 256;
// Positions that were passed over and are read again in a round.
constexpr std::size_t kAwaitedInARound = 4;

// A box that makes no sense may be the content of a stream whose header can't be seen yet.
bool begins_something(const ports::ReadResult& read) {
  return read.outcome == Outcome::kTombstone || wire::decode_box_content(read.plaintext);
}

// What a position holds, and the job that follows from it.
struct Found {
  InboxRow inbox;
  std::optional<ReceiveJobRow> job;
  std::uint64_t size = 0;                 // of what is announced
  bool has_stream = false;                // the job reads the boxes behind this one
  std::optional<InboxRow> before;         // what the inbox has there, which says less
  std::optional<InboxRow> failed;         // the letter that has stood for the transfer
  std::optional<RecipientRow> confirmed;  // by a receipt, which leaves nothing in the inbox

  void store(Transaction& step, std::uint64_t now_ms) {
    if (failed) step_aside(std::move(*failed), step);
    if (confirmed)
      keep_receipt(step, std::move(*confirmed), now_ms);
    else if (before)
      step.update(std::move(inbox), before->kind);
    else
      step.create(std::move(inbox));
    if (job) step.create(std::move(*job));
  }
};

ReceiveJobRow new_job(EnginePorts& ports, const ChannelRow& channel, std::uint64_t counter,
                      const Bytes& box, const std::string& folder) {
  ReceiveJobRow job;
  ports.random.fill(job.id);
  job.created = ports.clock.unix_ms() / 1000;
  job.channel = channel.id;
  job.channel_name = channel.name;
  job.counter = counter;
  job.letter = box;
  job.folder = folder;
  return job;
}

InboxRow seen_now(EnginePorts& ports, ChannelId channel, std::uint64_t counter) {
  InboxRow inbox;
  inbox.channel = channel;
  inbox.counter = counter;
  inbox.seen = ports.clock.unix_ms() / 1000;
  return inbox;
}

// Whether another position of the channel has announced the transfer of this id, and its job has
// not failed.
Result<bool> is_duplicate(const EnginePorts& ports, const TransferId& id, Found& found) {
  InboxRow& inbox = found.inbox;
  inbox.transfer = id;
  Result<std::optional<InboxRow>> known = ports.store.inbox_transfer(inbox.channel, id);
  if (!known) return known.error();
  if (!known->has_value()) return false;
  const Result<bool> replaced = gives_way(ports.store, **known);
  if (!replaced) return replaced.error();
  if (*replaced && (*known)->counter != inbox.counter) {
    found.failed = std::move(**known);
    return false;
  }
  inbox.kind = InboxKind::kDuplicate;
  inbox.job = (*known)->job;
  return true;
}

// What the box says, which `inbox` keeps; nothing for a tombstone, and for a box that makes no
// sense.
std::optional<wire::BoxContent> read_box(EnginePorts& ports, const ChannelRow& channel, Look look,
                                         InboxRow& inbox) {
  inbox = seen_now(ports, channel.id, look.counter);
  inbox.content = std::move(look.read->plaintext);
  if (look.read->outcome == Outcome::kTombstone) {
    inbox.kind = InboxKind::kRetracted;
    return std::nullopt;
  }
  Result<wire::BoxContent> content = wire::decode_box_content(inbox.content);
  if (content) return std::move(content).value();
  inbox.kind = InboxKind::kInvalid;
  inbox.reason = content.error().what;
  return std::nullopt;
}

// Store errors only: a box that makes no sense is a row like any other.
Result<Found> decide(EnginePorts& ports, const ChannelRow& channel, Look look,
                     const std::string& folder) {
  Found found;
  InboxRow& inbox = found.inbox;
  const IndexBytes index = look.index;
  const std::optional<wire::BoxContent> content = read_box(ports, channel, std::move(look), inbox);
  if (!content) return found;
  if (const Result<Announced> announced = announced_in(*content)) found.size = announced->size;
  if (const auto* header = std::get_if<wire::Foreign>(&*content)) {
    if (header->marks) {
      const Result<bool> duplicate = is_duplicate(ports, header->marks->id, found);
      if (!duplicate) return duplicate.error();
      if (*duplicate) return found;
    }
    Result<IndexBytes> following = advanced(index, 1);
    if (!following) return following.error();
    found.job = new_job(ports, channel, inbox.counter, inbox.content, folder);
    found.job->prefix_index = *following;
    found.has_stream = inbox.content.size() - header->header_size < header->size;
    inbox.kind = InboxKind::kLetter;
    inbox.job = found.job->id;
    if (!header->marks) inbox.transfer = inbox.job;  // no id of its own: every header is a new one
    return found;
  }
  const auto* letter = std::get_if<wire::Letter>(&*content);
  if (letter == nullptr || channel.layout == Layout::kInline) {
    inbox.kind = InboxKind::kUnknown;
    inbox.reason = letter == nullptr ? "a type that this version does not know"
                                     : "a letter in an inline channel";
    if (std::holds_alternative<wire::Receipt>(*content))
      inbox.reason = "a receipt, which nobody asked for";
    return found;
  }
  const Result<bool> duplicate = is_duplicate(ports, letter->id, found);
  if (!duplicate) return duplicate.error();
  if (*duplicate) return found;
  inbox.kind = InboxKind::kLetter;
  found.job = new_job(ports, channel, inbox.counter, inbox.content, folder);
  inbox.job = found.job->id;
  return found;
}

// The same in a channel of receipts. One that is new is no row of the inbox, one that is repeated
// is a duplicate, and nothing else means anything there.
Result<Found> decide_receipt(EnginePorts& ports, ReceiptBook& book, const ChannelRow& channel,
                             Look look) {
  Found found;
  InboxRow& inbox = found.inbox;
  const std::optional<wire::BoxContent> content = read_box(ports, channel, std::move(look), inbox);
  if (!content) return found;
  inbox.kind = InboxKind::kUnknown;
  const auto* receipt = std::get_if<wire::Receipt>(&*content);
  inbox.reason = receipt == nullptr ? "no receipt, in a channel of receipts"
                                    : "a receipt that this version does not know";
  if (receipt == nullptr || receipt->status != wire::kReceived) return found;
  inbox.reason = "a receipt for something that was never sent";
  auto confirmed = book.confirmed_by(*receipt, inbox.seen);
  if (!confirmed) return confirmed.error();
  if (!*confirmed) return found;
  inbox.reason.clear();
  inbox.transfer = receipt->id;
  inbox.kind = InboxKind::kDuplicate;
  if (!(*confirmed)->is_known) found.confirmed = std::move((*confirmed)->recipient);
  return found;
}

// What the rules of the channel make of a transfer. A stream that may still be taken keeps the
// channel: what is behind its header is no box of its own.
void apply_rules(ChannelRow& channel, Found& found, std::uint64_t pending, bool defer) {
  if (!found.job) return;
  Ruling ruling = ruling_on(channel.rules, found.size, pending);
  if (defer && ruling.kind == InboxKind::kLetter) ruling = left_for_later();
  if (ruling.kind == InboxKind::kLetter) return;
  found.inbox.kind = ruling.kind;
  found.inbox.reason = std::move(ruling.reason);
  found.inbox.job = {};
  found.job.reset();
  found.has_stream = found.has_stream && ruling.kind != InboxKind::kRefused;
  if (ruling.kind == InboxKind::kDeferred) ++channel.deferred;
}

// One round over one channel.
class Round {
 public:
  Round(EnginePorts ports, ChannelId channel, std::string folder, PlaceOptions place)
      : ports_(ports),
        channel_(channel),
        folder_(std::move(folder)),
        place_(place),
        receipts_(ports.store, channel) {}

  // Positions that were passed over, then what is new, up to where nothing is in reach.
  asio::awaitable<Result<PollSummary>> run() {
    Result<ChannelRow> row = ports_.store.channel(channel_);
    if (!row) co_return row.error();
    if (row->direction != ChannelDirection::kIncoming)
      co_return error(Errc::kUsage, "channel " + printable(row->name) + " is for sending",
                      "poll a channel made with 'channel import'");
    read_cap_ = row->capability;
    const Result<std::uint64_t> pending = pending_of(ports_.store, channel_);
    if (!pending) co_return pending.error();
    pending_ = *pending;
    TP_CO_TRY(co_await take_deferred());
    TP_CO_TRY(co_await look_behind());
    Status front = ok();
    for (bool found = true; found && !is_full();) {
      front = co_await read_on();
      if (!front && front.error().code != Errc::kTemporary) break;
      TP_CO_TRY(co_await look_ahead(found));
    }
    if (!front) co_return front.error();
    summary_.more = is_full() ? 1 : 0;
    co_return summary_;
  }

 private:
  bool is_full() const { return taken_ >= kTakenInARound; }

  // What earlier rounds left for later, as far as the rules take it now.
  asio::awaitable<Status> take_deferred() {
    const Result<ChannelRow> row = ports_.store.channel(channel_);
    if (!row) co_return row.error();
    if (row->deferred == 0 || place_.defer) co_return ok();
    const Result<std::vector<InboxRow>> inbox = ports_.store.inbox(channel_);
    if (!inbox) co_return inbox.error();
    for (const InboxRow& entry : inbox.value()) {
      if (entry.kind != InboxKind::kDeferred) continue;
      const Result<Announced> announced = announced_in(entry.content);
      if (!announced) co_return announced.error();
      if (ruling_on(row->rules, announced->size, pending_).kind != InboxKind::kLetter) continue;
      const Result<JobId> taken =
          co_await accept_entry(ports_, channel_, entry.counter, folder_, place_);
      if (!taken) co_return taken.error();
      ++pending_;
      ++summary_.letters;
    }
    co_return ok();
  }

  Result<Found> decide_on(const ChannelRow& row, Look look) {
    if (row.of_receipts) return decide_receipt(ports_, receipts_, row, std::move(look));
    return decide(ports_, row, std::move(look), folder_);
  }

  // Reads from `next` on until a position is empty, or gives no clear answer (kTemporary), or the
  // round has taken enough.
  asio::awaitable<Status> read_on() {
    for (;;) {
      const Result<ChannelRow> row = ports_.store.channel(channel_);
      if (!row) co_return row.error();
      if (row->stream != JobId{}) co_return ok();  // its job reads from there on
      const Result<bool> stepped = co_await step_over_content(*row);
      if (!stepped) co_return stepped.error();
      if (*stepped) continue;
      if (is_full()) co_return ok();
      Look front{row->counter, row->next, ports::ReadResult{}};
      co_await look_at(ports_, read_cap_, front);
      if (!front.read) co_return front.read.error();
      if (!front.found()) co_return ok();
      TP_CO_TRY(co_await until_stored(&Round::take, std::move(front)));
    }
  }

  // Behind the header of an inline transfer that is not being received (any more), reading goes on
  // behind its content: whatever that looks like, it announces nothing. Of somebody else's stream
  // this holds where it was refused or discarded: one that failed may have had no more boxes.
  asio::awaitable<Result<bool>> step_over_content(ChannelRow row) {
    if (row.counter == 0) co_return false;
    const Result<std::optional<InboxRow>> last = ports_.store.inbox_at(channel_, row.counter - 1);
    if (!last) co_return last.error();
    if (!last->has_value()) co_return false;
    const bool is_refused = (*last)->kind == InboxKind::kRefused || (*last)->discarded;
    if (!is_inline_header((*last)->content) && !(is_refused && is_stream_header((*last)->content)))
      co_return false;
    const Result<ports::NetworkView> network = co_await ports_.network.view(kDaemonLimitMs);
    if (!network) co_return network.error();
    const std::uint64_t boxes = content_boxes((*last)->content, network->box_max);
    if (boxes == 0) co_return false;
    const Result<IndexBytes> behind = advanced(row.next, boxes);
    if (!behind) co_return behind.error();
    row.next = *behind;
    row.counter += boxes;
    Transaction step;
    step.update(std::move(row));
    Status stored = co_await ports_.store.commit(std::move(step));
    if (!stored) co_return stored.error();
    co_return true;
  }

  // The position at `next` may have aged out, was never written or can't be read: letters behind it
  // are taken all the same.
  asio::awaitable<Status> look_ahead(bool& found) {
    found = false;
    const Result<ChannelRow> row = ports_.store.channel(channel_);
    if (!row) co_return row.error();
    if (row->stream != JobId{}) co_return ok();
    // Of an inline transfer the header comes last, and content could look like anything.
    if (row->layout == Layout::kInline) co_return ok();
    Result<std::vector<Look>> looks = positions_ahead(ports_, *row);
    if (!looks) co_return looks.error();
    TP_CO_TRY(co_await look_at_all(ports_, read_cap_, *looks));
    for (Look& look : *looks) {
      if (!look.found() || !begins_something(*look.read)) continue;
      TP_CO_TRY(co_await until_stored(&Round::take, std::move(look)));
      const Result<ChannelRow> now = ports_.store.channel(channel_);
      if (!now) co_return now.error();
      found = now->stream == JobId{};
      if (!found) break;
    }
    co_return ok();
  }

  // A job of the channel that fails looks for other letters of its transfer (transfer_again.h):
  // what was found while it did is looked at again.
  asio::awaitable<Status> until_stored(asio::awaitable<Status> (Round::*step)(Look), Look look) {
    for (;;) {
      const Result<ChannelRow> before = ports_.store.channel(channel_);
      if (!before) co_return before.error();
      Status stored = co_await (this->*step)(look);
      if (stored || stored.error().code != Errc::kStateConflict) co_return stored;
      const Result<ChannelRow> now = ports_.store.channel(channel_);
      if (!now || now->revision == before->revision) co_return stored;
    }
  }

  // Stores what was found at or behind `next`, the positions that are passed over for it, and the
  // next position: one commit.
  asio::awaitable<Status> take(Look look) {
    ++taken_;
    Result<ChannelRow> row = ports_.store.channel(channel_);
    if (!row) co_return row.error();
    Result<Found> found = decide_on(*row, std::move(look));
    if (!found) co_return found.error();
    const Result<std::optional<InboxRow>> before = row_before(*row, found->inbox.counter);
    if (!before) co_return before.error();
    const bool is_news = !*before || found->confirmed ||
                         (!holds_transfer((*before)->kind) && holds_transfer(found->inbox.kind));
    if (is_news) apply_rules(*row, *found, pending_, place_.defer);
    Transaction step;
    Result<bacap::MessageBoxIndex> at = bacap::MessageBoxIndex::parse(row->next);
    for (; at && at->counter() < found->inbox.counter; at = at->next()) {
      const Result<std::optional<InboxRow>> known = row_before(*row, at->counter());
      if (!known) co_return known.error();
      // One that its user went past is read after all.
      if (*known && (*known)->kind != InboxKind::kSkipped) continue;
      if (*known) step.forget_inbox(channel_, at->counter());
      step.create(AwaitedRow{channel_, at->counter(), at->bytes(), found->inbox.seen});
      ++summary_.passed_over;
    }
    if (at) at = at->next();
    if (!at) co_return at.error();
    row->next = at->bytes();
    row->counter = at->counter();
    row->found = found->inbox.seen;
    if (is_news && found->has_stream)
      row->stream = found->job ? found->job->id : entry_id(channel_, found->inbox.counter);
    const bool is_inline = row->layout == Layout::kInline;
    step.update(std::move(row).value());
    if (!is_news) co_return co_await ports_.store.commit(std::move(step));
    if (*before && (*before)->counter == found->inbox.counter) found->before = *before;
    if (is_inline && found->inbox.kind == InboxKind::kRetracted && !found->before)
      co_return co_await store_retracted(std::move(found->inbox), std::move(step));
    co_return co_await store(std::move(*found), std::move(step));
  }

  // Tombstones in a row are one row.
  asio::awaitable<Status> store_retracted(InboxRow inbox, Transaction step) {
    const auto goes_on = [&inbox](const InboxRow& one) {
      return one.kind == InboxKind::kRetracted && one.counter + one.positions == inbox.counter;
    };
    if (!retracted_) {
      const Result<std::vector<InboxRow>> rows = ports_.store.inbox(channel_);
      if (!rows) co_return rows.error();
      const auto earlier = std::ranges::find_if(*rows, goes_on);
      if (earlier != rows->end()) retracted_ = *earlier;
    }
    if (retracted_ && goes_on(*retracted_)) {
      ++retracted_->positions;
      retracted_->seen = inbox.seen;
      step.update(*retracted_, InboxKind::kRetracted);
    } else {
      retracted_ = inbox;
      step.create(std::move(inbox));
      ++summary_.retracted;
    }
    TP_FAILPOINT("receive.poll.before_commit");
    co_return co_await ports_.store.commit(std::move(step));
  }

  // What the inbox has of a position that was read before the channel was set back.
  Result<std::optional<InboxRow>> row_before(const ChannelRow& row, std::uint64_t counter) const {
    if (counter >= row.read_up_to) return std::optional<InboxRow>();
    return inbox_over(ports_.store, channel_, counter);
  }

  // Some of the positions that were passed over, chosen anew in each round; those that can hold
  // nothing any more are lost.
  asio::awaitable<Status> look_behind() {
    Result<std::vector<AwaitedRow>> awaited = ports_.store.awaited(channel_);
    if (!awaited) co_return awaited.error();
    choose(*awaited);
    std::vector<Look> looks;
    for (const AwaitedRow& one : *awaited)
      looks.push_back({one.counter, one.index, ports::ReadResult{}});
    TP_CO_TRY(co_await look_at_all(ports_, read_cap_, looks));
    const std::uint64_t now_s = ports_.clock.unix_ms() / 1000;
    for (std::size_t i = 0; i < looks.size(); ++i) {
      Look& look = looks[i];
      if (look.found()) {
        TP_CO_TRY(co_await until_stored(&Round::settle, std::move(look)));
      } else if (look.read && now_s >= ages_out_at(bacap::replica_epoch((*awaited)[i].since))) {
        TP_CO_TRY(co_await lose(look.counter));
      }
    }
    co_return ok();
  }

  // Leaves a few, each as likely as any other.
  void choose(std::vector<AwaitedRow>& awaited) {
    if (awaited.size() <= kAwaitedInARound) return;
    for (std::size_t i = 0; i < kAwaitedInARound; ++i)
      std::swap(awaited[i], awaited[i + ports_.random.below(awaited.size() - i)]);
    awaited.resize(kAwaitedInARound);
  }

  asio::awaitable<Status> settle(Look look) {
    Result<ChannelRow> row = ports_.store.channel(channel_);
    if (!row) co_return row.error();
    Result<Found> found = decide_on(*row, std::move(look));
    if (!found) co_return found.error();
    apply_rules(*row, *found, pending_, place_.defer);
    Transaction step;
    step.drop_awaited(channel_, found->inbox.counter);
    step.update(std::move(row).value());
    co_return co_await store(std::move(*found), std::move(step));
  }

  asio::awaitable<Status> lose(std::uint64_t counter) {
    InboxRow inbox = seen_now(ports_, channel_, counter);
    inbox.kind = InboxKind::kLost;
    Transaction step;
    step.create(std::move(inbox)).drop_awaited(channel_, counter);
    ++summary_.lost;
    co_return co_await ports_.store.commit(std::move(step));
  }

  asio::awaitable<Status> store(Found found, Transaction step) {
    std::optional<ReceiptSeen> receipt;
    if (found.confirmed) receipt = ReceiptSeen{found.confirmed->job, found.confirmed->index};
    std::size_t& count = count_of(found.inbox.kind);
    if (found.job) ++pending_;
    if (found.job) place_as(*found.job, place_);
    found.store(step, ports_.clock.unix_ms());
    TP_FAILPOINT("receive.poll.before_commit");
    Status stored = co_await ports_.store.commit(std::move(step));
    if (!stored) co_return stored;
    TP_FAILPOINT("receive.poll.committed");
    if (receipt)
      summary_.receipts.push_back(*receipt);
    else
      ++count;
    co_return ok();
  }

  std::size_t& count_of(InboxKind kind) {
    switch (kind) {
      case InboxKind::kLetter:
        return summary_.letters;
      case InboxKind::kHeld:
        return summary_.held;
      case InboxKind::kRefused:
        return summary_.refused;
      case InboxKind::kDeferred:
        return summary_.deferred;
      case InboxKind::kRetracted:
        return summary_.retracted;
      case InboxKind::kDuplicate:
      case InboxKind::kUnknown:
      case InboxKind::kInvalid:
      case InboxKind::kLost:
      case InboxKind::kSkipped:
        break;
    }
    return summary_.others;
  }

  EnginePorts ports_;
  const ChannelId channel_;
  const std::string folder_;
  const PlaceOptions place_;
  ReceiptBook receipts_;
  Bytes read_cap_;
  std::uint64_t pending_ = 0;  // unfinished jobs of the channel
  std::size_t taken_ = 0;
  std::optional<InboxRow> retracted_;  // the last one of that kind that was stored
  PollSummary summary_;
};

}  // namespace

asio::awaitable<Result<PollSummary>> poll_channel(EnginePorts ports, ChannelId channel,
                                                  std::string folder, PlaceOptions place) {
  TP_CHECK(!folder.empty() && folder.front() == '/');
  Round round(ports, channel, std::move(folder), place);
  co_return co_await round.run();
}

asio::awaitable<Result<PollSummary>> poll_receipt_channel(EnginePorts ports, ChannelId channel) {
  Round round(ports, channel, {}, {});
  co_return co_await round.run();
}

}  // namespace taubenpost

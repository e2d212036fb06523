#include "engine/seek_channel.h"

#include <algorithm>

#include "bacap/capability.h"
#include "engine/channels.h"
#include "engine/inbox.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

// Steps along the sequence: some seconds' work.
constexpr std::uint64_t kStepsMax = 1'000'000;

Status may_seek(const ChannelRow& row) {
  if (row.direction != ChannelDirection::kIncoming)
    return error(Errc::kRefused,
                 "channel " + printable(row.name) +
                     " is for sending: no position of it may be used twice or left out",
                 "after a backup was restored, 'taubenpost channel resync' finds the next one");
  if (row.stream != JobId{})
    return error(Errc::kRefused,
                 "channel " + printable(row.name) + ": a stream is being read there, or waits",
                 "'taubenpost list' and 'taubenpost inbox list' show it");
  return ok();
}

Result<bacap::MessageBoxIndex> index_at(const ChannelRow& row, std::uint64_t position) {
  const Result<bacap::ReadCap> read_cap = bacap::ReadCap::parse(row.capability);
  if (!read_cap) return read_cap.error();
  if (position < read_cap->index().counter())
    return error(Errc::kUsage, "channel " + printable(row.name) + " begins at position " +
                                   std::to_string(read_cap->index().counter()));
  const Result<bacap::MessageBoxIndex> next = bacap::MessageBoxIndex::parse(row.next);
  if (!next) return next.error();
  const bool is_ahead = position >= row.counter;
  Result<bacap::MessageBoxIndex> found =
      (is_ahead ? *next : read_cap->index()).advanced_to(position, kStepsMax);
  if (found) return found;
  return error(Errc::kRefused,
               "position " + std::to_string(position) + " is more than " +
                   std::to_string(kStepsMax) + " away from " +
                   std::to_string(is_ahead ? row.counter : read_cap->index().counter()));
}

// The first position from `row.counter` on that has no row in the inbox.
Result<std::uint64_t> first_unread(const ports::Store& store, const ChannelRow& row,
                                   std::uint64_t end) {
  std::uint64_t at = row.counter;
  for (; at < std::min(end, row.read_up_to); ++at) {
    const Result<std::optional<InboxRow>> known = inbox_over(store, row.id, at);
    if (!known) return known.error();
    if (!*known) break;
    if ((*known)->kind == InboxKind::kRetracted) at = (*known)->counter + (*known)->positions - 1;
  }
  return at;
}

}  // namespace

asio::awaitable<Result<SeekSummary>> seek_channel(EnginePorts ports, std::string name,
                                                  std::uint64_t position) {
  Result<ChannelRow> row = find_channel(ports.store, name);
  if (!row) co_return row.error();
  TP_CO_TRY(may_seek(*row));
  SeekSummary summary;
  summary.position = position;
  if (position == row->counter) co_return summary;
  const Result<bacap::MessageBoxIndex> index = index_at(*row, position);
  if (!index) co_return index.error();

  Transaction step;
  if (position > row->counter) {
    const Result<std::uint64_t> first = first_unread(ports.store, *row, position);
    if (!first) co_return first.error();
    summary.skipped = position - *first;
    InboxRow skipped;
    skipped.channel = row->id;
    skipped.counter = *first;
    skipped.kind = InboxKind::kSkipped;
    skipped.seen = ports.clock.unix_ms() / 1000;
    skipped.positions = summary.skipped;
    if (summary.skipped > 0) step.create(std::move(skipped));
  } else {
    const Result<std::vector<AwaitedRow>> awaited = ports.store.awaited(row->id);
    if (!awaited) co_return awaited.error();
    for (const AwaitedRow& one : awaited.value())
      if (one.counter >= position) step.drop_awaited(row->id, one.counter);
    row->read_up_to = std::max(row->read_up_to, row->counter);
  }
  row->next = index->bytes();
  row->counter = position;
  step.update(std::move(row).value());
  Status stored = co_await ports.store.commit(std::move(step));
  if (!stored) co_return stored.error();
  co_return summary;
}

}  // namespace taubenpost

#include "engine/retract_content.h"

#include "base/failpoint.h"
#include "engine/backoff.h"
#include "engine/bodies.h"
#include "engine/index_steps.h"
#include "engine/job_errors.h"
#include "engine/read_surely.h"
#include "engine/tombstone.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;
using ports::Transaction;

namespace {

// How long a replica that lags may show what a tombstone was written over.
constexpr std::uint64_t kLagMs = 3ULL * 60 * 1000;

Result<Slice> slice_of(ByteView write_cap, const IndexBytes& start, std::uint32_t count) {
  Result<IndexBytes> next = advanced(start, count);
  if (!next) return next.error();
  Slice slice;
  slice.write_caps.emplace_back(write_cap);
  slice.starts.push_back(start);
  slice.expected_next.push_back(next.value());
  slice.tombstones = count;
  return slice;
}

}  // namespace

Result<RecipientRow> LetterTombstones::recipient(std::uint64_t item) const {
  Result<std::vector<RecipientRow>> all = ports_.store.recipients(job_);
  if (!all) return all.error();
  return std::move(all.value().at(letters_.at(item)));
}

Result<Slice> LetterTombstones::slice(const BatchRow& row, std::uint32_t count) {
  TP_CHECK(count == 1);
  const Result<RecipientRow> to = recipient(row.first + row.built);
  if (!to) return to.error();
  const Result<ChannelRow> channel = ports_.store.channel(to->channel);
  if (!channel) return channel.error();
  return slice_of(channel->capability, to->position, 1);
}

asio::awaitable<Result<Verdict>> LetterTombstones::verify(BatchRow row) {
  Status settled = co_await settle(row.first, row.count);
  if (!settled) co_return settled.error();
  co_return Verdict::kArrived;
}

asio::awaitable<Result<Verdict>> LetterTombstones::verify_refused(BatchRow row, std::uint64_t) {
  co_return co_await verify(std::move(row));
}

asio::awaitable<Status> LetterTombstones::settle(std::uint64_t first, std::uint64_t count) {
  Status outcome = ok();
  for (std::uint64_t item = first; item < first + count; ++item) {
    Result<RecipientRow> to = recipient(item);
    if (!to) co_return to.error();
    if (to->state == RecipientState::kRetracted) continue;
    Status settled = co_await settle_one(std::move(to).value());
    if (!settled && !belongs_to_job(settled.error().code)) co_return settled;
    if (!settled && outcome) outcome = settled;
  }
  co_return outcome;
}

asio::awaitable<Status> LetterTombstones::settle_one(RecipientRow recipient) {
  Result<ChannelRow> channel = ports_.store.channel(recipient.channel);
  if (!channel && channel.error().code == Errc::kNotFound)
    co_return error(Errc::kNotFound, "the letter to " + printable(recipient.channel_name) +
                                         " can't be deleted: the channel was removed");
  if (!channel) co_return channel.error();
  Status surely =
      co_await ensure_tombstone(ports_, std::move(channel->capability), recipient.position);
  if (!surely) co_return surely;
  TP_FAILPOINT("retract.letter.read_back");
  Transaction step;
  step.move(std::move(recipient), RecipientEvent::kRetract);
  co_return co_await ports_.store.commit(std::move(step));
}

Result<bacap::WriteCap> BodyTombstones::sequence_of(const BatchRow& row) const {
  const std::uint64_t sequence = row.first / boxes_per_copy(job_);
  if (job_.layout == Layout::kLetters) return body_of(job_, sequence);
  const Result<std::vector<RecipientRow>> recipients = ports_.store.recipients(job_.id);
  if (!recipients) return recipients.error();
  const Result<ChannelRow> channel = ports_.store.channel(recipients->at(sequence).channel);
  if (!channel) return channel.error();
  return bacap::WriteCap::parse(channel->capability);
}

Result<Slice> BodyTombstones::slice(const BatchRow& row, std::uint32_t count) {
  const Result<bacap::WriteCap> sequence = sequence_of(row);
  if (!sequence) return sequence.error();
  return slice_of(sequence->view(), row.next_index, count);
}

asio::awaitable<Result<Verdict>> BodyTombstones::read_back(BatchRow row, std::uint32_t item) {
  Result<IndexBytes> index = advanced(row.body_index, item);
  if (!index) co_return index.error();
  const Result<bacap::WriteCap> sequence = sequence_of(row);
  if (!sequence) co_return sequence.error();
  const Bytes read_cap = to_bytes(sequence->read_cap().view());
  Backoff lag(ports_);
  for (;;) {
    Result<ports::ReadResult> read = co_await read_surely(ports_, read_cap, *index, /*lag_ms=*/0);
    if (!read) co_return read.error();
    if (read->outcome == Outcome::kTombstone) co_return Verdict::kArrived;
    if (read->outcome == Outcome::kRejected)
      co_return error(Errc::kRejected, "a tombstone can't be read back: " + read->detail);
    if (lag.waited_ms() >= kLagMs) co_return Verdict::kMissing;
    co_await lag.pause();
  }
}

}  // namespace taubenpost

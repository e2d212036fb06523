#include "engine/batch_content.h"

#include <algorithm>

#include "base/failpoint.h"
#include "engine/backoff.h"
#include "engine/bodies.h"
#include "engine/index_steps.h"
#include "engine/read_surely.h"
#include "engine/reserve_position.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;
using ports::Transaction;
using ports::WriteLevel;

namespace {

// How long a copied box may hide behind a lagging shard before it counts as missing.
constexpr std::uint64_t kLagMs = 3ULL * 60 * 1000;
// A channel whose next so many positions are all taken is not ours alone.
constexpr int kTakenPositionsMax = 16;
constexpr std::string_view kExpired =
    "expired: the content ages out too soon for its letter; 'retry --restart' sends it anew";
constexpr std::string_view kUnknown =
    "expired: too late to see whether the letter arrived; 'retry --restart' sends it anew, and who "
    "has it takes no second copy";

// What the read of a reserved position means for the recipient. `has_aged`: what was there may be
// gone.
struct Judgement {
  RecipientEvent event;
  std::string note;
  bool is_spent = false;  // no letter will ever be at this position
};
Judgement judge(const ports::ReadResult& read, const Bytes& letter, bool has_aged) {
  switch (read.outcome) {
    case Outcome::kOk:
      if (read.plaintext == letter) return {RecipientEvent::kReadBack, ""};
      return {RecipientEvent::kTaken, "the position was taken"};
    case Outcome::kNotFound:
      return {RecipientEvent::kGiveUp, std::string(has_aged ? kUnknown : kExpired)};
    case Outcome::kTombstone:
      return {RecipientEvent::kGiveUp, "the position was retracted", /*is_spent=*/true};
    default:
      return {RecipientEvent::kGiveUp, "the letter can't be read back: " + read.detail};
  }
}

}  // namespace

asio::awaitable<Result<Verdict>> BodyBoxes::verify(BatchRow row) {
  const std::uint32_t last = row.count - 1;
  co_return co_await read_back(std::move(row), last);
}

asio::awaitable<Result<Verdict>> BodyBoxes::verify_refused(BatchRow row, std::uint64_t failed) {
  const auto item = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(failed, 1, row.count) - 1);
  Result<Verdict> there = co_await read_back(row, item);
  if (!there || there.value() == Verdict::kMissing) co_return there;
  co_return co_await verify(std::move(row));
}

Result<Slice> BodyBoxes::box(const BatchRow& row, std::uint32_t item) {
  BatchRow at = row;
  at.built = item;
  const Result<IndexBytes> index = advanced(row.body_index, item);
  if (!index) return index.error();
  at.next_index = *index;
  return slice(at, 1);
}

asio::awaitable<Result<Verdict>> read_chunk_back(EnginePorts ports, bacap::ReadCap cap,
                                                 IndexBytes index, Bytes expected,
                                                 std::string where) {
  Result<ports::ReadResult> read = co_await read_surely(ports, to_bytes(cap.view()), index, kLagMs);
  if (!read) co_return read.error();
  switch (read->outcome) {
    case Outcome::kOk:
      if (read->plaintext == expected) co_return Verdict::kArrived;
      co_return error(Errc::kInvalid, "a box of " + where + " holds something else");
    case Outcome::kNotFound:
      co_return Verdict::kMissing;
    case Outcome::kTombstone:
      co_return error(Errc::kInvalid, "somebody retracted a box of " + where);
    default:
      co_return error(Errc::kRejected,
                      "a box of " + where + " can't be read back: " + read->detail);
  }
}

Result<Slice> BodyContent::slice(const BatchRow& row, std::uint32_t count) {
  const std::uint64_t boxes = boxes_per_copy(job_);
  Result<Bytes> payload = chunks_.read(row.first % boxes + row.built, count);
  if (!payload) return payload.error();
  Result<IndexBytes> next = advanced(row.next_index, count);
  if (!next) return next.error();
  Slice slice;
  slice.payloads.push_back(std::move(payload).value());
  slice.write_caps.emplace_back(body_of(job_, row.first / boxes).view());
  slice.starts.push_back(row.next_index);
  slice.expected_next.push_back(next.value());
  return slice;
}

asio::awaitable<Result<Verdict>> BodyContent::read_back(BatchRow row, std::uint32_t item) {
  Result<IndexBytes> index = advanced(row.body_index, item);
  if (!index) co_return index.error();
  const std::uint64_t boxes = boxes_per_copy(job_);
  Result<Bytes> expected = chunks_.read(row.first % boxes + item, 1);
  if (!expected) co_return expected.error();
  const bacap::ReadCap body = body_of(job_, row.first / boxes).read_cap();
  co_return co_await read_chunk_back(ports_, body, index.value(), std::move(expected).value(),
                                     "the body");
}

Result<Slice> CommitContent::slice(const BatchRow& row, std::uint32_t count) {
  Result<std::vector<RecipientRow>> all = ports_.store.recipients(job_);
  if (!all) return all.error();
  Slice slice;
  for (std::uint64_t i = row.first + row.built; i < row.first + row.built + count; ++i) {
    const RecipientRow& recipient = all.value().at(i);
    Result<ChannelRow> channel = ports_.store.channel(recipient.channel);
    if (!channel) return channel.error();
    Result<IndexBytes> next = advanced(recipient.position, 1);
    if (!next) return next.error();
    slice.payloads.push_back(recipient.letter);
    slice.write_caps.emplace_back(channel->capability);
    slice.starts.push_back(recipient.position);
    slice.expected_next.push_back(next.value());
  }
  return slice;
}

asio::awaitable<Result<Verdict>> CommitContent::verify(BatchRow row) {
  Status settled = co_await settle_all(row.first, row.count, /*is_written=*/true);
  if (!settled) co_return settled.error();
  co_return Verdict::kArrived;
}

asio::awaitable<Status> CommitContent::write_each(std::uint32_t count) {
  co_return co_await settle_all(0, count, /*is_written=*/false);
}

// Each letter is settled on its own: one recipient never holds up another.
asio::awaitable<Status> CommitContent::settle_all(std::uint64_t first, std::uint32_t count,
                                                  bool is_written) {
  Result<std::vector<RecipientRow>> all = ports_.store.recipients(job_);
  if (!all) co_return all.error();
  for (std::uint64_t i = first; i < first + count; ++i) {
    const RecipientRow recipient = all.value().at(i);
    if (is_settled(recipient.state)) continue;
    Status settled = co_await settle(recipient, is_written);
    if (!settled) co_return settled.error();
  }
  co_return ok();
}

asio::awaitable<Result<Verdict>> CommitContent::verify_refused(BatchRow row, std::uint64_t) {
  co_return co_await verify(std::move(row));
}

// A letter that is given up may only lag: it is looked for as long as somebody could fetch its
// content.
std::uint64_t CommitContent::patience_ms() const {
  const std::uint64_t now_ms = ports_.clock.unix_ms(), until_ms = until_ * 1000;
  return std::max(kLagMs, until_ms - std::min(now_ms, until_ms));
}

// Reads the letter back; a missing one is written directly, a taken position is left for the next.
// One that no courier was told to write counts as missing at first, unread.
asio::awaitable<Status> CommitContent::settle(RecipientRow recipient, bool is_written) {
  std::uint64_t lag_ms = 0;  // a letter that is missing is written at once, the same bytes
  Backoff backoff(ports_);
  for (int taken = 0;;) {
    if (recipient.state == RecipientState::kReserved) {
      Result<ports::ReadResult> read = ports::ReadResult{Outcome::kNotFound, {}, {}};
      const bool has_aged = ports_.clock.unix_ms() / 1000 >= until_;
      if (expired())
        read = co_await read_letter(recipient, patience_ms());
      else if (is_written)
        read = co_await read_letter(recipient, lag_ms);
      if (!read) co_return read.error();
      is_written = true;
      TP_FAILPOINT("send.letter.read_back");
      if (read->outcome == Outcome::kNotFound && !expired()) {
        TP_CO_TRY(may_start_work());
        Result<ports::WriteResult> written = co_await write_letter(recipient);
        if (!written) co_return written.error();
        if (written->outcome == Outcome::kRejected)
          co_return co_await move(std::move(recipient), RecipientEvent::kGiveUp, written->detail);
        if (written->outcome != Outcome::kOk) co_await backoff.pause();
        lag_ms = 5'000;
        continue;  // the next read decides
      }
      const Judgement judgement = judge(read.value(), recipient.letter, has_aged);
      if (judgement.is_spent) recipient.position = {};
      Status moved = co_await move(recipient, judgement.event, judgement.note);
      // A receipt may have come meanwhile: then the same is found out once more.
      const bool is_overtaken = !moved && moved.error().code == Errc::kStateConflict;
      if (!is_overtaken && (!moved || judgement.event != RecipientEvent::kTaken)) co_return moved;
    } else if (expired() || layout_ == Layout::kInline || taken++ == kTakenPositionsMax) {
      // A header can't go elsewhere: its content is in the boxes behind it.
      recipient.position = {};
      const std::string_view why =
          expired() ? kExpired : "the channel's positions are taken by somebody else";
      co_return co_await move(std::move(recipient), RecipientEvent::kGiveUp, std::string(why));
    } else {
      Status reserved = co_await reserve_next(recipient);
      if (!reserved && reserved.error().code != Errc::kStateConflict) co_return reserved.error();
    }
    Result<std::vector<RecipientRow>> all = ports_.store.recipients(job_);
    if (!all) co_return all.error();
    recipient = all.value().at(recipient.index.value());
    if (is_settled(recipient.state)) co_return ok();
  }
}

asio::awaitable<Result<ports::ReadResult>> CommitContent::read_letter(RecipientRow recipient,
                                                                      std::uint64_t lag_ms) {
  Result<ChannelRow> channel = ports_.store.channel(recipient.channel);
  if (!channel) co_return channel.error();
  Result<bacap::WriteCap> cap = bacap::WriteCap::parse(channel->capability);
  if (!cap) co_return cap.error();
  const bacap::ReadCap read_cap = cap->read_cap();
  co_return co_await read_surely(ports_, to_bytes(read_cap.view()), recipient.position, lag_ms);
}

asio::awaitable<Result<ports::WriteResult>> CommitContent::write_letter(RecipientRow recipient) {
  Result<ChannelRow> channel = ports_.store.channel(recipient.channel);
  if (!channel) co_return channel.error();
  co_return co_await ports_.network.write(SecretBytes(std::move(channel->capability)),
                                          recipient.position, std::move(recipient.letter),
                                          WriteLevel::kConfirmed);
}

// The channel's next position, with the same letter. kStateConflict: another job took it first.
asio::awaitable<Status> CommitContent::reserve_next(RecipientRow recipient) {
  Transaction step;
  Status reserved = reserve_position(ports_.store, std::move(recipient), step);
  if (!reserved) co_return reserved.error();
  co_return co_await ports_.store.commit(std::move(step));
}

asio::awaitable<Status> CommitContent::move(RecipientRow row, RecipientEvent event,
                                            std::string note) {
  Transaction step;
  if (!note.empty())
    step.note(job_, ports_.clock.unix_ms(),
              "recipient " + std::to_string(row.index.value()) + ": " + note);
  if (event == RecipientEvent::kGiveUp) row.error_text = note;
  step.move(std::move(row), event);
  co_return co_await ports_.store.commit(std::move(step));
}

}  // namespace taubenpost

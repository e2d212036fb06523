#include "engine/inbox.h"

#include <algorithm>

#include "bacap/capability.h"
#include "crypto/hash.h"
#include "engine/incoming.h"
#include "engine/index_steps.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

// A row that its user decides about, and its channel.
struct Entry {
  ChannelRow channel;
  InboxRow row;
};
Result<Entry> undecided(const ports::Store& store, ChannelId channel_id, std::uint64_t counter) {
  Result<ChannelRow> channel = store.channel(channel_id);
  if (!channel) return channel.error();
  Result<std::optional<InboxRow>> row = store.inbox_at(channel_id, counter);
  if (!row) return row.error();
  if (!*row) return error(Errc::kNotFound, "the inbox has nothing of that position");
  if ((*row)->kind == InboxKind::kLetter)
    return error(Errc::kRefused, "it has become a job already", "'taubenpost list' shows it");
  return Entry{std::move(channel).value(), std::move(**row)};
}

constexpr std::size_t kPathShown = 4096;

}  // namespace

Ruling ruling_on(const ChannelRules& rules, std::uint64_t size, std::uint64_t pending) {
  if (rules.accept == Accept::kNever)
    return {InboxKind::kRefused, "the channel accepts nothing by itself"};
  if (size > rules.max_size)
    return {InboxKind::kRefused, std::to_string(size) + " bytes: the channel takes up to " +
                                     std::to_string(rules.max_size)};
  if (rules.accept == Accept::kAsk) return {InboxKind::kHeld, "it waits for your decision"};
  if (pending >= rules.max_pending)
    return {InboxKind::kDeferred,
            "it is taken when fewer than " + std::to_string(rules.max_pending) + " are unfinished"};
  return {};
}

Ruling left_for_later() { return {InboxKind::kDeferred, "it is taken by a later 'receive'"}; }

void place_as(ReceiveJobRow& job, const PlaceOptions& place) {
  job.unpack = place.archives == Archives::kUnpack;
  job.if_exists = place.if_exists;
  job.on_received = place.on_received;
  job.target = place.target;
}

Result<std::uint64_t> pending_of(const ports::Store& store, ChannelId channel) {
  const Result<std::vector<ReceiveJobRow>> jobs = store.receive_job_rows();
  if (!jobs) return jobs.error();
  return static_cast<std::uint64_t>(
      std::count_if(jobs->begin(), jobs->end(), [&](const ReceiveJobRow& job) {
        return job.channel == channel &&
               (!has_ended(job.state) || job.state == ReceiveState::kVerified);
      }));
}

Result<Announced> announced_in(ByteView box) {
  const Result<wire::BoxContent> content = wire::decode_box_content(box);
  if (!content) return content.error();
  return announced_in(*content);
}

Result<Announced> announced_in(const wire::BoxContent& content) {
  if (const auto* letter = std::get_if<wire::Letter>(&content))
    return Announced{letter->name, std::max(letter->size, letter->usize), letter->note};
  if (const auto* header = std::get_if<wire::Foreign>(&content))
    return Announced{header->name, header->size, header->marks ? header->marks->note : ""};
  return error(Errc::kInvalid, "the box announces no transfer");
}

Result<std::optional<InboxRow>> inbox_over(const ports::Store& store, ChannelId channel,
                                           std::uint64_t counter) {
  Result<std::optional<InboxRow>> own = store.inbox_at(channel, counter);
  if (!own || *own) return own;
  const Result<std::vector<InboxRow>> rows = store.inbox(channel);
  if (!rows) return rows.error();
  for (const InboxRow& row : *rows)
    if (row.kind == InboxKind::kRetracted && row.counter < counter &&
        counter - row.counter < row.positions)
      return std::optional(row);
  return std::optional<InboxRow>();
}

JobId entry_id(ChannelId channel, std::uint64_t counter) {
  Bytes place = to_bytes(channel);
  append_be(place, counter);
  const Bytes32 digest = crypto::blake2b_256(place);
  return to_array<16>(ByteView(digest).first(16));
}

asio::awaitable<Result<JobId>> accept_entry(EnginePorts ports, ChannelId channel_id,
                                            std::uint64_t counter, std::string folder,
                                            PlaceOptions place) {
  Result<Entry> entry = undecided(ports.store, channel_id, counter);
  if (!entry) co_return entry.error();
  auto& [channel, row] = *entry;
  const InboxKind from = row.kind;
  if (row.discarded) co_return error(Errc::kRefused, "it was discarded");
  if (!holds_transfer(from))
    co_return error(Errc::kRefused, "it is no transfer: there is nothing to fetch");

  ReceiveJobRow job;
  job.id = entry_id(channel_id, counter);
  job.created = ports.clock.unix_ms() / 1000;
  job.channel = channel_id;
  job.channel_name = channel.name;
  job.counter = counter;
  job.letter = row.content;
  job.folder = std::move(folder);
  place_as(job, place);
  if (is_stream_header(row.content)) {
    Result<IndexBytes> first = index_behind(channel, counter);
    if (!first) co_return first.error();
    job.prefix_index = *first;
  }
  const JobId id = job.id;
  row.kind = InboxKind::kLetter;
  row.job = id;
  row.reason.clear();
  Transaction step;
  if (from == InboxKind::kDeferred) {
    --channel.deferred;
    step.update(std::move(channel));
  }
  step.update(std::move(row), from).create(std::move(job));
  Status stored = co_await ports.store.commit(std::move(step));
  if (!stored) co_return stored.error();
  co_return id;
}

Status may_receive_again(const ReceiveJobRow& row) {
  const std::string job = "job " + to_base32(row.id);
  if (row.state == ReceiveState::kPlaced)
    return error(Errc::kNothingToDo,
                 job + " is placed already: " + printable(row.target, kPathShown));
  if (row.state == ReceiveState::kPlacing)
    return error(Errc::kRefused, job + " is being placed: " + printable(row.target, kPathShown),
                 "'taubenpost receive' ends that");
  return ok();
}

PlaceOptions placing_of(const ReceiveJobRow& job) {
  PlaceOptions place;
  place.archives = job.unpack ? Archives::kUnpack : Archives::kKeep;
  place.if_exists = job.if_exists;
  if (job.if_exists != IfExists::kRename) place.target = job.target;
  place.on_received = job.on_received;
  return place;
}

asio::awaitable<Status> receive_again(EnginePorts ports, JobId id, std::string folder,
                                      PlaceOptions place) {
  Result<ReceiveJobRow> row = ports.store.receive_job(id);
  if (!row) co_return row.error();
  TP_CO_TRY(may_receive_again(*row));
  const Result<std::optional<InboxRow>> letter = ports.store.inbox_at(row->channel, row->counter);
  if (!letter) co_return letter.error();
  if (*letter && (*letter)->kind == InboxKind::kDuplicate)
    co_return error(Errc::kRefused, "another letter of the transfer has taken its place",
                    "'taubenpost list' shows its job");
  const bool is_over = has_ended(row->state);
  row->folder = std::move(folder);
  row->finished = 0;
  row->error_code = 0;
  row->error_text.clear();
  place_as(*row, place);
  Transaction step;
  step.note(id, ports.clock.unix_ms(), is_over ? "tried again" : "to be placed elsewhere");
  if (is_over)
    step.move(std::move(row).value(), ReceiveEvent::kAgain);
  else
    step.update(std::move(row).value());
  co_return co_await ports.store.commit(std::move(step));
}

asio::awaitable<Status> discard_entry(EnginePorts ports, ChannelId channel_id,
                                      std::uint64_t counter) {
  Result<Entry> entry = undecided(ports.store, channel_id, counter);
  if (!entry) co_return entry.error();
  auto& [channel, row] = *entry;
  const InboxKind from = row.kind;
  if (row.discarded) co_return error(Errc::kNothingToDo, "it was discarded already");
  const bool waits = channel.stream == entry_id(channel_id, counter);  // a stream that was held
  row.discarded = true;
  if (!waits) row.content.clear();  // a header says how many boxes the next round steps over
  if (from == InboxKind::kDeferred) row.kind = InboxKind::kRefused;
  Transaction step;
  if (waits || from == InboxKind::kDeferred) {
    if (waits) channel.stream = {};
    if (from == InboxKind::kDeferred) --channel.deferred;
    step.update(std::move(channel));
  }
  step.update(std::move(row), from);
  co_return co_await ports.store.commit(std::move(step));
}

}  // namespace taubenpost

#include "store/check_store.h"

#include <algorithm>
#include <set>

#include "model/spooled.h"
#include "store/row_store.h"

namespace taubenpost {
namespace {

// What a user can do about a finding.
constexpr std::string_view kRestore =
    "restore a backup, or go on with a new state directory and new channels";
constexpr std::string_view kSendAgain =
    "cancel the job and send its file again; if that is refused, restore a backup";
constexpr std::string_view kRetractAgain =
    "what it called back may still be in the network, until it ages out; restore a backup";
constexpr std::string_view kNewChannel = "restore a backup, or make a new channel";
constexpr std::string_view kAskAgain = "restore a backup, or ask the sender to send it again";
constexpr std::string_view kHarmless = "nothing is lost; report it with this line";

constexpr std::size_t kJobSize = std::tuple_size_v<JobId>;

std::string named(std::string_view kind, const JobId& id) {
  return std::string(kind) + " " + to_base32(id);
}
std::string named(const ChannelRow& channel) { return "channel " + printable(channel.name); }
std::string number(std::uint64_t value) { return std::to_string(value); }

JobId job_at(std::string_view key, std::size_t offset) {
  return to_array<kJobSize>(as_bytes(key.substr(offset, kJobSize)));
}

class Check {
 public:
  Check(const OpenedStore& store, ports::Files& files,
        const std::function<void(const Finding&)>& report)
      : db_(*store.db), rows_(*store.db, *store.seal), files_(files), report_(report) {}

  Result<CheckSummary> run() {
    tables();
    each(Family::kMeta, [this](const RowKey& key, std::string_view) { meta(key); });
    each(Family::kChannels, [this](const RowKey& key, std::string_view v) { channel(key, v); });
    each(Family::kJobs, [this](const RowKey& key, std::string_view v) { job(key, v); });
    each(Family::kBatches, [this](const RowKey& key, std::string_view v) { batch(key, v); });
    each(Family::kElements, [this](const RowKey& key, std::string_view v) { element(key, v); });
    each(Family::kInbox, [this](const RowKey& key, std::string_view v) { inbox(key, v); });
    each(Family::kJournal, [this](const RowKey& key, std::string_view v) { journal(key, v); });
    TP_TRY(leftovers());
    return summary_;
  }

 private:
  // A row that another one refers to. One that is there and does not open is reported where its
  // own turn is.
  template <class Row>
  struct Referred {
    RowKey key;
    std::optional<Row> row;
    bool missing = false;
  };

  void found(std::string object, std::string what, std::string_view advice) {
    ++summary_.findings;
    report_({std::move(object), std::move(what), std::string(advice)});
  }

  template <class Visit>
  void each(Family family, Visit visit) {
    const Status read = rows_.scan({family, {}}, [&](const RowKey& key, std::string_view value) {
      ++summary_.rows;
      visit(key, value);
      return ok();
    });
    if (!read)
      found(std::string(family_name(family)) + " rows", "can't be read: " + read.error().what,
            kRestore);
  }

  void stray(const RowKey& key) { found(describe(key), "no row has such a key", kHarmless); }

  // The row, if it opens and stands where it says it belongs.
  template <class Row, class KeyOf>
  std::optional<Row> opened(const RowKey& key, std::string_view value, KeyOf key_of,
                            std::string_view advice) {
    Result<Row> row = rows_.unseal<Row>(key, value);
    if (!row) {
      found(describe(key), row.error().what, row.error().hint.empty() ? advice : row.error().hint);
      return std::nullopt;
    }
    if (key_of(*row).bytes == key.bytes) return std::move(row).value();
    found(describe(key), "holds the row of another key", advice);
    return std::nullopt;
  }

  template <class Row>
  Referred<Row> look_up(RowKey key) {
    Result<std::optional<Row>> row = rows_.find<Row>(key);
    Referred<Row> result{std::move(key), std::nullopt, false};
    if (!row) return result;
    result.missing = !row->has_value();
    result.row = std::move(row).value();
    return result;
  }
  // The same, remembered: neighbours refer to the same row.
  template <class Row>
  const Referred<Row>& look_up(RowKey key, std::optional<Referred<Row>>& last) {
    if (!last || last->key.bytes != key.bytes) last = look_up<Row>(std::move(key));
    return *last;
  }
  bool absent(const RowKey& key) {
    const Result<bool> exists = rows_.exists(key);
    return exists && !*exists;
  }

  void tables();
  void meta(const RowKey& key);
  void channel(const RowKey& key, std::string_view value);
  void job(const RowKey& key, std::string_view value);
  void send_job(const RowKey& key, std::string_view value);
  void recipients_of(const SendJobRow& job);
  void spool_of(const SendJobRow& job);
  void recipient(const RowKey& key, std::string_view value);
  void retract_job(const RowKey& key, std::string_view value);
  void receive_job(const RowKey& key, std::string_view value);
  void batch(const RowKey& key, std::string_view value);
  void place_of(const BatchRow& batch, const SendJobRow& job, const std::string& object);
  void place_of_tombstones(const BatchRow& batch, const std::string& object);
  void elements_of(const BatchRow& batch, const std::string& object);
  void element(const RowKey& key, std::string_view value);
  void inbox(const RowKey& key, std::string_view value);
  void inbox_row(const RowKey& key, std::string_view value);
  void letter_of(const InboxRow& row, const std::string& object);
  void inbox_transfer(const RowKey& key, std::string_view value);
  void awaited(const RowKey& key, std::string_view value);
  void journal(const RowKey& key, std::string_view value);
  Status leftovers();

  const StoreDb& db_;
  RowStore rows_;
  ports::Files& files_;
  const std::function<void(const Finding&)>& report_;
  CheckSummary summary_;
  std::set<std::string> names_;
  std::optional<Referred<SendJobRow>> last_job_;
  std::optional<Referred<BatchRow>> last_batch_;
  std::optional<std::pair<JobId, bool>> last_journal_;  // and whether the store knows the job
};

// Every block of every table: reading the rows alone can step over a damaged one in silence.
void Check::tables() {
  const rocksdb::Status sums = db_.db().VerifyChecksum();
  if (!sums.ok()) found(db_.path(), store_error(sums, "store.check", "checksums").what, kRestore);
}

// Header, slots and identity were read when the store was opened.
void Check::meta(const RowKey& key) {
  const bool is_slot =
      key.bytes.starts_with(slot_prefix().bytes) && key.bytes.size() == slot_key(0).bytes.size();
  if (!is_slot && key.bytes != header_key().bytes && key.bytes != identity_key().bytes) stray(key);
}

void Check::channel(const RowKey& key, std::string_view value) {
  if (key.bytes.size() != std::tuple_size_v<ChannelId>) return stray(key);
  const auto row = opened<ChannelRow>(
      key, value, [](const ChannelRow& r) { return channel_key(r.id); }, kNewChannel);
  if (!row) return;
  ++summary_.channels;
  if (!names_.insert(row->name).second)
    found(named(*row), "another channel has this name", kNewChannel);
  const std::size_t size =
      row->direction == ChannelDirection::kOutgoing ? kWriteCapSize : kReadCapSize;
  if (row->capability.size() != size)
    found(named(*row),
          "its capability has " + number(row->capability.size()) + " bytes instead of " +
              number(size),
          kNewChannel);
  const auto stream_waits = [&] {  // for its user
    const Referred<InboxRow> header = look_up<InboxRow>(inbox_key(row->id, row->counter - 1));
    return header.row &&
           (header.row->kind == InboxKind::kHeld || header.row->kind == InboxKind::kDeferred);
  };
  const bool is_outgoing = row->direction == ChannelDirection::kOutgoing;
  const Referred<ChannelRow> receipts = look_up<ChannelRow>(channel_key(row->receipts));
  const bool fits = receipts.row && receipts.row->of_receipts &&
                    receipts.row->direction != row->direction && !row->of_receipts;
  if (row->receipts != ChannelId{} && (receipts.missing || (receipts.row && !fits)))
    found(named(*row), "its receipts have no channel of their own", kNewChannel);
  if (row->stream != JobId{} && is_outgoing && absent(send_job_key(row->stream)))
    found(named(*row), "the store does not know the job that writes to it", kNewChannel);
  if (row->stream != JobId{} && !is_outgoing && absent(receive_job_key(row->stream)) &&
      !stream_waits())
    found(named(*row), "the store does not know the job that reads it", kNewChannel);
}

void Check::job(const RowKey& key, std::string_view value) {
  const std::string_view bytes = key.bytes;
  if (bytes.starts_with(send_job_prefix().bytes) && bytes.size() == 1 + kJobSize)
    return send_job(key, value);
  if (bytes.starts_with(receive_job_prefix().bytes) && bytes.size() == 1 + kJobSize)
    return receive_job(key, value);
  if (bytes.size() == 1 + kJobSize && bytes == retract_job_key(job_at(bytes, 1)).bytes)
    return retract_job(key, value);
  if (bytes.size() == recipient_key({}, {}).bytes.size() &&
      bytes.starts_with(recipient_prefix(job_at(bytes, 1)).bytes))
    return recipient(key, value);
  stray(key);
}

void Check::send_job(const RowKey& key, std::string_view value) {
  const auto row = opened<SendJobRow>(
      key, value, [](const SendJobRow& r) { return send_job_key(r.id); }, kSendAgain);
  if (!row) return;
  ++summary_.send_jobs;
  const bool planned = row->state == SendState::kUploading || row->state == SendState::kCommitting;
  if (planned && (row->plan.box_max <= 4 || (row->plan.boxes > 0 && (row->plan.batch_chunks == 0 ||
                                                                     row->plan.slice_chunks == 0))))
    return found(named("send job", row->id), "it has no plan", kSendAgain);
  recipients_of(*row);
  spool_of(*row);
}

// Recipients 0 … n − 1 and no others.
void Check::recipients_of(const SendJobRow& job) {
  const std::string object = named("send job", job.id);
  std::uint32_t next = 0;
  const auto missing_up_to = [&](std::uint32_t end) {
    if (next + 1 == end) found(object, "its recipient " + number(next) + " is missing", kSendAgain);
    if (next + 1 < end)
      found(object, "its recipients " + number(next) + " to " + number(end - 1) + " are missing",
            kSendAgain);
  };
  const Status read =
      rows_.scan(recipient_prefix(job.id), [&](const RowKey& key, std::string_view) {
        const std::uint32_t index = key_tail(key.bytes);
        if (index >= job.recipients) {
          found(object,
                "it has " + number(job.recipients) + " recipients, but one with the number " +
                    number(index),
                kSendAgain);
          return ok();
        }
        missing_up_to(index);
        next = index + 1;
        return ok();
      });
  if (read) missing_up_to(job.recipients);
}

// Every slice of what a job still needs of it.
void Check::spool_of(const SendJobRow& job) {
  if (!has_spool(job)) return;
  const SpoolShape shape = spool_shape(job);
  if (shape.slice == 0) return found(named("send job", job.id), "it has no plan", kSendAgain);
  for (std::uint64_t slice = 0; slice * shape.slice < shape.size; ++slice) {
    const std::uint64_t length = std::min(shape.slice, shape.size - slice * shape.slice);
    const Result<Bytes> bytes = files_.read_spool(job.id, SliceIndex{slice}, shape.slice, length);
    if (!bytes) return found(named("send job", job.id), bytes.error().what, kSendAgain);
    ++summary_.spool_slices;
  }
}

void Check::recipient(const RowKey& key, std::string_view value) {
  const auto row = opened<RecipientRow>(
      key, value, [](const RecipientRow& r) { return recipient_key(r.job, r.index); }, kSendAgain);
  if (!row) return;
  const std::string object =
      named("send job", row->job) + ", recipient " + number(row->index.value());
  const Referred<SendJobRow>& job = look_up(send_job_key(row->job), last_job_);
  if (job.missing) found(object, "the store does not know its job", kHarmless);
  const Referred<ChannelRow> channel = look_up<ChannelRow>(channel_key(row->channel));
  if (channel.missing)
    found(object, "the store does not know its channel " + printable(row->channel_name),
          kSendAgain);
  if (channel.row && channel.row->direction != ChannelDirection::kOutgoing)
    found(object, named(*channel.row) + " is for receiving", kSendAgain);
  if (row->state != RecipientState::kReserved && row->state != RecipientState::kPosted) return;
  if (row->letter.empty()) found(object, "it has a position, but no letter", kSendAgain);
  if (channel.row && row->counter >= channel.row->counter)
    found(object,
          "its position " + number(row->counter) + " is still free in " + named(*channel.row),
          kNewChannel);
  const bool decided = !job.row || job.row->layout == Layout::kInline ||
                       job.row->state == SendState::kCommitting || has_ended(job.row->state);
  // A resync finds letters of jobs that go on with the others (design 4.5).
  if (row->state == RecipientState::kReserved && !decided)
    found(object, "it has a position, although the letters are not decided", kSendAgain);
}

void Check::retract_job(const RowKey& key, std::string_view value) {
  const auto row = opened<RetractJobRow>(
      key, value, [](const RetractJobRow& r) { return retract_job_key(r.job); }, kRetractAgain);
  if (!row) return;
  const std::string object = named("retraction of send job", row->job);
  const Referred<SendJobRow>& job = look_up(send_job_key(row->job), last_job_);
  if (job.missing) found(object, "the store does not know its job", kHarmless);
  if (!job.row) return;
  if (!has_ended(job.row->state)) found(object, "its job is not at its end", kHarmless);
  const auto is_recipient = [&](std::uint64_t number) { return number < job.row->recipients; };
  if (row->boxes > job.row->plan.boxes || row->next_box > row->boxes ||
      !std::all_of(row->letters.begin(), row->letters.end(), is_recipient) ||
      !std::all_of(row->may_have_seen.begin(), row->may_have_seen.end(), is_recipient))
    found(object, "it reaches beyond its job", kRetractAgain);
}

void Check::receive_job(const RowKey& key, std::string_view value) {
  const auto row = opened<ReceiveJobRow>(
      key, value, [](const ReceiveJobRow& r) { return receive_job_key(r.id); }, kAskAgain);
  if (!row) return;
  ++summary_.receive_jobs;
  const std::string object = named("receive job", row->id);
  if (absent(channel_key(row->channel)))
    found(object, "the store does not know its channel " + printable(row->channel_name), kAskAgain);
  const Referred<InboxRow> letter = look_up<InboxRow>(inbox_key(row->channel, row->counter));
  if (letter.missing || (letter.row && letter.row->job != row->id))
    found(object,
          "the letter at position " + number(row->counter) + " of " + printable(row->channel_name) +
              " is not its own",
          kAskAgain);
}

void Check::batch(const RowKey& key, std::string_view value) {
  if (key.bytes.size() != batch_key({}, {}).bytes.size()) return stray(key);
  const auto row = opened<BatchRow>(
      key, value, [](const BatchRow& r) { return batch_key(r.job, r.index); }, kSendAgain);
  if (!row) return;
  const std::string object = named("send job", row->job) + ", batch " + number(row->index.value());
  const Referred<SendJobRow>& job = look_up(send_job_key(row->job), last_job_);
  if (job.missing) found(object, "the store does not know its job", kHarmless);
  if (job.row) place_of(*row, *job.row, object);
  elements_of(*row, object);
}

// Body batches while the body is uploaded, letters once they are decided, each inside the whole.
void Check::place_of(const BatchRow& batch, const SendJobRow& job, const std::string& object) {
  if (is_retraction(batch.index)) return place_of_tombstones(batch, object);
  const bool commit = is_commit(batch.index);
  if (commit ? job.state != SendState::kCommitting : !has_upload(job))
    return found(object, "a job in this state has no such batch", kSendAgain);
  const std::uint64_t all = commit ? job.recipients : job.plan.boxes;
  const bool inside = batch.count > 0 && batch.first < all && batch.count <= all - batch.first;
  const bool opened = commit || batch.index.value() < job.next_batch;
  if (!inside || !opened) found(object, "it is no part of its job", kSendAgain);
}

void Check::place_of_tombstones(const BatchRow& batch, const std::string& object) {
  const Referred<RetractJobRow> job = look_up<RetractJobRow>(retract_job_key(batch.job));
  if (job.missing || (job.row && job.row->state != RetractState::kWriting))
    return found(object, "a job that is not being retracted has no such batch", kHarmless);
  if (!job.row) return;
  const bool letters = batch.index.value() < kFirstBodyTombstones;
  const std::uint64_t all = letters ? job.row->letters.size() : job.row->next_box;
  if (batch.count == 0 || batch.first >= all || batch.count > all - batch.first)
    found(object, "it is no part of its retraction", kRetractAgain);
}

// Elements 0 … n − 1 of the open generation; element() reports all others.
void Check::elements_of(const BatchRow& batch, const std::string& object) {
  if (batch.state == BatchState::kPlanned || batch.state == BatchState::kDone) return;
  std::uint32_t next = 0;
  bool gap = false;
  const Status read = rows_.scan(element_prefix(batch.job, batch.index, batch.generation),
                                 [&](const RowKey& key, std::string_view) {
                                   gap = gap || key_tail(key.bytes) != next;
                                   ++next;
                                   return ok();
                                 });
  if (read && (gap || next < batch.elements))
    found(object, "of its " + number(batch.elements) + " elements some are missing", kSendAgain);
}

void Check::element(const RowKey& key, std::string_view value) {
  const std::string_view bytes = key.bytes;
  if (bytes.size() != element_key({}, {}, {}, {}).bytes.size()) return stray(key);
  const JobId job = job_at(bytes, 0);
  const BatchIndex index{read_be<std::uint32_t>(as_bytes(bytes.substr(kJobSize)))};
  const Generation generation{read_be<std::uint32_t>(as_bytes(bytes.substr(kJobSize + 4)))};
  const ElementIndex at{key_tail(bytes)};
  const bool is_mark = bytes == ack_key(job, index, generation, at).bytes;
  if (!is_mark && bytes != element_key(job, index, generation, at).bytes) return stray(key);

  const std::string object = named("send job", job) + ", batch " + number(index.value()) +
                             ", element " + number(at.value());
  if (is_mark) {
    const auto key_of = [&](const AckRow&) { return key; };
    if (!opened<AckRow>(key, value, key_of, kSendAgain)) return;
    if (absent(element_key(job, index, generation, at)))
      return found(object, "it is acknowledged, but not stored", kSendAgain);
  } else {
    const auto key_of = [](const ElementRow& r) {
      return element_key(r.job, r.batch, r.generation, r.index);
    };
    if (!opened<ElementRow>(key, value, key_of, kSendAgain)) return;
  }
  const Referred<BatchRow>& batch = look_up(batch_key(job, index), last_batch_);
  if (batch.missing) found(object, "the store does not know its batch", kHarmless);
  if (!batch.row) return;
  const bool open = batch.row->state != BatchState::kPlanned && batch.row->generation == generation;
  if (!open || at.value() >= batch.row->elements)
    found(object, "it is of no open generation, or beyond it", kSendAgain);
}

void Check::inbox(const RowKey& key, std::string_view value) {
  // The kind of a row is the first byte of its key.
  const auto is = [&](const RowKey& other) {
    return key.bytes.size() == other.bytes.size() && key.bytes[0] == other.bytes[0];
  };
  if (is(inbox_key({}, 0))) return inbox_row(key, value);
  if (is(inbox_transfer_key({}, {}))) return inbox_transfer(key, value);
  if (is(awaited_key({}, 0))) return awaited(key, value);
  stray(key);
}

void Check::inbox_row(const RowKey& key, std::string_view value) {
  const auto row = opened<InboxRow>(
      key, value, [](const InboxRow& r) { return inbox_key(r.channel, r.counter); }, kAskAgain);
  if (!row) return;
  const Referred<ChannelRow> channel = look_up<ChannelRow>(channel_key(row->channel));
  const std::string object =
      (channel.row ? named(*channel.row) : "channel " + to_hex(row->channel)) + ", position " +
      number(row->counter);
  if (channel.missing) found(object, "the store does not know its channel", kHarmless);
  if (channel.row && channel.row->direction != ChannelDirection::kIncoming)
    found(object, "something was received in a channel that is for sending", kNewChannel);
  else if (channel.row && row->counter >= std::max(channel.row->counter, channel.row->read_up_to))
    found(object, "it was received, but is still to be read", kNewChannel);
  if (holds_transfer(row->kind)) letter_of(*row, object);
}

// A letter is found by its transfer, and fetched by its job until that is forgotten.
void Check::letter_of(const InboxRow& row, const std::string& object) {
  const Referred<InboxTransferRow> place =
      look_up<InboxTransferRow>(inbox_transfer_key(row.channel, row.transfer));
  if (place.missing || (place.row && place.row->counter != row.counter))
    found(object, "its letter is not found by its transfer id", kAskAgain);
  if (row.job != JobId{} && absent(receive_job_key(row.job)))
    found(object, "the store does not know the job of its letter", kAskAgain);
}

void Check::inbox_transfer(const RowKey& key, std::string_view value) {
  const auto key_of = [&](const InboxTransferRow&) { return key; };
  const auto place = opened<InboxTransferRow>(key, value, key_of, kAskAgain);
  if (!place) return;
  const std::size_t id_size = std::tuple_size_v<ChannelId>;
  const ChannelId channel = to_array<16>(as_bytes(key.bytes).subspan(1, id_size));
  const Referred<InboxRow> letter = look_up<InboxRow>(inbox_key(channel, place->counter));
  const bool fits =
      !letter.row || (holds_transfer(letter.row->kind) &&
                      inbox_transfer_key(channel, letter.row->transfer).bytes == key.bytes);
  if (letter.missing || !fits)
    found(describe(key), "names position " + number(place->counter) + ", which has no such letter",
          kAskAgain);
}

void Check::awaited(const RowKey& key, std::string_view value) {
  const auto row = opened<AwaitedRow>(
      key, value, [](const AwaitedRow& r) { return awaited_key(r.channel, r.counter); }, kAskAgain);
  if (!row) return;
  const Referred<ChannelRow> channel = look_up<ChannelRow>(channel_key(row->channel));
  const std::string object = "position " + number(row->counter) + ", which is awaited";
  if (channel.missing) found(object, "the store does not know its channel", kHarmless);
  if (channel.row && row->counter >= channel.row->counter)
    found(object, "is still to be read in " + named(*channel.row), kHarmless);
  if (!absent(inbox_key(row->channel, row->counter))) found(object, "was received", kHarmless);
}

void Check::journal(const RowKey& key, std::string_view value) {
  if (key.bytes.size() != journal_key({}, 0, 0).bytes.size()) return stray(key);
  const auto key_of = [&](const JournalRow& r) {
    return journal_key(r.job, r.time_ms, key_tail(key.bytes));
  };
  const auto row = opened<JournalRow>(key, value, key_of, kHarmless);
  if (!row) return;
  if (!last_journal_ || last_journal_->first != row->job) {
    last_journal_ = {row->job,
                     !absent(send_job_key(row->job)) || !absent(receive_job_key(row->job))};
    if (!last_journal_->second)
      found("history of job " + to_base32(row->job), "the store does not know the job", kHarmless);
  }
}

Status Check::leftovers() {
  const Result<std::vector<JobId>> spools = files_.spools();
  if (!spools) return spools.error();
  for (const JobId& id : *spools) {
    const Referred<SendJobRow> job = look_up<SendJobRow>(send_job_key(id));
    const bool needed = job.row && (job.row->state == SendState::kPreparing || has_spool(*job.row));
    if (!needed) ++summary_.leftover_spools;
  }
  return ok();
}

}  // namespace

Result<CheckSummary> check_store(const OpenedStore& store, ports::Files& files,
                                 const std::function<void(const Finding&)>& report) {
  return Check(store, files, report).run();
}

}  // namespace taubenpost

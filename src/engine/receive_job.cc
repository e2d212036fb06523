#include "engine/receive_job.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bacap/capability.h"
#include "base/failpoint.h"
#include "crypto/hash.h"
#include "engine/ageing.h"
#include "engine/body_fetch.h"
#include "engine/index_steps.h"
#include "engine/receipts.h"
#include "engine/stream_fetch.h"
#include "engine/target_name.h"
#include "engine/transfer_again.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::PlaceResult;
using ports::Transaction;

namespace {

constexpr std::uint64_t kReserve = 64ULL << 20;  // free space that a transfer leaves alone
constexpr std::size_t kHashPiece = 256 << 10;

// Where the body begins.
Result<IndexBytes> first_index(const wire::BodyRef& body) {
  const Result<bacap::ReadCap> read_cap = bacap::ReadCap::parse(body.cap);
  if (!read_cap) return read_cap.error();
  return read_cap->index().bytes();
}

BodyShape shape_of(const Incoming& incoming, const wire::BodyRef& body) {
  return BodyShape{body.cap, ByteSize{incoming.size}, ByteSize{body.chunk}, ChunkCount{body.boxes}};
}

// Of what it is in the end.
std::uint64_t content_size(const Incoming& incoming) {
  return incoming.decoded ? incoming.decoded->size : incoming.size;
}

Error wrong_digest() {
  return error(Errc::kRejected, "other bytes than the letter promises: wrong digest",
               "ask the sender to send it again");
}

// The bytes up to which the part file must reach by what the row says.
std::uint64_t marked_end(const ReceiveJobRow& row, const BodyShape& shape) {
  const std::uint64_t chunks = row.beyond.empty() ? row.prefix : row.beyond.back() + 1;
  return std::min(chunks * shape.chunk.value(), shape.size.value());
}

// Whether the part file has all bytes before `end`: one that somebody removed begins empty again.
Result<bool> reaches_to(ports::PartFile& part, std::uint64_t end) {
  if (end == 0) return true;
  const Result<Bytes> last = part.read_at(end - 1, 1);
  if (!last) return last.error();
  return !last->empty();
}

// Who writes to a received file is its owner alone; nobody runs it with other rights.
std::optional<std::uint32_t> safe_mode(const std::optional<std::uint32_t>& mode) {
  if (!mode) return std::nullopt;
  return *mode & 0755U;
}

const std::string& target_name(const ReceiveJobRow& row, const Incoming& incoming) {
  return row.unpack ? incoming.folder : incoming.name;
}

// Where it is placed if nothing has that name.
std::string first_target(const ReceiveJobRow& row, const Incoming& incoming) {
  if (!row.target.empty()) return row.target;
  return row.folder + "/" + target_candidate(target_name(row, incoming), 1);
}

// How much of the part file was synced by what the row says.
std::uint64_t bytes_there(const ReceiveJobRow& row, const Incoming& incoming) {
  const auto* body = std::get_if<wire::BodyRef>(&incoming.content);
  return std::min(incoming.size, row.prefix * (body != nullptr ? body->chunk : 1));
}

constexpr const char* kNameTaken = "the target folder has something of that name already";

ports::Existing existing_for(IfExists if_exists) {
  return if_exists == IfExists::kReplace ? ports::Existing::kReplace : ports::Existing::kKeep;
}

bool belongs_to_job(Errc code) { return code == Errc::kRejected || code == Errc::kInvalid; }

std::string folder_reason(Errc code) {
  if (code == Errc::kDiskFull) return "not enough space in the target folder";
  if (code == Errc::kNotFound) return "the target folder is missing";
  return "the target folder can't be written";
}

}  // namespace

std::string wanted_path(const ReceiveJobRow& row) {
  const Result<Incoming> incoming = incoming_of(row);
  if (!incoming) return "";
  // A row that is being placed may have another name by now, which was free.
  ReceiveJobRow first = row;
  if (row.if_exists == IfExists::kRename) first.target.clear();
  return first_target(first, *incoming);
}

asio::awaitable<Status> ReceiveJob::run() {
  for (;;) {
    waits_for_.reset();
    Result<ReceiveJobRow> row = ports_.store.receive_job(id_);
    if (!row) co_return row.error();
    Status stepped = ok();
    switch (row->state) {
      case ReceiveState::kWaiting:
        stepped = co_await start(std::move(row).value());
        break;
      case ReceiveState::kFetching:
        stepped = co_await fetch(std::move(row).value());
        break;
      case ReceiveState::kChecking:
        stepped = co_await check(std::move(row).value());
        break;
      case ReceiveState::kPlacing:
        stepped = co_await place(std::move(row).value());
        break;
      case ReceiveState::kPlaced:
      case ReceiveState::kFailed:
      case ReceiveState::kVerified:
        co_return ok();
    }
    if (waits_for_) co_return co_await leave_for_later();
    if (is_out_of_turn_) co_return ok();
    if (stepped || stepped.error().code == Errc::kStateConflict) continue;
    if (!belongs_to_job(stepped.error().code)) co_return stepped;
    Status given_up = co_await give_up(stepped.error());
    if (!given_up) co_return given_up;
  }
}

// Nothing is fetched that can't be stored. What is compressed is there in both forms for a while.
asio::awaitable<Status> ReceiveJob::start(ReceiveJobRow row) {
  const Result<Incoming> incoming = incoming_of(row);
  if (!incoming) co_return incoming.error();
  const std::uint64_t decoded_size = incoming->decoded ? incoming->decoded->size : 0;
  TP_CO_TRY(has_space(row.folder, incoming->size - bytes_there(row, *incoming) + decoded_size));
  const std::string target = first_target(row, *incoming);
  if (row.if_exists == IfExists::kFail && !goal_.only_verify) {
    const Result<bool> taken = ports_.files.exists(target);
    if (!taken) co_return folder_failed(taken.error());
    if (*taken) co_return kept_out(kNameTaken);
  }
  if (row.if_exists == IfExists::kReplace && !goal_.only_verify) TP_CO_TRY(is_newest(row, target));
  // Its name is durable before the row counts on it.
  const auto part = ports_.files.open_part(row.folder, id_);
  if (!part) co_return folder_failed(part.error());
  const auto* body = std::get_if<wire::BodyRef>(&incoming->content);
  if (body != nullptr && row.prefix == 0) {  // else it was tried before, and goes on there
    const Result<IndexBytes> first = first_index(*body);
    if (!first) co_return first.error();
    row.prefix_index = *first;
  }
  co_return co_await move(std::move(row), ReceiveEvent::kStart);
}

asio::awaitable<Status> ReceiveJob::fetch(ReceiveJobRow row) {
  const Result<Incoming> incoming = incoming_of(row);
  if (!incoming) co_return incoming.error();
  // A run before this one may have decoded it.
  if (std::holds_alternative<Bytes>(incoming->content)) {
    Status removed = ports_.files.remove_part(row.folder, id_);
    if (!removed) co_return folder_failed(removed.error());
  }
  const auto part = ports_.files.open_part(row.folder, id_);
  if (!part) co_return folder_failed(part.error());
  if (const auto* inside = std::get_if<Bytes>(&incoming->content)) {
    Status written = (*part)->write_at(0, *inside);
    if (written) written = (*part)->sync();
    if (!written) co_return folder_failed(written.error());
    co_return co_await move(std::move(row), ReceiveEvent::kFetched);
  }

  if (const auto* stream = std::get_if<StreamRef>(&incoming->content))
    co_return co_await fetch_stream(std::move(row), stream->head, incoming->size, **part);

  const auto& body_ref = std::get<wire::BodyRef>(incoming->content);
  const BodyShape shape = shape_of(*incoming, body_ref);
  const std::uint64_t end = marked_end(row, shape);
  const Result<bool> reaches = reaches_to(**part, end);
  if (!reaches) co_return folder_failed(reaches.error());
  if (!*reaches) {  // somebody removed the part file: from the beginning
    const Result<IndexBytes> first = first_index(body_ref);
    if (!first) co_return first.error();
    co_return co_await fetch_again(std::move(row), *first);
  }
  const auto executor = co_await asio::this_coro::executor;
  BodyFetch body(row, shape, ports_, options_, **part, executor);
  Status fetched = co_await body.run();
  if (!fetched && body.file_failed()) co_return folder_failed(fetched.error());
  if (!fetched) co_return fetched;
  co_return co_await end_fetch(row.folder, incoming->size);
}

// The folder may have gone while the part file was open. What was written is nowhere then, and
// this must be found out while the job can still begin again.
asio::awaitable<Status> ReceiveJob::end_fetch(std::string folder, std::uint64_t size) {
  const auto part = ports_.files.open_part(folder, id_);
  if (!part) co_return folder_failed(part.error());
  const Result<bool> is_whole = reaches_to(**part, size);
  if (!is_whole) co_return folder_failed(is_whole.error());
  if (!*is_whole) co_return ok();  // the next step sees what is missing
  Result<ReceiveJobRow> marked = ports_.store.receive_job(id_);
  if (!marked) co_return marked.error();
  co_return co_await move(std::move(marked).value(), ReceiveEvent::kFetched);
}

asio::awaitable<Status> ReceiveJob::fetch_stream(ReceiveJobRow row, Bytes head, std::uint64_t size,
                                                 ports::PartFile& part) {
  const Result<ChannelRow> channel = ports_.store.channel(row.channel);
  if (!channel) co_return channel.error();
  const Result<bool> reaches = reaches_to(part, row.prefix);
  if (!reaches) co_return folder_failed(reaches.error());
  if (!*reaches) {
    const Result<IndexBytes> first = index_behind(*channel, row.counter);
    if (!first) co_return first.error();
    co_return co_await fetch_again(std::move(row), *first);
  }
  const Result<ports::NetworkView> network = co_await ports_.network.view(kDaemonLimitMs);
  if (!network) co_return network.error();
  const auto executor = co_await asio::this_coro::executor;
  StreamShape shape;
  shape.read_cap = channel->capability;
  shape.head = std::move(head);
  shape.size = size;
  shape.box_max = network->box_max;
  StreamFetch stream(row, std::move(shape), ports_, options_, part, executor);
  Status fetched = co_await stream.run();
  if (!fetched && stream.file_failed()) co_return folder_failed(fetched.error());
  if (!fetched) co_return fetched;
  if (stream.waits()) co_return wait_for_stream(row);
  co_return co_await end_fetch(row.folder, size);
}

// Its sender may still be writing it: boxes that were written together age out together, so once
// those that were found last are gone, nothing comes any more.
Status ReceiveJob::wait_for_stream(const ReceiveJobRow& row) {
  const Result<ChannelRow> channel = ports_.store.channel(row.channel);
  if (!channel) return channel.error();
  const std::uint64_t last = std::max(row.created, channel->found);
  if (ports_.clock.unix_ms() / 1000 >= ages_out_at(bacap::replica_epoch(last)))
    return error(Errc::kRejected, "the stream ends before all of its bytes are there",
                 "ask the sender to send it again");
  waits_for_ = "the next box of the stream is not there yet";
  return ok();
}

asio::awaitable<Status> ReceiveJob::fetch_again(ReceiveJobRow row, IndexBytes first) {
  row.prefix = 0;
  row.beyond.clear();
  row.prefix_index = first;
  Transaction step;
  step.update(std::move(row)).note(id_, ports_.clock.unix_ms(), "part file lost: fetch again");
  co_return co_await ports_.store.commit(std::move(step));
}

asio::awaitable<Status> ReceiveJob::check(ReceiveJobRow row) {
  const Result<Incoming> incoming = incoming_of(row);
  if (!incoming) co_return incoming.error();
  Status verified = co_await verify(row.folder, *incoming);
  if (!verified) co_return verified;
  if (goal_.only_verify) {
    row.finished = ports_.clock.unix_ms() / 1000;
    co_return co_await move(std::move(row), ReceiveEvent::kVerified);
  }

  const auto part = ports_.files.open_part(row.folder, id_);
  if (!part) co_return folder_failed(part.error());
  Status finished = (*part)->set_times_and_mode(safe_mode(incoming->mode), incoming->mtime);
  if (finished) finished = (*part)->sync();
  if (!finished) co_return folder_failed(finished.error());
  row.device = (*part)->device();
  row.inode = (*part)->inode();
  row.unpack = row.unpack && !incoming->folder.empty();
  if (row.unpack) {
    Status unpacked = co_await unpack(row, *incoming);
    if (!unpacked) co_return unpacked;
  }
  row.target = first_target(row, *incoming);
  Status moved = co_await move(std::move(row), ReceiveEvent::kChecked);
  TP_FAILPOINT("receive.checked");
  co_return moved;
}

// An archive with anything that is not unpacked is placed as it is: its bytes are what was sent.
asio::awaitable<Status> ReceiveJob::unpack(ReceiveJobRow& row, const Incoming& incoming) {
  TP_CO_TRY(has_space(row.folder, content_size(incoming)));
  const auto executor = co_await asio::this_coro::executor;
  auto unpacker = ports_.files.unpack(row.folder, id_, content_size(incoming), incoming.folder);
  if (!unpacker) co_return folder_failed(unpacker.error());
  Result<bool> goes_on = true;
  while (goes_on && *goes_on) {
    goes_on = (*unpacker)->step();
    co_await asio::post(executor, asio::use_awaitable);
  }
  if (goes_on) {
    row.device = (*unpacker)->device();
    row.inode = (*unpacker)->inode();
    co_return ok();
  }
  if (goes_on.error().code != Errc::kRejected) co_return folder_failed(goes_on.error());
  row.unpack = false;
  row.error_text = goes_on.error().what;
  Status removed = ports_.files.remove_unpacked(row.folder, id_);
  if (!removed) co_return folder_failed(removed.error());
  co_return ok();
}

// The part file holds the content afterwards. A run before this one may have decoded it already,
// which the digests tell.
asio::awaitable<Status> ReceiveJob::verify(std::string folder, Incoming incoming) {
  const auto part = ports_.files.open_part(folder, id_);
  if (!part) co_return folder_failed(part.error());
  const std::uint64_t limit = std::max(incoming.size, content_size(incoming));
  const Result<Fingerprint> there = co_await measure(**part, limit);
  if (!there) co_return there.error();
  if (incoming.decoded && *there == *incoming.decoded) co_return ok();
  if (there->size < incoming.size)
    co_return error(Errc::kRejected, "the part file was removed before it was checked",
                    "ask the sender to send it again");
  if (incoming.digest && *there != Fingerprint{incoming.size, *incoming.digest})
    co_return wrong_digest();
  if (incoming.decoded) co_return co_await decode(std::move(folder), *incoming.decoded);
  co_return ok();
}

asio::awaitable<Status> ReceiveJob::decode(std::string folder, Fingerprint expected) {
  TP_CO_TRY(has_space(folder, expected.size));
  const auto executor = co_await asio::this_coro::executor;
  const auto decoder = ports_.files.decode_part(folder, id_, expected.size);
  if (!decoder) co_return folder_failed(decoder.error());
  crypto::Blake2b256 hash;
  for (;;) {
    const Result<Bytes> piece = (*decoder)->step();
    if (!piece && piece.error().code == Errc::kRejected) co_return piece.error();
    if (!piece) co_return folder_failed(piece.error());
    if (piece->empty()) break;
    hash.update(*piece);
    co_await asio::post(executor, asio::use_awaitable);
  }
  if (hash.finish() != expected.digest) co_return wrong_digest();
  Status replaced = (*decoder)->replace_part();
  if (!replaced) co_return folder_failed(replaced.error());
  co_return ok();
}

// The part file as it is on disk, piece by piece; other jobs go on in between. What is longer than
// `limit` is not read to its end.
asio::awaitable<Result<Fingerprint>> ReceiveJob::measure(ports::PartFile& part,
                                                         std::uint64_t limit) {
  const auto executor = co_await asio::this_coro::executor;
  crypto::Blake2b256 hash;
  Fingerprint there;
  for (;;) {
    const Result<Bytes> piece = part.read_at(there.size, kHashPiece);
    if (!piece) co_return folder_failed(piece.error());
    hash.update(*piece);
    there.size += piece->size();
    if (piece->empty() || there.size > limit) break;
    co_await asio::post(executor, asio::use_awaitable);
  }
  there.digest = hash.finish();
  co_return there;
}

// The row names the target before the rename may happen, so that a repeat knows its own file.
asio::awaitable<Status> ReceiveJob::place(ReceiveJobRow row) {
  is_out_of_turn_ = may_place_ && !may_place_();
  if (is_out_of_turn_) co_return ok();
  if (row.if_exists == IfExists::kReplace) TP_CO_TRY(is_newest(row, row.target));
  const Result<PlaceResult> placed =
      row.unpack ? ports_.files.place_unpacked(row.folder, id_, row.target, row.device, row.inode)
                 : ports_.files.place(row.folder, id_, row.target, row.device, row.inode,
                                      existing_for(row.if_exists));
  if (!placed && placed.error().code == Errc::kNotFound && ports_.files.free_space(row.folder))
    co_return error(Errc::kRejected,
                    row.if_exists == IfExists::kReplace
                        ? "somebody removed the part file, or replaced the file that was placed"
                        : "the part file was removed before it was placed",
                    "ask the sender to send it again");
  if (!placed) co_return folder_failed(placed.error());
  if (*placed == PlaceResult::kPlaced) {
    if (row.unpack) {
      Status removed = ports_.files.remove_part(row.folder, id_);
      if (!removed) co_return folder_failed(removed.error());
    }
    TP_FAILPOINT("receive.before_placed");
    row.finished = ports_.clock.unix_ms() / 1000;
    Transaction step;
    TP_CO_TRY(add_receipt(ports_, row, step));
    step.move(std::move(row), ReceiveEvent::kPlaced);
    co_return co_await ports_.store.commit(std::move(step));
  }
  if (row.if_exists == IfExists::kFail) co_return kept_out(kNameTaken);
  if (row.if_exists == IfExists::kReplace)
    co_return kept_out(
        "what has that name in the target folder can't be replaced: only files are, by files");
  const Result<Incoming> incoming = incoming_of(row);
  if (!incoming) co_return incoming.error();
  const std::string name = target_name(row, *incoming);
  const std::uint32_t taken = candidate_number(name, row.target.substr(row.target.rfind('/') + 1));
  if (taken == 0 || taken == kTargetAttemptsMax)
    co_return kept_out("there are too many files of that name in the target folder");
  row.target = row.folder + "/" + target_candidate(name, taken + 1);
  co_return co_await move(std::move(row), ReceiveEvent::kNewTarget);
}

asio::awaitable<Status> ReceiveJob::move(ReceiveJobRow row, ReceiveEvent event) {
  Transaction step;
  step.move(std::move(row), event);
  co_return co_await ports_.store.commit(std::move(step));
}

// What waits for another place has its sender's mode by now; nobody else is to read it before.
Status ReceiveJob::hide_part() {
  const Result<ReceiveJobRow> row = ports_.store.receive_job(id_);
  if (!row) return row.error();
  if (!is_kept_out_ || row->state != ReceiveState::kPlacing) return ok();
  constexpr std::uint32_t kOwner = 0600;
  const auto part = ports_.files.open_part(row->folder, id_);
  return part ? (*part)->set_times_and_mode(kOwner, std::nullopt) : ok();
}

// No plaintext is left behind, but of a whole file that only its place keeps out.
asio::awaitable<Status> ReceiveJob::give_up(Error reason) {
  TP_CO_TRY(hide_part());
  Status failed = co_await record_failure(reason);
  // A round has changed the channel meanwhile: it may have found another letter.
  while (!failed && failed.error().code == Errc::kStateConflict)
    failed = co_await record_failure(reason);
  if (!failed) co_return failed;
  const Result<ReceiveJobRow> row = ports_.store.receive_job(id_);
  if (!row) co_return row.error();
  Status removed = is_kept_out_ ? ok() : ports_.files.remove_part(row->folder, id_);
  if (removed) removed = ports_.files.remove_unpacked(row->folder, id_);
  if (removed) co_return ok();
  Transaction note;
  note.note(id_, ports_.clock.unix_ms(), "the part file could not be removed");
  co_return co_await ports_.store.commit(std::move(note));
}

asio::awaitable<Status> ReceiveJob::record_failure(Error reason) {
  Result<ReceiveJobRow> row = ports_.store.receive_job(id_);
  if (!row) co_return row.error();
  if (has_ended(row->state)) co_return ok();
  row->error_code = static_cast<std::uint16_t>(reason.code);
  row->error_text = std::move(reason.what);
  row->finished = ports_.clock.unix_ms() / 1000;
  Transaction step;
  TP_CO_TRY(release_channel(step, ports_.store, *row));
  TP_CO_TRY(hand_over(ports_.store, *row, step));
  step.move(std::move(row).value(), ReceiveEvent::kGiveUp);
  co_return co_await ports_.store.commit(std::move(step));
}

asio::awaitable<Status> ReceiveJob::leave_for_later() {
  const std::string text = "waits: " + *waits_for_;
  const Result<std::vector<JournalRow>> journal = ports_.store.journal(id_);
  if (!journal) co_return journal.error();
  if (!journal->empty() && journal->back().text == text) co_return ok();  // said already
  Transaction step;
  step.note(id_, ports_.clock.unix_ms(), text);
  co_return co_await ports_.store.commit(std::move(step));
}

Error ReceiveJob::kept_out(std::string why) {
  is_kept_out_ = true;
  return error(Errc::kRejected, std::move(why));
}

// A transfer that comes late replaces nothing that was sent after it.
Status ReceiveJob::is_newest(const ReceiveJobRow& row, const std::string& target) {
  const Result<std::vector<ReceiveJobRow>> all = ports_.store.receive_job_rows();
  if (!all) return all.error();
  for (const ReceiveJobRow& other : *all)
    if (other.channel == row.channel && other.counter > row.counter && other.target == target &&
        other.state == ReceiveState::kPlaced)
      return kept_out("a newer file of that name is placed, from position " +
                      std::to_string(other.counter));
  return ok();
}

Status ReceiveJob::has_space(const std::string& folder, std::uint64_t size) {
  const Result<std::uint64_t> free = ports_.files.free_space(folder);
  if (!free) return folder_failed(free.error());
  if (*free < kReserve || *free - kReserve < size)
    return folder_failed(error(Errc::kDiskFull, "not enough space for the transfer"));
  return ok();
}

Error ReceiveJob::folder_failed(Error failure) {
  waits_for_ = folder_reason(failure.code);
  return failure;
}

}  // namespace taubenpost

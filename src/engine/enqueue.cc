#include "engine/enqueue.h"

#include <algorithm>

#include "crypto/hash.h"
#include "engine/channels.h"
#include "engine/forecast.h"
#include "engine/incoming.h"
#include "engine/letter_of.h"
#include "engine/plan_send.h"
#include "engine/steer_send.h"
#include "wire/letter.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

constexpr std::size_t kNoteMax = 512;
constexpr std::size_t kKeyMax = 255;
constexpr std::string_view kInputSource = "-";

Result<JobId> id_of_key(const ports::Store& store, const std::string& key) {
  const Result<StoreIdentityRow> identity = store.identity();
  if (!identity) return identity.error();
  crypto::Blake2b256 hash;
  hash.update(as_bytes("taubenpost job 1"));
  hash.update(identity->store);
  hash.update(as_bytes(key));
  return to_array<16>(ByteView(hash.finish()).first(16));
}

// What two requests of one key must have in common. Every part has its length before it.
Bytes32 digest_of(const SendRequest& request, const std::string& name,
                  const std::vector<ChannelRow>& channels) {
  Bytes all;
  const auto add = [&all](const std::string& text) {
    append_be(all, static_cast<std::uint64_t>(text.size()));
    append(all, as_bytes(text));
  };
  const std::vector<std::string> input{std::string(kInputSource)};  // no absolute path
  const auto& sources = request.input == nullptr ? request.sources : input;
  append_be(all, static_cast<std::uint64_t>(sources.size()));
  for (const std::string& source : sources) add(source);
  add(name);
  add(request.note);
  std::vector<ChannelId> ids;
  for (const ChannelRow& channel : channels) ids.push_back(channel.id);
  std::sort(ids.begin(), ids.end());
  for (const ChannelId& id : ids) append(all, id);
  return crypto::blake2b_256(all);
}

// Nothing if the key is new, or empty. kRefused if it stands for something else.
Result<std::optional<JobId>> same_again(const ports::Store& store, const std::string& key,
                                        const Bytes32& digest) {
  if (key.empty()) return std::optional<JobId>();
  const Result<std::optional<SendJobRow>> known = job_of_key(store, key);
  if (!known) return known.error();
  if (!known.value()) return std::optional<JobId>();
  const SendJobRow& job = **known;
  if (job.request == digest) return std::optional<JobId>(job.id);
  return error(Errc::kRefused,
               "the idempotency key " + printable(key) + " belongs to job " + to_base32(job.id) +
                   ", which sends something else or to others",
               "take another key for another request");
}

// What may be wrong with a request as it is written.
Status valid(const SendRequest& request, std::uint64_t now) {
  const bool has_input = request.input != nullptr;
  if (request.sources.empty() != has_input)
    return error(Errc::kUsage, has_input ? "standard input is sent by itself, without other files"
                                         : "there is nothing to send");
  if (has_input && request.name.empty())
    return error(Errc::kUsage, "what comes from standard input has no name",
                 "give it one with --name");
  if (has_input && request.in_place)
    return error(Errc::kUsage, "standard input can't be read in place", "leave out --in-place");
  if (request.note.size() > kNoteMax || !is_utf8(request.note))
    return error(Errc::kUsage, "the note is not UTF-8 of at most 512 bytes");
  if (request.key.size() > kKeyMax || !is_utf8(request.key))
    return error(Errc::kUsage, "the idempotency key is not UTF-8 of at most 255 bytes");
  if (request.deadline != 0 && request.deadline <= std::max(now, request.not_before))
    return error(Errc::kUsage, "the deadline is not after the time at which it may begin",
                 "give the letters time to be decided");
  if (request.window > EngineOptions{}.write_window)
    return error(Errc::kUsage, "a window of " + std::to_string(request.window) + " writes",
                 "1 to 16 are possible");
  return valid_priority(request.priority);
}

// How all of the channels carry the transfer.
Result<Layout> layout_of(const std::vector<ChannelRow>& channels) {
  const Layout layout = channels.front().layout;
  for (const ChannelRow& channel : channels)
    if (channel.layout != layout)
      return error(Errc::kUsage,
                   "of channels " + printable(channels.front().name) + " and " +
                       printable(channel.name) + " one is inline",
                   "send to inline channels by a job of their own");
  return layout;
}

// What readers of other programs could not take.
Status valid_inline(const SendJobRow& job) {
  if (job.separate_bodies)
    return error(Errc::kUsage, "an inline channel carries no bodies: each has its own content",
                 "leave --separate-bodies out");
  if (inline_name(job).size() > wire::kNameMax)
    return error(Errc::kUsage, printable(job.name) + ": too long a name for its archive",
                 "choose one of at most 251 bytes with --name");
  if (job.identity.size > kInlineMax)
    return error(Errc::kRefused,
                 printable(job.source) + ": more than " + std::to_string(kInlineMax) +
                     " bytes, which is all that an inline channel takes",
                 "send it through a channel that is not inline");
  return ok();
}

}  // namespace

Result<std::vector<ChannelRow>> outgoing_channels(const ports::Store& store,
                                                  const std::vector<std::string>& names) {
  if (names.empty()) return error(Errc::kUsage, "no recipient", "name one with --to");
  Result<StoreIdentityRow> identity = store.identity();
  if (!identity) return identity.error();
  std::vector<ChannelRow> channels;
  for (const std::string& name : names) {
    if (std::count(names.begin(), names.end(), name) > 1)
      return error(Errc::kUsage, "recipient " + printable(name) + " is named twice");
    Result<ChannelRow> channel = find_channel(store, name);
    if (!channel) return channel.error();
    if (channel->direction != ChannelDirection::kOutgoing)
      return error(Errc::kUsage, "channel " + printable(name) + " is for receiving",
                   "send to a channel made with 'channel new'");
    if (channel->bound && identity->bound && channel->network != identity->network)
      return error(Errc::kRefused, "channel " + printable(name) + " belongs to another network");
    channels.push_back(std::move(channel).value());
  }
  return channels;
}

RecipientRow new_recipient(JobId job, std::uint32_t index, const ChannelRow& channel) {
  RecipientRow recipient;
  recipient.job = job;
  recipient.index = RecipientIndex{index};
  recipient.channel = channel.id;
  recipient.channel_name = channel.name;
  return recipient;
}

Result<std::optional<SendJobRow>> job_of_key(const ports::Store& store, const std::string& key) {
  const Result<JobId> id = id_of_key(store, key);
  if (!id) return id.error();
  Result<SendJobRow> job = store.send_job(*id);
  if (job) return std::optional<SendJobRow>(std::move(job).value());
  if (job.error().code == Errc::kNotFound) return std::optional<SendJobRow>();
  return job.error();
}

std::vector<std::string> sources_of(const SendJobRow& job) {
  std::vector<std::string> sources{job.source};
  sources.insert(sources.end(), job.more_sources.begin(), job.more_sources.end());
  return sources;
}

SendJobRow empty_send_job(const EnginePorts& ports, std::string name, std::string note) {
  SendJobRow job;
  ports.random.fill(job.id);
  ports.random.fill(job.transfer);
  job.created = ports.clock.unix_ms() / 1000;
  job.name = std::move(name);
  job.note = std::move(note);
  return job;
}

Result<SendJobRow> new_send_job(const EnginePorts& ports, std::vector<std::string> sources,
                                std::string name, std::string note) {
  const Result<std::unique_ptr<ports::Source>> file = ports.files.open_source(sources);
  if (!file) return file.error();
  SendJobRow job = empty_send_job(ports, std::move(name), std::move(note));
  job.source = std::move(sources.front());
  job.more_sources.assign(std::make_move_iterator(sources.begin() + 1),
                          std::make_move_iterator(sources.end()));
  job.archive = (*file)->is_archive();
  job.identity = (*file)->identity();
  job.mode = (*file)->mode();
  job.mtime = job.identity.mtime_ns / 1'000'000'000;
  return job;
}

namespace {

// What the request says beside its source.
void set_options(SendJobRow& job, const SendRequest& request) {
  job.priority = static_cast<std::int8_t>(request.priority);
  job.not_before = request.not_before;
  job.deadline = request.deadline;
  job.window = request.window;
  job.transport = request.transport;
  job.chooses_transport = request.choose_transport;
  job.commit = request.commit;
  job.separate_bodies = request.separate_bodies;
  job.expire = request.expire;
}

Result<SendJobRow> job_for(const EnginePorts& ports, const SendRequest& request, std::string name) {
  if (request.input != nullptr) {
    SendJobRow job = empty_send_job(ports, std::move(name), request.note);
    job.source = kInputSource;
    job.source_kind = SourceKind::kStandardInput;
    return job;
  }
  Result<SendJobRow> job = new_send_job(ports, request.sources, std::move(name), request.note);
  if (!job || !request.in_place) return job;
  if (job->archive)
    return error(Errc::kUsage, "only a single file can be read in place",
                 "leave out --in-place: the archive is made while it is read");
  job->source_kind = SourceKind::kInPlace;
  return job;
}

// Nothing of it stays.
Error drop_input(const EnginePorts& ports, const SendRequest& request, JobId id, Error failure) {
  if (request.input != nullptr)
    static_cast<void>(ports.files.remove_spool(id));  // what stays goes with the next run
  return failure;
}

// What can be said when the size of the content is known.
Status takes(const EnginePorts& ports, const SendJobRow& job, bool allow_expiry_risk) {
  if (job.layout == Layout::kInline) TP_TRY(valid_inline(job));
  if (allow_expiry_risk) return ok();
  return fits_in_time(ports.store, job, ports.clock.unix_ms() / 1000);
}

}  // namespace

asio::awaitable<Result<JobId>> enqueue_send(EnginePorts ports, SendRequest request) {
  const Result<std::vector<ChannelRow>> channels = outgoing_channels(ports.store, request.to);
  if (!channels) co_return channels.error();
  const std::uint64_t now = ports.clock.unix_ms() / 1000;
  TP_CO_TRY(valid(request, now));
  std::string name = request.name;
  if (name.empty()) name = request.sources.front().substr(request.sources.front().rfind('/') + 1);
  if (!wire::valid_name(name))
    co_return error(Errc::kUsage, printable(name) + ": not a name that a recipient can store",
                    "use UTF-8 of 1 to 255 bytes without control characters or backslashes");
  const Result<Layout> layout = layout_of(*channels);
  if (!layout) co_return layout.error();
  const Bytes32 digest = digest_of(request, name, *channels);
  const Result<std::optional<JobId>> known = same_again(ports.store, request.key, digest);
  if (!known) co_return known.error();
  if (known.value()) co_return **known;
  Result<SendJobRow> job = job_for(ports, request, std::move(name));
  if (!job) co_return job.error();
  if (!request.key.empty()) {
    const Result<JobId> of_key = id_of_key(ports.store, request.key);
    if (!of_key) co_return of_key.error();
    job->id = *of_key;
    job->key = request.key;
    job->request = digest;
  }
  set_options(*job, request);
  job->layout = *layout;
  job->recipients = static_cast<std::uint32_t>(channels->size());
  if (request.input != nullptr) {
    Status taken = co_await take_input(ports, *request.input, *job);
    if (!taken) co_return taken.error();
  }
  const JobId id = job->id;
  const Status possible = takes(ports, *job, request.allow_expiry_risk);
  if (!possible) co_return drop_input(ports, request, id, possible.error());

  Transaction step;
  for (std::uint32_t i = 0; i < job->recipients; ++i)
    step.create(new_recipient(id, i, channels.value()[i]));
  step.note(id, ports.clock.unix_ms(), "queued");
  step.create(std::move(job).value());
  Status stored = co_await ports.store.commit(std::move(step));
  if (stored) co_return id;
  if (stored.error().code != Errc::kStateConflict)
    co_return drop_input(ports, request, id, stored.error());
  // Somebody else was faster with the same key.
  const Result<std::optional<JobId>> other = same_again(ports.store, request.key, digest);
  if (!other) co_return other.error();
  if (!other.value()) co_return drop_input(ports, request, id, stored.error());
  co_return **other;
}

}  // namespace taubenpost

#include "engine/enqueue.h"

#include <algorithm>

#include "engine/channels.h"
#include "wire/letter.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

constexpr std::size_t kNoteMax = 512;

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

std::vector<std::string> sources_of(const SendJobRow& job) {
  std::vector<std::string> sources{job.source};
  sources.insert(sources.end(), job.more_sources.begin(), job.more_sources.end());
  return sources;
}

Result<SendJobRow> new_send_job(const EnginePorts& ports, std::vector<std::string> sources,
                                std::string name, std::string note) {
  const Result<std::unique_ptr<ports::Source>> file = ports.files.open_source(sources);
  if (!file) return file.error();
  SendJobRow job;
  ports.random.fill(job.id);
  ports.random.fill(job.transfer);
  job.created = ports.clock.unix_ms() / 1000;
  job.source = std::move(sources.front());
  job.more_sources.assign(std::make_move_iterator(sources.begin() + 1),
                          std::make_move_iterator(sources.end()));
  job.archive = (*file)->is_archive();
  job.name = std::move(name);
  job.note = std::move(note);
  job.identity = (*file)->identity();
  job.mode = (*file)->mode();
  job.mtime = job.identity.mtime_ns / 1'000'000'000;
  return job;
}

asio::awaitable<Result<JobId>> enqueue_send(EnginePorts ports, SendRequest request) {
  Result<std::vector<ChannelRow>> channels = outgoing_channels(ports.store, request.to);
  if (!channels) co_return channels.error();
  if (request.note.size() > kNoteMax || !is_utf8(request.note))
    co_return error(Errc::kUsage, "the note is not UTF-8 of at most 512 bytes");
  if (request.window > EngineOptions{}.write_window)
    co_return error(Errc::kUsage, "a window of " + std::to_string(request.window) + " writes",
                    "1 to 16 are possible");
  if (request.sources.empty()) co_return error(Errc::kUsage, "there is nothing to send");
  const std::string& first = request.sources.front();
  std::string name = request.name.empty() ? first.substr(first.rfind('/') + 1) : request.name;
  if (!wire::valid_name(name))
    co_return error(Errc::kUsage, printable(name) + ": not a name that a recipient can store",
                    "use UTF-8 of 1 to 255 bytes without control characters or backslashes");
  Result<SendJobRow> job =
      new_send_job(ports, std::move(request.sources), std::move(name), std::move(request.note));
  if (!job) co_return job.error();

  job->window = request.window;
  job->transport = request.transport;
  job->commit = request.commit;
  job->expire = request.expire;
  job->recipients = static_cast<std::uint32_t>(channels->size());
  const JobId id = job->id;
  Transaction step;
  for (std::uint32_t i = 0; i < job->recipients; ++i)
    step.create(new_recipient(id, i, channels.value()[i]));
  step.note(id, ports.clock.unix_ms(), "queued");
  step.create(std::move(job).value());
  Status stored = co_await ports.store.commit(std::move(step));
  if (!stored) co_return stored.error();
  co_return id;
}

}  // namespace taubenpost

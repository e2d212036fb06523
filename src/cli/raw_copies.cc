// taubenpost raw copy, copy-multi, copy-tombstone, cancel: many boxes with one copy command.
#include <deque>
#include <future>
#include <utility>

#include "base/random.h"
#include "cli/exit_status.h"
#include "cli/key_file.h"
#include "cli/raw.h"
#include "cli/raw_commands.h"

namespace taubenpost::cli {
namespace {

using thin::BlockingClient;

constexpr std::size_t kWritesAtATime = 8;

struct CopyArgs : DaemonArgs {
  std::vector<std::string> channels;  // KEY, or KEY=FILE
  bool from_first = false;
  std::uint32_t count = 1;
};
struct CancelArgs : DaemonArgs {
  std::string envelope_hash, copy_hash;
};

// One channel of a copy, and what it gets.
struct Channel {
  HeldKey held;
  Bytes payload;
};

// The elements in a temporary sequence, several writes at a time.
Status write_elements(BlockingClient& client, const std::vector<Bytes>& elements,
                      const thin::KeyPair& temporary, thin::Limit limit) {
  std::deque<std::pair<thin::Envelope, std::future<Result<thin::ResendResult>>>> running;
  const auto wait_for_first = [&]() -> Status {
    const Result<thin::ResendResult> end = running.front().second.get();
    running.pop_front();
    if (!end) return end.error();
    if (end->kind != thin::ResendKind::kOk) return failed_end("write of an element", *end);
    return ok();
  };
  thin::BoxIndex index = temporary.first;
  Status written = ok();
  for (const Bytes& element : elements) {
    Result<thin::Envelope> envelope =
        client.encrypt_write(element, temporary.write_cap, index, limit);
    if (!envelope) written = envelope.error();
    if (written && running.size() == kWritesAtATime) written = wait_for_first();
    if (!written) break;
    index = envelope->next;
    running.emplace_back(std::move(*envelope), std::future<Result<thin::ResendResult>>{});
    running.back().second =
        std::async(std::launch::async, [&client, &temporary, limit, &started = running.back()] {
          return client.start_write(started.first, temporary.write_cap, {}, limit);
        });
  }
  while (!running.empty()) {
    const Status ended = wait_for_first();
    if (written) written = ended;
  }
  return written;
}

// Writes a finished stream and has one courier copy it out.
Status copy_out(Context& context, BlockingClient& client, const DaemonArgs& args,
                const std::vector<Bytes>& elements) {
  const thin::Limit limit = limit_of(args);
  const Result<thin::DocumentPtr> document = document_of(client);
  if (!document) return document.error();
  const Result<thin::ServiceId> courier = (*document)->random_service("courier");
  if (!courier) return courier.error();
  const Result<thin::KeyPair> temporary = client.new_keypair(random_array<32>(), limit);
  if (!temporary) return temporary.error();
  TP_TRY(write_elements(client, elements, *temporary, limit));
  const Bytes32 hash = thin::copy_hash(temporary->write_cap);
  context.out().notice("copying; hash of the command " + to_hex(hash));
  const Result<thin::CopyResult> end = client.start_copy(temporary->write_cap, *courier, limit);
  if (!end) return end.error();
  switch (end->kind) {
    case thin::CopyKind::kSucceeded:
      return ok();
    case thin::CopyKind::kFailed:
      return error(Errc::kRejected,
                   "the courier gave up at envelope " + std::to_string(end->failed_envelope) +
                       ": " + (end->replica.number == 0 ? "its own failure" : end->replica.text()),
                   "envelopes before it were written; a new copy begins from the start");
    case thin::CopyKind::kNotStarted:
    case thin::CopyKind::kCancelled:
      return error(Errc::kTemporary, "copy: " + end->code.text());
    case thin::CopyKind::kRejected:
      break;
  }
  return error(Errc::kRejected, "copy: " + end->code.text());
}

Result<int> copy_channels(Context& context, const CopyArgs& args, std::vector<Channel> channels) {
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  std::vector<thin::Destination> destinations;
  std::size_t bytes = 0;
  for (const Channel& channel : channels) {
    const KeyFile& key = channel.held.key;
    destinations.push_back({channel.payload, &*key.write_cap, key.index});
    bytes += channel.payload.size();
  }
  const thin::StreamPart whole{true, true, {}};
  const Result<thin::CopyElements> built =
      (*client)->create_courier_envelopes_from_multi_payload(destinations, whole, limit_of(args));
  if (!built) return built.error();
  TP_TRY(copy_out(context, **client, args, built->elements));
  for (std::size_t i = 0; i < channels.size(); ++i)
    TP_TRY(channels[i].held.move_on(built->next.at(i)));
  (*client)->close();
  context.out().result("raw_copy", {{"bytes", bytes}, {"channels", channels.size()}},
                       "copied " + std::to_string(bytes) + " bytes");
  return kDone;
}

Result<Channel> channel_of(const std::string& path, Bytes payload) {
  if (payload.empty())
    return error(Errc::kUsage, printable(path, 4096) + ": nothing to write",
                 "a copy needs at least one byte for each channel");
  Result<HeldKey> held = HeldKey::take(path);
  if (!held) return held.error();
  return Channel{std::move(*held), std::move(payload)};
}

Result<int> run_copy_one(Context& context, const CopyArgs& args) {
  Result<Bytes> payload = read_input();
  if (!payload) return payload.error();
  Result<Channel> channel = channel_of(args.channels.at(0), std::move(*payload));
  if (!channel) return channel.error();
  std::vector<Channel> channels;
  channels.push_back(std::move(*channel));
  return copy_channels(context, args, std::move(channels));
}

Result<int> run_copy_multi(Context& context, const CopyArgs& args) {
  std::vector<Channel> channels;
  for (const std::string& word : args.channels) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos)
      return error(Errc::kUsage, printable(word, 4096) + ": is not KEY=FILE");
    const Result<SecretBytes> payload = read_file(word.substr(equals + 1), kPayloadMax);
    if (!payload) return payload.error();
    Result<Channel> channel = channel_of(word.substr(0, equals), to_bytes(payload->view()));
    if (!channel) return channel.error();
    channels.push_back(std::move(*channel));
  }
  return copy_channels(context, args, std::move(channels));
}

Result<int> run_copy_tombstone(Context& context, const CopyArgs& args) {
  Result<HeldKey> held = HeldKey::take(args.channels.at(0));
  if (!held) return held.error();
  const KeyFile& key = held->key;
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  const thin::BoxIndex first = args.from_first ? thin::first_index(key.read_cap) : key.index;
  const thin::StreamPart whole{true, true, {}};
  const Result<thin::CopyElements> built = (*client)->create_courier_envelopes_from_tombstone_range(
      *key.write_cap, first, args.count, whole, limit_of(args));
  if (!built) return built.error();
  TP_TRY(copy_out(context, **client, args, built->elements));
  if (!args.from_first) TP_TRY(held->move_on(built->next.at(0)));
  (*client)->close();
  context.out().result("raw_tombstone", {{"boxes", args.count}},
                       "deleted " + std::to_string(args.count) + " boxes");
  return kDone;
}

Result<Bytes32> hash_of(const std::string& text) {
  const Result<Bytes> bytes = from_hex(text);
  if (!bytes || bytes->size() != 32)
    return error(Errc::kUsage, printable(text) + ": is no hash of 64 hexadecimal digits");
  return to_array<32>(*bytes);
}

Result<int> run_cancel(Context& context, const CancelArgs& args) {
  if (args.envelope_hash.empty() == args.copy_hash.empty())
    return error(Errc::kUsage, "cancel needs either --envelope-hash or --copy-hash");
  const bool is_copy = args.envelope_hash.empty();
  const Result<Bytes32> hash = hash_of(is_copy ? args.copy_hash : args.envelope_hash);
  if (!hash) return hash.error();
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  const Status done = is_copy ? (*client)->cancel_copy(*hash, limit_of(args))
                              : (*client)->cancel(*hash, limit_of(args));
  if (!done) return done.error();
  (*client)->close();
  context.out().result("raw_cancel", {{"hash", to_hex(*hash)}}, "told the daemon");
  return kDone;
}

}  // namespace

void add_raw_copies(Commands& commands, CLI::App& raw) {
  CLI::App* copy = raw.add_subcommand(
      "copy", "Writes standard input, up to 10 MiB, into a channel with one copy command");
  const auto one = on_chosen<CopyArgs>(commands, *copy, run_copy_one);
  add_daemon_options(*copy, *one);
  copy->add_option("KEY", one->channels, "the key file")->required()->expected(1);

  CLI::App* multi = raw.add_subcommand("copy-multi", "Writes several channels with one command");
  const auto several = on_chosen<CopyArgs>(commands, *multi, run_copy_multi);
  add_daemon_options(*multi, *several);
  multi->add_option("KEY=FILE", several->channels, "a key file, and what its channel gets")
      ->required()
      ->expected(1, 64);

  CLI::App* tombstone = raw.add_subcommand("copy-tombstone", "Deletes boxes with one command");
  const auto range = on_chosen<CopyArgs>(commands, *tombstone, run_copy_tombstone);
  add_daemon_options(*tombstone, *range);
  tombstone->add_option("KEY", range->channels, "the key file")->required()->expected(1);
  add_range_options(*tombstone, range->count, range->from_first);

  CLI::App* cancel = raw.add_subcommand(
      "cancel", "Cancels an operation at a daemon that lets other clients do so");
  const auto hashes = on_chosen<CancelArgs>(commands, *cancel, run_cancel);
  add_daemon_options(*cancel, *hashes);
  cancel->add_option("--envelope-hash", hashes->envelope_hash, "of a read or write")
      ->type_name("HEX");
  cancel->add_option("--copy-hash", hashes->copy_hash, "of a copy command")->type_name("HEX");
}

}  // namespace taubenpost::cli

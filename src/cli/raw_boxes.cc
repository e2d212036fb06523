// taubenpost raw keypair, write, read, tombstone: one box at a time.
#include <algorithm>
#include <chrono>
#include <optional>

#include "base/random.h"
#include "cli/exit_status.h"
#include "cli/key_file.h"
#include "cli/raw.h"
#include "cli/raw_commands.h"

namespace taubenpost::cli {
namespace {

struct KeypairArgs : DaemonArgs {
  std::string out, reader, seed_file;
};
struct BoxArgs : DaemonArgs {
  std::string key;
  bool from_first = false, acknowledged = false, wait = false, keep = false;
  std::uint32_t count = 1;
};

Result<Bytes32> seed_of(const std::string& path) {
  if (path.empty()) return random_array<32>();
  const Result<SecretBytes> seed = read_file(path, 32);
  if (!seed) return seed.error();
  if (seed->size() != 32)
    return error(Errc::kUsage, printable(path, 4096) + ": a seed has 32 bytes");
  return to_array<32>(seed->view());
}

Result<int> run_keypair(Context& context, const KeypairArgs& args) {
  Result<Bytes32> seed = seed_of(args.seed_file);
  if (!seed) return seed.error();
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  Result<thin::KeyPair> pair = (*client)->new_keypair(*seed, limit_of(args));
  wipe(*seed);
  if (!pair) return pair.error();
  const Result<std::uint64_t> counter =
      (*client)->message_box_index_counter(pair->first, limit_of(args));
  if (!counter) return counter.error();
  const KeyFile writer{std::move(pair->write_cap), pair->read_cap, pair->first};
  TP_TRY(create_key_file(args.out, writer));
  if (!args.reader.empty())
    TP_TRY(create_key_file(args.reader, KeyFile{std::nullopt, pair->read_cap, pair->first}));
  (*client)->close();
  context.out().result("raw_keypair",
                       {{"key", args.out},
                        {"reader", args.reader.empty() ? Json() : Json(args.reader)},
                        {"counter", *counter}},
                       "made " + printable(args.out, 4096) +
                           (args.reader.empty() ? "" : " and " + printable(args.reader, 4096)));
  return kDone;
}

thin::BoxIndex index_of(const KeyFile& key, bool from_first) {
  return from_first ? thin::first_index(key.read_cap) : key.index;
}

Result<thin::ResendResult> write_envelope(DaemonClient& client, const BoxArgs& args,
                                          const thin::Envelope& envelope,
                                          const thin::WriteCap& cap) {
  const thin::WriteOptions options{!args.acknowledged};
  return client.start_write(envelope, cap, options, limit_of(args));
}

Result<int> run_write(Context& context, const BoxArgs& args) {
  const Result<Bytes> plaintext = read_input();
  if (!plaintext) return plaintext.error();
  if (plaintext->empty())
    return error(Errc::kUsage, "standard input is empty, and an empty box can't be written",
                 "'raw tombstone' deletes a box");
  Result<HeldKey> held = HeldKey::take(args.key);
  if (!held) return held.error();
  const KeyFile& key = held->key;
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  TP_TRY(fits(*plaintext,
              static_cast<std::size_t>((*client)->geometry()->max_plaintext_payload_length)));
  const Result<thin::Envelope> envelope =
      (*client)->encrypt_write(*plaintext, *key.write_cap, key.index, limit_of(args));
  if (!envelope) return envelope.error();
  const Result<thin::ResendResult> end = write_envelope(**client, args, *envelope, *key.write_cap);
  if (!end) return end.error();
  if (end->kind == thin::ResendKind::kTaken || end->kind == thin::ResendKind::kTombstone)
    return error(Errc::kStateConflict, "the box holds something else: " + end->code.text(),
                 "another copy of this key file has written it");
  if (end->kind != thin::ResendKind::kOk) return failed_end("write", *end);
  TP_TRY(held->move_on(envelope->next));
  (*client)->close();
  context.out().result("raw_write", {{"bytes", plaintext->size()}, {"boxes", 1}},
                       "wrote " + std::to_string(plaintext->size()) + " bytes");
  return kDone;
}

// One question for a box, and the index after it.
struct BoxRead {
  thin::ResendResult end;
  thin::BoxIndex next;
};

Result<BoxRead> read_once(DaemonClient& client, const BoxArgs& args, const KeyFile& key,
                          thin::Limit limit) {
  const thin::BoxIndex index = index_of(key, args.from_first);
  const Result<thin::Envelope> envelope = client.encrypt_read(key.read_cap, index, limit);
  if (!envelope) return envelope.error();
  Result<thin::ResendResult> end = client.start_read(*envelope, key.read_cap, index, {}, limit);
  if (!end) return end.error();
  return BoxRead{std::move(*end), envelope->next};
}

// A box that is not there, or an answer that says nothing about it.
bool may_come_later(thin::ResendKind kind) {
  return kind == thin::ResendKind::kNotFound || kind == thin::ResendKind::kRetry ||
         kind == thin::ResendKind::kReencrypt;
}

// Asks until the box is there, each time with a new envelope: a daemon that polls with one keeps
// the answer of a courier, and lags minutes behind (thin-protocol 6.3).
Result<BoxRead> read_waiting(Context& context, DaemonClient& client, const BoxArgs& args,
                             const KeyFile& key) {
  using Clock = std::chrono::steady_clock;
  using std::chrono::milliseconds;
  constexpr milliseconds kFirstPause{250}, kLongestPause{5'000}, kRound{120'000};
  const auto deadline = args.timeout == 0 ? Clock::time_point::max()
                                          : Clock::now() + std::chrono::seconds(args.timeout);
  milliseconds pause = kFirstPause;
  while (true) {
    const auto rest = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    Result<BoxRead> read = read_once(client, args, key, std::clamp(rest, milliseconds{1}, kRound));
    const bool is_final =
        read ? !may_come_later(read->end.kind) : read.error().code != Errc::kTemporary;
    if (is_final || deadline - Clock::now() <= pause) return read;
    if (pause == kFirstPause) context.out().notice("waiting");
    TP_TRY(client.pause(pause));
    pause = std::min(2 * pause, kLongestPause);
  }
}

// Prints what a read gave.
Status show(Context& context, const BoxArgs& args, const thin::ResendResult& end) {
  if (end.kind == thin::ResendKind::kTombstone)
    return error(Errc::kStateConflict, "the box was deleted by its sender",
                 "'raw read' without --keep and --from-first goes on with the box after it");
  if (end.kind == thin::ResendKind::kNotFound)
    return error(Errc::kNotFound, "nothing is in this box yet",
                 args.wait ? "a longer --timeout waits longer" : "--wait waits for it");
  if (end.kind != thin::ResendKind::kOk) return failed_end("read", end);
  if (!context.out().is_json()) return write_output(end.plaintext);
  context.out().result("raw_read",
                       {{"bytes", end.plaintext.size()}, {"data", to_base64(end.plaintext)}}, "");
  return ok();
}

Result<int> run_read(Context& context, const BoxArgs& args) {
  std::optional<KeyFileLock> lock;  // only who moves the file on needs it
  if (!args.from_first && !args.keep) {
    Result<KeyFileLock> taken = KeyFileLock::take(args.key);
    if (!taken) return taken.error();
    lock.emplace(std::move(*taken));
  }
  Result<KeyFile> key = load_key_file(args.key);
  if (!key) return key.error();
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  const Result<BoxRead> read = args.wait ? read_waiting(context, **client, args, *key)
                                         : read_once(**client, args, *key, limit_of(args));
  if (!read) return read.error();
  (*client)->close();
  const Status shown = show(context, args, read->end);
  const bool is_read = shown || read->end.kind == thin::ResendKind::kTombstone;
  if (is_read && lock) {
    key->index = read->next;
    TP_TRY(lock->replace(*key));
  }
  if (!shown) return shown.error();
  return kDone;
}

Result<int> run_tombstone(Context& context, const BoxArgs& args) {
  Result<HeldKey> held = HeldKey::take(args.key);
  if (!held) return held.error();
  const KeyFile& key = held->key;
  Result<std::unique_ptr<DaemonClient>> client = connect(context, args);
  if (!client) return client.error();
  const Result<thin::TombstoneRange> range = (*client)->tombstone_range(
      *key.write_cap, index_of(key, args.from_first), args.count, limit_of(args));
  if (!range) return range.error();
  for (const thin::Envelope& envelope : range->envelopes) {
    const Result<thin::ResendResult> end = write_envelope(**client, args, envelope, *key.write_cap);
    if (!end) return end.error();
    if (end->kind != thin::ResendKind::kOk) return failed_end("tombstone", *end);
    if (args.from_first) continue;
    TP_TRY(held->move_on(envelope.next));
  }
  (*client)->close();
  context.out().result("raw_tombstone", {{"boxes", args.count}},
                       "deleted " + std::to_string(args.count) + " boxes");
  return kDone;
}

}  // namespace

void add_raw_boxes(Commands& commands, CLI::App& raw) {
  CLI::App* keypair = raw.add_subcommand("keypair", "Makes a sequence of boxes: its key files");
  const auto pair = on_chosen<KeypairArgs>(commands, *keypair, run_keypair);
  add_daemon_options(*keypair, *pair);
  keypair->add_option("--out", pair->out, "the key file: writes and reads")
      ->required()
      ->type_name("KEY");
  keypair->add_option("--reader", pair->reader, "a second key file, which only reads")
      ->type_name("KEY");
  keypair->add_option("--seed-file", pair->seed_file, "32 bytes that the keys follow from")
      ->type_name("FILE");

  const auto add = [&](const char* name, const char* what,
                       Result<int> (*run)(Context&, const BoxArgs&)) {
    CLI::App* command = raw.add_subcommand(name, what);
    auto args = on_chosen<BoxArgs>(commands, *command, run);
    add_daemon_options(*command, *args);
    command->add_option("KEY", args->key, "the key file")->required();
    return std::pair(command, args);
  };
  const auto [write, write_args] =
      add("write", "Writes standard input into the next box", run_write);
  write->add_flag("--ack", write_args->acknowledged, "a courier's receipt is enough");
  const auto [read, read_args] = add("read", "Prints the next box", run_read);
  read->add_flag("--wait", read_args->wait, "until the box is written");
  read->add_flag("--keep", read_args->keep, "the next read reads this box again");
  read->add_flag("--from-first", read_args->from_first, "the first box of the sequence instead");
  const auto [tombstone, tombstone_args] =
      add("tombstone", "Deletes boxes, one by one", run_tombstone);
  add_range_options(*tombstone, tombstone_args->count, tombstone_args->from_first);
}

}  // namespace taubenpost::cli

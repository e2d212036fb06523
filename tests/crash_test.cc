// The crash matrix: the whole path, killed at every failpoint, at every time it is passed.
//
// A local network runs in this process on a real socket; sender and receiver are children of it,
// with the real store, files, engine and thin client. For every failpoint of the sending and the
// receiving side, and for n = 1, 2, … until a run passes it fewer than n times: a child is killed
// at the n-th pass, a second one runs to the end, and then both recipients have the same bytes,
// each channel has exactly one letter, and the network has refused no write. Receiving is walked
// with letters, and with streams of pigeonhole-cp in the same channels. Each cell of sending and
// receiving runs twice: with a plain kill, and with the loss of everything that was not synced; the
// other flows with the loss. What is lost was a content that travels compressed. Some rows are
// walked again in front of a daemon that behaves as the real one does (`upstream`). Everything, and
// twice, where TP_WHOLE_MATRIX is set, as in tools/nightly.
//
// Replay one cell by hand: TP_FAILPOINT=NAME:N crash_test --child ROLE DIR plain|loss; the roles
// are in child().
// length: every flow of the program, on one kind of transfer.
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <spawn.h>
#include <sys/wait.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/daemon_network.h"
#include "app/real_clock.h"
#include "base/failpoint.h"
#include "engine/channels.h"
#include "engine/end_send.h"
#include "engine/engine.h"
#include "engine/enqueue.h"
#include "engine/inbox.h"
#include "engine/poll.h"
#include "engine/poll_receipts.h"
#include "engine/receipt_channels.h"
#include "engine/retract_send.h"
#include "engine/retry_send.h"
#include "engine/share_send.h"
#include "files/files.h"
#include "localnet/localnet.h"
#include "store/rocks_store.h"
#include "support/contents.h"
#include "support/temp_folder.h"
#include "support/unsynced_loss_disk.h"
#include "support/unsynced_loss_fs.h"
#include "wire/cbor_writer.h"

extern char** environ;

namespace taubenpost {
namespace {

namespace fs = std::filesystem;
namespace asio = boost::asio;

constexpr std::size_t kChunk = 1545;
constexpr std::size_t kContentSize = 3 * kChunk + 7;  // two batches of two slices
constexpr const char* kRecipients[] = {"anna", "bert"};
// Small batches: few hits a run, and yet several slices a batch and several batches a file.
constexpr EngineOptions kOptions{
    .slice_chunks = 1, .batch_chunks = 2, .write_window = 4, .read_window = 2, .active_batches = 2};

// ---- one side of the transfer, in whichever process ---------------------------------------------
struct Side {
  Side(const std::string& folder, const std::string& thin_config, bool loss)
      : env(rocksdb::NewCompositeEnv(
            std::make_shared<UnsyncedLossFs>(rocksdb::FileSystem::Default()))) {
    fs::create_directories(folder + ".graves");
    if (loss) disk = std::make_unique<UnsyncedLossDisk>(folder + ".graves");
    if (!loss) disk = std::make_unique<Disk>();
    const KeyFile key{RocksStore::default_key_file(folder)};
    rocksdb::Env* seam = loss ? env.get() : nullptr;
    auto opened = fs::exists(folder + "/store.db") ? RocksStore::open(folder, key, seam)
                                                   : RocksStore::create(folder, key, seam);
    TP_CHECK(opened);
    store = std::move(opened).value();
    files =
        std::make_unique<RealFiles>(folder, store->spool_key(), store->identity()->store, *disk);
    network = std::make_unique<DaemonNetwork>(io.get_executor(), thin_config);
  }
  ~Side() {
    store.reset();  // finishes its commits while the context still lives
  }
  EnginePorts ports() { return {*store, *network, *files, clock, random}; }

  template <class T>
  Result<T> run(asio::awaitable<Result<T>> work) {
    std::optional<Result<T>> result;
    asio::co_spawn(io, keep(std::move(work), result), [this](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
      io.stop();
    });
    io.restart();
    io.run();
    TP_CHECK(result);
    return std::move(*result);
  }
  template <class T>
  static asio::awaitable<void> keep(asio::awaitable<Result<T>> work,
                                    std::optional<Result<T>>& result) {
    Result<T> value = co_await std::move(work);
    result.emplace(std::move(value));
  }

  asio::io_context io{1};
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<Disk> disk;
  std::unique_ptr<RocksStore> store;
  std::unique_ptr<RealFiles> files;
  std::unique_ptr<DaemonNetwork> network;
  RealClock clock{io.get_executor()};
  SystemRandom random;
};

int complain(const Error& failure) {
  std::fprintf(stderr, "child: %s\n", failure.what.c_str());
  return 3;
}

// ---- the children -------------------------------------------------------------------------------
int post_all(Side& side) {
  auto ended = side.run(Engine(side.ports(), kOptions).run_until_idle());
  if (!ended) return complain(ended.error());
  const Result<std::vector<JobId>> jobs = side.store->send_jobs();
  if (!jobs) return complain(jobs.error());
  if (jobs->size() != 1) return 5;
  return side.store->send_job(jobs->front())->state == SendState::kPosted ? 0 : 4;
}

// The key makes it one job, however often a child gets here.
std::optional<Error> queue_once(Side& side, const std::string& folder, std::vector<std::string> to,
                                Way way = Way::kCopy) {
  SendRequest request;
  request.sources = {folder + "/content"};
  request.to = std::move(to);
  request.note = "a note";
  request.key = "once";
  request.transport = request.commit = way;
  auto queued = side.run(enqueue_send(side.ports(), std::move(request)));
  if (!queued) return queued.error();
  return std::nullopt;
}

int send_child(const std::string& folder, bool loss, std::vector<std::string> to,
               Way way = Way::kCopy) {
  Side side(folder + "/sender", folder + "/thin.toml", loss);
  const std::optional<Error> failure = queue_once(side, folder, std::move(to), way);
  return failure ? complain(*failure) : post_all(side);
}

// The same network, with a daemon that refuses every copy command.
class NoCopies : public ports::Network {
 public:
  explicit NoCopies(ports::Network& network) : network_(network) {}
  asio::awaitable<Result<ports::NetworkView>> view(std::uint64_t limit_ms) override {
    return network_.view(limit_ms);
  }
  asio::awaitable<Result<ports::Costs>> costs() override { return network_.costs(); }
  asio::awaitable<Result<ports::KeyPair>> new_keypair(Bytes32 seed) override {
    return network_.new_keypair(seed);
  }
  asio::awaitable<Result<ports::BuiltElements>> build(std::vector<ports::Destination> to,
                                                      Bytes buffer, bool is_start,
                                                      bool is_last) override {
    return network_.build(std::move(to), std::move(buffer), is_start, is_last);
  }
  asio::awaitable<ports::WriteResult> write(SecretBytes write_cap, IndexBytes index,
                                            Bytes plaintext, ports::WriteLevel level) override {
    return network_.write(std::move(write_cap), index, std::move(plaintext), level);
  }
  asio::awaitable<Result<ports::BuiltElements>> build_tombstones(SecretBytes write_cap,
                                                                 IndexBytes start,
                                                                 std::uint32_t count, Bytes buffer,
                                                                 bool is_start,
                                                                 bool is_last) override {
    return network_.build_tombstones(std::move(write_cap), start, count, std::move(buffer),
                                     is_start, is_last);
  }
  asio::awaitable<ports::WriteResult> tombstone(SecretBytes write_cap, IndexBytes index) override {
    return network_.tombstone(std::move(write_cap), index);
  }
  asio::awaitable<ports::ReadResult> read(Bytes read_cap, IndexBytes index) override {
    return network_.read(std::move(read_cap), index);
  }
  asio::awaitable<ports::CopyResult> copy(SecretBytes, CourierRow, std::uint64_t) override {
    ports::CopyResult rejected;
    rejected.kind = ports::CopyResult::Kind::kRejected;
    co_return rejected;
  }

 private:
  ports::Network& network_;
};

// Leaves a job that has failed with its elements written.
int fail_child(const std::string& folder, bool loss) {
  Side side(folder + "/sender", folder + "/thin.toml", loss);
  const std::optional<Error> failure = queue_once(side, folder, {kRecipients[0], kRecipients[1]});
  if (failure) return complain(*failure);
  NoCopies network(*side.network);
  const EnginePorts ports{*side.store, network, *side.files, side.clock, side.random};
  auto ended = side.run(Engine(ports, kOptions).run_until_idle());
  if (!ended) return complain(ended.error());
  const JobId job = side.store->send_jobs()->front();
  return side.store->send_job(job)->state == SendState::kFailed ? 0 : 4;
}

// A repeat finds it tried again.
int retry_child(const std::string& folder, bool loss) {
  Side side(folder + "/sender", folder + "/thin.toml", loss);
  const JobId job = side.store->send_jobs()->front();
  const auto tried = side.run(retry_send(side.ports(), job));
  if (!tried && tried.error().code != Errc::kNothingToDo) return complain(tried.error());
  return post_all(side);
}

// What was posted to the first recipient is shared with the second, unless it was already.
int share_child(const std::string& folder, bool loss) {
  Side side(folder + "/sender", folder + "/thin.toml", loss);
  const JobId job = side.store->send_jobs()->front();
  if (side.store->recipients(job)->size() == 1) {
    const auto shared = side.run(share_send(side.ports(), job, {kRecipients[1]}));
    if (!shared) return complain(shared.error());
  }
  return post_all(side);
}

// Writes the content into each channel as pigeonhole-cp does; nothing of it is a job.
int stream_child(const std::string& folder) {
  Side side(folder + "/sender", folder + "/thin.toml", false);
  std::ifstream in(folder + "/content", std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(in)), {});
  wire::CborWriter header;
  Bytes stream =
      header.map(2).text("name").text("content").text("size").number(content.size()).take();
  append(stream, as_bytes(content));
  const auto write_all = [&]() -> asio::awaitable<Result<Unit>> {
    const Result<ports::NetworkView> view = co_await side.network->view(kDaemonLimitMs);
    if (!view) co_return view.error();
    const Result<std::vector<ChannelRow>> channels = side.store->channels();
    for (const ChannelRow& channel : channels.value()) {
      bacap::MessageBoxIndex at = *bacap::MessageBoxIndex::parse(channel.next);
      for (std::size_t from = 0; from < stream.size(); from += kChunk, at = *at.next()) {
        Bytes box =
            to_bytes(ByteView(stream).subspan(from, std::min(kChunk, stream.size() - from)));
        SecretBytes write_cap{ByteView(channel.capability)};
        const ports::WriteResult written = co_await side.network->write(
            std::move(write_cap), at.bytes(), std::move(box), ports::WriteLevel::kConfirmed);
        if (written.outcome != ports::Outcome::kOk)
          co_return error(Errc::kRejected, "not written: " + written.detail);
      }
    }
    co_return ok();
  };
  const auto written = side.run(write_all());
  return written ? 0 : complain(written.error());
}

// What the rules of the channel have held is accepted.
Result<Unit> accept_all(Side& side, const ChannelRow& channel, const std::string& target) {
  const Result<std::vector<InboxRow>> inbox = side.store->inbox(channel.id);
  if (!inbox) return inbox.error();
  for (const InboxRow& row : inbox.value()) {
    if (row.kind != InboxKind::kHeld) continue;
    const auto accepted =
        side.run(accept_entry(side.ports(), channel.id, row.counter, target, PlaceOptions{}));
    if (!accepted) return accepted.error();
  }
  return ok();
}

int receive_child(const std::string& folder, bool loss, IfExists if_exists = IfExists::kRename) {
  Side side(folder + "/receiver", folder + "/thin.toml", loss);
  const Result<std::vector<ChannelRow>> channels = side.store->channels();
  if (!channels) return complain(channels.error());
  PlaceOptions place;
  place.if_exists = if_exists;
  for (const ChannelRow& channel : channels.value()) {
    if (channel.of_receipts) continue;
    const std::string target = folder + "/in/" + channel.name;
    auto polled = side.run(poll_channel(side.ports(), channel.id, target, place));
    if (!polled) return complain(polled.error());
    const auto accepted = accept_all(side, channel, target);
    if (!accepted) return complain(accepted.error());
  }
  auto ended = side.run(Engine(side.ports(), kOptions).run_until_idle());
  if (!ended) return complain(ended.error());
  const Result<std::vector<JobId>> jobs = side.store->receive_jobs();
  if (!jobs) return complain(jobs.error());
  for (const JobId& job : jobs.value())
    if (side.store->receive_job(job)->state != ReceiveState::kPlaced) return 4;
  return 0;
}

// Has the channels confirm what arrives, from now on.
int agree_child(const std::string& folder) {
  Side sender(folder + "/sender", folder + "/thin.toml", false);
  Side receiver(folder + "/receiver", folder + "/thin.toml", false);
  for (const char* name : kRecipients) {
    Result<ChannelRow> channel = find_channel(*sender.store, name);
    if (!channel) return complain(channel.error());
    const bacap::WriteCap receipts =
        receipts_cap(bacap::WriteCap::parse(channel->capability).value());
    EnginePorts of_sender = sender.ports();
    ports::Transaction step;
    want_receipts(of_sender, *channel, step);
    step.update(std::move(channel).value());
    const auto wanted = [&]() -> asio::awaitable<Result<Unit>> {
      co_return co_await sender.store->commit(std::move(step));
    };
    if (auto stored = sender.run(wanted()); !stored) return complain(stored.error());
    auto given = receiver.run(start_receipts(receiver.ports(), name, to_bytes(receipts.view())));
    if (!given) return complain(given.error());
  }
  return 0;
}

// Ends well if each recipient has sent one receipt.
int look_child(const std::string& folder) {
  Side side(folder + "/sender", folder + "/thin.toml", false);
  auto round = side.run(poll_receipts(side.ports()));
  if (!round) return complain(round.error());
  return round->seen.size() == std::size(kRecipients) && round->others == 0 ? 0 : 4;
}

// Cancels the job that an earlier child has left behind, which after the decision means to retract
// it; a repeat finds it cancelled.
int cancel_child(const std::string& folder, bool loss) {
  Side side(folder + "/sender", folder + "/thin.toml", loss);
  const JobId job = side.store->send_jobs()->front();
  const auto cancelled = side.run(cancel_send(side.ports(), job));
  if (!cancelled && cancelled.error().code != Errc::kNothingToDo)
    return complain(cancelled.error());
  auto ended = side.run(Engine(side.ports(), kOptions).run_until_idle());
  if (!ended) return complain(ended.error());
  const std::optional<RetractJobRow> retraction = side.store->retract_job(job).value();
  return !retraction || retraction->state == RetractState::kRetracted ? 0 : 4;
}

// Retracts the job of an earlier child, box by box; a repeat finds it under way or done.
int retract_child(const std::string& folder, bool loss) {
  Side side(folder + "/sender", folder + "/thin.toml", loss);
  const JobId job = side.store->send_jobs()->front();
  const auto asked = side.run(retract_send(side.ports(), job, Way::kDirect));
  if (!asked && asked.error().code != Errc::kNothingToDo) return complain(asked.error());
  auto ended = side.run(Engine(side.ports(), kOptions).run_until_idle());
  if (!ended) return complain(ended.error());
  return (*side.store->retract_job(job))->state == RetractState::kRetracted ? 0 : 4;
}

int child(const std::string& role, const std::string& folder, bool loss) {
  if (role == "send") return send_child(folder, loss, {kRecipients[0], kRecipients[1]});
  if (role == "send directly")
    return send_child(folder, loss, {kRecipients[0], kRecipients[1]}, Way::kDirect);
  if (role == "send to one") return send_child(folder, loss, {kRecipients[0]});
  if (role == "fail") return fail_child(folder, loss);
  if (role == "retry") return retry_child(folder, loss);
  if (role == "agree on receipts") return agree_child(folder);
  if (role == "look for receipts") return look_child(folder);
  if (role == "stream") return stream_child(folder);
  if (role == "share") return share_child(folder, loss);
  if (role == "replace") return receive_child(folder, loss, IfExists::kReplace);
  if (role == "retract") return retract_child(folder, loss);
  return role == "cancel" ? cancel_child(folder, loss) : receive_child(folder, loss);
}

// ---- the network, on a thread of its own
// ---------------------------------------------------------
class Network {
 public:
  static Network& get(std::string_view daemon) {
    if (daemon == "upstream") {
      static Network upstream("upstream");
      return upstream;
    }
    static Network robust("robust");
    return robust;
  }
  const std::string& thin_config() const { return config_; }
  nlohmann::json audit() {
    std::promise<std::string> text;
    asio::post(io_, [&] { text.set_value(network_->audit_json()); });
    return nlohmann::json::parse(text.get_future().get());
  }

 private:
  explicit Network(const std::string& daemon) {
    localnet::Options options;
    options.daemon = localnet::daemon_behaviour(daemon).value();
    options.listen = "unix:" + (folder_ / "net.sock");
    options.data_dir = folder_ / "net";
    options.thin_config_path = config_ = folder_ / "thin.toml";
    options.knobs.copy_poll = std::chrono::milliseconds(20);
    auto started = localnet::LocalNetwork::start(io_, options);
    TP_CHECK(started);
    network_ = std::move(started).value();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Network() {
    asio::post(io_, [this] {
      network_->stop();
      io_.stop();
    });
    thread_.join();
  }

  TempFolder folder_;
  std::string config_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<localnet::LocalNetwork> network_;
  std::thread thread_;
};

// ---- one transfer in a folder
// --------------------------------------------------------------------
class Transfer {
 public:
  Transfer(const Network& network, bool compressible, Layout layout = Layout::kLetters) {
    fs::copy_file(network.thin_config(), folder_ / "thin.toml");
    // Twice the same, which makes about as many boxes of it.
    std::string content(as_text(incompressible(compressible ? 3 * kChunk : kContentSize)));
    if (compressible) content += content;
    std::ofstream(folder_ / "content", std::ios::binary) << content;
    content_ = content;
    Side sender(folder_ / "sender", folder_ / "thin.toml", false);
    Side receiver(folder_ / "receiver", folder_ / "thin.toml", false);
    for (const char* name : kRecipients) {
      auto invitation = sender.run(new_channel(sender.ports(), name, layout));
      TP_CHECK(invitation);
      TP_CHECK(receiver.run(import_channel(receiver.ports(), name, invitation.value())));
      fs::create_directories((folder_ / "in/") + name);
    }
  }

  // The wait status of a child; `armed` is "NAME:N" or empty.
  int run(const char* role, const char* mode, const std::string& armed) const {
    std::vector<std::string> args{"crash_test", "--child", role, folder_.path(), mode};
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    setenv("TP_FAILPOINT", armed.c_str(), /*overwrite=*/1);
    pid_t pid = 0;
    const int failed = posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, argv.data(), environ);
    unsetenv("TP_FAILPOINT");
    if (failed != 0) return -1;
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
  }

  // What a file that replaces finds there.
  void place_old_files() const {
    for (const char* name : kRecipients)
      std::ofstream((folder_ / "in/") + name + "/content") << "an old version";
  }
  void have_recipients_ask() const {
    Side receiver(folder_ / "receiver", folder_ / "thin.toml", false);
    ChannelRules rules;
    rules.accept = Accept::kAsk;
    for (const char* name : kRecipients)
      TP_CHECK(receiver.run(set_channel_rules(receiver.ports(), name, rules)));
  }

  void expect_received_once() const {
    for (const char* name : kRecipients) {
      std::vector<fs::path> found;
      for (const auto& entry : fs::directory_iterator((folder_ / "in/") + name))
        found.push_back(entry.path());
      ASSERT_EQ(found.size(), 1u) << "not exactly one file at " << name;
      EXPECT_EQ(found[0].filename(), "content");
      std::ifstream in(found[0], std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(in)), {});
      EXPECT_EQ(bytes, content_) << "other bytes at " << name;
    }
    Side receiver(folder_ / "receiver", folder_ / "thin.toml", false);
    const Result<std::vector<ChannelRow>> channels = receiver.store->channels();
    ASSERT_TRUE(channels);
    for (const ChannelRow& channel : channels.value()) {
      if (channel.of_receipts) continue;
      EXPECT_EQ(receiver.store->inbox(channel.id)->size(), 1u) << "letters at " << channel.name;
    }
  }
  // Nothing of the job is left but that it was cancelled, and nobody can find it.
  void expect_cancelled() const {
    Side sender(folder_ / "sender", folder_ / "thin.toml", false);
    const JobId job = sender.store->send_jobs()->front();
    EXPECT_EQ(sender.store->send_job(job)->state, SendState::kCancelled);
    EXPECT_TRUE(sender.store->batches(job)->empty());
    EXPECT_TRUE(fs::is_empty(folder_ / "sender/spool")) << "the spool was left behind";
    for (const char* name : kRecipients)
      EXPECT_TRUE(fs::is_empty((folder_ / "in/") + name)) << "something arrived at " << name;
  }
  // Every letter holds a tombstone, and nothing arrives any more.
  void expect_retracted() const {
    Side sender(folder_ / "sender", folder_ / "thin.toml", false);
    const JobId job = sender.store->send_jobs()->front();
    EXPECT_TRUE(sender.store->batches(job)->empty());
    const Result<std::vector<RecipientRow>> recipients = sender.store->recipients(job);
    for (const RecipientRow& recipient : recipients.value())
      EXPECT_EQ(recipient.state, RecipientState::kRetracted);
    Side receiver(folder_ / "receiver", folder_ / "thin.toml", false);
    const Result<std::vector<ChannelRow>> channels = receiver.store->channels();
    for (const ChannelRow& channel : channels.value()) {
      const Result<std::vector<InboxRow>> inbox = receiver.store->inbox(channel.id);
      ASSERT_EQ(inbox->size(), 1u) << channel.name;
      EXPECT_EQ(inbox->front().kind, InboxKind::kRetracted);
      EXPECT_TRUE(fs::is_empty((folder_ / "in/") + channel.name));
    }
  }
  void expect_sender_clean() const {
    Side sender(folder_ / "sender", folder_ / "thin.toml", false);
    const JobId job = sender.store->send_jobs()->front();
    EXPECT_EQ(sender.store->send_jobs()->size(), 1u);
    EXPECT_EQ(sender.store->send_job(job)->state, SendState::kPosted);
    EXPECT_TRUE(sender.store->batches(job)->empty());
    const Result<std::vector<RecipientRow>> recipients = sender.store->recipients(job);
    ASSERT_TRUE(recipients);
    for (const RecipientRow& recipient : recipients.value())
      EXPECT_EQ(recipient.state, RecipientState::kPosted);
    if (!fs::exists(folder_ / "sender/spool")) return;
    EXPECT_TRUE(fs::is_empty(folder_ / "sender/spool")) << "the spool was left behind";
  }

 private:
  TempFolder folder_;
  std::string content_;
};

void expect_clean_audit(Network& network) {
  const nlohmann::json audit = network.audit();
  EXPECT_EQ(audit.at("conflicting_writes"), 0) << audit.dump();
  EXPECT_EQ(audit.at("writes").size(), 1u) << "a write was refused: " << audit.dump();
  EXPECT_TRUE(audit.at("copies_failed").empty()) << audit.dump();
}

// ---- the matrix
// ------------------------------------------------------------------------------------
using Cell = std::tuple<std::string_view, const char*, const char*>;  // failpoint, mode, daemon

bool starts_with_any(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}
// Failpoints of making a store are walked by store_crash_test, those of copying and restoring one
// by cli_store_test.
bool in_store_matrix(std::string_view name) {
  return starts_with_any(name, {"store.key.", "store.incarnation.", "store.publish.",
                                "store.restored.", "backup.", "resync."});
}
bool in_cancel_matrix(std::string_view name) {
  return starts_with_any(name, {"store.commit.", "send.ended"});
}
// What every commit of letters passes, also one of a job that is tried again or shared.
bool in_letters(std::string_view name) {
  return starts_with_any(name, {"store.commit.", "send.batch.", "send.slice.", "send.element.",
                                "send.copy.", "send.letter.", "send.before_posted"});
}
bool in_retry_matrix(std::string_view name) {
  return in_letters(name) || starts_with_any(name, {"send.retried", "send.decided"});
}
bool in_share_matrix(std::string_view name) {
  return in_letters(name) || starts_with_any(name, {"send.shared"});
}
bool in_decided_matrix(std::string_view name) {
  return name != "retract.box.written" &&
         starts_with_any(name, {"store.commit.", "retract.", "send.ended", "send.batch.",
                                "send.slice.", "send.element.", "send.copy."});
}
bool in_retract_matrix(std::string_view name) {
  return starts_with_any(name, {"store.commit.", "retract.", "direct."});
}
bool in_send_matrix(std::string_view name) {
  return in_letters(name) ||
         starts_with_any(name, {"send.prepare.", "send.decided", "files.spool."});
}
bool in_direct_matrix(std::string_view name) {
  return starts_with_any(name, {"store.commit.", "direct.", "send.letter.", "send.decided"});
}
bool in_receive_matrix(std::string_view name) {
  return starts_with_any(name, {"store.commit.", "receive.", "files.part.", "files.place."});
}
// Where a receipt is stored, written and done with.
bool in_receipt_matrix(std::string_view name) {
  return starts_with_any(
      name, {"receive.before_placed", "send.decided", "send.letter.", "send.before_posted"});
}
// Where a stream goes another way than a body.
bool in_stream_matrix(std::string_view name) {
  return starts_with_any(name, {"receive.poll.", "receive.chunks."});
}
bool in_replace_matrix(std::string_view name) {
  return starts_with_any(name, {"files.place.", "receive.before_placed"});
}
bool in_accept_matrix(std::string_view name) { return name == "store.commit.after"; }
// What travels as it is needs none of it.
bool is_of_decoding(std::string_view name) {
  return name == "files.part.decoded" || name == "files.part.replaced";
}
// Where an inline job goes another way than one of letters.
bool in_inline_matrix(std::string_view name) {
  return starts_with_any(name, {"send.prepare.", "send.slice.stored", "send.decided",
                                "send.letter.", "send.before_posted"});
}
std::vector<std::string_view> names(bool (*wanted)(std::string_view)) {
  std::vector<std::string_view> out;
  for (const std::string_view name : kFailpoints)
    if (wanted(name)) out.push_back(name);
  return out;
}

TEST(CrashMatrix, EveryFailpoint_BelongsToAMatrix) {
  for (const std::string_view name : kFailpoints)
    EXPECT_TRUE(in_store_matrix(name) || in_send_matrix(name) || in_direct_matrix(name) ||
                in_cancel_matrix(name) || in_retry_matrix(name) || in_share_matrix(name) ||
                in_decided_matrix(name) || in_retract_matrix(name) || in_receive_matrix(name))
        << name;
}

// Kills `role` at every hit of a failpoint; `finish` completes and checks each transfer.
void walk(const Cell& cell, const char* role, void (*before)(const Transfer&),
          void (*check)(const Transfer&), Layout layout = Layout::kLetters) {
  const auto& [name, mode, daemon] = cell;
  Network& network = Network::get(daemon);
  int kills = 0;
  for (int hit = 1;; ++hit) {
    ASSERT_LT(hit, 500) << "runaway";
    const std::string armed = std::string(name) + ":" + std::to_string(hit);
    SCOPED_TRACE("TP_FAILPOINT=" + armed + " " + role + " " + mode + ", daemon: " + daemon);
    const Transfer transfer(network, mode == std::string_view("loss"), layout);
    before(transfer);
    const int status = transfer.run(role, mode, armed);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;  // this run never came to `hit`: the row is complete
    }
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ++kills;
    ASSERT_EQ(transfer.run(role, mode, ""), 0) << "did not resume";
    check(transfer);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(kills, 0) << "the failpoint is declared and never reached";
  expect_clean_audit(network);
}

void expect_posted_once(const Transfer& transfer) {
  transfer.expect_sender_clean();
  ASSERT_EQ(transfer.run("receive", "plain", ""), 0);
  transfer.expect_received_once();
}

class CrashSend : public testing::TestWithParam<Cell> {};
TEST_P(CrashSend, KilledAtEveryHit_PostsOnceWithTheSameBytes) {
  walk(GetParam(), "send", [](const Transfer&) {}, expect_posted_once);
}

// Body and letters are written straight into their boxes.
class CrashDirect : public testing::TestWithParam<Cell> {};
TEST_P(CrashDirect, KilledAtEveryHit_PostsOnceWithTheSameBytes) {
  walk(GetParam(), "send directly", [](const Transfer&) {}, expect_posted_once);
}

// Content and headers are in the channels themselves.
class CrashInline : public testing::TestWithParam<Cell> {};
TEST_P(CrashInline, KilledAtEveryHit_PostsOnceWithTheSameBytes) {
  walk(GetParam(), "send", [](const Transfer&) {}, expect_posted_once, Layout::kInline);
}

// The job is killed in the middle of its upload, then cancelled.
class CrashCancel : public testing::TestWithParam<Cell> {};
TEST_P(CrashCancel, KilledAtEveryHit_LeavesNothingBehind) {
  walk(
      GetParam(), "cancel",
      [](const Transfer& transfer) {
        const int status = transfer.run("send", "plain", "send.element.acknowledged:2");
        ASSERT_TRUE(WIFSIGNALED(status));
      },
      [](const Transfer& transfer) {
        ASSERT_EQ(transfer.run("receive", "plain", ""), 0);
        transfer.expect_cancelled();
      });
}

// The job has failed with its elements written, then is tried again.
class CrashRetry : public testing::TestWithParam<Cell> {};
TEST_P(CrashRetry, KilledAtEveryHit_PostsOnceWithTheSameBytes) {
  walk(
      GetParam(), "retry",
      [](const Transfer& transfer) { ASSERT_EQ(transfer.run("fail", "plain", ""), 0); },
      expect_posted_once);
}

// The job is posted to one recipient, then shared with the other.
class CrashShare : public testing::TestWithParam<Cell> {};
TEST_P(CrashShare, KilledAtEveryHit_PostsOneLetterEach) {
  walk(
      GetParam(), "share",
      [](const Transfer& transfer) { ASSERT_EQ(transfer.run("send to one", "plain", ""), 0); },
      expect_posted_once);
}

void expect_retracted(const Transfer& transfer) {
  ASSERT_EQ(transfer.run("receive", "plain", ""), 0);
  transfer.expect_retracted();
}

// The job is killed when its letters were copied, then cancelled, and so retracted by copies.
class CrashCancelDecided : public testing::TestWithParam<Cell> {};
TEST_P(CrashCancelDecided, KilledAtEveryHit_LeavesNothingToFind) {
  walk(
      GetParam(), "cancel",
      [](const Transfer& transfer) {
        const int status = transfer.run("send", "plain", "send.letter.read_back:1");
        ASSERT_TRUE(WIFSIGNALED(status));
      },
      expect_retracted);
}

// The job is posted, then retracted box by box.
class CrashRetract : public testing::TestWithParam<Cell> {};
TEST_P(CrashRetract, KilledAtEveryHit_LeavesNothingToFind) {
  walk(
      GetParam(), "retract",
      [](const Transfer& transfer) { ASSERT_EQ(transfer.run("send", "plain", ""), 0); },
      expect_retracted);
}

class CrashReceive : public testing::TestWithParam<Cell> {};
TEST_P(CrashReceive, KilledAtEveryHit_PlacesOnceWithTheSameBytes) {
  walk(
      GetParam(), "receive",
      [](const Transfer& transfer) { ASSERT_EQ(transfer.run("send", "plain", ""), 0); },
      [](const Transfer& transfer) { transfer.expect_received_once(); });
}

// The recipients have an older file of that name, which is replaced.
class CrashReplace : public testing::TestWithParam<Cell> {};
TEST_P(CrashReplace, KilledAtEveryHit_ReplacesOnceWithTheSameBytes) {
  walk(
      GetParam(), "replace",
      [](const Transfer& transfer) {
        ASSERT_EQ(transfer.run("send", "plain", ""), 0);
        transfer.place_old_files();
      },
      [](const Transfer& transfer) { transfer.expect_received_once(); });
}

// The recipients' channels ask: what they hold is accepted.
class CrashAccept : public testing::TestWithParam<Cell> {};
TEST_P(CrashAccept, KilledAtEveryHit_PlacesOnceWithTheSameBytes) {
  walk(
      GetParam(), "receive",
      [](const Transfer& transfer) {
        ASSERT_EQ(transfer.run("send", "plain", ""), 0);
        transfer.have_recipients_ask();
      },
      [](const Transfer& transfer) { transfer.expect_received_once(); });
}

class CrashStream : public testing::TestWithParam<Cell> {};
TEST_P(CrashStream, KilledAtEveryHit_PlacesOnceWithTheSameBytes) {
  walk(
      GetParam(), "receive",
      [](const Transfer& transfer) { ASSERT_EQ(transfer.run("stream", "plain", ""), 0); },
      [](const Transfer& transfer) { transfer.expect_received_once(); });
}

// Each transfer is confirmed, by the run that places it.
class CrashReceipt : public testing::TestWithParam<Cell> {};
TEST_P(CrashReceipt, KilledAtEveryHit_ConfirmsOnce) {
  walk(
      GetParam(), "receive",
      [](const Transfer& transfer) {
        ASSERT_EQ(transfer.run("agree on receipts", "plain", ""), 0);
        ASSERT_EQ(transfer.run("send", "plain", ""), 0);
      },
      [](const Transfer& transfer) {
        transfer.expect_received_once();
        EXPECT_EQ(transfer.run("look for receipts", "plain", ""), 0);
      });
}

std::string row_name(const testing::TestParamInfo<Cell>& info) {
  std::string text = std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
  std::replace(text.begin(), text.end(), '.', '_');
  return text;
}

bool is_whole_matrix() { return std::getenv("TP_WHOLE_MATRIX") != nullptr; }

std::vector<Cell> whole_matrix(bool (*wanted)(std::string_view), const char* daemon) {
  std::vector<Cell> cells;
  for (const std::string_view name : names(wanted))
    for (const char* mode : {"plain", "loss"})
      if (mode == std::string_view("loss") || !is_of_decoding(name))
        cells.emplace_back(name, mode, daemon);
  return cells;
}
// Unsynced data lost: what a plain kill leaves behind is more.
std::vector<Cell> loss_matrix(bool (*wanted)(std::string_view)) {
  std::vector<Cell> cells = whole_matrix(wanted, "robust");
  if (!is_whole_matrix())
    std::erase_if(cells,
                  [](const Cell& cell) { return std::get<1>(cell) != std::string_view("loss"); });
  return cells;
}
INSTANTIATE_TEST_SUITE_P(Matrix, CrashSend,
                         testing::ValuesIn(whole_matrix(in_send_matrix, "robust")), row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashDirect, testing::ValuesIn(loss_matrix(in_direct_matrix)),
                         row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashInline, testing::ValuesIn(loss_matrix(in_inline_matrix)),
                         row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashCancel, testing::ValuesIn(loss_matrix(in_cancel_matrix)),
                         row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashRetry, testing::ValuesIn(loss_matrix(in_retry_matrix)),
                         row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashShare, testing::ValuesIn(loss_matrix(in_share_matrix)),
                         row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashCancelDecided,
                         testing::ValuesIn(loss_matrix(in_decided_matrix)), row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashRetract, testing::ValuesIn(loss_matrix(in_retract_matrix)),
                         row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashReceive,
                         testing::ValuesIn(whole_matrix(in_receive_matrix, "robust")), row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashReplace, testing::ValuesIn(loss_matrix(in_replace_matrix)),
                         row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashAccept, testing::ValuesIn(loss_matrix(in_accept_matrix)),
                         row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashStream, testing::ValuesIn(loss_matrix(in_stream_matrix)),
                         row_name);
INSTANTIATE_TEST_SUITE_P(Matrix, CrashReceipt, testing::ValuesIn(loss_matrix(in_receipt_matrix)),
                         row_name);

// Where the daemon has something of ours under way, or has just answered.
std::vector<Cell> upstream_matrix(bool (*wanted)(std::string_view)) {
  std::vector<Cell> cells = whole_matrix(wanted, "upstream");
  if (is_whole_matrix()) return cells;
  std::erase_if(cells, [](const Cell& cell) {
    const bool chosen = starts_with_any(
        std::get<0>(cell), {"send.element.written", "send.copy.", "send.letter.", "send.ended",
                            "receive.poll.committed", "receive.chunks.marked"});
    return !chosen || std::get<1>(cell) != std::string_view("plain");
  });
  return cells;
}
INSTANTIATE_TEST_SUITE_P(Upstream, CrashSend, testing::ValuesIn(upstream_matrix(in_send_matrix)),
                         row_name);
INSTANTIATE_TEST_SUITE_P(Upstream, CrashCancel,
                         testing::ValuesIn(upstream_matrix(in_cancel_matrix)), row_name);
INSTANTIATE_TEST_SUITE_P(Upstream, CrashReceive,
                         testing::ValuesIn(upstream_matrix(in_receive_matrix)), row_name);

}  // namespace
}  // namespace taubenpost

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--child")
    return taubenpost::child(argv[2], argv[3], std::string_view(argv[4]) == "loss");
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

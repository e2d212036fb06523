// SendWorld: a sender with a real store and real files before the model network, in virtual time.
//
// A process of it can be thrown away at any step, as a kill would, and another one begins from what
// is durable.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/channels.h"
#include "engine/engine.h"
#include "engine/enqueue.h"
#include "files/files.h"
#include "store/rocks_store.h"
#include "support/model_network.h"
#include "support/no_sync_fs.h"
#include "support/temp_folder.h"
#include "support/watched_store.h"
#include "wire/letter.h"

namespace taubenpost {

class SendWorld {
 public:
  static constexpr std::size_t kChunk = ModelNetwork::kChunk;

  SendWorld() {
    options.slice_chunks = 2;
    options.batch_chunks = 4;
    options.write_window = 4;
    network.step = [this] { step(); };
    Result<std::unique_ptr<RocksStore>> made =
        RocksStore::create(state_folder(), key_file(), env.get());
    TP_CHECK(made);
    take(std::move(made).value());
  }

  std::string state_folder() const { return state / "state"; }
  std::string key_file() const { return state / "key"; }
  EnginePorts ports() { return {*store, network, *files, clock, random}; }

  // ---- one process ----

  // Runs an awaitable of T to its end, or until the process is thrown away at step `kill_at`
  // (0: never). A step is a durable commit, or a side of an effect in the network.
  template <class T>
  std::optional<T> run_until_killed(std::function<boost::asio::awaitable<T>()> work,
                                    std::uint64_t kill_at) {
    boost::asio::io_context loop(1);
    std::optional<T> result;
    io_ = &loop;
    steps = 0;
    kill_at_ = kill_at;
    killed_ = false;
    boost::asio::co_spawn(loop, keep(work(), &result), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
    const bool ended = clock.run(loop, [&] { return result.has_value() || killed_; });
    TP_CHECK(ended);
    kill_at_ = 0;
    if (killed_) {
      reopen();
      clock.forget_sleepers();
      return std::nullopt;
    }
    loop.restart();
    loop.run();  // until the thread of the store has let go of the loop
    return result;
  }
  template <class T>
  T run(boost::asio::awaitable<T> work) {
    std::shared_ptr<boost::asio::awaitable<T>> kept =
        std::make_shared<boost::asio::awaitable<T>>(std::move(work));
    return std::move(*run_until_killed<T>([kept] { return std::move(*kept); }, 0));
  }
  Result<RunSummary> run_engine() {
    Engine engine(ports(), options);
    return run(engine.run_until_idle());
  }
  // True if the engine came to its end before step `kill_at`.
  bool run_engine_until(std::uint64_t kill_at) {
    Engine engine(ports(), options);
    return run_until_killed<Result<RunSummary>>([&engine] { return engine.run_until_idle(); },
                                                kill_at)
        .has_value();
  }
  void use_disk(Disk& other) {
    disk = &other;
    reopen();
  }
  void let_pass(std::chrono::milliseconds time) { static_cast<void>(run(passed(time))); }

  // ---- the sender's side ----

  static Bytes pattern(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
    return bytes;
  }
  void channel(const std::string& name) {
    const Result<Invitation> made = run(new_channel(ports(), name));
    TP_CHECK(made);
  }
  std::string file(const std::string& name, ByteView content) {
    write_file(sources / name, std::string(as_text(content)));
    return sources / name;
  }
  JobId queue(const std::string& path, std::vector<std::string> to) {
    SendRequest request;
    request.source = path;
    request.to = std::move(to);
    const Result<JobId> id = run(enqueue_send(ports(), std::move(request)));
    TP_CHECK(id);
    return *id;
  }
  JobId queue_bytes(const std::string& name, std::size_t size, std::vector<std::string> to) {
    return queue(file(name, pattern(size)), std::move(to));
  }
  SendJobRow job(JobId id) const { return *store->send_job(id); }
  RecipientRow recipient(JobId id, std::size_t index = 0) const {
    return store->recipients(id)->at(index);
  }
  bool noted(JobId id, const std::string& text) const {
    const Result<std::vector<JournalRow>> rows = store->journal(id);
    for (const JournalRow& row : *rows)
      if (row.text.find(text) != std::string::npos) return true;
    return false;
  }

  // ---- the recipient's side, without the program: what the boxes say ----

  bacap::WriteCap write_cap(const std::string& name) const {
    return bacap::WriteCap::parse(find_channel(*store, name)->capability).value();
  }
  bacap::MessageBoxIndex position(const std::string& name, std::uint64_t number) const {
    bacap::MessageBoxIndex at = write_cap(name).index();
    for (std::uint64_t i = 0; i < number; ++i) at = *at.next();
    return at;
  }
  std::optional<Bytes> box(const std::string& name, std::uint64_t number) const {
    return network.peek(write_cap(name).read_cap(), position(name, number));
  }
  std::optional<wire::Letter> letter(const std::string& name, std::uint64_t number) const {
    const std::optional<Bytes> found = box(name, number);
    if (!found) return std::nullopt;
    Result<wire::BoxContent> content = wire::decode_box_content(*found);
    if (!content || !std::holds_alternative<wire::Letter>(*content)) return std::nullopt;
    return std::get<wire::Letter>(*content);
  }
  // Everything that a letter announces; nothing if a box is missing or of a wrong length.
  std::optional<Bytes> content(const wire::Letter& letter) const {
    if (std::holds_alternative<Bytes>(letter.content)) return std::get<Bytes>(letter.content);
    const wire::BodyRef& body = std::get<wire::BodyRef>(letter.content);
    const bacap::ReadCap cap = *bacap::ReadCap::parse(body.cap);
    bacap::MessageBoxIndex at = cap.index();
    Bytes all;
    for (std::uint64_t i = 0; i < body.boxes; ++i, at = *at.next()) {
      const std::optional<Bytes> chunk = network.peek(cap, at);
      if (!chunk || (i + 1 < body.boxes && chunk->size() != body.chunk)) return std::nullopt;
      append(all, *chunk);
    }
    if (all.size() != letter.size) return std::nullopt;
    return all;
  }

  TempFolder state, sources;
  VirtualClock clock;
  SeededRandom random{1};
  ModelNetwork network{clock};
  NoSyncDisk plain_disk;
  Disk* disk = &plain_disk;
  std::unique_ptr<rocksdb::Env> env = no_sync_env();  // before the store: outlives it
  std::unique_ptr<ports::Store> store;
  std::unique_ptr<RealFiles> files;
  EngineOptions options;
  std::uint64_t steps = 0;  // of the last process

 private:
  // Counts commits as steps too.
  class SteppedStore : public WatchedStore {
   public:
    SteppedStore(std::unique_ptr<ports::Store> store, SendWorld& world)
        : WatchedStore(std::move(store), world.clock), world_(world) {}
    boost::asio::awaitable<Status> commit(ports::Transaction transaction) override {
      world_.step();
      co_await world_.clock.sleep(std::chrono::milliseconds(1));
      boost::asio::awaitable<Status> inner = WatchedStore::commit(std::move(transaction));
      Status status = co_await std::move(inner);
      co_return status;
    }

   private:
    SendWorld& world_;
  };

  template <class T>
  static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> work, std::optional<T>* out) {
    T result = co_await std::move(work);
    out->emplace(std::move(result));
  }
  boost::asio::awaitable<Status> passed(std::chrono::milliseconds time) {
    co_await clock.sleep(time);
    co_return ok();
  }

  void step() {
    TP_CHECK(steps < 100'000);  // the sender goes round in circles
    if (++steps != kill_at_) return;
    killed_ = true;
    io_->stop();  // what comes next of this process never runs: it sleeps until it is destroyed
  }
  // The store first finishes what was handed to it, while the loop of that process still exists.
  void reopen() {
    network.audit.watch(nullptr);
    files.reset();
    store.reset();
    Result<std::unique_ptr<RocksStore>> opened =
        RocksStore::open(state_folder(), KeyFile{key_file()}, env.get());
    TP_CHECK(opened);
    take(std::move(opened).value());
  }
  void take(std::unique_ptr<RocksStore> opened) {
    files = std::make_unique<RealFiles>(state_folder(), opened->spool_key(),
                                        opened->identity()->store, *disk);
    store = std::make_unique<SteppedStore>(std::move(opened), *this);
    network.audit.watch(store.get());
  }

  boost::asio::io_context* io_ = nullptr;
  std::uint64_t kill_at_ = 0;
  bool killed_ = false;
};

}  // namespace taubenpost

// SendWorld: a sender with a store in memory and real files before the model network, in virtual
// time.
//
// A process of it can be thrown away at any step, as a kill would, and another one begins from what
// is durable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/channels.h"
#include "engine/engine.h"
#include "engine/enqueue.h"
#include "engine/resync.h"
#include "support/contents.h"
#include "support/home.h"
#include "support/model_network.h"
#include "support/temp_folder.h"
#include "wire/letter.h"

namespace taubenpost {

class SendWorld {
 public:
  static constexpr std::size_t kChunk = ModelNetwork::kChunk;

  explicit SendWorld(StoreKind kind = StoreKind::kMemory)
      : home_(clock, [this](const ports::Store* opened) { network.audit.watch(opened); }, kind) {
    options.slice_chunks = 2;
    options.batch_chunks = 4;
    options.write_window = 4;
    network.step = [this] { home_.process.step(); };
  }

  std::string state_folder() const { return home_.state_folder(); }
  EnginePorts ports() { return {*store, network, *files, clock, random}; }

  // ---- one process ----

  template <class T>
  T run(boost::asio::awaitable<T> work) {
    return home_.process.run(std::move(work));
  }
  Result<RunSummary> run_engine() {
    Engine engine(ports(), options);
    return run(engine.run_until_idle());
  }
  // True if the work came to its end before step `kill_at`. A step is a durable commit, or a side
  // of an effect in the network.
  bool run_until(std::function<boost::asio::awaitable<Status>()> work, std::uint64_t kill_at) {
    return home_.process.run_until_killed<Status>(std::move(work), kill_at).has_value();
  }
  bool run_engine_until(std::uint64_t kill_at) {
    Engine engine(ports(), options);
    return home_.process
        .run_until_killed<Result<RunSummary>>([&engine] { return engine.run_until_idle(); },
                                              kill_at)
        .has_value();
  }
  bool resync_until(const std::string& name, std::uint64_t kill_at) {
    return home_.process
        .run_until_killed<Result<ResyncSummary>>(
            [&] { return resync_channel(ports(), name, std::nullopt); }, kill_at)
        .has_value();
  }
  // Of a world with a store on disk.
  void back_up() { home_.back_up(); }
  // The store goes on from the copy; the network has seen what came after it.
  void restore() {
    home_.restore();
    network.audit.restored();
  }
  // As above, of accepting a request; what it answered is not known to whoever was killed.
  bool queue_until(const SendRequest& request, std::uint64_t kill_at) {
    return home_.process
        .run_until_killed<Result<JobId>>([&] { return enqueue_send(ports(), request); }, kill_at)
        .has_value();
  }
  std::uint64_t steps() const { return home_.process.steps(); }  // of the last run
  void use_disk(Disk& other) { home_.use_disk(other); }
  void let_pass(std::chrono::milliseconds time) { static_cast<void>(run(passed(time))); }

  // ---- the sender's side ----

  // Compression makes it no smaller: boxes can be counted.
  static Bytes pattern(std::size_t size) { return incompressible(size); }
  Invitation channel(const std::string& name, Layout layout = Layout::kLetters) {
    const Result<Invitation> made = run(new_channel(ports(), name, layout));
    TP_CHECK(made);
    return *made;
  }
  std::string file(const std::string& name, ByteView content) {
    write_file(sources / name, std::string(as_text(content)));
    return sources / name;
  }
  JobId queue(const std::string& path, std::vector<std::string> to) {
    SendRequest request;
    request.sources = {path};
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

  TempFolder sources;
  VirtualClock clock;
  SeededRandom random{1};
  ModelNetwork network{clock};
  EngineOptions options;

 private:
  Home home_;

 public:
  const std::unique_ptr<ports::Store>& store = home_.store;
  const std::unique_ptr<RealFiles>& files = home_.files;

 private:
  boost::asio::awaitable<Status> passed(std::chrono::milliseconds time) {
    co_await clock.sleep(time);
    co_return ok();
  }
};

}  // namespace taubenpost

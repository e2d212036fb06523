// ReceiveWorld: a recipient with a store in memory and real files, before a network of scripted
// boxes.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "engine/channels.h"
#include "engine/poll.h"
#include "engine/receive_job.h"
#include "files/files.h"
#include "support/fake_network.h"
#include "support/memory_store.h"
#include "support/temp_folder.h"
#include "support/virtual_clock.h"
#include "support/watched_store.h"
#include "wire/letter.h"

namespace taubenpost {

// Runs an awaitable of T to its end in virtual time.
template <class T>
boost::asio::awaitable<void> keep_result(boost::asio::awaitable<T> work, std::optional<T>* out) {
  T result = co_await std::move(work);
  out->emplace(std::move(result));
}

class ReceiveWorld {
 public:
  static constexpr std::size_t kChunk = 1545;

  ReceiveWorld() {
    std::filesystem::create_directory(state_folder());
    restart();
  }

  std::string state_folder() const { return state / "state"; }
  EnginePorts ports() { return {*store, network, *files, clock, random}; }

  // As a new process would find it.
  void restart() {
    store = std::make_unique<WatchedStore>(std::make_unique<MemoryStore>(rows_), clock);
    files = std::make_unique<RealFiles>(state_folder(), SecretArray<32>(), rows_->identity.store,
                                        *disk);
  }

  void let_pass(std::chrono::milliseconds time) {
    clock.after(time, [] {});
    clock.jump();
  }

  template <class T>
  T run(boost::asio::awaitable<T> work) {
    boost::asio::io_context io(1);
    std::optional<T> result;
    boost::asio::co_spawn(io, keep_result(std::move(work), &result),
                          [](std::exception_ptr failure) {
                            if (failure) std::rethrow_exception(failure);
                          });
    const bool ended = clock.run(io, [&] { return result.has_value(); });
    TP_CHECK(ended);
    io.restart();
    io.run();  // until the thread of the store has let go of the loop
    return std::move(*result);
  }

  // ---- the sender's side ----

  // A channel that the recipient has imported; letters go to its positions in order.
  ChannelRow import(const std::string& name, std::uint8_t seed) {
    bacap::WriteCap writer = bacap::WriteCap::from_seed(Bytes32{seed});
    Invitation invitation;
    invitation.read_cap = writer.read_cap().bytes();
    invitation.label = name;
    const Status imported = run(import_channel(ports(), name, invitation));
    TP_CHECK(imported);
    position = writer.index();
    return *find_channel(*store, name);
  }
  template <class Box>
  void post(Box box) {
    network.put(position.bytes(), std::move(box));
    position = *position.next();
  }
  // Positions at which nothing was ever written.
  void leave_empty(std::uint64_t positions) {
    for (std::uint64_t i = 0; i < positions; ++i) position = *position.next();
  }

  static Bytes pattern(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
    return bytes;
  }
  static wire::Letter letter_for(ByteView content, std::string name, std::uint8_t id = 1) {
    wire::Letter letter;
    letter.id = TransferId{id};
    letter.name = std::move(name);
    letter.size = letter.usize = content.size();
    letter.digest = letter.udigest = crypto::blake2b_256(content);
    letter.content = to_bytes(content);
    letter.sent = 1;
    letter.until = 2;
    return letter;
  }
  // The letter of a body whose boxes are then in the network.
  wire::Letter letter_with_body(ByteView content, std::string name, std::uint8_t id = 1) {
    wire::Letter letter = letter_for(content, std::move(name), id);
    const bacap::WriteCap body = bacap::WriteCap::from_seed(Bytes32{0xB0, id});
    body_indices = network.put_body(body.index(), content, kChunk);
    letter.content = wire::BodyRef{body.read_cap().bytes(), body_indices.size(), kChunk};
    return letter;
  }

  // ---- the recipient's side ----

  Result<PollSummary> poll(const ChannelRow& from) {
    return run(poll_channel(ports(), from.id, target.path(), place));
  }
  // The one job that a letter makes, not yet run.
  JobId job_of(const wire::Letter& letter) {
    if (!channel) channel = import("sender", 1);
    const std::size_t before = store->receive_jobs()->size();
    post(wire::encode_letter(letter));
    const Result<PollSummary> polled = poll(*channel);
    TP_CHECK(polled && polled->letters == 1);
    const std::vector<JobId> jobs = *store->receive_jobs();
    TP_CHECK(jobs.size() == before + 1);
    for (const JobId& id : jobs)
      if (store->receive_job(id)->state == ReceiveState::kWaiting) return id;
    TP_CHECK(false);
    return {};
  }
  // Of a letter with this archive, which is to be unpacked.
  JobId job_of_archive(ByteView archive, const std::string& name) {
    place.archives = Archives::kUnpack;
    wire::Letter letter = letter_with_body(archive, name, ++archives_made_);
    letter.kind = wire::LetterKind::kTar;
    return job_of(letter);
  }
  Status receive(JobId id) {
    ReceiveJob job(id, ports(), options, goal);
    return run(job.run());
  }
  // Stops the job at the n-th read, as a kill would; whether it ended before.
  bool run_until_read(JobId id, std::size_t n) {
    boost::asio::io_context io(1);
    std::optional<Status> result;
    ReceiveJob job(id, ports(), options);
    boost::asio::co_spawn(io, keep_result(job.run(), &result), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
    const std::size_t stop_at = network.reads + n;
    const bool ran = clock.run(io, [&] { return result.has_value() || network.reads >= stop_at; });
    TP_CHECK(ran);
    clock.forget_sleepers();
    store.reset();  // ends the commits that were submitted, before their loop dies
    return result.has_value();
  }

  ReceiveJobRow row(JobId id) const { return *store->receive_job(id); }

  TempFolder state, target;
  VirtualClock clock;
  SeededRandom random{1};
  FakeNetwork network{clock};
  Disk real_disk;
  Disk* disk = &real_disk;
  std::unique_ptr<ports::Store> store;
  std::unique_ptr<RealFiles> files;
  EngineOptions options;
  std::optional<ChannelRow> channel;
  bacap::MessageBoxIndex position;
  std::vector<IndexBytes> body_indices;
  PlaceOptions place;
  ReceiveGoal goal;

  void use_disk(Disk& other) {
    disk = &other;
    restart();
  }

 private:
  std::uint8_t archives_made_ = 0;
  const std::shared_ptr<MemoryRows> rows_ = std::make_shared<MemoryRows>();
};

}  // namespace taubenpost

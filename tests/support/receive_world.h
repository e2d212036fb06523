// ReceiveWorld: a recipient with a real store and real files, before a network of scripted boxes.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "engine/channels.h"
#include "engine/poll.h"
#include "engine/receive_job.h"
#include "files/files.h"
#include "store/rocks_store.h"
#include "support/fake_network.h"
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
    Result<std::unique_ptr<RocksStore>> made = RocksStore::create(state_folder(), key_file());
    TP_CHECK(made);
    take(std::move(made).value());
  }

  std::string state_folder() const { return state / "state"; }
  std::string key_file() const { return state / "key"; }
  EnginePorts ports() { return {*store, network, *files, clock, random}; }

  // As a new process would find it.
  void restart() {
    store.reset();
    Result<std::unique_ptr<RocksStore>> opened =
        RocksStore::open(state_folder(), KeyFile{key_file()});
    TP_CHECK(opened);
    take(std::move(opened).value());
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
    return run(poll_channel(ports(), from.id, target.path()));
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
  Status receive(JobId id) {
    ReceiveJob job(id, ports(), options);
    return run(job.run());
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

  void use_disk(Disk& other) {
    disk = &other;
    restart();
  }

 private:
  void take(std::unique_ptr<RocksStore> opened) {
    files = std::make_unique<RealFiles>(state_folder(), opened->spool_key(),
                                        opened->identity()->store, *disk);
    store = std::make_unique<WatchedStore>(std::move(opened), clock);
  }
};

}  // namespace taubenpost

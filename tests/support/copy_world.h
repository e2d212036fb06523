// A local network in virtual time with a copy of three boxes: what a run of it gives, and when.
#pragma once

#include "bacap/epochs.h"
#include "support/network_world.h"

namespace taubenpost::localnet {

class CopyWorld : public ::testing::Test {
 protected:
  using Part = NetworkWorld::Part;
  using Verdict = wire::StartResendingCopyCommandReply;

  // The n-th index of a sequence, from 0.
  static bacap::MessageBoxIndex nth(const bacap::WriteCap& cap, std::size_t n) {
    auto index = cap.index();
    for (std::size_t i = 0; i < n; ++i) index = index.next().value();
    return index;
  }
  std::vector<ReplicaId> shards(const bacap::WriteCap& cap, std::size_t n) {
    return world_.network().context().directory.shards_of(
        bacap::box_id(cap.read_cap().root_key(), nth(cap, n)).value());
  }
  void down(std::set<std::uint8_t> replicas) {
    Knobs knobs = world_.network().knobs();
    knobs.replica_down = std::move(replicas);
    world_.network().set_knobs(knobs);
  }
  // Writes box n at one of its shards only, which is to keep it for itself.
  void write_at(const bacap::WriteCap& cap, std::size_t n, std::size_t shard,
                std::string_view text) {
    world_.set([](Knobs& knobs) { knobs.replication_loss = 1; });
    down({shards(cap, n)[1 - shard]});
    EXPECT_EQ(world_.write(cap, nth(cap, n), text), 0);
    down({});
    world_.advance(Milliseconds(0));  // what the others send it is lost as well
    world_.set([](Knobs& knobs) { knobs.replication_loss = 0; });
  }

  std::vector<Bytes> build_text() { return world_.build(cap_, cap_.index(), text()); }
  // Three boxes; their envelopes are complete with the second, third and fourth element.
  std::string text() const { return part('a') + part('b') + part('c'); }
  static std::string part(char letter) {
    return std::string(kTestMax - 4, letter);  // fills a box of a copy
  }
  // What is in the destination: a letter for each box, '-' for none, '+' for a tombstone.
  std::string copied() {
    std::string out;
    for (std::size_t n = 0; n < 3; ++n) {
      const auto got = world_.read(cap_, nth(cap_, n));
      out += got.code == 0 ? got.text.front() : got.code == 11 ? '+' : '-';
    }
    return out;
  }

  static void expect_succeeded(const Verdict& verdict) { EXPECT_EQ(verdict.error_code, 0); }
  static void expect_failed(const Verdict& verdict, int code, std::uint64_t envelope) {
    EXPECT_EQ(verdict.error_code, 26);
    EXPECT_EQ(verdict.replica_error_code.value, code);
    EXPECT_EQ(verdict.failed_envelope_index.value, envelope);
  }

  std::uint64_t now() { return world_.network().context().scheduler.monotonic_ms(); }
  // To the first second of a later replica epoch.
  void advance_epochs(std::uint64_t epochs) {
    const std::uint64_t seconds = world_.network().context().scheduler.unix_ms() / 1000;
    const std::uint64_t start =
        bacap::replica_epoch_start(bacap::replica_epoch(seconds) + epochs) + 1;
    world_.advance(Milliseconds((start - seconds) * 1000));
  }

  NetworkWorld world_;
  const bacap::WriteCap cap_ = cap_of(5);
  const bacap::WriteCap temporary_ = cap_of(6);
};

}  // namespace taubenpost::localnet

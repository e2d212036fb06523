// ModelNetwork: daemon, couriers and replicas in memory and in virtual time.
//
// Boxes are real (BACAP), copy streams are real, envelopes are trivial: the ciphertext of an
// envelope is its replica write, in the clear, with random keys around it, so that no two builds
// are alike. Couriers run copies by themselves, remember verdicts, and stop at the first failure.
// Hooks are where a test makes trouble. Every call is held against the sender's store (send_audit).
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "bacap/copy_stream.h"
#include "bacap/epochs.h"
#include "bacap/geometry.h"
#include "bacap/padding.h"
#include "bacap/wire.h"
#include "support/send_audit.h"
#include "support/virtual_clock.h"

namespace taubenpost {

class ModelNetwork : public ports::Network {
 public:
  static constexpr std::uint64_t kBoxMax = 1549;
  static constexpr std::uint64_t kChunk = kBoxMax - 4;
  static constexpr std::chrono::milliseconds kRoundTrip{1000};

  explicit ModelNetwork(VirtualClock& clock) : clock_(clock) {
    for (std::uint8_t i = 1; i <= 3; ++i) couriers.push_back({Bytes32{i}, "courier"});
  }

  struct WriteCall {
    std::optional<JobId> job;  // whose element it is; none: a letter, straight into a channel
    std::uint64_t number;      // of all writes, from 1
    ports::WriteLevel level;
  };
  struct WriteFault {
    bool stored;             // whether the box is written all the same
    ports::Outcome outcome;  // what the sender is told
  };

  // ---- what a test may set ----
  std::vector<CourierRow> couriers;
  std::set<Bytes32> silent;  // couriers that take a copy and never answer
  std::set<Bytes32> lazy;    // couriers that take a copy and never run it either
  std::uint64_t box_max = kBoxMax;
  std::uint64_t copy_ms = 3000;  // that a courier takes for a copy
  ports::Costs known_costs;
  bool gone = false;           // no daemon
  bool gone_at_once = false;   // and nobody waits for one
  std::function<void()> step;  // before and after each effect; may throw the process away
  std::function<std::optional<WriteFault>(const WriteCall&)> on_write;
  std::function<std::optional<WriteFault>(const IndexBytes&)> on_tombstone;
  std::function<std::optional<ports::ReadResult>(const IndexBytes&)> on_read;
  std::function<void(ports::KeyPair&)> on_keypair;
  std::function<void(ports::BuiltElements&)> on_built;
  // A courier before envelope k (1-based): the replica code to fail with there.
  std::function<std::optional<std::uint8_t>(const CourierRow&, std::uint64_t k)> on_envelope;
  std::function<std::optional<ports::CopyResult>(const CourierRow&)> on_copy;

  // ---- what a test may ask ----
  SendAudit audit{kChunk};
  std::uint64_t writes = 0, confirmed_writes = 0, tombstones = 0, reads = 0, builds = 0;
  std::uint64_t writing = 0, most_writing = 0;      // at one time
  std::map<Bytes, std::vector<CourierRow>> copies;  // the commands for each sequence, in order
  std::set<Bytes> copied_sequences;                 // that a courier has run to its end

  // The box at an index of a sequence, as a recipient sees it. Empty plaintext: a tombstone.
  std::optional<Bytes> peek(const bacap::ReadCap& cap, const bacap::MessageBoxIndex& index) const {
    const auto box = boxes_.find(*bacap::box_id(cap.root_key(), index));
    if (box == boxes_.end()) return std::nullopt;
    const bacap::Opened opened = bacap::open_box(cap, index, box->second);
    EXPECT_EQ(opened.error, bacap::OpenError::kNone);
    return opened.is_tombstone ? Bytes{} : *bacap::unpad(opened.plaintext);
  }
  void put(const bacap::WriteCap& cap, const bacap::MessageBoxIndex& index, ByteView plaintext) {
    const bacap::Box box =
        plaintext.empty() ? bacap::tombstone(cap, index) : seal(cap, index, plaintext);
    boxes_[box.id] = box;
  }
  void lose(const bacap::ReadCap& cap, const bacap::MessageBoxIndex& index) {
    boxes_.erase(*bacap::box_id(cap.root_key(), index));
  }
  void forget_copies() { copies_.clear(); }  // the couriers restart

  // ---- ports::Network ----
  boost::asio::awaitable<Result<ports::Costs>> costs() override { co_return known_costs; }

  boost::asio::awaitable<Result<ports::NetworkView>> view(std::uint64_t limit_ms) override {
    if (gone) {
      co_await clock_.sleep(std::chrono::milliseconds(gone_at_once ? 1 : limit_ms));
      co_return error(Errc::kDaemonGone, "no daemon");
    }
    ports::NetworkView view;
    view.box_max = box_max;
    view.replica_epoch = epoch();
    view.couriers = couriers;
    co_return view;
  }

  boost::asio::awaitable<Result<ports::KeyPair>> new_keypair(Bytes32 seed) override {
    co_await begin();
    if (gone) co_return error(Errc::kDaemonGone, "no daemon");
    const bacap::WriteCap cap = bacap::WriteCap::from_seed(seed);
    ports::KeyPair pair;
    pair.write_cap = SecretBytes(cap.view());
    pair.read_cap = to_bytes(cap.read_cap().view());
    pair.first = cap.index().bytes();
    if (on_keypair) on_keypair(pair);
    co_return pair;
  }

  boost::asio::awaitable<Result<ports::BuiltElements>> build(std::vector<ports::Destination> to,
                                                             Bytes buffer, bool is_start,
                                                             bool is_last) override {
    co_await begin();
    if (gone) co_return error(Errc::kDaemonGone, "no daemon");
    ++builds;
    audit.built(to, buffer, is_start);
    ports::BuiltElements built;
    std::vector<bacap::Box> boxes;
    for (const ports::Destination& one : to) {
      const bacap::WriteCap cap = bacap::WriteCap::parse(one.write_cap).value();
      bacap::MessageBoxIndex at = *bacap::MessageBoxIndex::parse(one.start);
      for (std::size_t i = 0; i < one.payload.size(); i += kChunk, at = *at.next())
        boxes.push_back(
            seal(cap, at, one.payload.subspan(i, std::min(kChunk, one.payload.size() - i))));
      built.next.push_back(at.bytes());
    }
    stream(boxes, buffer, is_start, is_last, built);
    co_await end();
    co_return built;
  }

  boost::asio::awaitable<Result<ports::BuiltElements>> build_tombstones(SecretBytes write_cap,
                                                                        IndexBytes start,
                                                                        std::uint32_t count,
                                                                        Bytes buffer, bool is_start,
                                                                        bool is_last) override {
    co_await begin();
    if (gone) co_return error(Errc::kDaemonGone, "no daemon");
    ++builds;
    audit.tombstones_built(write_cap.view(), start, count, buffer, is_start);
    const bacap::WriteCap cap = bacap::WriteCap::parse(write_cap.view()).value();
    bacap::MessageBoxIndex at = *bacap::MessageBoxIndex::parse(start);
    ports::BuiltElements built;
    std::vector<bacap::Box> boxes;
    for (std::uint32_t i = 0; i < count; ++i, at = *at.next())
      boxes.push_back(bacap::tombstone(cap, at));
    built.next.push_back(at.bytes());
    stream(boxes, buffer, is_start, is_last, built);
    co_await end();
    co_return built;
  }

  boost::asio::awaitable<ports::WriteResult> write(SecretBytes write_cap, IndexBytes index,
                                                   Bytes plaintext,
                                                   ports::WriteLevel level) override {
    co_await begin();
    ++writes;
    const bool confirmed = level == ports::WriteLevel::kConfirmed;
    if (confirmed) ++confirmed_writes;
    if (gone) co_return ports::WriteResult{ports::Outcome::kRetry, "no daemon"};
    audit.written(write_cap.view(), index, plaintext);
    std::optional<WriteFault> fault;
    if (on_write) fault = on_write({audit.job_of(write_cap.view()), writes, level});
    most_writing = std::max(most_writing, ++writing);
    co_await clock_.sleep(kRoundTrip);
    --writing;
    std::uint8_t code = 0;
    if (!fault || fault->stored)
      code = store(seal(bacap::WriteCap::parse(write_cap.view()).value(),
                        *bacap::MessageBoxIndex::parse(index), plaintext));
    co_await end();
    ports::WriteResult result{ports::Outcome::kOk, "the model says so"};
    if (confirmed && code != 0) result.outcome = ports::Outcome::kTaken;
    if (fault) result.outcome = fault->outcome;
    if (result.outcome == ports::Outcome::kOk) audit.taken(index);
    co_return result;
  }

  boost::asio::awaitable<ports::WriteResult> tombstone(SecretBytes write_cap,
                                                       IndexBytes index) override {
    co_await begin();
    ++tombstones;
    if (gone) co_return ports::WriteResult{ports::Outcome::kRetry, "no daemon"};
    audit.tombstone_written(write_cap.view(), index);
    std::optional<WriteFault> fault;
    if (on_tombstone) fault = on_tombstone(index);
    co_await clock_.sleep(kRoundTrip);
    if (!fault || fault->stored)
      store(bacap::tombstone(bacap::WriteCap::parse(write_cap.view()).value(),
                             *bacap::MessageBoxIndex::parse(index)));
    co_await end();
    co_return ports::WriteResult{fault ? fault->outcome : ports::Outcome::kOk, "the model says so"};
  }

  boost::asio::awaitable<ports::ReadResult> read(Bytes read_cap, IndexBytes index) override {
    co_await begin();
    ++reads;
    co_await clock_.sleep(kRoundTrip);
    if (gone) co_return ports::ReadResult{ports::Outcome::kRetry, {}, "no daemon"};
    std::optional<ports::ReadResult> fault;
    if (on_read) fault = on_read(index);
    if (fault) co_return *fault;
    const std::optional<Bytes> found =
        peek(*bacap::ReadCap::parse(read_cap), *bacap::MessageBoxIndex::parse(index));
    ports::ReadResult result;
    result.outcome = ports::Outcome::kNotFound;
    if (found) result.outcome = found->empty() ? ports::Outcome::kTombstone : ports::Outcome::kOk;
    if (found) result.plaintext = *found;
    if (result.outcome == ports::Outcome::kOk) audit.read(index, result.plaintext);
    if (result.outcome == ports::Outcome::kTombstone) audit.read_tombstone(index);
    co_await end();
    co_return result;
  }

  boost::asio::awaitable<ports::CopyResult> copy(SecretBytes write_cap, CourierRow courier,
                                                 std::uint64_t wait_ms) override {
    co_await begin();
    audit.copy_issued(write_cap.view(), courier);
    copies[to_bytes(write_cap.view())].push_back(courier);
    ports::CopyResult none;
    if (gone) co_return none;
    if (std::count(couriers.begin(), couriers.end(), courier) == 0) {
      none.kind = ports::CopyResult::Kind::kNotStarted;
      co_return none;
    }
    std::optional<ports::CopyResult> fault;
    if (on_copy) fault = on_copy(courier);
    if (fault) co_return *fault;
    const auto key = std::pair(to_bytes(write_cap.view()), courier.identity_hash);
    if (!lazy.count(courier.identity_hash))
      copies_.try_emplace(key, Copy{courier, clock_.unix_ms() + copy_ms, {}});
    const bool answers = !silent.count(courier.identity_hash) && copies_.count(key);
    const std::uint64_t left =
        answers ? copies_.at(key).done_ms - std::min(copies_.at(key).done_ms, clock_.unix_ms())
                : wait_ms;
    co_await clock_.sleep(std::chrono::milliseconds(std::min(wait_ms, left)));
    co_await end();
    run_copies();
    if (!answers || !copies_.count(key)) co_return none;
    co_return copies_.at(key).verdict.value_or(none);
  }

 private:
  struct Copy {
    CourierRow courier;
    std::uint64_t done_ms;
    std::optional<ports::CopyResult> verdict;
  };

  std::uint64_t epoch() const { return bacap::replica_epoch(clock_.unix_ms() / 1000); }

  boost::asio::awaitable<void> begin() {
    if (step) step();
    co_await clock_.sleep(std::chrono::milliseconds(1));
    run_copies();
    audit.look();
  }
  boost::asio::awaitable<void> end() {
    if (step) step();
    co_await clock_.sleep(std::chrono::milliseconds(1));
  }

  static bacap::Box seal(const bacap::WriteCap& cap, const bacap::MessageBoxIndex& index,
                         ByteView plaintext) {
    EXPECT_FALSE(plaintext.empty()) << "an empty write is a tombstone";
    return bacap::encrypt_box(cap, index, *bacap::pad(plaintext, kBoxMax + 4));
  }

  Bytes envelope(const bacap::Box& box) {
    bacap::CourierEnvelope out;
    random_.fill(out.dek1);
    random_.fill(out.dek2);
    out.epoch = epoch();
    out.sender_key.resize(bacap::kNikePublicKeySize);
    random_.fill(out.sender_key);
    out.ciphertext = bacap::encode(bacap::ReplicaWrite{box});
    const std::size_t length = out.ciphertext.size();
    out.ciphertext.resize(kBoxMax + 153);
    random_.fill(std::span(out.ciphertext).subspan(length));
    return bacap::encode(out);
  }

  // One builder call's share of a copy stream.
  void stream(const std::vector<bacap::Box>& boxes, const Bytes& buffer, bool is_start,
              bool is_last, ports::BuiltElements& built) {
    bacap::CopyStreamEncoder encoder(kBoxMax);
    if (!is_start) encoder.suppress_start();
    encoder.set_buffer(buffer);
    const auto take = [&built](std::vector<Bytes> elements) {
      for (Bytes& element : elements) built.elements.push_back(std::move(element));
    };
    for (const bacap::Box& box : boxes) take(encoder.add_envelope(envelope(box)));
    if (is_last) take(encoder.flush());
    built.buffer = encoder.buffer();
    if (on_built) on_built(built);
  }

  // The replica's rule: a tombstone is put over anything; the same again is fine, anything else is
  // refused.
  std::uint8_t store(const bacap::Box& box) {
    if (box.is_tombstone()) {
      boxes_[box.id] = box;
      return 0;
    }
    const auto there = boxes_.emplace(box.id, box).first;
    return there->second.payload == box.payload && there->second.signature == box.signature ? 0
                                                                                            : 10;
  }

  void run_copies() {
    for (auto& [key, copy] : copies_)
      if (!copy.verdict && copy.done_ms <= clock_.unix_ms()) {
        copy.verdict = run_copy(bacap::WriteCap::parse(key.first).value(), copy.courier);
        if (copy.verdict->kind == ports::CopyResult::Kind::kSucceeded)
          copied_sequences.insert(key.first);
      }
  }
  ports::CopyResult run_copy(const bacap::WriteCap& cap, const CourierRow& courier) {
    const auto failed = [](std::uint8_t code, std::uint64_t at) {
      return ports::CopyResult{ports::CopyResult::Kind::kFailed, code, at};
    };
    bacap::CopyStreamDecoder decoder(kBoxMax, kBoxMax + 290 + bacap::kNikePublicKeySize);
    std::uint64_t done = 0;
    bacap::MessageBoxIndex at = cap.index();
    for (; !decoder.saw_final(); at = *at.next()) {
      const std::optional<Bytes> element = peek(cap.read_cap(), at);
      if (!element) return failed(1, done + 1);
      if (element->empty()) return failed(11, done + 1);
      const bacap::CopyStreamDecoder::Step fed = decoder.feed(*element);
      for (const bacap::CourierEnvelope& envelope : fed.envelopes) {
        ++done;
        if (on_envelope) {
          const std::optional<std::uint8_t> code = on_envelope(courier, done);
          if (code) return failed(*code, done);
        }
        if (!bacap::in_epoch_window(envelope.epoch, epoch())) return failed(8, done);
        const auto write = bacap::parse_replica_write(envelope.ciphertext);
        if (!write || !bacap::verify(write->value.box.id, write->value.box.payload,
                                     write->value.box.signature))
          return failed(8, done);
        const std::uint8_t code = store(write->value.box);
        if (code != 0) return failed(code, done);
      }
      if (fed.failed) return failed(5, done + 1);
    }
    EXPECT_EQ(decoder.remaining(), 0U);
    return {ports::CopyResult::Kind::kSucceeded, 0, 0};
  }

  VirtualClock& clock_;
  SeededRandom random_{7};
  std::map<bacap::BoxId, bacap::Box> boxes_;
  std::map<std::pair<Bytes, Bytes32>, Copy> copies_;  // by sequence and courier
};

}  // namespace taubenpost

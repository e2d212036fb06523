// Shared by the tests of the local network: a folder of their own, time moved by hand, boxes.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "bacap/box.h"
#include "bacap/padding.h"
#include "localnet/directory.h"
#include "localnet/replica_store.h"
#include "localnet/scheduler.h"
#include "support/temp_folder.h"

namespace taubenpost::localnet {

// Runs posted work at once and timers when time is moved.
class ManualScheduler final : public Scheduler {
 public:
  std::uint64_t unix_ms() const override { return unix_ms_; }
  std::uint64_t monotonic_ms() const override { return now_; }
  void post(Task task) override { posted_.push_back(std::move(task)); }
  Timer after(Milliseconds delay, Task task) override {
    const Timer id = ++last_;
    timers_[{now_ + static_cast<std::uint64_t>(delay.count()), id}] = std::move(task);
    return id;
  }
  void cancel(Timer timer) override {
    std::erase_if(timers_, [&](const auto& item) { return item.first.second == timer; });
  }

  void set_unix_ms(std::uint64_t value) { unix_ms_ = value; }
  // Runs everything that is due now.
  void settle() {
    while (!posted_.empty()) {
      const Task task = std::move(posted_.front());
      posted_.pop_front();
      task();
    }
  }
  // The end of a process: nothing that waits happens any more.
  void forget() {
    posted_.clear();
    timers_.clear();
  }
  void advance(Milliseconds by) {
    settle();
    const std::uint64_t end = now_ + static_cast<std::uint64_t>(by.count());
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      auto node = timers_.extract(timers_.begin());
      move_to(node.key().first);
      node.mapped()();
      settle();
    }
    move_to(end);
  }

 private:
  void move_to(std::uint64_t time) {
    unix_ms_ += time - now_;
    now_ = time;
  }

  std::uint64_t unix_ms_ = 1'790'000'000'000;
  std::uint64_t now_ = 1'000'000;
  Timer last_ = 0;
  std::deque<Task> posted_;
  std::map<std::pair<std::uint64_t, Timer>, Task> timers_;
};

// The directory of the network that tests run: the same keys in each.
inline Directory test_directory(EnvelopeNike nike = EnvelopeNike::kHybrid,
                                const NetworkSize& size = {}) {
  return Directory(SecretArray<32>(ByteView(Bytes(32, 7))), nike, size);
}
// The boxes of its replicas, in a folder below `folder`.
inline std::unique_ptr<ReplicaStore> test_boxes(const std::string& folder,
                                                EnvelopeNike nike = EnvelopeNike::kHybrid,
                                                const NetworkSize& size = {}) {
  return std::move(ReplicaStore::open(folder + "/boxes",
                                      test_directory(nike).geometry().box_ciphertext(),
                                      size.replicas()))
      .value();
}

// A body with its length in front.
inline Bytes frame_of(ByteView body) {
  Bytes frame;
  append_be(frame, static_cast<std::uint32_t>(body.size()));
  append(frame, body);
  return frame;
}

inline constexpr std::size_t kTestMax = 1549;  // *Max* of the local network

inline bacap::WriteCap cap_of(std::uint8_t seed) {
  return bacap::WriteCap::from_seed(Bytes(32, seed));
}

// The box at the capability's own index.
inline bacap::Box box_of(const bacap::WriteCap& cap, std::string_view text) {
  return bacap::encrypt_box(cap, cap.index(), bacap::pad(as_bytes(text), kTestMax + 4).value());
}

}  // namespace taubenpost::localnet

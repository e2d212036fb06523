// The daemon's slots: when packets of its clients may leave (thin-protocol 6.6).
//
// One Poisson process for all clients. In a slot the next client with work, round robin, sends one
// packet; within a client what follows up goes before what is new, and what is new is in order. A
// slot that nobody needs is counted as unused (the real daemon sends a decoy). With a slot_rate of
// 0 every packet leaves at once. While the gateway is down there are no slots, and packets wait.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "localnet/audit.h"
#include "localnet/knobs.h"
#include "localnet/random.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

enum class Turn : std::uint8_t { kFollowUp, kFresh };

class SlotClock {
 public:
  // Sends the packet; false if there is nothing to send any more, and the slot is another's.
  using Send = std::function<bool()>;
  // One client's packets.
  struct Line {
    std::deque<Send> follow_ups, fresh;
    bool is_open = true;
  };
  using LinePtr = std::shared_ptr<Line>;

  // All outlive the clock.
  SlotClock(Scheduler& scheduler, Random& random, const Knobs& knobs, Audit& audit);
  ~SlotClock();
  SlotClock(const SlotClock&) = delete;
  SlotClock& operator=(const SlotClock&) = delete;

  // A line is served as long as somebody holds it.
  LinePtr make_line();
  void wait(const LinePtr& line, Turn turn, Send send);
  // A line that is closed is not served; its packets wait.
  void set_open(Line& line, bool is_open);
  // Rate or gateway may have changed.
  void start();

 private:
  void slot();
  bool serve(Line& line) const;
  void drain(Line& line) const;

  Scheduler& scheduler_;
  Random& random_;
  const Knobs& knobs_;
  Audit& audit_;
  std::vector<std::weak_ptr<Line>> lines_;  // the next one to serve is in front
  Scheduler::Timer timer_ = 0;
};

}  // namespace taubenpost::localnet

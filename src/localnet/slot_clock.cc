#include "localnet/slot_clock.h"

#include <algorithm>
#include <utility>

namespace taubenpost::localnet {

SlotClock::SlotClock(Scheduler& scheduler, Random& random, const Knobs& knobs, Audit& audit)
    : scheduler_(scheduler), random_(random), knobs_(knobs), audit_(audit) {
  start();
}

SlotClock::~SlotClock() { scheduler_.cancel(timer_); }

SlotClock::LinePtr SlotClock::make_line() {
  std::erase_if(lines_, [](const auto& line) { return line.expired(); });
  auto line = std::make_shared<Line>();
  lines_.push_back(line);
  return line;
}

void SlotClock::wait(const LinePtr& line, Turn turn, Send send) {
  if (knobs_.slot_rate <= 0 && line->is_open && !knobs_.gateway_down) {
    send();
    return;
  }
  (turn == Turn::kFresh ? line->fresh : line->follow_ups).push_back(std::move(send));
}

void SlotClock::set_open(Line& line, bool is_open) {
  line.is_open = is_open;
  if (knobs_.slot_rate <= 0) drain(line);
}

void SlotClock::start() {
  scheduler_.cancel(std::exchange(timer_, 0));
  if (knobs_.slot_rate <= 0) {
    for (const auto& weak : lines_)
      if (const LinePtr line = weak.lock()) drain(*line);
    return;
  }
  timer_ = scheduler_.after(random_.exponential(knobs_.slot_rate), [this] {
    slot();
    start();
  });
}

// The first packet of a line that is still wanted.
bool SlotClock::serve(Line& line) const {
  if (!line.is_open || knobs_.gateway_down) return false;
  for (auto* queue : {&line.follow_ups, &line.fresh})
    while (!queue->empty()) {
      const Send send = std::move(queue->front());
      queue->pop_front();
      if (send()) return true;
    }
  return false;
}

void SlotClock::slot() {
  if (knobs_.gateway_down) return;
  ++audit_.slots;
  for (std::size_t tried = 0; tried < lines_.size(); ++tried) {
    std::rotate(lines_.begin(), lines_.begin() + 1, lines_.end());
    const LinePtr line = lines_.back().lock();
    if (line == nullptr || !serve(*line)) continue;
    ++audit_.slots_used;
    return;
  }
}

// Nothing waits any more when there are no slots.
void SlotClock::drain(Line& line) const {
  while (serve(line)) {
  }
}

}  // namespace taubenpost::localnet

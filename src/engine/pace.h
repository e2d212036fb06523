// Pace: how long the network takes, measured as one engine goes on, and when to ask about a copy.
//
// Each look at a copy is a packet, and can't tell "still running" from "lost". So a look waits
// about as long as a write takes, and the next one comes when the copy should be over by the pace
// of the copies before it. Nothing durable, nothing that a restart needs.
#pragma once

#include <cstdint>

namespace taubenpost {

class Pace {
 public:
  // A write had its answer after so long, its wait for a slot included.
  void wrote(std::uint64_t took_ms);
  // The `looks`-th look at a copy of so many boxes, so long after its issue, found it over.
  void copied(std::uint32_t boxes, std::uint64_t took_ms, unsigned looks);

  // Of a copy that was issued `since_ms` ago: how long a look waits for the answer, and how long
  // after a look the next one comes.
  std::uint64_t look_ms(std::uint64_t since_ms) const;
  std::uint64_t pause_ms(std::uint32_t boxes, std::uint64_t since_ms) const;

 private:
  std::uint64_t write_ms_ = 0;     // smoothed; 0: none was measured
  std::uint64_t box_time_us_ = 0;  // of a copy, for each box; 0: none was measured
};

}  // namespace taubenpost

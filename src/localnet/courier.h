// A courier of the local network (pigeonhole 6): envelope cache, dispatch, copy commands.
//
// All state is in memory and dies with the object, as a real courier's does with its process.
// Beyond the specified ageing, the cache is bounded in bytes: the oldest entries go first, which
// only means that a very late repeat of an envelope is dispatched afresh.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "bacap/geometry.h"
#include "localnet/audit.h"
#include "localnet/copy_job.h"
#include "localnet/knobs.h"
#include "localnet/replica_port.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

class Courier {
 public:
  // Constants of pigeonhole 6.1.
  static constexpr Milliseconds kCacheAge{5 * 60'000};
  static constexpr Milliseconds kRedispatchGrace{30'000};
  static constexpr int kRedispatchMax = 5;
  static constexpr Milliseconds kCopyResultAge{30 * 60'000};
  // Ours.
  static constexpr std::size_t kCacheBytes = 16U << 20;
  static constexpr std::size_t kCopiesMax = 4096;  // known copy commands, running or ended

  // All but the geometry outlive the courier. `position` is the one that it counts at.
  Courier(Scheduler& scheduler, ReplicaPort& replicas, Audit& audit,
          const bacap::Geometry& geometry, const Knobs& knobs, std::size_t position = 0);
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  // Handles a serialised courier_query; returns the serialised courier_query_reply, or nothing
  // where a courier stays silent (a query that does not parse, too many copies).
  std::optional<Bytes> handle(ByteView query);

  std::size_t cached_envelopes() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace taubenpost::localnet

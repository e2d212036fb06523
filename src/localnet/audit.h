// Counters of what happened in the network, for tests and for `ctl audit`: of all couriers and
// replicas together, and of each.
//
// Counted since the process started. Replica results are counted per message that an envelope
// brought to a shard; since two intermediates carry each envelope, one client write counts twice.
// Replication between shards is not counted.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "localnet/network_size.h"

namespace taubenpost::localnet {

inline constexpr std::size_t kReplicaCodes = 12;  // pigeonhole 3.4: 0 to 11

struct CourierCounters {
  std::uint64_t packets = 0;  // from clients, polls included, also to a courier that is down
  std::uint64_t copies_started = 0;
  std::uint64_t copies_succeeded = 0;
  std::map<std::uint8_t, std::uint64_t> copies_failed;  // by replica code, 0: courier or transport
};

struct ReplicaCounters {
  using ByCode = std::array<std::uint64_t, kReplicaCodes>;

  std::uint64_t messages = 0;  // halves of envelopes from couriers
  ByCode writes{};             // data writes; [10] are the conflicting ones
  ByCode tombstones{};
  ByCode reads{};                  // client reads, and a courier's reads of temporary boxes
  std::uint64_t boxes_stored = 0;  // first data write of a box, replication included
};

struct Audit : CourierCounters, ReplicaCounters {
  explicit Audit(const NetworkSize& size = {})
      : couriers(size.couriers()), replicas(size.replicas()) {}

  std::uint64_t retransmissions = 0;  // packets sent again because no answer came
  std::uint64_t slots = 0;            // of the slot clock, if there is one
  std::uint64_t slots_used = 0;       // of these: with a client's packet
  std::uint64_t envelopes_built = 0;
  std::vector<CourierCounters> couriers;  // by position
  std::vector<ReplicaCounters> replicas;  // by id

  // Counts in the sum as well: `count` is called with the counters of both.
  template <class Count>
  void at_courier(std::size_t position, Count count) {
    count(static_cast<CourierCounters&>(*this));
    count(couriers.at(position));
  }
  template <class Count>
  void at_replica(std::size_t id, Count count) {
    count(static_cast<ReplicaCounters&>(*this));
    count(replicas.at(id));
  }

  std::string to_json() const;
  // The same in the text format of Prometheus.
  std::string to_prometheus() const;
};

}  // namespace taubenpost::localnet

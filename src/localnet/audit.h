// Counters of what happened in the network, for tests and for `ctl audit`.
//
// Counted since the process started. Replica results are counted per message that an envelope
// brought to a shard; since two intermediates carry each envelope, one client write counts twice.
// Replication between shards is not counted.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

namespace taubenpost::localnet {

inline constexpr std::size_t kReplicaCodes = 12;  // pigeonhole 3.4: 0 to 11

struct Audit {
  using ByCode = std::array<std::uint64_t, kReplicaCodes>;

  std::uint64_t packets = 0;          // client packets to couriers, polls included
  std::uint64_t retransmissions = 0;  // of these: sent again because no answer came
  std::uint64_t slots = 0;            // of the slot clock, if there is one
  std::uint64_t slots_used = 0;       // of these: with a client's packet
  ByCode writes{};                    // data writes; [10] are the conflicting ones
  ByCode tombstones{};
  ByCode reads{};                  // client reads, and a courier's reads of temporary boxes
  std::uint64_t boxes_stored = 0;  // first data write of a box at a shard, replication included
  std::uint64_t envelopes_built = 0;
  std::uint64_t copies_started = 0;
  std::uint64_t copies_succeeded = 0;
  std::map<std::uint8_t, std::uint64_t> copies_failed;  // by replica code, 0: courier or transport

  std::string to_json() const;
  // The same in the text format of Prometheus.
  std::string to_prometheus() const;
};

}  // namespace taubenpost::localnet

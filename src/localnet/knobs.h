// What a local network can be told to do differently, when it starts or while it runs
// (pigeonhole 11.3).
//
// The defaults are every rule of the real daemon, courier and replica, without limits, delays and
// faults. Whoever acts on a knob reads it when it acts: a change takes effect at the next step.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace taubenpost::localnet {

using Milliseconds = std::chrono::milliseconds;

// Providers of a service that is on all service nodes.
inline constexpr std::uint8_t kEveryNode = 255;

// What a courier does with a temporary sequence after a copy that succeeded (pigeonhole 6.6.4).
enum class TempCleanup : std::uint8_t {
  kPseudo,  // full-size boxes of an empty message, which shards that have the box refuse
  kReal,    // tombstones
  kNone,
};
// What an answer that was fetched from another replica is encrypted with (pigeonhole 8.6).
enum class ProxiedReplyKey : std::uint8_t { kCurrentEpoch, kMatchingEpoch };

// Rates are events per millisecond, as in PKI documents; 0: no waiting. Losses are probabilities.
struct Knobs {
  // --- the daemon ---
  Milliseconds copy_poll{5'000};           // between polls of a copy command
  Milliseconds not_found_poll{1'000};      // between looks at a missing box, without slots
  Milliseconds retransmit{20'000};         // answer deadline of a packet, beyond its round trip
  Milliseconds resume_grace{10 * 60'000};  // a dropped session can be resumed
  Milliseconds broadcast_release{5'000};   // a connection without session_token
  Milliseconds farewell{100};              // from shutdown_event to the end of the stream
  double slot_rate = 0;                    // LambdaP: packets of all clients together
  Milliseconds encrypt_time{0};            // of one envelope, on its connection
  Milliseconds decrypt_time{0};            // of one answer, one after the other for all clients
  bool gateway_down = false;               // no link to the mixnet (gateway_link.h)

  // --- the mixnet ---
  double hop_rate = 0;  // Mu: delay at each hop
  double request_loss = 0;
  double reply_loss = 0;

  // --- couriers, by position ---
  double link_rate = 0;          // LambdaR: between couriers and replicas, and between replicas
  Milliseconds courier_time{0};  // of a courier for a temporary box: to ask for it and to open it
  TempCleanup temp_cleanup = TempCleanup::kPseudo;
  std::set<std::uint8_t> courier_down{};
  std::set<std::uint8_t> courier_unlisted{};  // not in the directory, which is no reason to be down

  // --- services beside the couriers, on the first so many service nodes. Only echo answers. ---
  std::map<std::string, std::uint8_t> services{{"echo", kEveryNode}};

  // --- replicas, by id ---
  Milliseconds replica_time{0};  // of a replica for a message: to open it and to seal the answer
  std::set<std::uint8_t> replica_down{};    // have left the directory
  std::set<std::uint8_t> replica_silent{};  // are in it, and nothing reaches them or leaves them
  std::set<std::uint8_t> storage_full{};
  Milliseconds replication_delay{0};
  double replication_loss = 0;
  ProxiedReplyKey proxied_reply_key = ProxiedReplyKey::kCurrentEpoch;
};

}  // namespace taubenpost::localnet

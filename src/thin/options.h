// How a client is set up, and what its calls take.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/bytes.h"
#include "thin/config.h"
#include "thin/results.h"

namespace taubenpost::thin {

// How long one call may take, in milliseconds, waiting for a connection included.
using Limit = std::chrono::milliseconds;
// Stands for the default of the call: local calls 60 s, and 10 s more for each envelope that they
// build (thin-protocol 8.6); connect 2 min; messages 10 min; starts 30 min.
inline constexpr Limit kDefaultLimit{-1};

// Waits of the connection itself. Defaults are the product's; tests make them short.
struct Timing {
  Limit dial{10'000};
  // Status and document events: the daemon may wait 30 s for a document, for one client after the
  // other.
  Limit greeting{90'000};
  Limit session_reply{10'000};
  // A resumed session that does not answer this fast is given up for a new one (thin-protocol 2.6).
  Limit resume_probe{5'000};
  Limit backoff_min{1'000};
  Limit backoff_max{60'000};
  // A start that is silent for so long is cancelled and started again; 0: ten times the expected
  // round trip of the current document (thin-protocol 6.9).
  Limit restart_silent{0};
};

// What a client is made with. Only the address has no default.
struct Options {
  DialAddress address;  // where the daemon listens: load_config(), parse_address()
  Timing timing;
  // Starts and messages at the daemon at one time; the rest wait in the client. The daemon's queue
  // holds 16.
  std::uint32_t starts_max = 16;
};

// How a write ends (thin-protocol 6.3).
struct WriteOptions {
  // Success means that a replica stored it, and a taken box is told (kTaken); costs a second packet
  // or more. Otherwise success means that a courier took it.
  bool confirmed = false;
};
// How a read of an empty box ends (thin-protocol 6.3).
struct ReadOptions {
  // Answer kNotFound as soon as a replica says so; otherwise the daemon asks until the box appears.
  bool report_missing = true;
};

// One destination of a builder call. The views must live until the call has returned.
struct Destination {
  ByteView payload{};  // 1 to 10,485,760 bytes; all destinations of a call together 16 MiB
  const WriteCap* write_cap = nullptr;  // of the destination's sequence
  BoxIndex start{};                     // its first box that is written
};
// Where a builder call stands in its copy stream (thin-protocol 3.14).
struct StreamPart {
  bool is_start = false;  // first call of the stream
  bool is_last = false;   // last call of the stream
  ByteView buffer{};      // `buffer` of the previous call; empty for the first
};

}  // namespace taubenpost::thin

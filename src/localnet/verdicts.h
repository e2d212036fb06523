// What daemon and courier make of a code: pure decisions (thin-protocol 6.1,
// pigeonhole 3.4, 6.6.1).
#pragma once

#include <cstdint>

#include "bacap/wire.h"
#include "wire/errors.h"

namespace taubenpost::localnet {

// A courier's own code for an envelope, as the client sees it; unknown ones are an invalid
// envelope.
wire::ThinCode thin_code(std::uint8_t courier_code);

// What the daemon does with a code of a replica.
enum class ReplicaVerdict : std::uint8_t {
  kAskAgain,  // a missing box is waited for
  kSuccess,   // the box exists: taken for a repeat of this write
  kReturn,    // the code is the client's answer
};
struct ReplicaFlags {
  bool is_read = false;
  bool no_retry_on_box_id_not_found = false;
  bool no_idempotent_box_already_exists = false;
};
ReplicaVerdict judge(bacap::ReplicaCode code, ReplicaFlags flags);

// Whether a copy that reads a temporary box takes the code for a passing condition; any other code
// sends it to the next shard at once.
bool is_temporary_for_copy(bacap::ReplicaCode code);

}  // namespace taubenpost::localnet

// What a courier does with a temporary sequence after a copy that succeeded (pigeonhole 6.6.4).
//
// Box after box, a step at a time on the scheduler; nobody waits for it and nobody is told.
#pragma once

#include <cstdint>

#include "bacap/geometry.h"
#include "base/bytes.h"
#include "localnet/knobs.h"
#include "localnet/replica_port.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

// `write_cap` as in the copy command; `boxes` were read from its index on. Scheduler and port
// outlive the work.
void clean_up(Scheduler& scheduler, ReplicaPort& replicas, const bacap::Geometry& geometry,
              ByteView write_cap, std::uint64_t boxes, TempCleanup how);

}  // namespace taubenpost::localnet

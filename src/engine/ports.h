// Everything that the engine uses from the outside, in one bundle that is passed by reference.
// The owner (the program, a test, the simulator) keeps all of it alive longer than any job.
#pragma once

#include "ports/clock.h"
#include "ports/files.h"
#include "ports/network.h"
#include "ports/store.h"

namespace taubenpost {

struct EnginePorts {
  ports::Store& store;
  ports::Network& network;
  ports::Files& files;
  ports::Clock& clock;
  ports::Random& random;
};

// Without a daemon for so long the engine stops; jobs stay as they are.
inline constexpr std::uint64_t kDaemonLimitMs = 30'000;

// Sizes and limits of the engine. Defaults are the product's; tests make them small.
struct EngineOptions {
  std::uint32_t slice_chunks = 8;    // chunks of one builder call
  std::uint32_t batch_chunks = 128;  // chunks of one copy command, at most
  std::uint32_t write_window = 16;   // element writes in flight, of all jobs
  std::uint32_t read_window = 16;    // body reads in flight of one receive job
  std::uint32_t active_batches = 8;  // of one job: one or two upload, the others are being copied
};

}  // namespace taubenpost

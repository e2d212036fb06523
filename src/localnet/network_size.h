// How many couriers and replicas a network has.
//
// At least two replicas, because a box is kept by two; at most 64, because each client gets a
// document with six hundred bytes of each, and each box is ranked on all of them. At most 16
// couriers, because each may keep 16 MiB of envelopes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.h"

namespace taubenpost::localnet {

class NetworkSize {
 public:
  // The usual network.
  NetworkSize() = default;
  // Errors: kUsage.
  static Result<NetworkSize> make(std::uint64_t replicas, std::uint64_t couriers);

  // Replicas have ids from 0, couriers positions from 0.
  std::size_t replicas() const { return replicas_; }
  // Each is on a service node of its own.
  std::size_t couriers() const { return couriers_; }

 private:
  std::size_t replicas_ = 5;
  std::size_t couriers_ = 3;
};

}  // namespace taubenpost::localnet

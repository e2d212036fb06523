#include "localnet/network_size.h"

#include <string>

namespace taubenpost::localnet {
namespace {

Status check(std::uint64_t number, const std::string& what, std::uint64_t least,
             std::uint64_t most) {
  if (number >= least && number <= most) return ok();
  return error(
      Errc::kUsage, "localnet: " + std::to_string(number) + " " + what + " are not possible",
      "a network has " + std::to_string(least) + " to " + std::to_string(most) + " of them");
}

}  // namespace

Result<NetworkSize> NetworkSize::make(std::uint64_t replicas, std::uint64_t couriers) {
  TP_TRY(check(replicas, "replicas", 2, 64));
  TP_TRY(check(couriers, "couriers", 1, 16));
  NetworkSize size;
  size.replicas_ = replicas;
  size.couriers_ = couriers;
  return size;
}

}  // namespace taubenpost::localnet

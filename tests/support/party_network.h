// The local network's model for a few parties (party.h): virtual time, no trouble, boxes on disk.
#pragma once

#include <memory>

#include "localnet/random.h"
#include "localnet_testing.h"
#include "support/party.h"

namespace taubenpost {

struct PartyNetwork {
  VirtualClock clock;
  VirtualScheduler scheduler{clock};
  TempFolder boxes;
  std::unique_ptr<localnet::Random> chance = localnet::seeded_random(1);
  localnet::Network network{scheduler, *chance, localnet::test_directory(),
                            localnet::test_boxes(boxes.path()), localnet::Knobs{}};
};

}  // namespace taubenpost

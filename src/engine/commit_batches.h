// Which batches carry the letters of a commit.
#pragma once

#include <vector>

#include "ports/store.h"

namespace taubenpost {

// Adds to `step`: batches for the letters of these recipients (ascending), each a run of
// neighbours. The job has no other batches of a commit.
void add_commit_batches(ports::Transaction& step, JobId job,
                        const std::vector<RecipientIndex>& recipients);

}  // namespace taubenpost

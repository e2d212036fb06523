// Which batches carry the letters of a commit.
#pragma once

#include <vector>

#include "ports/store.h"

namespace taubenpost {

// Adds to `step`: batches for the letters of these recipients (ascending), each a run of
// neighbours; none if the job's letters are written each on its own. The job has no other batches
// of a commit.
void add_commit_batches(ports::Transaction& step, const SendJobRow& job,
                        const std::vector<RecipientIndex>& recipients);

}  // namespace taubenpost

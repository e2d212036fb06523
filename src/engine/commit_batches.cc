#include "engine/commit_batches.h"

#include <utility>

namespace taubenpost {
namespace {

constexpr std::uint32_t kLettersPerBatch = 256;

}  // namespace

void add_commit_batches(ports::Transaction& step, const SendJobRow& job,
                        const std::vector<RecipientIndex>& recipients) {
  if (job.commit == Way::kDirect) return;
  std::uint32_t number = kFirstCommitBatch;
  for (std::size_t at = 0; at < recipients.size();) {
    BatchRow batch;
    batch.job = job.id;
    batch.index = BatchIndex{number++};
    batch.first = recipients[at].value();
    while (at < recipients.size() && batch.count < kLettersPerBatch &&
           recipients[at].value() == batch.first + batch.count) {
      ++batch.count;
      ++at;
    }
    step.create(std::move(batch));
  }
}

}  // namespace taubenpost

#include "engine/send_shared.h"

#include <algorithm>

namespace taubenpost {
namespace asio = boost::asio;
namespace {

// Of the first in rank, for each of another.
constexpr std::uint64_t kTurnsOfFirst = 8;

}  // namespace

Status SendShared::keep_rate(const ports::Store& store, ports::Transaction& step) {
  const Result<StoreIdentityRow> identity = store.identity();
  if (!identity) return identity.error();
  if (const auto rate = upload_rate.take(identity->upload_rate)) step.upload_rate(*rate);
  return ok();
}

JobShare::JobShare(const SendShared& shared, SharedWrites& writes, std::int64_t rank,
                   std::uint32_t window, Resting resting)
    : uploads_(shared.executor, kUploadingBatches),
      window_(shared.executor, window == 0 ? writes.window : window),
      writes_(writes),
      rank_(rank),
      rests_(resting) {}

asio::awaitable<WritePermit> JobShare::next_write() {
  Permit of_job = co_await Permit::acquire(window_);
  const bool is_first = writes_.ranks.empty() || rank_ <= *writes_.ranks.begin();
  // A job that has not written for a while has no turns saved up.
  asked_ = std::max(asked_, writes_.served) + (is_first ? 1 : kTurnsOfFirst);
  const std::uint64_t turn = asked_;
  Permit of_all = co_await Permit::acquire(writes_.permits, turn);
  writes_.served = std::max(writes_.served, turn);
  WritePermit permit{std::move(of_job), std::move(of_all)};
  co_return permit;
}

asio::awaitable<void> JobShare::rest(ports::Clock& clock, std::chrono::milliseconds duration) {
  count(0, 1);
  co_await clock.sleep(duration);
  count(0, -1);
}

void JobShare::count(int batches, int resting) {
  const bool was_at_work = batches_ > 0, was_resting = was_at_work && resting_ == batches_;
  batches_ += batches;
  resting_ += resting;
  const bool is_at_work = batches_ > 0, is_resting = is_at_work && resting_ == batches_;
  if (is_at_work && !was_at_work) writes_.ranks.insert(rank_);
  if (!is_at_work && was_at_work) writes_.ranks.extract(rank_);
  if (rests_ == Resting::kKeepsPlace) return;
  if (is_resting && !was_resting) ++writes_.resting_jobs;
  if (!is_resting && was_resting) --writes_.resting_jobs;
}

}  // namespace taubenpost

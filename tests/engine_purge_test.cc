// Forgetting what is over: jobs by their age, positions of the inbox when they can matter no more.
#include <gtest/gtest.h>

#include "engine/end_send.h"
#include "engine/purge.h"
#include "support/send_world.h"
#include "support/store_commit.h"
#include "support/store_rows.h"

namespace taubenpost {
namespace {

namespace rows = store_rows;
using ports::Transaction;

constexpr std::uint64_t kDay = 86'400;

class EnginePurgeTest : public testing::Test {
 protected:
  std::uint64_t now() const { return world.clock.unix_ms() / 1000; }
  PurgeSummary purge(std::uint64_t before) {
    const Result<PurgeSummary> done = world.run(purge_ended(world.ports(), before));
    EXPECT_TRUE(done) << done.error().what;
    return done ? *done : PurgeSummary{};
  }
  void store(Transaction transaction) {
    const Status done = world.run(world.store->commit(std::move(transaction)));
    ASSERT_TRUE(done) << done.error().what;
  }

  SendWorld world;
};

TEST_F(EnginePurgeTest, SendJobs_GoByTheirEndAndNotByTheirAge) {
  world.channel("anna");
  const JobId posted = world.queue_bytes("posted", 10, {"anna"});
  ASSERT_TRUE(world.run_engine());
  const JobId cancelled = world.queue_bytes("cancelled", 10, {"anna"});
  const JobId waiting = world.queue_bytes("waiting", 10, {"anna"});
  world.let_pass(std::chrono::hours(24));
  ASSERT_TRUE(world.run(cancel_send(world.ports(), cancelled)));
  EXPECT_EQ(purge(world.job(posted).finished).send_jobs, 0U);
  EXPECT_EQ(purge(now()).send_jobs, 1U);
  EXPECT_FALSE(world.store->send_job(posted));
  EXPECT_TRUE(world.store->journal(posted)->empty());
  EXPECT_TRUE(world.store->recipients(posted)->empty());
  EXPECT_EQ(purge(now() + 1).send_jobs, 1U);
  EXPECT_EQ(*world.store->send_jobs(), std::vector{waiting});
  ASSERT_TRUE(world.run_engine());
  EXPECT_EQ(world.job(waiting).state, SendState::kPosted);
}

TEST_F(EnginePurgeTest, ReceivedLetter_IsToldApartForFourWeeks) {
  ReceiveJobRow placed = rows::receive_job();
  placed.state = ReceiveState::kPlaced;
  placed.counter = 3;
  placed.finished = now() - 5 * kDay;
  ReceiveJobRow fetching = rows::receive_job(rows::kOtherJob);
  fetching.counter = 4;
  InboxRow letter = rows::inbox(3);
  InboxRow other = rows::inbox(4);
  other.job = rows::kOtherJob;
  other.transfer = rows::kOtherJob;
  InboxRow tombstone = rows::inbox(5, InboxKind::kRetracted);
  letter.seen = other.seen = tombstone.seen = now();
  store(Transaction()
            .create(rows::channel())
            .create(placed)
            .create(fetching)
            .create(letter)
            .create(other)
            .create(tombstone));
  const PurgeSummary first = purge(now() - kDay);
  EXPECT_EQ(first.receive_jobs, 1U);
  EXPECT_EQ(first.positions, 0U);
  EXPECT_TRUE(world.store->inbox_transfer(rows::kChannel, rows::kTransfer)->has_value());
  world.let_pass(std::chrono::hours(24 * 29));
  EXPECT_EQ(purge(now()).positions, 2U);
  EXPECT_EQ(world.store->inbox(rows::kChannel)->size(), 1U) << "its job goes on";
  EXPECT_FALSE(world.store->inbox_transfer(rows::kChannel, rows::kTransfer)->has_value());
  EXPECT_EQ(*world.store->receive_jobs(), std::vector{rows::kOtherJob});
}

TEST_F(EnginePurgeTest, LetterWhoseJobFailed_IsForgottenWithIt) {
  ReceiveJobRow failed = rows::receive_job();
  failed.state = ReceiveState::kFailed;
  failed.counter = 3;
  InboxRow letter = rows::inbox(3);
  letter.seen = failed.finished = now();
  store(Transaction().create(rows::channel()).create(failed).create(letter));
  EXPECT_EQ(purge(now() + 1).receive_jobs, 1U);
  EXPECT_TRUE(world.store->inbox(rows::kChannel)->empty());
  EXPECT_FALSE(world.store->inbox_transfer(rows::kChannel, rows::kTransfer)->has_value());
}

TEST_F(EnginePurgeTest, LongInbox_IsForgottenInSeveralSteps) {
  Transaction step;
  step.create(rows::channel());
  for (std::uint64_t i = 0; i < 2'500; ++i) {
    InboxRow row = rows::inbox(i, InboxKind::kRetracted);
    row.seen = now();
    step.create(row);
  }
  store(std::move(step));
  world.let_pass(std::chrono::hours(24 * 60));
  EXPECT_EQ(purge(now()).positions, 2'500U);
  EXPECT_TRUE(world.store->inbox(rows::kChannel)->empty());
}

}  // namespace
}  // namespace taubenpost

// The commit thread: shared syncs, executors, and disks that fail or are full.
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <boost/asio/post.hpp>
#include <thread>

#include "store/committer.h"
#include "store/reserve.h"
#include "support/store_dir.h"
#include "support/store_fault_fs.h"
#include "support/store_rows.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;
namespace rows = store_rows;
using ports::Transaction;

class StoreCommit : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(dir.create());
    reopen();
  }
  void reopen() {
    store.reset();
    Result<std::unique_ptr<RocksStore>> opened = dir.open(env.get());
    ASSERT_TRUE(opened) << opened.error().what;
    store = std::move(*opened);
  }
  Transaction note(std::uint64_t time_ms) {
    return Transaction().note(rows::kJob, time_ms, "note");
  }
  // Gives `transaction` to the store from a coroutine of `io`, and lets it get as far as it can.
  void start(Transaction transaction, std::optional<Status>* outcome) {
    asio::co_spawn(io, commit_into(store.get(), std::move(transaction), outcome), rethrow);
    io.poll();
  }

  StoreDir dir;
  FaultControl control;
  std::unique_ptr<rocksdb::Env> env =
      rocksdb::NewCompositeEnv(std::make_shared<FaultFs>(rocksdb::FileSystem::Default(), control));
  asio::io_context io{1};
  std::unique_ptr<RocksStore> store;
};

TEST_F(StoreCommit, TransactionsThatArriveDuringASync_ShareTheNextOne) {
  constexpr std::size_t kMany = 200;
  std::vector<std::optional<Status>> outcomes(kMany);
  control.close_gate();
  start(note(0), &outcomes[0]);
  control.wait_until_somebody_waits();
  const int syncs_before = control.syncs;
  for (std::size_t i = 1; i < kMany; ++i) start(note(i), &outcomes[i]);
  control.open_gate();
  io.run();
  EXPECT_EQ(control.syncs - syncs_before, 1) << "one for all that waited";
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.has_value() && *outcome);
  reopen();
  EXPECT_EQ(store->journal(rows::kJob)->size(), kMany);
}

TEST_F(StoreCommit, ConflictInAGroup_LeavesTheOthersWhole) {
  ASSERT_TRUE(commit_now(*store, Transaction().create(rows::send_job())));
  std::vector<std::optional<Status>> outcomes(5);
  control.close_gate();
  start(note(0), &outcomes[0]);
  control.wait_until_somebody_waits();
  // Two changes decided on the same revision: the first wins, the second must see that.
  SendJobRow first = rows::send_job();
  first.next_batch = 50;
  SendJobRow second = rows::send_job();
  second.next_batch = 60;
  SendJobRow third = rows::send_job();
  third.revision = 1;
  third.next_batch = 70;
  start(Transaction().update(first).create(rows::batch(BatchIndex{1})), &outcomes[1]);
  start(Transaction().create(rows::batch(BatchIndex{2})).note(rows::kJob, 0, "lost").update(second),
        &outcomes[2]);
  start(Transaction().update(third), &outcomes[3]);
  start(Transaction().create(rows::batch(BatchIndex{2})), &outcomes[4]);
  control.open_gate();
  io.run();
  EXPECT_TRUE(*outcomes[1]);
  EXPECT_EQ(code_of(*outcomes[2]), Errc::kStateConflict);
  EXPECT_TRUE(*outcomes[3]) << "decided on what the first had written";
  EXPECT_TRUE(*outcomes[4]) << "nothing of the refused transaction stayed";
  reopen();
  EXPECT_EQ(store->send_job(rows::kJob)->next_batch, 70U);
  EXPECT_EQ(store->batches(rows::kJob)->size(), 2U);
  EXPECT_EQ(store->journal(rows::kJob)->size(), 1U);
}

TEST_F(StoreCommit, Await_ResumesOnItsOwnThreadAndSeesItsWrite) {
  std::optional<std::thread::id> resumed;
  std::optional<Status> outcome;
  asio::co_spawn(io, commit_into(store.get(), note(1), &outcome),
                 [&](std::exception_ptr) { resumed = std::this_thread::get_id(); });
  io.run();  // returns only when the commit is over: its work is kept
  EXPECT_EQ(resumed, std::this_thread::get_id());
  EXPECT_EQ(store->journal(rows::kJob)->size(), 1U);
}

TEST_F(StoreCommit, StoreDestroyedWithAQueue_FinishesIt) {
  std::vector<std::optional<Status>> outcomes(3);
  control.close_gate();
  start(note(0), &outcomes[0]);
  control.wait_until_somebody_waits();
  start(note(1), &outcomes[1]);
  start(note(2), &outcomes[2]);
  control.open_gate();
  store.reset();
  io.run();
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.has_value() && *outcome);
  reopen();
  EXPECT_EQ(store->journal(rows::kJob)->size(), 3U);
}

TEST_F(StoreCommit, CommitFromAnotherContext_ComesBackToIt) {
  asio::io_context other(1);
  std::optional<Status> one, two;
  asio::co_spawn(io, commit_into(store.get(), note(1), &one), rethrow);
  asio::co_spawn(other, commit_into(store.get(), note(2), &two), rethrow);
  io.run();
  EXPECT_TRUE(one.has_value());
  EXPECT_FALSE(two.has_value());
  other.run();
  EXPECT_TRUE(two.has_value() && *two);
}

TEST_F(StoreCommit, FailedWrite_StopsTheStore) {
  ASSERT_TRUE(commit_now(*store, note(1)));
  control.disk = Disk::kFails;
  EXPECT_EQ(code_of(commit_now(*store, note(2))), Errc::kStoreIo);
  control.disk = Disk::kWorks;
  EXPECT_EQ(code_of(commit_now(*store, note(3))), Errc::kStoreIo) << "not to be trusted again";
  EXPECT_EQ(code_of(store->journal(rows::kJob)), Errc::kStoreIo);
  EXPECT_EQ(code_of(store->identity()), Errc::kStoreIo);
  EXPECT_EQ(code_of(store->unacknowledged(rows::kJob, rows::kBatch, rows::kGeneration)),
            Errc::kStoreIo);
  EXPECT_EQ(code_of(store->inbox_transfer(rows::kChannel, rows::kTransfer)), Errc::kStoreIo);
  reopen();
  EXPECT_EQ(store->journal(rows::kJob)->size(), 1U);
}

TEST_F(StoreCommit, LittleSpace_RefusesNewRowsAndLetsWorkEnd) {
  ASSERT_TRUE(commit_now(*store, Transaction().create(rows::batch()).create(rows::element(1))));
  control.free_space = kSpaceToCreate - 1;
  EXPECT_EQ(code_of(commit_now(*store, Transaction().create(rows::send_job()))), Errc::kDiskFull);
  ASSERT_TRUE(commit_now(*store, Transaction()
                                     .move(rows::batch(), BatchEvent::kRespin)
                                     .drop_elements(rows::kJob, rows::kBatch)));
  control.free_space = kSpaceToChange - 1;
  EXPECT_EQ(code_of(commit_now(*store, note(1))), Errc::kDiskFull);
  EXPECT_EQ(store->batch(rows::kJob, rows::kBatch)->state, BatchState::kPlanned);
  control.free_space = kSpaceToCreate;
  EXPECT_TRUE(commit_now(*store, Transaction().create(rows::send_job())));
}

class StoreFull : public StoreCommit, public testing::WithParamInterface<Disk> {};

TEST_P(StoreFull, WriteThatFoundNoSpace_EndsCommitsAndKeepsReading) {
  ASSERT_TRUE(commit_now(*store, note(1)));
  control.disk = GetParam();
  EXPECT_EQ(code_of(commit_now(*store, note(2))), Errc::kDiskFull);
  control.disk = Disk::kWorks;
  EXPECT_EQ(code_of(commit_now(*store, note(3))), Errc::kDiskFull) << "until the next start";
  EXPECT_EQ(store->journal(rows::kJob)->size(), 1U);
  reopen();
  ASSERT_TRUE(commit_now(*store, note(4)));
  const auto notes = store->journal(rows::kJob);
  ASSERT_TRUE(notes);
  EXPECT_EQ(notes->front().time_ms, 1U);
  EXPECT_EQ(notes->back().time_ms, 4U);
  for (const JournalRow& note : *notes) EXPECT_NE(note.time_ms, 3U) << "was never written";
}

INSTANTIATE_TEST_SUITE_P(Writes, StoreFull, testing::Values(Disk::kFull, Disk::kFullAtSync));

TEST_F(StoreCommit, DiskWithoutSpaceToOpen_CanBeReadUntilThereIsSome) {
  ASSERT_TRUE(commit_now(*store, note(1)));
  store.reset();
  control.disk = Disk::kFullForNewFiles;
  reopen();
  EXPECT_EQ(store->journal(rows::kJob)->size(), 1U);
  EXPECT_EQ(code_of(commit_now(*store, note(2))), Errc::kDiskFull);
  control.disk = Disk::kWorks;
  EXPECT_EQ(code_of(commit_now(*store, note(2))), Errc::kDiskFull) << "it was opened to look";
  EXPECT_EQ(store->journal(rows::kJob)->size(), 1U);
  reopen();
  EXPECT_TRUE(commit_now(*store, note(2)));
  EXPECT_EQ(store->journal(rows::kJob)->size(), 2U);
}

TEST_F(StoreCommit, ForgettingAJob_NeedsLessSpaceThanMakingOne) {
  SendJobRow ended = rows::send_job();
  ended.state = SendState::kPosted;
  ASSERT_TRUE(commit_now(*store, Transaction().create(ended).note(rows::kJob, 1, "posted")));
  control.free_space = kSpaceToCreate - 1;
  EXPECT_EQ(code_of(commit_now(*store, Transaction().create(rows::send_job(rows::kOtherJob)))),
            Errc::kDiskFull);
  EXPECT_TRUE(commit_now(*store, Transaction().forget(ended)));
}

TEST(StoreReserve, IsMadeOnceAndCompletedAndKeptWhereThereIsPlenty) {
  const StoreDir dir;
  if (std::filesystem::space(dir.root()).available < (256U << 20))
    GTEST_SKIP() << "the disk of this test has less than 256 MiB";
  const std::filesystem::path file = dir.root() / "reserve";
  keep_reserve(dir.root());
  EXPECT_EQ(std::filesystem::file_size(file), kReserveSize);
  std::filesystem::resize_file(file, 5);  // as a kill leaves it
  keep_reserve(dir.root());
  EXPECT_EQ(std::filesystem::file_size(file), kReserveSize);
  release_reserve(dir.root());
  EXPECT_TRUE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace taubenpost

// Who runs when: lanes, ranks, and the shares of those that upload at the same time.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <map>

#include "engine/ageing.h"
#include "engine/job_queue.h"
#include "engine/send_shared.h"
#include "engine/steer_send.h"
#include "support/send_world.h"

namespace taubenpost {
namespace {

using std::chrono::hours;
constexpr std::size_t kChunk = SendWorld::kChunk;

// ---- the queue alone ----

SendJobRow body(std::uint8_t id, std::uint64_t created, int priority = 0) {
  SendJobRow row;
  row.id = {id};
  row.created = created;
  row.priority = static_cast<std::int8_t>(priority);
  row.identity.size = 1 << 20;
  return row;
}
SendJobRow letter(std::uint8_t id, std::uint64_t created) {
  SendJobRow row = body(id, created);
  row.identity.size = 100;
  return row;
}
void add(JobQueue& queue, const SendJobRow& row) { queue.add(row, 1); }
std::string order(JobQueue& queue) {
  std::string ids;
  while (const std::optional<JobQueue::Turn> turn = queue.next()) {
    ids += static_cast<char>(turn->id[0]);
    queue.leave(turn->lane);
  }
  return ids;
}

TEST(JobQueueTest, OneLane_GoesByAgeLessAnHourForEachStepOfPriority) {
  JobQueue queue;
  add(queue, body('a', 10'000));
  add(queue, body('b', 10'001));
  add(queue, body('c', 10'000 + 3600, 1));       // as old as 'a'; ids decide
  add(queue, body('d', 10'000 + 3599, 1));       // a second older
  add(queue, body('e', 10'000 - 2 * 3600, -2));  // as old as 'a'
  add(queue, body('f', 10'002 + 9 * 3600, 9));
  EXPECT_EQ(order(queue), "dacebf");
  EXPECT_TRUE(queue.empty());
}

TEST(JobQueueTest, FullLane_HoldsUpNoOther) {
  JobQueue queue;
  for (std::uint8_t i = 0; i < 20; ++i) add(queue, body(i, i));
  for (std::uint8_t i = 0; i < 20; ++i) add(queue, letter(100 + i, i));
  std::map<Lane, int> taken;
  while (const std::optional<JobQueue::Turn> turn = queue.next()) ++taken[turn->lane];
  EXPECT_EQ(taken[Lane::kBodies], 2);
  EXPECT_EQ(taken[Lane::kLetters], 16);
  EXPECT_FALSE(queue.empty());
  queue.leave(Lane::kBodies);
  EXPECT_EQ(queue.next()->id[0], 2);
  EXPECT_FALSE(queue.next());
}

TEST(JobQueueTest, DecidedJob_GoesBeforeAll) {
  JobQueue queue;
  add(queue, letter('a', 1));
  SendJobRow decided = body('b', 100'000, -9);
  decided.state = SendState::kCommitting;
  add(queue, decided);
  EXPECT_EQ(order(queue), "ba");
}

TEST(JobQueueTest, JobThatMayNotBeginYet_IsDueAtItsTime) {
  JobQueue queue;
  SendJobRow row = letter('a', 1);
  row.not_before = 100;
  queue.add(row, 99);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.later(), 1U);
  EXPECT_TRUE(queue.due(99).empty());
  EXPECT_EQ(queue.due(100), std::vector<JobId>{row.id});
  EXPECT_EQ(queue.later(), 0U);
  queue.add(row, 100);
  EXPECT_EQ(order(queue), "a");
}

TEST(JobQueueTest, JobPastItsDeadline_LeavesTheLaneOfTheOthers) {
  JobQueue queue;
  add(queue, body('a', 1));
  add(queue, body('b', 2));
  SendJobRow row = body('c', 3);
  row.deadline = 100;
  queue.add(row, 50);
  EXPECT_TRUE(queue.needs_clock());
  while (queue.next()) continue;  // both places are taken
  EXPECT_EQ(queue.due(100), std::vector<JobId>{row.id});
  queue.add(row, 100);
  const std::optional<JobQueue::Turn> turn = queue.next();
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->id, row.id);
  EXPECT_EQ(turn->lane, Lane::kLetters);
}

TEST(JobQueueTest, PlacesThatAreLent_AreFewAndComeBack) {
  JobQueue queue;
  for (std::uint8_t i = 0; i < 20; ++i) add(queue, body(i, i));
  int taken = 0;
  while (queue.next(1000)) ++taken;
  EXPECT_EQ(taken, 10);
  for (int i = 0; i < 8; ++i) queue.leave(Lane::kBodies);
  EXPECT_FALSE(queue.next());  // two are still at work
  queue.leave(Lane::kBodies);
  EXPECT_TRUE(queue.next());
}

// ---- the engine ----

class EngineScheduleTest : public testing::Test {
 protected:
  void SetUp() override { world.channel("anna"); }
  JobId queue(const std::string& name, std::size_t size, int priority = 0) {
    return queue(name, size, SendRequest{.priority = priority});
  }
  JobId queue(const std::string& name, std::size_t size, SendRequest request) {
    request.sources = {world.file(name, SendWorld::pattern(size))};
    request.to = {"anna"};
    world.let_pass(std::chrono::seconds(1));  // none is as old as another
    const Result<JobId> id = world.run(enqueue_send(world.ports(), std::move(request)));
    TP_CHECK(id);
    return *id;
  }
  std::vector<JobId> queue_many(std::size_t count, std::size_t size, int priority = 0) {
    std::vector<JobId> ids;
    for (std::size_t i = 0; i < count; ++i)
      ids.push_back(queue("many" + std::to_string(i), size, priority));
    return ids;
  }
  void run_all(std::size_t finished) {
    const Result<RunSummary> summary = world.run_engine();
    ASSERT_TRUE(summary) << summary.error().what;
    EXPECT_EQ(summary->finished, finished);
  }
  std::ptrdiff_t posted_before(JobId id, const std::vector<JobId>& others) const {
    const std::uint64_t end = world.job(id).finished;
    return std::count_if(others.begin(), others.end(),
                         [&](const JobId& other) { return world.job(other).finished < end; });
  }
  // The writes of both while both have something to write.
  std::size_t share_of_first(int priority, int other_priority) {
    world.options.batch_chunks = 16;
    const JobId first = queue("first", 64 * kChunk, priority);
    queue("second", 64 * kChunk, other_priority);
    std::size_t seen = 0, mine = 0;
    world.network.on_write = [&](const ModelNetwork::WriteCall& call) {
      if (seen < 36) mine += call.job == first ? 1 : 0;
      ++seen;
      return std::optional<ModelNetwork::WriteFault>();
    };
    run_all(2);
    return mine;
  }

  std::uint64_t now() const { return world.clock.unix_ms() / 1000; }
  // Until `id` has ended, no write of the others is taken.
  void hold_up(std::vector<JobId> others, JobId id) {
    world.network.on_write = [this, others = std::move(others),
                              id](const ModelNetwork::WriteCall& call) {
      std::optional<ModelNetwork::WriteFault> fault;
      if (std::count(others.begin(), others.end(), call.job) > 0 && !has_ended(world.job(id).state))
        fault = ModelNetwork::WriteFault{false, ports::Outcome::kRetry};
      return fault;
    };
  }

  SendWorld world;
};

TEST_F(EngineScheduleTest, HighPriority_GoesBeforeAHundredThatWaitedLonger) {
  const std::vector<JobId> low = queue_many(100, kChunk + 1, -1);
  const JobId high = queue("high", kChunk + 1, 9);
  world.network.on_write = [&](const ModelNetwork::WriteCall&) {
    world.network.gone = world.network.gone_at_once = world.job(high).state == SendState::kPosted;
    return std::optional<ModelNetwork::WriteFault>();
  };
  EXPECT_EQ(world.run_engine().error().code, Errc::kDaemonGone);
  EXPECT_EQ(world.job(high).state, SendState::kPosted);
  const auto queued = std::count_if(low.begin(), low.end(), [&](const JobId& id) {
    return world.job(id).state == SendState::kQueued;
  });
  EXPECT_GE(queued, 95);  // but for the one beside it, and those that followed these two
}

TEST_F(EngineScheduleTest, LowPriority_IsServedWhenItHasWaitedLongEnough) {
  const JobId low = queue("low", 2 * kChunk, -9);
  world.let_pass(hours(17));
  std::vector<JobId> high = queue_many(4, 2 * kChunk, 9);
  run_all(5);
  EXPECT_EQ(posted_before(low, high), 4);
}

TEST_F(EngineScheduleTest, LowPriority_IsNeverOvertakenAfterEighteenHours) {
  const JobId low = queue("low", 2 * kChunk, -9);
  world.let_pass(hours(18) + std::chrono::minutes(1));
  std::vector<JobId> high = queue_many(4, 2 * kChunk, 9);
  run_all(5);
  EXPECT_LE(posted_before(low, high), 1);
}

TEST_F(EngineScheduleTest, OfTwoThatUpload_TheOlderHasEightTurnsForEachOfTheOther) {
  const std::size_t of_first = share_of_first(0, 0);
  EXPECT_GE(of_first, 28U);  // 8 of 9
  EXPECT_LE(of_first, 34U);
}

TEST_F(EngineScheduleTest, OfTwoThatUpload_TheUrgentHasEightTurnsForEachOfTheOther) {
  const std::size_t of_first = share_of_first(-9, 9);
  EXPECT_GE(of_first, 2U);  // 1 of 9, and what it wrote before the other was spooled
  EXPECT_LE(of_first, 10U);
}

TEST_F(EngineScheduleTest, ManyBodies_AreSpooledAndUploadedTwoAtATime) {
  const std::vector<JobId> ids = queue_many(6, 3 * kChunk);
  std::ptrdiff_t most = 0;
  world.network.on_write = [&](const ModelNetwork::WriteCall&) {
    most = std::max(most, std::count_if(ids.begin(), ids.end(), [&](const JobId& id) {
                      const SendState state = world.job(id).state;
                      return state == SendState::kPreparing || state == SendState::kUploading;
                    }));
    return std::optional<ModelNetwork::WriteFault>();
  };
  run_all(6);
  EXPECT_EQ(most, 2);
}

TEST_F(EngineScheduleTest, BodiesThatGoNowhere_HoldUpNoLetter) {
  const std::vector<JobId> bodies = queue_many(4, 12 * kChunk);
  const JobId small = queue("small", 100);
  hold_up(bodies, small);
  run_all(5);
  EXPECT_EQ(posted_before(small, bodies), 0);
}

TEST_F(EngineScheduleTest, PriorityOfAnotherJob_IsSetAndRefusedAfterTheDecision) {
  const JobId id = queue("file", 2 * kChunk);
  const auto set = [&](int priority) {
    return world.run(set_priority(world.ports(), id, priority));
  };
  EXPECT_EQ(set(10).error().code, Errc::kUsage);
  EXPECT_EQ(set(-10).error().code, Errc::kUsage);
  EXPECT_EQ(set(0).error().code, Errc::kNothingToDo);
  ASSERT_TRUE(set(-9));
  EXPECT_EQ(world.job(id).priority, -9);
  EXPECT_TRUE(world.noted(id, "priority -9"));
  for (std::uint64_t at = 1; world.job(id).state < SendState::kCommitting; at += 3) {
    ASSERT_FALSE(world.run_engine_until(at));
    if (world.job(id).state < SendState::kCommitting) {
      ASSERT_TRUE(set(static_cast<int>(at % 2) + 1));
    }
  }
  EXPECT_EQ(set(9).error().code, Errc::kRefused);
  run_all(1);
  EXPECT_EQ(set(9).error().code, Errc::kNothingToDo);
}

TEST_F(EngineScheduleTest, BodiesThatRest_LendTheirPlaces) {
  const std::vector<JobId> bodies = queue_many(2, 3 * kChunk);
  const JobId id = queue("file", 3 * kChunk);
  world.network.on_write = [&](const ModelNetwork::WriteCall& call) {
    std::optional<ModelNetwork::WriteFault> fault;
    if (std::count(bodies.begin(), bodies.end(), call.job) > 0 &&
        world.job(id).state != SendState::kPosted)
      fault = ModelNetwork::WriteFault{false, ports::Outcome::kTaken};  // build it again
    return fault;
  };
  run_all(3);
  EXPECT_EQ(posted_before(id, bodies), 0);
}

// ---- not before, and not after ----

TEST_F(EngineScheduleTest, NotBefore_IsLeftUntilItsTime) {
  const JobId id = queue("file", 2 * kChunk, SendRequest{.not_before = now() + 3600});
  world.network.gone = true;  // nobody is needed for nothing
  Result<RunSummary> summary = world.run_engine();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->later, 1U);
  EXPECT_EQ(summary->blocked, 0U);
  EXPECT_EQ(world.job(id).state, SendState::kQueued);
  world.network.gone = false;
  const JobId other = queue("other", 100);
  summary = world.run_engine();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->later, 1U);
  EXPECT_EQ(world.job(other).state, SendState::kPosted);
  EXPECT_EQ(world.job(id).state, SendState::kQueued);
  world.let_pass(hours(1));
  run_all(1);
  EXPECT_EQ(world.job(id).state, SendState::kPosted);
}

TEST_F(EngineScheduleTest, NotBefore_ComesInTheMiddleOfARun) {
  const std::vector<JobId> bodies = queue_many(2, 8 * kChunk);
  const JobId id = queue("small", 100, SendRequest{.not_before = now() + 600});
  hold_up(bodies, id);
  run_all(3);
  EXPECT_EQ(posted_before(id, bodies), 0);
  EXPECT_GE(world.job(id).sent, world.job(id).not_before);
  EXPECT_LE(world.job(id).sent, world.job(id).not_before + 10);
}

TEST_F(EngineScheduleTest, NotBeforeOfTheJobThatIsWaitedFor_IsWaitedFor) {
  const JobId id = queue("file", 100, SendRequest{.not_before = now() + 3600});
  Engine engine(world.ports(), world.options);
  const Result<RunSummary> summary = world.run(engine.run_until_ended(id));
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->finished, 1U);
  EXPECT_EQ(world.job(id).state, SendState::kPosted);
  EXPECT_GE(world.job(id).sent, world.job(id).not_before);
}

TEST_F(EngineScheduleTest, DeadlineAfterAnyKill_FailsWhatIsUndecidedAndNothingElse) {
  int failed = 0, posted = 0;
  bool ended = false;
  for (std::uint64_t at = 1; !ended; at += 5) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    const JobId id = queue("file", 3 * kChunk, SendRequest{.deadline = now() + 3600});
    ended = world.run_engine_until(at);
    const bool is_decided = world.job(id).state >= SendState::kCommitting;
    const bool is_held = at % 2 == 1 && !is_decided;
    if (is_held) {
      ASSERT_TRUE(world.run(pause_send(world.ports(), id)));
    }
    world.let_pass(hours(2));
    ASSERT_TRUE(world.run_engine());
    ++(is_decided ? posted : failed);
    EXPECT_EQ(world.job(id).state, is_decided ? SendState::kPosted : SendState::kFailed);
    EXPECT_EQ(world.recipient(id).state,
              is_decided ? RecipientState::kPosted : RecipientState::kPending);
    EXPECT_EQ(world.noted(id, "failed: the deadline passed"), !is_decided);
    EXPECT_TRUE(world.store->batches(id)->empty());
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(failed, 5);
  EXPECT_GT(posted, 1);
}

TEST_F(EngineScheduleTest, DeadlineDuringTheRun_EndsUploadingAndWaitingJobsAlike) {
  const std::vector<JobId> bodies = queue_many(2, 8 * kChunk);
  const JobId uploading = bodies[0];
  const JobId waiting = queue("waiting", 3 * kChunk, SendRequest{.deadline = now() + 600});
  const JobId last = queue("last", 3 * kChunk, SendRequest{.deadline = now() + 86'400});
  hold_up(bodies, waiting);
  const Result<RunSummary> summary = world.run_engine();
  ASSERT_TRUE(summary) << summary.error().what;
  EXPECT_EQ(summary->finished, 3U);
  EXPECT_EQ(summary->failed, 1U);
  EXPECT_EQ(world.job(uploading).state, SendState::kPosted);
  EXPECT_EQ(world.job(last).state, SendState::kPosted);
  EXPECT_EQ(world.job(waiting).state, SendState::kFailed);
  EXPECT_LE(world.job(waiting).finished, world.job(waiting).deadline + 2);
}

TEST_F(EngineScheduleTest, DeadlineOfAJobThatUploads_EndsItSoon) {
  const JobId id = queue("file", 8 * kChunk, SendRequest{.deadline = now() + 600});
  hold_up({id}, id);
  const Result<RunSummary> summary = world.run_engine();
  ASSERT_TRUE(summary) << summary.error().what;
  EXPECT_EQ(summary->failed, 1U);
  EXPECT_GE(world.job(id).finished, world.job(id).deadline);
  EXPECT_LE(world.job(id).finished, world.job(id).deadline + 60);
  EXPECT_TRUE(world.files->spools()->empty());
}

TEST_F(EngineScheduleTest, BodyThatAgesOutWhileItIsUploaded_EndsAsSoonAsThatIsCertain) {
  const JobId id = queue("file", 3 * kChunk);
  for (std::uint64_t at = 1; world.job(id).first_epoch == 0; ++at)
    ASSERT_FALSE(world.run_engine_until(at));
  const std::uint64_t too_late = ages_out_at(world.job(id).first_epoch) - kExpirySlackS;
  world.let_pass(std::chrono::seconds(too_late - now() - 600));
  const JobId other = queue("other", 100);
  hold_up({id}, id);
  const Result<RunSummary> summary = world.run_engine();
  ASSERT_TRUE(summary) << summary.error().what;
  EXPECT_EQ(summary->finished, 1U);
  EXPECT_EQ(summary->failed, 1U);
  EXPECT_EQ(world.job(other).state, SendState::kPosted);
  EXPECT_EQ(world.job(id).state, SendState::kFailed);
  EXPECT_TRUE(world.noted(id, "ages out"));
  EXPECT_GE(world.job(id).finished, too_late);
  EXPECT_LE(world.job(id).finished, too_late + 60);
  EXPECT_TRUE(world.files->spools()->empty());
}

TEST_F(EngineScheduleTest, PausedBodyThatHasAgedOut_EndsInTheNextRun) {
  const JobId id = queue("file", 3 * kChunk);
  for (std::uint64_t at = 1; world.job(id).first_epoch == 0; ++at)
    ASSERT_FALSE(world.run_engine_until(at));
  ASSERT_TRUE(world.run(pause_send(world.ports(), id)));
  world.let_pass(hours(24 * 15));
  const Result<RunSummary> summary = world.run_engine();
  ASSERT_TRUE(summary) << summary.error().what;
  EXPECT_EQ(summary->failed, 1U);
  EXPECT_TRUE(world.noted(id, "ages out"));
}

TEST_F(EngineScheduleTest, ImpossibleTimes_AreUsage) {
  SendRequest request{.sources = {world.file("file", SendWorld::pattern(10))}, .to = {"anna"}};
  request.deadline = now();
  EXPECT_EQ(world.run(enqueue_send(world.ports(), request)).error().code, Errc::kUsage);
  request.not_before = now() + 100;
  request.deadline = now() + 100;
  EXPECT_EQ(world.run(enqueue_send(world.ports(), request)).error().code, Errc::kUsage);
}

TEST(JobShareTest, RestingRetraction_LendsNoPlaceOfBodies) {
  VirtualClock clock;
  boost::asio::io_context io(1);
  SendShared shared(io.get_executor(), EngineOptions{});
  for (const auto& [resting, lent] : {std::pair{Resting::kKeepsPlace, std::size_t{0}},
                                      std::pair{Resting::kLendsPlace, std::size_t{1}}}) {
    JobShare share(shared, shared.body_writes, /*rank=*/1, /*window=*/0, resting);
    share.batch_begins();
    bool is_over = false;
    boost::asio::co_spawn(io, share.rest(clock, std::chrono::minutes(1)),
                          [&is_over](std::exception_ptr) { is_over = true; });
    io.restart();
    io.poll();
    EXPECT_EQ(shared.body_writes.resting_jobs, lent);
    ASSERT_TRUE(clock.run(io, [&is_over] { return is_over; }));
    EXPECT_EQ(shared.body_writes.resting_jobs, 0U);
    share.batch_ends();
  }
}

}  // namespace
}  // namespace taubenpost

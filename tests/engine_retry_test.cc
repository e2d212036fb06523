// What failed is tried again: in each state, killed at every step, and anew where that can't help.
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/end_send.h"
#include "engine/retry_send.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;
using ports::CopyResult;
using ports::Outcome;
using ports::ReadResult;
constexpr std::size_t kChunk = SendWorld::kChunk;
constexpr auto kTooLate = std::chrono::hours(24 * 15);

Status retry(SendWorld& in, JobId id) { return in.run(retry_send(in.ports(), id)); }
Result<Restarted> restart(SendWorld& in, JobId id) { return in.run(restart_send(in.ports(), id)); }

void expect_refused(const Status& status, Errc code, const std::string& what,
                    const std::string& hint = "") {
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, code);
  EXPECT_NE(status.error().what.find(what), std::string::npos) << status.error().what;
  EXPECT_NE(status.error().hint.find(hint), std::string::npos) << status.error().hint;
}
void expect_posted(SendWorld& in, JobId id, std::size_t size) {
  const SendJobRow job = in.job(id);
  EXPECT_EQ(job.state, SendState::kPosted) << job.error_text;
  EXPECT_EQ(job.error_code, 0);
  EXPECT_TRUE(job.error_text.empty());
  EXPECT_TRUE(in.store->batches(id)->empty());
  expect_letter(in, id, "anna", 0, size);
}
void expect_no_spool(const SendWorld& in) {
  const std::filesystem::path spool = in.state_folder() + "/spool";
  EXPECT_TRUE(!std::filesystem::exists(spool) || std::filesystem::is_empty(spool));
}

asio::awaitable<Status> retry_and_run(SendWorld& in, JobId id) {
  Status retried = co_await retry_send(in.ports(), id);
  if (!retried) co_return retried.error();
  co_return co_await run_in(in);
}
asio::awaitable<Status> restart_and_run(SendWorld& in, JobId id) {
  Result<Restarted> restarted = co_await restart_send(in.ports(), id);
  if (!restarted) co_return restarted.error();
  co_return co_await run_in(in);
}

// What can't be tried again arrives anew, as another job.
void send_anew(SendWorld& in, JobId id, std::size_t size) {
  const Result<Restarted> anew = restart(in, id);
  ASSERT_TRUE(anew);
  EXPECT_TRUE(in.store->batches(id)->empty());
  run_all(in, 1);
  expect_posted(in, anew->job, size);
}

class EngineRetryTest : public testing::Test {
 protected:
  EngineRetryTest() {
    for (const char* name : {"anna", "ben"}) world.channel(name);
  }
  void lose(const std::string& channel, std::uint64_t number) {
    world.network.lose(world.write_cap(channel).read_cap(), world.position(channel, number));
  }
  void put(const std::string& channel, std::uint64_t number, ByteView content) {
    world.network.put(world.write_cap(channel), world.position(channel, number), content);
  }
  // The daemon refuses every copy, or every write, from now on.
  static void refuse_copies(SendWorld& in) {
    in.network.on_copy = [](const CourierRow&) {
      CopyResult rejected;
      rejected.kind = CopyResult::Kind::kRejected;
      return rejected;
    };
  }
  static void refuse_write(SendWorld& in, std::uint64_t number) {
    in.network.on_write =
        [number](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
      if (call.number != number) return std::nullopt;
      return ModelNetwork::WriteFault{false, Outcome::kRejected};
    };
  }
  static void heal(SendWorld& in) {
    in.network.on_copy = {};
    in.network.on_write = {};
    in.network.on_read = {};
    in.network.on_envelope = {};
  }
  // ben's letter is refused; anna's arrives, where her position is free.
  static JobId fail_for_ben(SendWorld& in, std::size_t size) {
    const JobId id = in.queue_bytes("file", size, {"anna", "ben"});
    run_until(in, id, SendState::kCommitting);
    bool lost = false;
    in.network.on_read = [&in, lost](const IndexBytes&) mutable -> std::optional<ReadResult> {
      if (!std::exchange(lost, true))
        in.network.lose(in.write_cap("ben").read_cap(), in.position("ben", 0));
      return std::nullopt;
    };
    in.network.on_write =
        [](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
      if (call.job) return std::nullopt;
      return ModelNetwork::WriteFault{false, Outcome::kRejected};
    };
    run_all(in, 0, 1);
    EXPECT_EQ(in.recipient(id, 1).state, RecipientState::kFailed);
    heal(in);
    return id;
  }

  SendWorld world;
};

TEST_F(EngineRetryTest, WhatDidNotFail_IsLeftAlone) {
  const JobId id = world.queue_bytes("file", 6 * kChunk, {"anna"});
  for (const SendState state :
       {SendState::kQueued, SendState::kUploading, SendState::kCommitting, SendState::kPosted}) {
    if (state == SendState::kPosted) run_all(world, 1);
    if (state != SendState::kPosted) run_until(world, id, state);
    const SendJobRow before = world.job(id);
    const std::string what = state == SendState::kPosted ? "posted" : "on its way";
    expect_refused(retry(world, id), Errc::kNothingToDo, what);
    EXPECT_EQ(restart(world, id).error().code, Errc::kNothingToDo);
    EXPECT_EQ(world.job(id), before);
  }
  const JobId stopped = world.queue_bytes("other", 10, {"anna"});
  ASSERT_TRUE(world.run(cancel_send(world.ports(), stopped)));
  expect_refused(retry(world, stopped), Errc::kNothingToDo, "cancelled");
  EXPECT_EQ(retry(world, JobId{1}).error().code, Errc::kNotFound);
}

// ---- failed before the plan ----

// A disk whose sources can't be read.
class BadDisk : public NoSyncDisk {
 public:
  bool unreadable = true;
  Result<Bytes> read_at(const FileHandle& file, std::uint64_t offset, std::size_t length) override {
    if (unreadable && file.path().find("/spool") == std::string::npos)
      return error(Errc::kIo, "read: a bad sector");
    return Disk::read_at(file, offset, length);
  }
};

TEST_F(EngineRetryTest, FailedBeforeThePlan_IsQueuedAgain) {
  BadDisk disk;
  world.use_disk(disk);
  const JobId id = world.queue_bytes("file", 6 * kChunk, {"anna"});
  run_all(world, 0, 1);
  expect_no_spool(world);
  for (int again = 0; again < 2; ++again) {  // and fails again
    ASSERT_TRUE(retry(world, id));
    EXPECT_EQ(world.job(id).state, SendState::kQueued);
    EXPECT_EQ(world.job(id).error_code, 0);
    EXPECT_EQ(world.job(id).finished, 0U);
    run_all(world, 0, 1);
    EXPECT_EQ(world.job(id).error_code, static_cast<std::uint16_t>(Errc::kSourceUnreadable));
  }
  disk.unreadable = false;
  ASSERT_TRUE(retry(world, id));
  EXPECT_TRUE(world.noted(id, "tried again"));
  run_all(world, 1);
  expect_posted(world, id, 6 * kChunk);
}

TEST_F(EngineRetryTest, SourceChanged_IsSentAsItIsNowByARestartOnly) {
  const JobId id = world.queue_bytes("file", 6 * kChunk, {"anna"});
  world.file("file", SendWorld::pattern(3 * kChunk));
  run_all(world, 0, 1);
  expect_refused(retry(world, id), Errc::kRefused, "changed", "--restart");
  EXPECT_EQ(world.job(id).state, SendState::kFailed);
  std::filesystem::remove(world.sources / "file");
  expect_refused(retry(world, id), Errc::kNotFound, "file");
  EXPECT_EQ(restart(world, id).error().code, Errc::kNotFound);
  world.file("file", SendWorld::pattern(2 * kChunk));
  const Result<Restarted> anew = restart(world, id);
  ASSERT_TRUE(anew);
  EXPECT_TRUE(anew->left_out.empty());
  EXPECT_EQ(world.job(anew->job).transfer, world.job(id).transfer) << "nothing of it was sent";
  EXPECT_EQ(world.job(id).state, SendState::kCancelled);
  EXPECT_EQ(retry(world, id).error().code, Errc::kNothingToDo);
  EXPECT_EQ(restart(world, id).error().code, Errc::kNothingToDo);
  EXPECT_TRUE(world.noted(id, to_base32(anew->job)));
  EXPECT_TRUE(world.noted(anew->job, to_base32(id)));
  run_all(world, 1);
  expect_posted(world, anew->job, 2 * kChunk);
}

// ---- failed while the body was on its way ----

TEST_F(EngineRetryTest, FailedWhileUploading_GoesOnWithTheElementsThatAreStored) {
  SendWorld calm;
  calm.channel("anna");
  calm.queue_bytes("file", 16 * kChunk, {"anna"});
  run_all(calm, 1);
  for (const std::uint64_t refused : {1, 3, 9, 20}) {
    SCOPED_TRACE("write " + std::to_string(refused) + " is refused");
    SendWorld one;
    one.channel("anna");
    const JobId id = one.queue_bytes("file", 16 * kChunk, {"anna"});
    refuse_write(one, refused);
    run_all(one, 0, 1);
    EXPECT_FALSE(one.store->batches(id)->empty());
    EXPECT_FALSE(std::filesystem::is_empty(one.state_folder() + "/spool"));
    run_all(one, 0);  // looks for spools that nobody needs
    std::filesystem::remove(one.sources / "file");
    ASSERT_TRUE(retry(one, id));
    EXPECT_EQ(one.job(id).state, SendState::kUploading);
    run_all(one, 1);
    expect_posted(one, id, 16 * kChunk);
    EXPECT_FALSE(one.noted(id, "built again"));
    EXPECT_EQ(one.network.builds, calm.network.builds);
    EXPECT_LE(one.network.writes, calm.network.writes + one.options.write_window);
    expect_no_spool(one);
  }
}

// The courier remembers what it said about a sequence.
TEST_F(EngineRetryTest, CopyThatFailedForGood_IsTriedWithAnotherSequence) {
  for (const std::uint8_t code : {2, 3, 5, 77}) {
    SCOPED_TRACE("code " + std::to_string(code));
    SendWorld one;
    one.channel("anna");
    const JobId id = one.queue_bytes("file", 16 * kChunk, {"anna"});
    bool failed = false;
    one.network.on_envelope = [&](const CourierRow&, std::uint64_t) -> std::optional<std::uint8_t> {
      if (std::exchange(failed, true)) return std::nullopt;
      return code;
    };
    run_all(one, 0, 1);
    ASSERT_TRUE(retry(one, id));
    run_all(one, 1);
    expect_posted(one, id, 16 * kChunk);
  }
}

TEST_F(EngineRetryTest, DaemonWithOtherKeys_IsTriedAgainWithTheRightOne) {
  const JobId id = world.queue_bytes("file", 6 * kChunk, {"anna"});
  world.network.on_keypair = [](ports::KeyPair& pair) { pair.first[9] ^= 1; };
  run_all(world, 0, 1);
  ASSERT_TRUE(retry(world, id));
  run_all(world, 0, 1);
  world.network.on_keypair = {};
  ASSERT_TRUE(retry(world, id));
  run_all(world, 1);
  expect_posted(world, id, 6 * kChunk);
}

TEST_F(EngineRetryTest, BodyThatIsSpoiled_IsSentAnewOnly) {
  for (const std::string content : {"", "not ours"}) {
    SendWorld one;
    one.channel("anna");
    const JobId id = one.queue_bytes("file", 6 * kChunk, {"anna"});
    run_until(one, id, SendState::kUploading);
    const bacap::WriteCap body = bacap::WriteCap::from_seed(one.job(id).plan.body_seed);
    one.network.put(body, body.index(), as_bytes(content));
    run_all(one, 0, 1);
    expect_refused(retry(one, id), Errc::kRefused, "box of the body", "--restart");
    send_anew(one, id, 6 * kChunk);
  }
}

TEST_F(EngineRetryTest, DamagedSpool_IsSentAnewOnly) {
  const JobId id = world.queue_bytes("file", 6 * kChunk, {"anna"});
  run_until(world, id, SendState::kUploading);
  for (const auto& entry : std::filesystem::directory_iterator(world.state_folder() + "/spool"))
    write_file(entry.path(), "damage");
  run_all(world, 0, 1);
  expect_no_spool(world);
  expect_refused(retry(world, id), Errc::kRefused, "spool", "--restart");
  send_anew(world, id, 6 * kChunk);
}

TEST_F(EngineRetryTest, BodyThatAgesOut_IsSentAnewOnly) {
  const JobId id = world.queue_bytes("file", 6 * kChunk, {"anna"});
  refuse_copies(world);
  run_all(world, 0, 1);
  heal(world);
  world.let_pass(kTooLate);
  expect_refused(retry(world, id), Errc::kRefused, "ages out", "--restart");
  send_anew(world, id, 6 * kChunk);
  expect_no_spool(world);
}

TEST_F(EngineRetryTest, FailedJobThatIsCancelled_LeavesNothing) {
  const JobId id = world.queue_bytes("file", 6 * kChunk, {"anna"});
  refuse_copies(world);
  run_all(world, 0, 1);
  ASSERT_TRUE(world.run(cancel_send(world.ports(), id)));
  EXPECT_EQ(world.job(id).state, SendState::kCancelled);
  EXPECT_TRUE(world.store->batches(id)->empty());
  expect_no_spool(world);
  EXPECT_EQ(retry(world, id).error().code, Errc::kNothingToDo);
}

TEST_F(EngineRetryTest, KilledAtAnyStepOfAnUpload_PostsOnce) {
  bool ended = false;
  for (std::uint64_t at = 1; !ended; at += 3) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    one.channel("anna");
    const JobId id = one.queue_bytes("file", 6 * kChunk, {"anna"});
    refuse_write(one, 5);
    run_all(one, 0, 1);
    heal(one);
    ended = one.run_until([&] { return retry_and_run(one, id); }, at);
    if (one.job(id).state == SendState::kFailed) {
      ASSERT_TRUE(retry(one, id));
    }
    ASSERT_TRUE(one.run_engine());
    expect_posted(one, id, 6 * kChunk);
    ASSERT_FALSE(HasFailure());
  }
}

// ---- failed after the decision ----

TEST_F(EngineRetryTest, LetterThatIsMissing_IsTheOnlyOneThatIsWritten) {
  for (const std::size_t size : {std::size_t{10}, 6 * kChunk}) {
    SendWorld one;
    for (const char* name : {"anna", "ben"}) one.channel(name);
    const JobId id = fail_for_ben(one, size);
    const RecipientRow anna = one.recipient(id, 0), ben = one.recipient(id, 1);
    one.network.lose(one.write_cap("anna").read_cap(), one.position("anna", 0));
    ASSERT_TRUE(retry(one, id));
    EXPECT_EQ(one.job(id).state, SendState::kCommitting);
    run_all(one, 1);
    EXPECT_EQ(one.job(id).state, SendState::kPosted);
    EXPECT_FALSE(one.box("anna", 0)) << "a letter that was posted is written again";
    EXPECT_EQ(one.recipient(id, 0), anna);
    expect_letter(one, id, "ben", 0, size);
    EXPECT_EQ(*one.box("ben", 0), ben.letter);
    EXPECT_EQ(one.recipient(id, 1).position, ben.position);
    EXPECT_TRUE(one.recipient(id, 1).error_text.empty());
  }
}

TEST_F(EngineRetryTest, CommitThatWasRefused_KeepsPositionsAndLetters) {
  const JobId id = world.queue_bytes("file", 10, {"anna", "ben"});
  refuse_copies(world);
  for (int again = 0; again < 3; ++again) {  // fails again and again
    run_all(world, 0, 1);
    EXPECT_EQ(world.recipient(id, 1).state, RecipientState::kReserved);
    ASSERT_TRUE(retry(world, id));
  }
  heal(world);
  run_all(world, 1);
  expect_posted(world, id, 10);
  expect_letter(world, id, "ben", 0, 10);
}

TEST_F(EngineRetryTest, PositionsTakenBySomebodyElse_GoesOnBehindThem) {
  for (std::uint64_t i = 0; i < 40; ++i) put("anna", i, as_bytes("taken " + std::to_string(i)));
  const JobId id = world.queue_bytes("file", 10, {"anna", "ben"});
  run_all(world, 0, 1);
  int tries = 1;
  for (; world.job(id).state == SendState::kFailed && tries < 10; ++tries) {
    ASSERT_TRUE(retry(world, id));
    ASSERT_TRUE(world.run_engine());
  }
  EXPECT_EQ(tries, 3);
  EXPECT_EQ(world.job(id).state, SendState::kPosted) << world.job(id).error_text;
  expect_letter(world, id, "anna", 40, 10);
  expect_letter(world, id, "ben", 0, 10);
  EXPECT_EQ(*world.box("anna", 39), to_bytes(as_bytes("taken 39")));
}

TEST_F(EngineRetryTest, PositionRetracted_TakesTheNextOne) {
  put("anna", 0, {});
  const JobId id = world.queue_bytes("file", 10, {"anna", "ben"});
  run_all(world, 0, 1);
  ASSERT_TRUE(retry(world, id));
  run_all(world, 1);
  EXPECT_EQ(*world.box("anna", 0), Bytes{});
  expect_letter(world, id, "anna", 1, 10);
  expect_letter(world, id, "ben", 0, 10);
}

TEST_F(EngineRetryTest, RecipientsFarApart_GetBatchesOfTheirOwn) {
  const std::vector<std::string> names{"c1", "c2", "c3", "c4", "c5"};
  for (const std::string& name : names) world.channel(name);
  for (const char* name : {"c1", "c3", "c4"}) put(name, 0, {});
  const JobId id = world.queue_bytes("file", 10, names);
  run_all(world, 0, 1);
  ASSERT_TRUE(retry(world, id));
  EXPECT_EQ(world.store->batches(id)->size(), 2U);
  run_all(world, 1);
  EXPECT_EQ(world.job(id).state, SendState::kPosted) << world.job(id).error_text;
  for (const std::string& name : names)
    expect_letter(world, id, name, name == "c2" || name == "c5" ? 0 : 1, 10);
}

TEST_F(EngineRetryTest, KilledAtAnyStepOfACommit_PostsEachOnce) {
  bool ended = false;
  for (std::uint64_t at = 1; !ended; ++at) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    for (const char* name : {"anna", "ben"}) one.channel(name);
    one.network.put(one.write_cap("anna"), one.position("anna", 0), {});
    const JobId id = fail_for_ben(one, 10);
    ended = one.run_until([&] { return retry_and_run(one, id); }, at);
    if (one.job(id).state == SendState::kFailed) {
      ASSERT_TRUE(retry(one, id));
    }
    ASSERT_TRUE(one.run_engine());
    ASSERT_EQ(one.job(id).state, SendState::kPosted) << one.job(id).error_text;
    expect_letter(one, id, "anna", 1, 10);
    expect_letter(one, id, "ben", 0, 10);
    ASSERT_FALSE(HasFailure());
  }
}

// ---- too late for the same letter ----

TEST_F(EngineRetryTest, ExpiredRecipient_GetsANewBodyByARestartOnly) {
  const JobId id = fail_for_ben(world, 6 * kChunk);
  world.let_pass(kTooLate);
  expect_refused(retry(world, id), Errc::kRefused, "ages out", "--restart");
  const Result<Restarted> anew = restart(world, id);
  ASSERT_TRUE(anew);
  EXPECT_EQ(anew->left_out, std::vector<std::string>{"anna"});
  EXPECT_EQ(world.job(id).state, SendState::kCancelled);
  run_all(world, 1);
  EXPECT_EQ(world.job(anew->job).state, SendState::kPosted);
  EXPECT_EQ(world.job(anew->job).transfer, world.job(id).transfer);
  EXPECT_NE(world.job(anew->job).plan.body_seed, world.job(id).plan.body_seed);
  expect_letter(world, id, "anna", 0, 6 * kChunk);
  EXPECT_FALSE(world.box("ben", 0));
  expect_letter(world, anew->job, "ben", 1, 6 * kChunk);
}

// Recipients may have the id already, for what the source was.
TEST_F(EngineRetryTest, SentAnew_IsTheSameTransferWhileItsContentIs) {
  const Bytes content = SendWorld::pattern(6 * kChunk);
  Bytes other = content;
  other.back() ^= 1;
  JobId id = world.queue_bytes("file", content.size(), {"anna"});
  const TransferId transfer = world.job(id).transfer;
  const auto fail = [&] {
    run_until(world, id, SendState::kUploading);
    refuse_copies(world);
    run_all(world, 0, 1);
    heal(world);
  };
  const auto send_anew_with = [&](const Bytes& now) {
    world.file("file", now);
    const Result<Restarted> anew = restart(world, id);
    ASSERT_TRUE(anew);
    id = anew->job;
  };
  fail();
  send_anew_with(content);  // written again: another file by its times, with the same bytes
  fail();
  EXPECT_EQ(world.job(id).transfer, transfer);
  send_anew_with(other);
  fail();
  const TransferId second = world.job(id).transfer;
  EXPECT_NE(second, transfer);
  send_anew_with(other);
  run_all(world, 1);
  EXPECT_EQ(world.letter("anna", 0)->id, second);
}

TEST_F(EngineRetryTest, ExpiredWhileItWasOff_NamesTheRestart) {
  const JobId id = world.queue_bytes("file", 10, {"anna"});
  run_until(world, id, SendState::kCommitting);
  world.let_pass(kTooLate);
  run_all(world, 0, 1);
  EXPECT_NE(world.job(id).error_text.find("expired"), std::string::npos);
  EXPECT_NE(world.job(id).error_text.find("retry --restart"), std::string::npos);
  expect_refused(retry(world, id), Errc::kRefused, "ages out", "--restart");
}

// Nobody knows whether the letters arrived: that is found out before anything is sent anew.
TEST_F(EngineRetryTest, LettersOfWhichNobodyKnows_AreLookedForBeforeARestart) {
  const JobId id = world.queue_bytes("file", 10, {"anna", "ben"});
  refuse_copies(world);
  run_all(world, 0, 1);
  heal(world);
  put("anna", 0, world.recipient(id, 0).letter);
  world.let_pass(kTooLate);
  const Result<Restarted> early = restart(world, id);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, Errc::kRefused);
  EXPECT_NE(early.error().hint.find("retry"), std::string::npos);
  const std::uint64_t writes = world.network.writes;
  ASSERT_TRUE(retry(world, id));
  run_all(world, 0, 1);
  EXPECT_EQ(world.network.writes, writes);
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kPosted);
  const Result<Restarted> anew = restart(world, id);
  ASSERT_TRUE(anew);
  EXPECT_EQ(anew->left_out, std::vector<std::string>{"anna"});
  run_all(world, 1);
  expect_letter(world, id, "anna", 0, 10);
  expect_letter(world, anew->job, "ben", 1, 10);
}

TEST_F(EngineRetryTest, KilledAtAnyStepOfARestart_QueuesOneJob) {
  bool ended = false;
  for (std::uint64_t at = 1; !ended; at = at < 6 ? at + 1 : at + 7) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    one.channel("anna");
    const JobId id = one.queue_bytes("file", 6 * kChunk, {"anna"});
    refuse_copies(one);
    run_all(one, 0, 1);
    heal(one);
    ended = one.run_until([&] { return restart_and_run(one, id); }, at);
    if (one.job(id).state == SendState::kFailed) {
      ASSERT_TRUE(restart(one, id));
    }
    ASSERT_TRUE(one.run_engine());
    const Result<std::vector<JobId>> jobs = one.store->send_jobs();
    ASSERT_EQ(jobs->size(), 2U);
    EXPECT_EQ(one.job(id).state, SendState::kCancelled);
    EXPECT_TRUE(one.store->batches(id)->empty());
    expect_posted(one, jobs->front() == id ? jobs->back() : jobs->front(), 6 * kChunk);
    expect_no_spool(one);
    ASSERT_FALSE(HasFailure());
  }
}

}  // namespace
}  // namespace taubenpost

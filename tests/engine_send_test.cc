#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "engine/letter_of.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

constexpr std::size_t kChunk = SendWorld::kChunk;

class EngineSendTest : public testing::Test {
 protected:
  // The job is posted, and what the recipient finds at the position is the file.
  void expect_posted(JobId id, const std::string& channel, std::uint64_t number, std::size_t size) {
    const SendJobRow job = world.job(id);
    EXPECT_EQ(job.state, SendState::kPosted) << job.error_text;
    EXPECT_TRUE(world.store->batches(id)->empty());
    const std::optional<wire::Letter> letter = world.letter(channel, number);
    ASSERT_TRUE(letter);
    EXPECT_EQ(letter->id, job.transfer);
    EXPECT_EQ(letter->size, size);
    EXPECT_EQ(letter->digest, crypto::blake2b_256(SendWorld::pattern(size)));
    EXPECT_TRUE(world.content(*letter) == SendWorld::pattern(size)) << size;
  }
  void expect_no_spool() {
    const std::filesystem::path spool = world.state_folder() + "/spool";
    EXPECT_TRUE(!std::filesystem::exists(spool) || std::filesystem::is_empty(spool));
  }

  SendWorld world;
};

TEST_F(EngineSendTest, AnySize_ArrivesByteForByte) {
  world.channel("anna");
  // Slices of 2 chunks; batches are a quarter of the body, at most 4 chunks.
  std::vector<std::size_t> sizes{0, 1, 100, 1000};
  for (const std::size_t chunks : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 20})
    for (const std::size_t size : {chunks * kChunk - 1, chunks * kChunk, chunks * kChunk + 1})
      sizes.push_back(size);
  std::vector<JobId> jobs;
  for (const std::size_t size : sizes)
    jobs.push_back(world.queue_bytes("f" + std::to_string(size), size, {"anna"}));
  run_all(world, sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const RecipientRow to = world.recipient(jobs[i]);
    EXPECT_EQ(to.state, RecipientState::kPosted);
    expect_posted(jobs[i], "anna", to.counter - world.position("anna", 0).counter(), sizes[i]);
    EXPECT_EQ(world.job(jobs[i]).plan.boxes == 0, sizes[i] <= 1000);
  }
  expect_no_spool();
}

TEST_F(EngineSendTest, PlanOfABody_HasFourBatchesOfWholeSlices) {
  world.channel("anna");
  struct Case {
    std::size_t boxes;
    std::uint32_t slice, batch, batches;
  };
  for (const Case& expected : {Case{2, 1, 1, 2}, Case{4, 1, 1, 4}, Case{5, 2, 2, 3},
                               Case{8, 2, 2, 4}, Case{16, 2, 4, 4}, Case{17, 2, 4, 5}}) {
    const JobId id = world.queue_bytes("f", expected.boxes * kChunk, {"anna"});
    run_all(world, 1);
    const SendJobRow job = world.job(id);
    EXPECT_EQ(job.plan.boxes, expected.boxes);
    EXPECT_EQ(job.plan.slice_chunks, expected.slice) << expected.boxes;
    EXPECT_EQ(job.plan.batch_chunks, expected.batch) << expected.boxes;
    EXPECT_EQ(job.next_batch, expected.batches) << expected.boxes;
  }
}

TEST_F(EngineSendTest, PlanOfALargerBody_HasSmallerBatches) {
  world.options = EngineOptions{};
  world.channel("anna");
  // At most 128 chunks; 1.5 times the root of the boxes, in whole slices of 8.
  for (const auto& [boxes, batch] :
       {std::pair<std::size_t, std::uint32_t>{36, 8}, {100, 8}, {150, 16}, {480, 32}}) {
    const JobId id = world.queue_bytes("f", boxes * kChunk, {"anna"});
    run_all(world, 1);
    EXPECT_EQ(world.job(id).plan.batch_chunks, batch) << boxes;
  }
}

// Each look at a copy is a packet.
TEST_F(EngineSendTest, LongCopies_AreAskedAboutFewTimes) {
  world.options.slice_chunks = world.options.batch_chunks = 8;
  world.network.copy_ms = 60'000;
  world.channel("anna");
  world.queue_bytes("f", 80 * kChunk, {"anna"});
  run_all(world, 1);
  std::size_t looks = 0;
  for (const auto& [sequence, commands] : world.network.copies) looks += commands.size();
  ASSERT_EQ(world.network.copies.size(), 11U);
  // Of the first eight nothing is known; the letter is expected after an eighth of what it takes.
  EXPECT_LE(looks, 8U * 14 + 2 * 3 + 12);
}

TEST_F(EngineSendTest, LargestContentThatFits_TravelsInTheLetter) {
  world.channel("anna");
  const JobId probe = world.queue_bytes("name.bin", 1, {"anna"});
  run_all(world, 1);
  SendJobRow row = world.job(probe);
  row.plan.size = kChunk;  // numbers of the length that they will have
  row.sent = row.until = UINT32_MAX + 1ULL;
  row.plan.inline_data.resize(1024);
  const std::size_t largest = 1024 + kChunk - letter_of(row, RecipientIndex{0}).size();
  const JobId fits = world.queue_bytes("name.bin", largest, {"anna"});
  run_all(world, 1);
  const JobId too_large = world.queue_bytes("name.bin", largest + 1, {"anna"});
  run_all(world, 1);
  EXPECT_EQ(world.job(fits).plan.boxes, 0U);
  EXPECT_EQ(world.job(too_large).plan.boxes, 1U);
  expect_posted(fits, "anna", 1, largest);
  expect_posted(too_large, "anna", 2, largest + 1);
  EXPECT_LE(world.recipient(fits).letter.size(), kChunk);
}

TEST_F(EngineSendTest, SeveralRecipients_GetTheSameLetterAndOneBody) {
  for (const char* name : {"anna", "ben", "cleo"}) world.channel(name);
  const JobId earlier = world.queue_bytes("earlier", 10, {"ben"});
  run_all(world, 1);
  const std::uint64_t writes_before = world.network.writes;
  const JobId id = world.queue_bytes("file", 8 * kChunk, {"anna", "ben", "cleo"});
  run_all(world, 1);
  expect_posted(earlier, "ben", 0, 10);
  expect_posted(id, "anna", 0, 8 * kChunk);
  expect_posted(id, "ben", 1, 8 * kChunk);
  expect_posted(id, "cleo", 0, 8 * kChunk);
  EXPECT_EQ(*world.box("anna", 0), *world.box("ben", 1));
  EXPECT_EQ(*world.box("anna", 0), *world.box("cleo", 0));
  // About 1.3 elements a box, for 8 chunks and 3 letters; a body for each would be 24.
  EXPECT_LE(world.network.writes - writes_before, 20U);
  EXPECT_EQ(world.network.confirmed_writes, 0U);
}

TEST_F(EngineSendTest, MoreRecipientsThanOneCommitCarries_AllGetIt) {
  world.options.slice_chunks = 8;
  std::vector<std::string> names;
  for (int i = 0; i < 258; ++i) {
    names.push_back("r" + std::to_string(i));
    world.channel(names.back());
  }
  const JobId id = world.queue_bytes("file", 5, names);
  run_all(world, 1);
  for (const std::string& name : names) expect_posted(id, name, 0, 5);
  EXPECT_EQ(world.network.copied_sequences.size(), 2U);
}

TEST_F(EngineSendTest, LetterDecided_KeepsItsBytesOverARestart) {
  world.channel("anna");
  const JobId id = world.queue_bytes("file", 3 * kChunk, {"anna"});
  std::uint64_t at = 1;
  while (world.job(id).state != SendState::kCommitting) ASSERT_FALSE(world.run_engine_until(at++));
  const SendJobRow decided = world.job(id);
  const Bytes letter = world.recipient(id).letter;
  ASSERT_FALSE(letter.empty());
  EXPECT_EQ(letter, letter_of(decided, RecipientIndex{0}));
  world.let_pass(std::chrono::hours(30));
  run_all(world, 1);
  EXPECT_EQ(world.job(id).sent, decided.sent);
  EXPECT_EQ(world.job(id).until, decided.until);
  EXPECT_EQ(*world.box("anna", 0), letter);
  expect_posted(id, "anna", 0, 3 * kChunk);
}

TEST_F(EngineSendTest, TwoJobsToOneChannel_TakeTwoPositions) {
  for (const char* name : {"anna", "ben"}) world.channel(name);
  std::vector<JobId> jobs;
  for (std::size_t i = 0; i < 4; ++i)
    jobs.push_back(world.queue_bytes("f" + std::to_string(i), 5 * kChunk + i, {"anna", "ben"}));
  run_all(world, 4);
  std::set<std::uint64_t> taken;
  for (std::size_t i = 0; i < 4; ++i)
    for (const std::size_t to : {0, 1}) {
      const RecipientRow row = world.recipient(jobs[i], to);
      const std::string& name = row.channel_name;
      const std::uint64_t number = row.counter - world.position(name, 0).counter();
      EXPECT_TRUE(taken.insert(number * 2 + to).second);
      EXPECT_LT(number, 4U);
      expect_posted(jobs[i], name, number, 5 * kChunk + i);
    }
}

// ---- sources ----

TEST_F(EngineSendTest, SourceChangedAfterQueueing_FailsBeforeAnythingIsSent) {
  world.channel("anna");
  const JobId grown = world.queue_bytes("grown", 4 * kChunk, {"anna"});
  world.file("grown", SendWorld::pattern(4 * kChunk + 1));
  const JobId touched = world.queue_bytes("touched", 10, {"anna"});
  world.file("touched", Bytes(10, 'x'));
  const JobId deleted = world.queue_bytes("deleted", 4 * kChunk, {"anna"});
  std::filesystem::remove(world.sources / "deleted");
  const JobId folder = world.queue_bytes("folder", 4 * kChunk, {"anna"});
  std::filesystem::remove(world.sources / "folder");
  std::filesystem::create_directory(world.sources / "folder");
  const JobId good = world.queue_bytes("good", 10, {"anna"});
  run_all(world, 1, 4);
  for (const JobId id : {grown, touched, deleted, folder}) {
    EXPECT_EQ(world.job(id).state, SendState::kFailed);
    EXPECT_FALSE(world.job(id).error_text.empty());
    EXPECT_TRUE(world.store->batches(id)->empty());
  }
  EXPECT_EQ(world.job(grown).error_code, static_cast<std::uint16_t>(Errc::kSourceChanged));
  EXPECT_EQ(world.job(touched).error_code, static_cast<std::uint16_t>(Errc::kSourceChanged));
  EXPECT_EQ(world.job(deleted).error_code, static_cast<std::uint16_t>(Errc::kNotFound));
  expect_posted(good, "anna", 0, 10);
  expect_no_spool();
}

// A disk on which sources have bad days.
class BadDisk : public NoSyncDisk {
 public:
  std::function<void()> on_source_read;
  bool unreadable = false;
  Result<Bytes> read_at(const FileHandle& file, std::uint64_t offset, std::size_t length) override {
    if (file.path().find("/spool") == std::string::npos) {
      if (unreadable) return error(Errc::kIo, "read: a bad sector");
      if (on_source_read) on_source_read();
    }
    return Disk::read_at(file, offset, length);
  }
};

TEST_F(EngineSendTest, SourceThatCantBeRead_FailsThatJobOnly) {
  BadDisk disk;
  world.use_disk(disk);
  world.channel("anna");
  const JobId id = world.queue_bytes("file", 4 * kChunk, {"anna"});
  disk.unreadable = true;
  run_all(world, 0, 1);
  EXPECT_EQ(world.job(id).error_code, static_cast<std::uint16_t>(Errc::kSourceUnreadable));
  EXPECT_EQ(world.network.writes, 0U);
}

TEST_F(EngineSendTest, SourceChangedWhileItIsRead_Fails) {
  BadDisk disk;
  world.use_disk(disk);
  world.channel("anna");
  const std::string path = world.file("file", SendWorld::pattern(30 * kChunk));
  const JobId id = world.queue(path, {"anna"});
  int reads = 0;
  disk.on_source_read = [&] {
    if (++reads == 3) world.file("file", Bytes(30 * kChunk, 'x'));
  };
  run_all(world, 0, 1);
  EXPECT_EQ(world.job(id).error_code, static_cast<std::uint16_t>(Errc::kSourceChanged));
  EXPECT_EQ(world.network.writes, 0U);
  expect_no_spool();
}

TEST_F(EngineSendTest, SourceThatIsGoneAfterPreparing_IsNoLongerNeeded) {
  world.channel("anna");
  const JobId id = world.queue_bytes("file", 4 * kChunk, {"anna"});
  std::uint64_t at = 1;
  while (world.job(id).state != SendState::kUploading) ASSERT_FALSE(world.run_engine_until(at++));
  std::filesystem::remove(world.sources / "file");
  run_all(world, 1);
  expect_posted(id, "anna", 0, 4 * kChunk);
}

TEST_F(EngineSendTest, DamagedSpool_FailsThatJobOnly) {
  world.channel("anna");
  const JobId id = world.queue_bytes("file", 4 * kChunk, {"anna"});
  std::uint64_t at = 1;
  while (world.job(id).state != SendState::kUploading) ASSERT_FALSE(world.run_engine_until(at++));
  const JobId other = world.queue_bytes("other", 4 * kChunk, {"anna"});
  for (const auto& entry : std::filesystem::directory_iterator(world.state_folder() + "/spool"))
    write_file(entry.path(), "damage");
  run_all(world, 1, 1);
  EXPECT_NE(world.job(id).error_text.find("spool"), std::string::npos);
  expect_posted(other, "anna", 0, 4 * kChunk);
}

// ---- the network as a whole ----

TEST_F(EngineSendTest, BoxesTooSmallForALetter_AreRefused) {
  world.channel("anna");
  const JobId id = world.queue_bytes("file", 10, {"anna"});
  world.network.box_max = 1199;
  run_all(world, 0, 1);
  EXPECT_EQ(world.job(id).error_code, static_cast<std::uint16_t>(Errc::kRefused));
}

TEST_F(EngineSendTest, JobOfAnotherGeometry_IsBlockedAndUntouched) {
  world.channel("anna");
  const JobId id = world.queue_bytes("file", 4 * kChunk, {"anna"});
  std::uint64_t at = 1;
  while (world.job(id).state != SendState::kUploading) ASSERT_FALSE(world.run_engine_until(at++));
  const SendJobRow before = world.job(id);
  world.network.box_max = 2000;
  const Result<RunSummary> summary = world.run_engine();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->blocked, 1U);
  EXPECT_EQ(world.job(id), before);
  world.network.box_max = ModelNetwork::kBoxMax;
  run_all(world, 1);
}

// ---- the daemon ----

TEST_F(EngineSendTest, DaemonThatIsGone_LeavesTheJobAsItIs) {
  for (const std::uint64_t at : {2, 9, 25, 40, 60, 75}) {
    SendWorld one;
    one.channel("anna");
    const JobId id = one.queue_bytes("file", 6 * kChunk, {"anna"});
    ASSERT_FALSE(one.run_engine_until(at));
    one.network.gone = true;
    const Result<RunSummary> without = one.run_engine();
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().code, Errc::kDaemonGone);
    EXPECT_FALSE(has_ended(one.job(id).state));
    one.network.gone = false;
    ASSERT_TRUE(one.run_engine());
    EXPECT_EQ(one.job(id).state, SendState::kPosted);
  }
}

TEST_F(EngineSendTest, DaemonThatGoesInTheMiddle_StopsTheEngineAndNoJob) {
  for (std::uint64_t after = 2; after < 90; after += 4) {
    SendWorld one;
    one.channel("anna");
    const JobId id = one.queue_bytes("file", 6 * kChunk, {"anna"});
    const JobId other = one.queue_bytes("other", 10, {"anna"});
    SCOPED_TRACE("after step " + std::to_string(after));
    one.network.gone_at_once = after % 8 == 2;
    one.network.on_write =
        [](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
      // Some writes wait for their next attempt when it happens.
      if (call.number % 3 != 0) return std::nullopt;
      return ModelNetwork::WriteFault{false, ports::Outcome::kReencrypt};
    };
    const std::function<void()> count = one.network.step;
    one.network.step = [&] {
      count();
      if (one.steps() >= after) one.network.gone = true;
    };
    const Result<RunSummary> cut = one.run_engine();
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, Errc::kDaemonGone);
    for (const JobId job : {id, other}) EXPECT_NE(one.job(job).state, SendState::kFailed);
    one.network.step = count;
    one.network.gone = false;
    ASSERT_TRUE(one.run_engine());
    for (const JobId job : {id, other}) EXPECT_EQ(one.job(job).state, SendState::kPosted);
  }
}

// ---- restarts ----

// Killed at every step of a transfer in turn, and started again: the same end, and no step of it
// breaks an invariant (the model's audit).
TEST_F(EngineSendTest, KilledAtAnyStep_GoesOnToTheSameEnd) {
  bool ended = false;
  for (std::uint64_t at = 1; !ended; ++at) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    one.options.batch_chunks = 2;
    for (const char* name : {"anna", "ben"}) one.channel(name);
    const JobId id = one.queue_bytes("file", 4 * kChunk + 7, {"anna", "ben"});
    ended = one.run_engine_until(at);
    const Result<RunSummary> summary = one.run_engine();
    ASSERT_TRUE(summary) << summary.error().what;
    ASSERT_EQ(one.job(id).state, SendState::kPosted) << one.job(id).error_text;
    for (const char* name : {"anna", "ben"}) {
      const std::optional<wire::Letter> letter = one.letter(name, 0);
      ASSERT_TRUE(letter);
      ASSERT_TRUE(one.content(*letter) == SendWorld::pattern(4 * kChunk + 7));
      ASSERT_FALSE(one.box(name, 1));
    }
    ASSERT_FALSE(HasFailure());
    // One sequence a batch: a restart never builds again what was built.
    ASSERT_LE(one.network.copied_sequences.size(), 4U);
    ASSERT_LE(one.network.writes, 2 * 14U);
  }
}

TEST_F(EngineSendTest, KilledAgainAndAgain_StillGetsThere) {
  for (const std::uint64_t every : {40, 61, 90}) {
    SendWorld one;
    for (const char* name : {"anna", "ben"}) one.channel(name);
    const JobId id = one.queue_bytes("file", 17 * kChunk - 1, {"anna", "ben"});
    const JobId other = one.queue_bytes("other", 3 * kChunk, {"ben"});
    int starts = 1;
    while (!one.run_engine_until(every + static_cast<std::uint64_t>(starts % 5)))
      ASSERT_LT(++starts, 400);
    EXPECT_GT(starts, 3);
    ASSERT_EQ(one.job(id).state, SendState::kPosted) << one.job(id).error_text;
    ASSERT_EQ(one.job(other).state, SendState::kPosted) << one.job(other).error_text;
    const std::optional<wire::Letter> letter = one.letter("anna", 0);
    ASSERT_TRUE(letter);
    EXPECT_TRUE(one.content(*letter) == SendWorld::pattern(17 * kChunk - 1));
    EXPECT_TRUE(one.letter("ben", 0) && one.letter("ben", 1));
    EXPECT_FALSE(one.box("ben", 2));
  }
}

}  // namespace
}  // namespace taubenpost

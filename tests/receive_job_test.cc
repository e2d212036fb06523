#include <gtest/gtest.h>
#include <sys/stat.h>

#include "engine/target_name.h"
#include "files/part_file.h"
#include "support/receive_world.h"
#include "support/tar_bytes.h"
#include "support/unsynced_loss_disk.h"

namespace taubenpost {
namespace {

using ports::Outcome;

class ReceiveJobTest : public testing::Test {
 protected:
  void expect_placed(JobId id, const std::string& name, ByteView content) {
    const ReceiveJobRow row = world.row(id);
    EXPECT_EQ(row.state, ReceiveState::kPlaced) << row.error_text;
    EXPECT_EQ(row.target, world.target / name);
    EXPECT_EQ(content_of(world.target / name), as_text(content));
    EXPECT_GT(row.finished, 0U);
  }
  // Failed for a reason that names `why`, and no file is left.
  void expect_failed(JobId id, const std::string& why) {
    const ReceiveJobRow row = world.row(id);
    EXPECT_EQ(row.state, ReceiveState::kFailed);
    EXPECT_NE(row.error_text.find(why), std::string::npos) << row.error_text;
    EXPECT_NE(row.error_code, 0U);
    EXPECT_TRUE(world.target.names().empty());
  }

  // Its place keeps it out: the part file waits for another try, and nobody else may read it.
  void expect_kept(JobId id) {
    const std::string part = part_path(world.target.path(), id);
    struct stat facts{};
    EXPECT_EQ(world.target.names().size(), 2U);
    ASSERT_EQ(::stat(part.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  }

  ReceiveWorld world;
};

TEST_F(ReceiveJobTest, ContentInsideTheLetter_IsPlacedWithoutARead) {
  for (const std::string content : {"", "x", "some content"}) {
    ReceiveWorld other;
    const JobId id = other.job_of(ReceiveWorld::letter_for(as_bytes(content), "a.txt"));
    other.network.reads = 0;
    const Status ran = other.receive(id);
    ASSERT_TRUE(ran) << ran.error().what;
    EXPECT_EQ(other.row(id).state, ReceiveState::kPlaced) << other.row(id).error_text;
    EXPECT_EQ(content_of(other.target / "a.txt"), content);
    EXPECT_EQ(other.target.names(), std::vector<std::string>{"a.txt"});
    EXPECT_EQ(other.network.reads, 0U);
  }
}

TEST_F(ReceiveJobTest, BodyOfAnySize_IsPlacedWhole) {
  std::uint8_t transfer = 0;
  for (const std::size_t size :
       {std::size_t{1}, ReceiveWorld::kChunk - 1, ReceiveWorld::kChunk, ReceiveWorld::kChunk + 1,
        5 * ReceiveWorld::kChunk, 200 * ReceiveWorld::kChunk + 17}) {
    const Bytes content = ReceiveWorld::pattern(size);
    const std::string name = "f" + std::to_string(size);
    const JobId id = world.job_of(world.letter_with_body(content, name, ++transfer));
    world.network.reads = 0;
    ASSERT_TRUE(world.receive(id));
    expect_placed(id, name, content);
    EXPECT_EQ(world.network.reads, world.body_indices.size());
  }
  EXPECT_EQ(world.network.most_at_once, world.options.read_window);
}

TEST_F(ReceiveJobTest, Window_BoundsTheReads) {
  world.options.read_window = 3;
  const Bytes content = ReceiveWorld::pattern(100 * ReceiveWorld::kChunk);
  const JobId id = world.job_of(world.letter_with_body(content, "f"));
  world.network.most_at_once = 0;  // of the poll
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "f", content);
  EXPECT_EQ(world.network.most_at_once, 3U);
}

TEST_F(ReceiveJobTest, RunAgainAfterTheEnd_DoesNothing) {
  const JobId id = world.job_of(ReceiveWorld::letter_for(as_bytes("x"), "a"));
  ASSERT_TRUE(world.receive(id));
  const ReceiveJobRow before = world.row(id);
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id), before);
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"a"});
}

// ---- boxes that come late, damaged, or never ----

TEST_F(ReceiveJobTest, LaggingAndDamagedAnswers_AreReadAgain) {
  const Bytes content = ReceiveWorld::pattern(6 * ReceiveWorld::kChunk);
  const JobId id = world.job_of(world.letter_with_body(content, "f"));
  const auto script = [&](std::size_t box, std::vector<Outcome> before) {
    const IndexBytes index = world.body_indices[box];
    world.network.clear(index);
    for (const Outcome outcome : before) world.network.put(index, outcome);
    world.network.put(index,
                      Bytes(content.begin() + static_cast<std::ptrdiff_t>(box * 1545),
                            content.begin() + static_cast<std::ptrdiff_t>(box * 1545 + 1545)));
  };
  script(0, {Outcome::kNotFound, Outcome::kNotFound, Outcome::kNotFound, Outcome::kNotFound});
  script(2, {Outcome::kUnreadable, Outcome::kReencrypt});
  script(3, {Outcome::kRetry, Outcome::kRetry, Outcome::kRetry, Outcome::kNotFound});
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "f", content);
}

TEST_F(ReceiveJobTest, LongBodyWithOneLateBox_GoesOnAroundIt) {
  const Bytes content = ReceiveWorld::pattern(300 * ReceiveWorld::kChunk);
  const JobId id = world.job_of(world.letter_with_body(content, "f"));
  const IndexBytes late = world.body_indices[5];
  world.network.clear(late);
  for (int i = 0; i < 8; ++i) world.network.put(late, Outcome::kNotFound);
  world.network.put(late, Bytes(content.begin() + 5 * 1545, content.begin() + 6 * 1545));
  bool ran_ahead = false;
  world.network.on_read = [&] {
    const ReceiveJobRow row = world.row(id);
    ran_ahead |= row.prefix == 5 && row.beyond.size() >= 64;
  };
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "f", content);
  EXPECT_TRUE(ran_ahead);
}

TEST_F(ReceiveJobTest, BoxThatNeverComes_FailsAsMissing) {
  const JobId id = world.job_of(world.letter_with_body(ReceiveWorld::pattern(5000), "f"));
  world.network.clear(world.body_indices[1]);
  const std::uint64_t begin = world.clock.monotonic_ms();
  ASSERT_TRUE(world.receive(id));
  expect_failed(id, "missing");
  EXPECT_GT(world.clock.monotonic_ms() - begin, 300'000U) << "it waited for a lagging shard";
}

TEST_F(ReceiveJobTest, Tombstone_FailsAsRetracted) {
  const JobId id = world.job_of(world.letter_with_body(ReceiveWorld::pattern(5000), "f"));
  world.network.clear(world.body_indices[2]);
  world.network.put(world.body_indices[2], Outcome::kTombstone);
  ASSERT_TRUE(world.receive(id));
  expect_failed(id, "retracted by sender");
}

TEST_F(ReceiveJobTest, UnreadableForGood_Fails) {
  const JobId id = world.job_of(world.letter_with_body(ReceiveWorld::pattern(5000), "f"));
  world.network.clear(world.body_indices[2]);
  world.network.put(world.body_indices[2], Outcome::kUnreadable);
  ASSERT_TRUE(world.receive(id));
  expect_failed(id, "unreadable");
}

TEST_F(ReceiveJobTest, BoxOfAnotherLength_Fails) {
  for (const std::size_t length : {0U, 1544U, 1546U}) {
    const JobId id = world.job_of(world.letter_with_body(ReceiveWorld::pattern(5000), "f",
                                                         static_cast<std::uint8_t>(length)));
    world.network.clear(world.body_indices[1]);
    world.network.put(world.body_indices[1], Bytes(length, 1));
    ASSERT_TRUE(world.receive(id));
    expect_failed(id, "wrong length");
  }
}

TEST_F(ReceiveJobTest, OtherContent_FailsByItsDigest) {
  const Bytes content = ReceiveWorld::pattern(5000);
  const JobId id = world.job_of(world.letter_with_body(content, "f"));
  Bytes box(content.begin() + 1545, content.begin() + 2 * 1545);
  box[100] ^= 1;
  world.network.clear(world.body_indices[1]);
  world.network.put(world.body_indices[1], box);
  ASSERT_TRUE(world.receive(id));
  expect_failed(id, "wrong digest");
}

TEST_F(ReceiveJobTest, WrongDigestOfContentInside_Fails) {
  wire::Letter letter = ReceiveWorld::letter_for(as_bytes("content"), "f");
  letter.digest[0] ^= 1;
  letter.udigest = letter.digest;
  const JobId id = world.job_of(letter);
  ASSERT_TRUE(world.receive(id));
  expect_failed(id, "wrong digest");
}

TEST_F(ReceiveJobTest, BodyWithoutAUsableKey_Fails) {
  wire::Letter letter = world.letter_with_body(ReceiveWorld::pattern(5000), "f");
  std::get<wire::BodyRef>(letter.content).cap.fill(0xff);
  const JobId id = world.job_of(letter);
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kFailed);
}

// ---- what the engine, or the folder, can't do now ----

TEST_F(ReceiveJobTest, NoDaemon_LeavesTheJobAndSaysSo) {
  const Bytes content = ReceiveWorld::pattern(5000);
  const JobId id = world.job_of(world.letter_with_body(content, "f"));
  world.network.gone = true;
  const Status ran = world.receive(id);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Errc::kDaemonGone);
  EXPECT_EQ(world.row(id).state, ReceiveState::kFetching);
  world.network.gone = false;
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "f", content);
}

TEST_F(ReceiveJobTest, FolderIsMissing_WaitsForALaterRun) {
  const JobId id = world.job_of(ReceiveWorld::letter_for(as_bytes("x"), "a"));
  std::filesystem::remove(world.target.path());
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kWaiting);
  EXPECT_NE(world.store->journal(id)->back().text.find("folder is missing"), std::string::npos);
  std::filesystem::create_directory(world.target.path());
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "a", as_bytes("x"));
}

TEST_F(ReceiveJobTest, MoreThanTheFreeSpace_IsNotBegun) {
  wire::Letter letter = world.letter_with_body(ReceiveWorld::pattern(10), "f");
  letter.size = letter.usize = std::uint64_t{1} << 49;
  auto& body = std::get<wire::BodyRef>(letter.content);
  body.boxes = chunks_for(ByteSize{letter.size}, ByteSize{body.chunk}).value();
  world.channel = world.import("sender", 1);
  ChannelRules rules;
  rules.max_size = letter.size;
  ASSERT_TRUE(world.run(set_channel_rules(world.ports(), "sender", rules)));
  const JobId id = world.job_of(letter);
  world.network.reads = 0;
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kWaiting);
  EXPECT_NE(world.store->journal(id)->back().text.find("not enough space"), std::string::npos);
  EXPECT_EQ(world.network.reads, 0U);
  EXPECT_TRUE(world.target.names().empty());
}

// ---- names, modes ----

TEST_F(ReceiveJobTest, NameThatExists_GetsANumber) {
  write_file(world.target / "a.txt", "old");
  write_file(world.target / "a (2).txt", "old");
  const JobId id = world.job_of(ReceiveWorld::letter_for(as_bytes("new"), "a.txt"));
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "a (3).txt", as_bytes("new"));
  EXPECT_EQ(content_of(world.target / "a.txt"), "old");
}

TEST_F(ReceiveJobTest, NameThatExistsAndMayNot_FailsUnread) {
  world.place.if_exists = IfExists::kFail;
  write_file(world.target / "f", "old");
  const JobId id = world.job_of(world.letter_with_body(ReceiveWorld::pattern(5000), "f"));
  world.network.reads = 0;
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kFailed);
  EXPECT_NE(world.row(id).error_text.find("that name"), std::string::npos);
  EXPECT_EQ(world.network.reads, 0U);
  EXPECT_EQ(content_of(world.target / "f"), "old");
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f"});
}

TEST_F(ReceiveJobTest, NameThatIsTakenMeanwhileAndMayNot_Fails) {
  world.place.if_exists = IfExists::kFail;
  const JobId id = world.job_of(world.letter_with_body(ReceiveWorld::pattern(5000), "f"));
  world.network.on_read = [&] { write_file(world.target / "f", "new"); };
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kFailed);
  EXPECT_EQ(content_of(world.target / "f"), "new");
  expect_kept(id);
  TempFolder elsewhere;
  ASSERT_TRUE(move_part_file(*world.disk, world.target.path(), elsewhere.path(), id));
  ASSERT_TRUE(world.run(receive_again(world.ports(), id, elsewhere.path(), world.place)));
  EXPECT_EQ(world.row(id).error_text, "");
  world.network.on_read = {};
  world.network.reads = 0;
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).target, elsewhere / "f");
  EXPECT_EQ(content_of(elsewhere / "f"), as_text(ReceiveWorld::pattern(5000)));
  EXPECT_EQ(elsewhere.names(), std::vector<std::string>{"f"});
  EXPECT_EQ(world.network.reads, 0U);
  EXPECT_EQ(world.run(receive_again(world.ports(), id, elsewhere.path(), world.place)).error().code,
            Errc::kNothingToDo);
}

TEST_F(ReceiveJobTest, JobTriedAgainWithoutItsPartFile_FetchesAllOfIt) {
  world.place.if_exists = IfExists::kFail;
  const Bytes content = ReceiveWorld::pattern(5000);
  const JobId id = world.job_of(world.letter_with_body(content, "f"));
  world.network.on_read = [&] { write_file(world.target / "f", "new"); };
  ASSERT_TRUE(world.receive(id));
  world.network.on_read = {};
  for (const std::string& name : world.target.names()) std::filesystem::remove(world.target / name);
  ASSERT_TRUE(world.run(receive_again(world.ports(), id, world.target.path(), world.place)));
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "f", content);
}

TEST_F(ReceiveJobTest, JobWhoseContentWasMissing_IsTriedAgain) {
  const Bytes content = ReceiveWorld::pattern(100 * ReceiveWorld::kChunk);
  const JobId id = world.job_of(world.letter_with_body(content, "f"));
  const IndexBytes missing = world.body_indices[90];
  world.network.clear(missing);
  ASSERT_TRUE(world.receive(id));
  expect_failed(id, "missing");
  world.network.put(missing, Bytes(content.begin() + 90 * 1545, content.begin() + 91 * 1545));
  ASSERT_TRUE(world.run(receive_again(world.ports(), id, world.target.path(), world.place)));
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "f", content);
}

TEST_F(ReceiveJobTest, JobThatIsBeingPlaced_IsNotMoved) {
  const JobId id = world.job_of(ReceiveWorld::letter_for(as_bytes("x"), "f"));
  ReceiveJob job(id, world.ports(), world.options, {}, [] { return false; });
  ASSERT_TRUE(world.run(job.run()));
  EXPECT_TRUE(job.is_out_of_turn());
  EXPECT_EQ(world.row(id).state, ReceiveState::kPlacing);
  EXPECT_EQ(world.run(receive_again(world.ports(), id, "/", world.place)).error().code,
            Errc::kRefused);
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "f", as_bytes("x"));
}

TEST_F(ReceiveJobTest, FileOfThatName_IsReplacedWhereAskedFor) {
  world.place.if_exists = IfExists::kReplace;
  write_file(world.target / "f", "old");
  const Bytes content = ReceiveWorld::pattern(5000);
  const JobId id = world.job_of(world.letter_with_body(content, "f"));
  world.network.on_read = [&] { EXPECT_EQ(content_of(world.target / "f"), "old"); };
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "f", content);
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f"});
}

TEST_F(ReceiveJobTest, FolderOfThatName_IsNeverReplaced) {
  world.place.if_exists = IfExists::kReplace;
  std::filesystem::create_directory(world.target / "f");
  const JobId id = world.job_of(ReceiveWorld::letter_for(as_bytes("x"), "f"));
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kFailed);
  EXPECT_NE(world.row(id).error_text.find("can't be replaced"), std::string::npos);
  expect_kept(id);
}

TEST_F(ReceiveJobTest, TargetOfItsOwn_IsTakenInsteadOfTheLettersName) {
  TempFolder elsewhere;
  world.place.target = elsewhere / "mine";
  const JobId id = world.job_of(ReceiveWorld::letter_for(as_bytes("x"), "theirs"));
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kPlaced) << world.row(id).error_text;
  EXPECT_EQ(world.row(id).target, elsewhere / "mine");
  EXPECT_EQ(content_of(elsewhere / "mine"), "x");
  EXPECT_TRUE(world.target.names().empty());
}

TEST_F(ReceiveJobTest, OnlyVerified_IsPlacedLaterWhereItIsWantedWithoutARead) {
  world.goal.only_verify = true;
  world.place.if_exists = IfExists::kFail;
  write_file(world.target / "f", "does not matter before it is placed");
  const Bytes content = ReceiveWorld::pattern(5000);
  const JobId id = world.job_of(world.letter_with_body(content, "f"));
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(world.receive(id));
    EXPECT_EQ(world.row(id).state, ReceiveState::kVerified) << world.row(id).error_text;
    world.restart();
    world.network.reads = 0;
  }
  EXPECT_EQ(*pending_of(*world.store, world.channel->id), 1U);
  world.goal = {};
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kVerified) << "nobody said where to";
  TempFolder elsewhere;
  ASSERT_TRUE(move_part_file(*world.disk, world.target.path(), elsewhere.path(), id));
  ASSERT_TRUE(world.run(receive_again(world.ports(), id, elsewhere.path(), PlaceOptions{})));
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).target, elsewhere / "f");
  EXPECT_EQ(content_of(elsewhere / "f"), as_text(content));
  EXPECT_EQ(world.network.reads, 0U);
}

TEST_F(ReceiveJobTest, OtherContentThatIsOnlyVerified_Fails) {
  world.goal.only_verify = true;
  wire::Letter letter = ReceiveWorld::letter_for(as_bytes("content"), "f");
  letter.digest[0] ^= 1;
  letter.udigest = letter.digest;
  const JobId id = world.job_of(letter);
  ASSERT_TRUE(world.receive(id));
  expect_failed(id, "wrong digest");
}

TEST_F(ReceiveJobTest, Tar_IsPlacedAsOne) {
  wire::Letter letter = ReceiveWorld::letter_for(as_bytes("tar"), "photos");
  letter.kind = wire::LetterKind::kTar;
  const JobId id = world.job_of(letter);
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "photos.tar", as_bytes("tar"));
}

TEST_F(ReceiveJobTest, TarToUnpack_IsPlacedAsAFolder) {
  std::filesystem::create_directory(world.target / "photos");  // the name is taken
  for (const std::size_t size : {10U, 5000U}) {
    const std::string content(size, 'x');
    const JobId id = world.job_of_archive(TarBytes().file("photos/x", content).take(), "photos");
    ASSERT_TRUE(world.receive(id));
    const ReceiveJobRow row = world.row(id);
    EXPECT_EQ(row.state, ReceiveState::kPlaced) << row.error_text;
    EXPECT_EQ(row.target, world.target / (size == 10 ? "photos (2)" : "photos (3)"));
    EXPECT_EQ(content_of(row.target + "/x"), content);
    EXPECT_EQ(row.error_text, "");
  }
  EXPECT_EQ(world.target.names(), (std::vector<std::string>{"photos", "photos (2)", "photos (3)"}))
      << "neither an archive nor a part of it is left";
}

TEST_F(ReceiveJobTest, TarThatIsNotUnpacked_IsPlacedAsOneWithTheReason) {
  const Bytes archive = TarBytes().file("a", "x").file("../b", "x").take();
  const JobId id = world.job_of_archive(archive, "photos");
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "photos.tar", archive);
  EXPECT_NE(world.row(id).error_text.find("leads elsewhere"), std::string::npos);
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"photos.tar"});
}

TEST_F(ReceiveJobTest, FileWhereArchivesAreUnpacked_IsAFile) {
  world.place.archives = Archives::kUnpack;
  const JobId id = world.job_of(ReceiveWorld::letter_for(as_bytes("x"), "a"));
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, "a", as_bytes("x"));
}

TEST_F(ReceiveJobTest, ModeAndTime_AreTakenWithinReason) {
  wire::Letter letter = ReceiveWorld::letter_for(as_bytes("x"), "a");
  letter.mode = 0777;
  letter.mtime = 1'000'000'000;
  const JobId id = world.job_of(letter);
  ASSERT_TRUE(world.receive(id));
  struct stat st{};
  ASSERT_EQ(::stat((world.target / "a").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0755U);
  EXPECT_EQ(st.st_mtim.tv_sec, 1'000'000'000);
}

TEST(TargetName, Candidates_KeepTheExtensionAndFit) {
  EXPECT_EQ(target_candidate("a.txt", 1), "a.txt");
  EXPECT_EQ(target_candidate("a.txt", 2), "a (2).txt");
  EXPECT_EQ(target_candidate("a", 3), "a (3)");
  EXPECT_EQ(target_candidate(".hidden", 2), ".hidden (2)");
  EXPECT_EQ(target_candidate("a.", 2), "a (2).");
  EXPECT_EQ(target_candidate(std::string(255, 'x'), 1), std::string(255, 'x'));
  EXPECT_EQ(target_candidate(std::string(251, 'x') + ".txt", 12),
            std::string(246, 'x') + " (12).txt");
  // Never cut inside a character of several bytes.
  std::string umlauts;
  for (int i = 0; i < 127; ++i) umlauts += "ü";
  EXPECT_TRUE(is_utf8(target_candidate(umlauts, 2)));
  EXPECT_LE(target_candidate(umlauts, 2).size(), 255U);
  EXPECT_EQ(candidate_number("a.txt", "a (77).txt"), 77U);
  EXPECT_EQ(candidate_number("a.txt", "b.txt"), 0U);
}

// ---- crashes ----

// Stops at the n-th read, loses what was not synced, and goes on as a new process.
class ReceiveJobStopped : public testing::Test {
 protected:
  TempFolder graveyard;
  UnsyncedLossDisk loss{graveyard.path()};
  ReceiveWorld world;
};

TEST_F(ReceiveJobStopped, PowerLossAtAnyRead_EndsWithTheSameBytes) {
  world.use_disk(loss);
  world.options.read_window = 4;
  const Bytes content = ReceiveWorld::pattern(150 * ReceiveWorld::kChunk + 3);
  for (const std::size_t step : {1U, 7U, 70U}) {
    const std::string name = "f" + std::to_string(step);
    const JobId id =
        world.job_of(world.letter_with_body(content, name, static_cast<std::uint8_t>(step)));
    std::size_t stops = 0;
    world.network.reads = 0;
    // A step that is smaller than what one mark needs would begin the same chunks for ever.
    for (std::size_t n = step; !world.run_until_read(id, n); n += 10, ++stops) {
      loss.lose_unsynced();
      world.restart();
    }
    world.restart();
    EXPECT_GT(stops, 1U);
    // What was marked is never read again: a stop costs one window and one group of marks.
    EXPECT_LE(world.network.reads, world.body_indices.size() + stops * (64 + 2 * 4));
    const ReceiveJobRow row = world.row(id);
    EXPECT_EQ(row.state, ReceiveState::kPlaced) << row.error_text;
    EXPECT_EQ(content_of(world.target / name), as_text(content));
  }
  EXPECT_EQ(world.target.names().size(), 3U) << "no part file is left";
}

TEST_F(ReceiveJobStopped, PartFileRemovedMeanwhile_IsFetchedAgain) {
  const Bytes content = ReceiveWorld::pattern(150 * ReceiveWorld::kChunk);
  const JobId id = world.job_of(world.letter_with_body(content, "f"));
  ASSERT_FALSE(world.run_until_read(id, 120));
  world.restart();
  ASSERT_GE(world.row(id).prefix, 64U);
  std::filesystem::remove(part_path(world.target.path(), id));
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(content_of(world.target / "f"), as_text(content));
}

}  // namespace
}  // namespace taubenpost

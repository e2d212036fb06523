// The commit of a transfer: letters, positions, conflicts, and what becomes of each recipient.
#include <gtest/gtest.h>

#include "bacap/epochs.h"
#include "engine/batch_content.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

using ports::CopyResult;
using ports::Outcome;

constexpr std::size_t kChunk = SendWorld::kChunk;

class EngineCommitTest : public testing::Test {
 protected:
  EngineCommitTest() {
    for (const char* name : {"anna", "ben"}) world.channel(name);
  }
  JobId queue(std::size_t size = 10) { return world.queue_bytes("file", size, {"anna", "ben"}); }
  void expect_letter(JobId id, const std::string& channel, std::uint64_t number) {
    const std::optional<wire::Letter> letter = world.letter(channel, number);
    ASSERT_TRUE(letter) << channel << " " << number;
    EXPECT_EQ(letter->id, world.job(id).transfer);
    EXPECT_TRUE(world.content(*letter) == SendWorld::pattern(letter->size));
  }
  void put(const std::string& channel, std::uint64_t number, const std::string& content) {
    world.network.put(world.write_cap(channel), world.position(channel, number), as_bytes(content));
  }
  void lose(const std::string& channel, std::uint64_t number) {
    world.network.lose(world.write_cap(channel).read_cap(), world.position(channel, number));
  }
  // The first letter of the channel is gone when it is read back.
  void lose_after_the_copy(const std::string& channel) {
    world.network.on_read = [this, channel, lost = false](
                                const IndexBytes&) mutable -> std::optional<ports::ReadResult> {
      if (!std::exchange(lost, true)) lose(channel, 0);
      return std::nullopt;
    };
  }

  SendWorld world;
};

TEST_F(EngineCommitTest, LetterMissingAfterTheCopy_IsWrittenDirectly) {
  const JobId id = queue();
  lose_after_the_copy("ben");
  run_all(world, 1);
  expect_letter(id, "anna", 0);
  expect_letter(id, "ben", 0);
  EXPECT_EQ(world.network.confirmed_writes, 1U);  // the other one was not written again
  EXPECT_EQ(world.recipient(id, 1).letter, *world.box("ben", 0));
}

TEST_F(EngineCommitTest, TransientOutcomesOfDirectLetters_AreRepeated) {
  const JobId id = queue();
  lose_after_the_copy("ben");
  int letters = 0;
  world.network.on_write =
      [&](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
    constexpr std::array kOutcomes{Outcome::kRetry, Outcome::kReencrypt, Outcome::kStorageFull};
    if (call.job || letters >= 3) return std::nullopt;
    return ModelNetwork::WriteFault{false, kOutcomes[static_cast<std::size_t>(letters++)]};
  };
  run_all(world, 1);
  EXPECT_EQ(letters, 3);
  expect_letter(id, "ben", 0);
}

TEST_F(EngineCommitTest, DirectLetterThatMeetsAnother_IsDecidedByReading) {
  for (const bool ours : {true, false}) {
    SCOPED_TRACE(ours ? "our own" : "somebody else's");
    SendWorld one;
    for (const char* name : {"anna", "ben"}) one.channel(name);
    const JobId id = one.queue_bytes("file", 10, {"anna", "ben"});
    bool lost = false;
    one.network.on_read = [&](const IndexBytes&) -> std::optional<ports::ReadResult> {
      if (!std::exchange(lost, true))
        one.network.lose(one.write_cap("ben").read_cap(), one.position("ben", 0));
      return std::nullopt;
    };
    int letters = 0;
    one.network.on_write =
        [&](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
      if (call.job || letters++ > 0) return std::nullopt;
      if (ours) return ModelNetwork::WriteFault{true, Outcome::kTaken};
      one.network.put(one.write_cap("ben"), one.position("ben", 0), as_bytes("not ours"));
      return std::nullopt;
    };
    ASSERT_TRUE(one.run_engine());
    EXPECT_EQ(one.job(id).state, SendState::kPosted) << one.job(id).error_text;
    EXPECT_EQ(letters, ours ? 1 : 2);
    EXPECT_TRUE(one.letter("ben", ours ? 0 : 1));
    EXPECT_FALSE(one.box("ben", ours ? 1 : 2));
  }
}

TEST_F(EngineCommitTest, PositionTaken_IsAConflictAndTheNextOneIsUsed) {
  put("anna", 0, "somebody else's");
  const JobId id = queue(6 * kChunk);
  run_all(world, 1);
  expect_letter(id, "anna", 1);
  expect_letter(id, "ben", 0);
  EXPECT_EQ(*world.box("anna", 0), to_bytes(as_bytes("somebody else's")));
  EXPECT_TRUE(world.noted(id, "taken"));
  EXPECT_EQ(world.recipient(id, 0).counter, world.position("anna", 1).counter());
  // The next transfer begins behind it.
  const JobId next = queue();
  run_all(world, 1);
  expect_letter(next, "anna", 2);
  expect_letter(next, "ben", 1);
}

TEST_F(EngineCommitTest, SeveralPositionsTaken_AreAllSkipped) {
  for (std::uint64_t i = 0; i < 5; ++i) put("ben", i, "taken " + std::to_string(i));
  const JobId id = queue();
  run_all(world, 1);
  expect_letter(id, "anna", 0);
  expect_letter(id, "ben", 5);
}

TEST_F(EngineCommitTest, ChannelOfSomebodyElse_FailsThatRecipientOnly) {
  for (std::uint64_t i = 0; i < 40; ++i) put("anna", i, "taken " + std::to_string(i));
  const JobId id = queue();
  run_all(world, 0, 1);
  expect_letter(id, "ben", 0);
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kFailed);
  EXPECT_EQ(world.recipient(id, 1).state, RecipientState::kPosted);
  EXPECT_NE(world.job(id).error_text.find("anna"), std::string::npos);
  EXPECT_EQ(world.job(id).error_text.find("ben"), std::string::npos);
}

TEST_F(EngineCommitTest, PositionRetracted_FailsThatRecipientOnly) {
  put("anna", 0, "");
  const JobId id = queue();
  run_all(world, 0, 1);
  expect_letter(id, "ben", 0);
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kFailed);
  EXPECT_NE(world.recipient(id, 0).error_text.find("retracted"), std::string::npos);
  EXPECT_EQ(world.recipient(id, 1).state, RecipientState::kPosted);
}

TEST_F(EngineCommitTest, LetterRefused_FailsThatRecipientOnly) {
  const JobId id = queue();
  lose_after_the_copy("anna");
  world.network.on_write =
      [](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
    if (call.job) return std::nullopt;
    return ModelNetwork::WriteFault{false, Outcome::kRejected};
  };
  run_all(world, 0, 1);
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kFailed);
  EXPECT_FALSE(world.recipient(id, 0).error_text.empty());
  expect_letter(id, "ben", 0);
}

TEST_F(EngineCommitTest, UnreadableLetter_FailsThatRecipientOnly) {
  const JobId id = queue();
  const IndexBytes bad = world.position("anna", 0).bytes();
  world.network.on_read = [&](const IndexBytes& index) -> std::optional<ports::ReadResult> {
    if (index != bad) return std::nullopt;
    return ports::ReadResult{Outcome::kUnreadable, {}, "thin 25"};
  };
  run_all(world, 0, 1);
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kFailed);
  expect_letter(id, "ben", 0);
}

TEST_F(EngineCommitTest, AnyCopyFailure_EndsInOneLetterEach) {
  for (const std::uint8_t code : {0, 1, 4, 6, 7, 8, 9, 10, 11})
    for (const std::uint64_t at : {1, 2}) {
      SCOPED_TRACE("code " + std::to_string(code) + " at envelope " + std::to_string(at));
      SendWorld one;
      for (const char* name : {"anna", "ben"}) one.channel(name);
      const JobId id = one.queue_bytes("file", 10, {"anna", "ben"});
      int failures = 3;
      one.network.on_envelope = [&](const CourierRow&,
                                    std::uint64_t k) -> std::optional<std::uint8_t> {
        if (k == at && failures-- > 0) return code;
        return std::nullopt;
      };
      ASSERT_TRUE(one.run_engine());
      ASSERT_EQ(one.job(id).state, SendState::kPosted) << one.job(id).error_text;
      for (const char* name : {"anna", "ben"}) {
        EXPECT_TRUE(one.letter(name, 0));
        EXPECT_FALSE(one.box(name, 1));
      }
    }
}

TEST_F(EngineCommitTest, KilledAtAnyStepOfAConflict_UsesOnePositionEach) {
  bool ended = false;
  for (std::uint64_t at = 1; !ended; ++at) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    for (const char* name : {"anna", "ben"}) one.channel(name);
    one.network.put(one.write_cap("anna"), one.position("anna", 0), as_bytes("taken"));
    const JobId id = one.queue_bytes("file", 10, {"anna", "ben"});
    ended = one.run_engine_until(at);
    ASSERT_TRUE(one.run_engine());
    ASSERT_EQ(one.job(id).state, SendState::kPosted) << one.job(id).error_text;
    ASSERT_TRUE(one.letter("anna", 1));
    ASSERT_FALSE(one.box("anna", 2));
    ASSERT_TRUE(one.letter("ben", 0));
    ASSERT_FALSE(one.box("ben", 1));
    ASSERT_FALSE(HasFailure());
  }
}

// ---- time ----

TEST_F(EngineCommitTest, Until_IsTheEndOfTheEpochAfterTheFirst) {
  const JobId id = queue(6 * kChunk);
  const std::uint64_t epoch = bacap::replica_epoch(world.clock.unix_ms() / 1000);
  run_all(world, 1);
  EXPECT_EQ(world.job(id).until, bacap::replica_epoch_start(epoch + 2));
  EXPECT_EQ(world.letter("anna", 0)->until, world.job(id).until);
}

TEST_F(EngineCommitTest, BodyThatAgedOutBeforeTheDecision_IsRefusedAndTakesNoPosition) {
  const JobId id = queue(6 * kChunk);
  world.network.on_read = {};
  std::uint64_t at = 1;
  while (world.job(id).next_batch == 0) ASSERT_FALSE(world.run_engine_until(at++));
  world.let_pass(std::chrono::hours(24 * 15));
  run_all(world, 0, 1);
  EXPECT_EQ(world.job(id).error_code, static_cast<std::uint16_t>(Errc::kRefused));
  EXPECT_FALSE(world.box("anna", 0));
  EXPECT_EQ(find_channel(*world.store, "anna")->counter, world.position("anna", 0).counter());
}

TEST_F(EngineCommitTest, ExpiredBetweenDecisionAndLetter_FailsTheRecipients) {
  const JobId id = queue();
  run_until(world, id, SendState::kCommitting);
  world.let_pass(std::chrono::hours(24 * 15));
  run_all(world, 0, 1);
  for (const std::size_t i : {0, 1}) {
    EXPECT_EQ(world.recipient(id, i).state, RecipientState::kFailed);
    EXPECT_NE(world.recipient(id, i).error_text.find("expired"), std::string::npos);
  }
  EXPECT_FALSE(world.box("anna", 0));
  EXPECT_FALSE(world.box("ben", 0));
}

// ---- no letter is issued when its content ages out within the hour ----

TEST_F(EngineCommitTest, LettersThatCanNotBeCopiedInTime_Expire) {
  const JobId id = queue();
  run_until(world, id, SendState::kCommitting);
  const std::uint64_t last_issue = world.job(id).until - kExpirySlackS;
  world.let_pass(std::chrono::seconds(last_issue - 3600 - world.clock.unix_ms() / 1000));
  int copies = 0;
  world.network.on_copy = [&](const CourierRow&) -> std::optional<CopyResult> {
    ++copies;
    EXPECT_LT(world.clock.unix_ms() / 1000, last_issue);
    return CopyResult{CopyResult::Kind::kFailed, 8, 1};
  };
  run_all(world, 0, 1);
  EXPECT_GT(copies, 5);
  EXPECT_GE(world.clock.unix_ms() / 1000, last_issue);
  for (const std::size_t i : {0, 1})
    EXPECT_NE(world.recipient(id, i).error_text.find("expired"), std::string::npos);
  for (const char* name : {"anna", "ben"}) EXPECT_FALSE(world.box(name, 0));
}

TEST_F(EngineCommitTest, LetterThatCanNotBeWrittenInTime_Expires) {
  const JobId id = queue();
  run_until(world, id, SendState::kCommitting);
  const std::uint64_t last_issue = world.job(id).until - kExpirySlackS;
  world.let_pass(std::chrono::seconds(last_issue - 600 - world.clock.unix_ms() / 1000));
  lose_after_the_copy("ben");
  int letters = 0;
  world.network.on_write =
      [&](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
    if (call.job) return std::nullopt;
    ++letters;
    EXPECT_LT(world.clock.unix_ms() / 1000, last_issue);
    return ModelNetwork::WriteFault{false, Outcome::kStorageFull};
  };
  run_all(world, 0, 1);
  EXPECT_GT(letters, 5);
  EXPECT_NE(world.recipient(id, 1).error_text.find("expired"), std::string::npos);
  EXPECT_FALSE(world.box("ben", 0));
  expect_letter(id, "anna", 0);
}

// Whoever asks again then has a courier write letters that lead nowhere.
TEST_F(EngineCommitTest, AsleepWhileTheCopyIsAwaited_DoesNotAskForItAgain) {
  const JobId id = queue();
  int commands = 0;
  world.network.on_copy = [&](const CourierRow&) -> std::optional<ports::CopyResult> {
    const auto asleep = [this] { world.clock.skip(std::chrono::hours(24 * 15)); };
    if (++commands == 1) world.clock.after(std::chrono::milliseconds(1), asleep);
    return ports::CopyResult{};
  };
  run_all(world, 0, 1);
  EXPECT_EQ(commands, 1);
  EXPECT_NE(world.recipient(id).error_text.find("expired"), std::string::npos);
  EXPECT_FALSE(world.box("anna", 0));
}

// The program was off while its letters were already there: that is success, and no failure.
TEST_F(EngineCommitTest, ExpiredAfterTheLettersWereWritten_IsPosted) {
  const JobId id = queue();
  std::uint64_t at = 1;
  while (!world.box("ben", 0)) ASSERT_FALSE(world.run_engine_until(at++));
  ASSERT_NE(world.job(id).state, SendState::kPosted);
  world.let_pass(std::chrono::hours(24 * 15));
  const std::uint64_t writes = world.network.writes;
  run_all(world, 1);
  EXPECT_EQ(world.job(id).state, SendState::kPosted) << world.job(id).error_text;
  EXPECT_EQ(world.network.writes, writes);
  EXPECT_TRUE(world.store->batches(id)->empty());
}

// A replica that was silent may take a letter half an hour late.
TEST_F(EngineCommitTest, LetterThatArrivesAfterTheLastIssue_IsPosted) {
  const JobId id = queue();
  run_until(world, id, SendState::kCommitting);
  const std::uint64_t last_issue = world.job(id).until - kExpirySlackS;
  world.let_pass(std::chrono::seconds(last_issue + 60 - world.clock.unix_ms() / 1000));
  world.clock.after(std::chrono::minutes(30), [&] {
    for (const std::size_t i : {0, 1}) {
      const RecipientRow to = world.recipient(id, i);
      const auto index = bacap::MessageBoxIndex::parse(to.position);
      const auto cap =
          bacap::WriteCap::parse(find_channel(*world.store, to.channel_name)->capability);
      world.network.put(*cap, *index, to.letter);
    }
  });
  const std::uint64_t writes = world.network.writes;
  run_all(world, 1);
  EXPECT_EQ(world.network.writes, writes);
  expect_letter(id, "anna", 0);
}

TEST_F(EngineCommitTest, OffUntilItsLettersMayHaveAged_SaysThatNobodyKnows) {
  const JobId id = queue();
  run_until(world, id, SendState::kCommitting);
  world.let_pass(std::chrono::hours(24 * 15));
  run_all(world, 0, 1);
  EXPECT_NE(world.recipient(id).error_text.find("too late to see"), std::string::npos);
  EXPECT_NE(world.recipient(id).error_text.find("retry --restart"), std::string::npos);
}

TEST_F(EngineCommitTest, ExpiredWithOneLetterWritten_FailsTheOtherOnly) {
  const JobId id = queue();
  world.network.on_envelope = [&](const CourierRow&, std::uint64_t k) {
    if (k == 1) return std::optional<std::uint8_t>();
    world.clock.skip(std::chrono::hours(24 * 15));
    return std::optional<std::uint8_t>(1);
  };
  run_all(world, 0, 1);
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kPosted);
  EXPECT_EQ(world.recipient(id, 1).state, RecipientState::kFailed);
  EXPECT_FALSE(world.box("ben", 0));
}

}  // namespace
}  // namespace taubenpost

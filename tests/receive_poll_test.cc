#include <gtest/gtest.h>

#include "support/receive_world.h"

namespace taubenpost {
namespace {

using ports::Outcome;

class ReceivePoll : public testing::Test {
 protected:
  Bytes letter(std::uint8_t id, const std::string& name = "a.txt") {
    return wire::encode_letter(ReceiveWorld::letter_for(as_bytes("content"), name, id));
  }
  std::vector<InboxKind> kinds() {
    const std::vector<InboxRow> inbox = *world.store->inbox(channel.id);
    std::vector<InboxKind> found;
    for (const InboxRow& row : inbox) found.push_back(row.kind);
    return found;
  }

  // Distances of the awaited positions from the first one.
  std::vector<std::uint64_t> awaited() {
    std::vector<std::uint64_t> out;
    const std::vector<AwaitedRow> rows = *world.store->awaited(channel.id);
    for (const AwaitedRow& row : rows) out.push_back(row.counter - channel.counter);
    return out;
  }

  ReceiveWorld world;
  ChannelRow channel = world.import("sender", 1);
};

TEST_F(ReceivePoll, EmptyChannel_ReadsAFewPositionsAndStops) {
  const Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled) << polled.error().what;
  EXPECT_EQ(polled->letters + polled->others + polled->passed_over + polled->lost, 0U);
  EXPECT_GE(world.network.reads, 4U);
  EXPECT_LE(world.network.reads, 5U);
  EXPECT_EQ(world.store->channel(channel.id)->next, channel.next);
}

TEST_F(ReceivePoll, Letter_BecomesInboxRowAndJobAndTheNextPosition) {
  world.post(letter(1));
  const Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled) << polled.error().what;
  EXPECT_EQ(polled->letters, 1U);
  ASSERT_EQ(kinds(), std::vector{InboxKind::kLetter});
  const InboxRow inbox = world.store->inbox(channel.id)->front();
  EXPECT_EQ(inbox.counter, channel.counter);
  const ReceiveJobRow job = world.row(inbox.job);
  EXPECT_EQ(job.state, ReceiveState::kWaiting);
  EXPECT_EQ(job.letter, letter(1));
  EXPECT_EQ(job.folder, world.target.path());
  EXPECT_EQ(job.channel_name, "sender");
  const ChannelRow after = *world.store->channel(channel.id);
  EXPECT_EQ(after.next, world.position.bytes());
  EXPECT_EQ(after.counter, channel.counter + 1);
}

TEST_F(ReceivePoll, SecondRound_GoesOnWhereTheFirstEnded) {
  world.post(letter(1));
  ASSERT_TRUE(world.poll(channel));
  world.restart();
  world.post(letter(2));
  world.post(letter(3));
  EXPECT_EQ(world.poll(channel)->letters, 2U);
  EXPECT_EQ(world.poll(channel)->letters, 0U);
  EXPECT_EQ(world.store->receive_jobs()->size(), 3U);
}

TEST_F(ReceivePoll, SameTransferTwice_IsOneJob) {
  world.post(letter(1));
  world.post(letter(1));
  world.post(letter(2));
  const Result<PollSummary> polled = world.poll(channel);
  EXPECT_EQ(polled->letters, 2U);
  EXPECT_EQ(polled->others, 1U);
  EXPECT_EQ(kinds(), (std::vector{InboxKind::kLetter, InboxKind::kDuplicate, InboxKind::kLetter}));
  const std::vector<InboxRow> inbox = *world.store->inbox(channel.id);
  EXPECT_EQ(inbox[1].job, inbox[0].job);
}

TEST_F(ReceivePoll, SameTransferOnTwoChannels_IsTwoJobs) {
  world.post(letter(1));
  ASSERT_TRUE(world.poll(channel));
  const ChannelRow other = world.import("other", 2);
  world.post(letter(1));
  EXPECT_EQ(world.poll(other)->letters, 1U);
}

TEST_F(ReceivePoll, BoxesThatAreNoLetters_NeverStopTheChannel) {
  Bytes damaged = letter(1);
  damaged.resize(damaged.size() / 2);
  world.post(Bytes{});
  world.post(damaged);
  world.post(Bytes(1545, 0xff));
  // {"tp": 1, "type": "x"}: of a later version.
  world.post(Bytes{0xA2, 0x62, 't', 'p', 0x01, 0x64, 't', 'y', 'p', 'e', 0x61, 'x'});
  world.post(Outcome::kTombstone);
  world.post(letter(7));
  const Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled) << polled.error().what;
  EXPECT_EQ(polled->letters, 1U);
  EXPECT_EQ(polled->others, 4U);
  EXPECT_EQ(polled->retracted, 1U);
  EXPECT_EQ(kinds(), (std::vector{InboxKind::kInvalid, InboxKind::kInvalid, InboxKind::kInvalid,
                                  InboxKind::kUnknown, InboxKind::kRetracted, InboxKind::kLetter}));
  const InboxRow invalid = world.store->inbox(channel.id)->at(1);
  EXPECT_EQ(invalid.content, damaged) << "kept for inspection";
  EXPECT_FALSE(invalid.reason.empty());
}

TEST_F(ReceivePoll, PassingTrouble_IsReadAgain) {
  world.network.put(world.position.bytes(), Outcome::kRetry);
  world.network.put(world.position.bytes(), Outcome::kUnreadable);
  world.post(letter(1));
  EXPECT_EQ(world.poll(channel)->letters, 1U);
}

TEST_F(ReceivePoll, LastingTrouble_IsTemporaryAndSkipsNothing) {
  for (const Outcome outcome : {Outcome::kRetry, Outcome::kUnreadable}) {
    world.network.clear(world.position.bytes());
    world.network.put(world.position.bytes(), outcome);
    const Result<PollSummary> polled = world.poll(channel);
    ASSERT_FALSE(polled);
    EXPECT_EQ(polled.error().code, Errc::kTemporary);
    EXPECT_EQ(world.store->channel(channel.id)->next, channel.next);
    EXPECT_TRUE(world.store->inbox(channel.id)->empty());
  }
}

TEST_F(ReceivePoll, NoDaemon_IsSaid) {
  world.network.gone = true;
  EXPECT_EQ(world.poll(channel).error().code, Errc::kDaemonGone);
}

TEST_F(ReceivePoll, OutgoingChannel_IsRefused) {
  const Result<Invitation> made = world.run(new_channel(world.ports(), "out"));
  ASSERT_TRUE(made) << made.error().what;
  EXPECT_EQ(world.poll(*find_channel(*world.store, "out")).error().code, Errc::kUsage);
}

// ---- positions where nothing is ----

TEST_F(ReceivePoll, EmptyPositionBeforeLetters_HoldsUpNone) {
  world.post(letter(1));
  world.leave_empty(2);
  world.post(letter(2));
  world.post(letter(3));
  world.leave_empty(1);
  world.post(Outcome::kTombstone);
  world.post(letter(4));
  const Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled) << polled.error().what;
  EXPECT_EQ(polled->letters, 4U);
  EXPECT_EQ(polled->passed_over, 3U);
  EXPECT_EQ(awaited(), (std::vector<std::uint64_t>{1, 2, 5}));
  const ChannelRow after = *world.store->channel(channel.id);
  EXPECT_EQ(after.next, world.position.bytes());
  EXPECT_EQ(after.counter, channel.counter + 8);
}

TEST_F(ReceivePoll, PositionThatStaysUnreadable_HoldsUpNone) {
  world.post(Outcome::kUnreadable);
  world.post(letter(1));
  const Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled) << polled.error().what;
  EXPECT_EQ(polled->letters, 1U);
  EXPECT_EQ(awaited(), std::vector<std::uint64_t>{0});
}

TEST_F(ReceivePoll, LetterThatComesLateToAnAwaitedPosition_IsTaken) {
  const IndexBytes hole = world.position.bytes();
  world.leave_empty(1);
  world.post(letter(1));
  ASSERT_TRUE(world.poll(channel));
  ASSERT_EQ(awaited(), std::vector<std::uint64_t>{0});
  world.restart();
  world.network.put(hole, letter(2));
  const Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled) << polled.error().what;
  EXPECT_EQ(polled->letters, 1U);
  EXPECT_TRUE(awaited().empty());
  const std::vector<InboxRow> inbox = *world.store->inbox(channel.id);
  ASSERT_EQ(inbox.size(), 2U);
  EXPECT_EQ(inbox[0].transfer, TransferId{2});
  EXPECT_EQ(world.row(inbox[0].job).counter, channel.counter);
  EXPECT_EQ(world.store->channel(channel.id)->counter, channel.counter + 2) << "not set back";
}

TEST_F(ReceivePoll, AwaitedPosition_IsLostOnceItsBoxMustHaveAgedOut) {
  world.leave_empty(1);
  world.post(letter(1));
  ASSERT_TRUE(world.poll(channel));
  world.let_pass(std::chrono::hours(24 * 12));
  EXPECT_EQ(world.poll(channel)->lost, 0U);
  EXPECT_EQ(awaited(), std::vector<std::uint64_t>{0});
  world.let_pass(std::chrono::hours(24));
  EXPECT_EQ(world.poll(channel)->lost, 1U);
  EXPECT_TRUE(awaited().empty());
  EXPECT_EQ(kinds(), (std::vector{InboxKind::kLost, InboxKind::kLetter}));
  EXPECT_EQ(world.poll(channel)->lost, 0U);
}

TEST_F(ReceivePoll, AwaitedPositionWithoutAClearAnswer_IsNotLost) {
  world.network.put(world.position.bytes(), Outcome::kNotFound);
  world.network.put(world.position.bytes(), Outcome::kRetry);
  world.leave_empty(1);
  world.post(letter(1));
  ASSERT_TRUE(world.poll(channel));
  world.let_pass(std::chrono::hours(24 * 20));
  const Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled) << polled.error().what;
  EXPECT_EQ(polled->lost, 0U);
  EXPECT_EQ(awaited(), std::vector<std::uint64_t>{0});
}

TEST_F(ReceivePoll, PositionAheadWithoutAClearAnswer_IsReadAgainInALaterRound) {
  world.leave_empty(1);
  const IndexBytes trouble = world.position.bytes();
  world.network.put(trouble, Outcome::kRetry);
  world.leave_empty(1);
  Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled) << polled.error().what;
  EXPECT_EQ(polled->letters, 0U);
  world.network.clear(trouble);
  world.network.put(trouble, letter(1));
  polled = world.poll(channel);
  EXPECT_EQ(polled->letters, 1U);
}

TEST_F(ReceivePoll, WideGap_IsCrossedWithinSomeRounds) {
  world.leave_empty(15);
  world.post(letter(1));
  std::size_t rounds = 0;
  while (world.store->receive_jobs()->empty() && ++rounds < 100) ASSERT_TRUE(world.poll(channel));
  EXPECT_EQ(world.store->receive_jobs()->size(), 1U);
  EXPECT_EQ(awaited().size(), 15U);
  world.network.reads = 0;
  ASSERT_TRUE(world.poll(channel));
  EXPECT_LE(world.network.reads, 9U) << "a round stays small, however much is awaited";
}

TEST_F(ReceivePoll, GapBeyondReach_IsCrossedWhenTheChannelWasQuietForLong) {
  world.leave_empty(40);
  world.post(letter(1));
  for (int round = 0; round < 100; ++round) ASSERT_TRUE(world.poll(channel));
  EXPECT_TRUE(world.store->receive_jobs()->empty());
  world.let_pass(std::chrono::hours(24 * 14));  // two epochs: the reach is 64
  std::size_t rounds = 0;
  while (world.store->receive_jobs()->empty() && ++rounds < 500) ASSERT_TRUE(world.poll(channel));
  EXPECT_EQ(world.store->receive_jobs()->size(), 1U);
  EXPECT_EQ(awaited().size(), 40U);
}

TEST_F(ReceivePoll, DaemonThatGoesWhileLookingAhead_IsSaid) {
  world.network.on_read = [this] { world.network.gone = world.network.reads > 1; };
  EXPECT_EQ(world.poll(channel).error().code, Errc::kDaemonGone);
}

// ---- channels in the store ----

TEST_F(ReceivePoll, NewChannelAndItsInvitation_BeginAtTheSamePosition) {
  const Result<Invitation> made = world.run(new_channel(world.ports(), "Anna"));
  ASSERT_TRUE(made) << made.error().what;
  EXPECT_EQ(made->label, "Anna");
  const ChannelRow out = *find_channel(*world.store, "Anna");
  EXPECT_EQ(out.direction, ChannelDirection::kOutgoing);
  EXPECT_EQ(out.capability.size(), kWriteCapSize);

  ReceiveWorld recipient;
  ASSERT_TRUE(recipient.run(import_channel(recipient.ports(), "from Berta", *made)));
  const ChannelRow in = *find_channel(*recipient.store, "from Berta");
  EXPECT_EQ(in.direction, ChannelDirection::kIncoming);
  EXPECT_EQ(in.next, out.next);
  EXPECT_EQ(in.counter, out.counter);
  EXPECT_TRUE(equal(in.capability, ByteView(out.capability).subspan(32)));
}

TEST_F(ReceivePoll, NameThatIsTaken_IsAConflict) {
  EXPECT_EQ(world.run(new_channel(world.ports(), "sender")).error().code, Errc::kStateConflict);
  Invitation invitation;
  invitation.read_cap = bacap::WriteCap::from_seed(Bytes32{9}).read_cap().bytes();
  EXPECT_EQ(world.run(import_channel(world.ports(), "sender", invitation)).error().code,
            Errc::kStateConflict);
}

TEST_F(ReceivePoll, SameInvitationTwice_IsAConflictThatNamesTheChannel) {
  Invitation invitation;
  invitation.read_cap = to_array<kReadCapSize>(channel.capability);
  const Status again = world.run(import_channel(world.ports(), "twice", invitation));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kStateConflict);
  EXPECT_NE(again.error().what.find("sender"), std::string::npos);
}

TEST_F(ReceivePoll, InvitationOfAnotherNetwork_IsRefused) {
  ports::Transaction step;
  step.bind(NetworkId{1});
  ASSERT_TRUE(world.run(world.store->commit(std::move(step))));
  Invitation invitation;
  invitation.network = NetworkId{2};
  invitation.read_cap = bacap::WriteCap::from_seed(Bytes32{9}).read_cap().bytes();
  EXPECT_EQ(world.run(import_channel(world.ports(), "foreign", invitation)).error().code,
            Errc::kRefused);
  invitation.network = NetworkId{1};
  EXPECT_TRUE(world.run(import_channel(world.ports(), "own", invitation)));
  EXPECT_EQ(world.run(new_channel(world.ports(), "new"))->network, NetworkId{1});
}

TEST_F(ReceivePoll, InvitationWithoutAUsableKey_IsInvalid) {
  Invitation invitation;
  invitation.read_cap.fill(0xff);
  EXPECT_EQ(world.run(import_channel(world.ports(), "bad", invitation)).error().code,
            Errc::kInvalid);
}

TEST_F(ReceivePoll, InvitationToTheEndOfASequence_IsInvalid) {
  Invitation invitation;
  invitation.read_cap = bacap::WriteCap::from_seed(Bytes32{9}).read_cap().bytes();
  std::fill_n(invitation.read_cap.begin() + 32, 8, 0xff);  // the counter, little-endian
  EXPECT_EQ(world.run(import_channel(world.ports(), "end", invitation)).error().code,
            Errc::kInvalid);
}

TEST_F(ReceivePoll, ChannelThatIsUnknown_IsNotFoundByName) {
  const Result<ChannelRow> missing = find_channel(*world.store, "nobody");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::kNotFound);
  EXPECT_NE(missing.error().what.find("nobody"), std::string::npos);
}

}  // namespace
}  // namespace taubenpost

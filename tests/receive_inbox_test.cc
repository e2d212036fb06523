// What the rules of a channel take, what their user decides about the rest, and where a channel is
// read on.
#include <gtest/gtest.h>

#include "engine/seek_channel.h"
#include "support/receive_world.h"
#include "wire/cbor_writer.h"

namespace taubenpost {
namespace {

using ports::Outcome;

class ReceiveInbox : public testing::Test {
 protected:
  static Bytes letter(std::uint8_t id, const std::string& content = "content") {
    return wire::encode_letter(
        ReceiveWorld::letter_for(as_bytes(content), "f" + std::to_string(id), id));
  }
  // The header of a pigeonhole-cp stream, alone in its box.
  static Bytes header(const std::string& name, std::uint64_t size) {
    return wire::CborWriter().map(2).text("name").text(name).text("size").number(size).take();
  }
  ChannelRow row() const { return *world.store->channel(channel.id); }
  std::vector<InboxRow> inbox() const { return *world.store->inbox(channel.id); }
  std::vector<InboxKind> kinds() const {
    std::vector<InboxKind> found;
    const std::vector<InboxRow> rows = inbox();
    for (const InboxRow& one : rows) found.push_back(one.kind);
    return found;
  }
  PollSummary poll() {
    const Result<PollSummary> polled = world.poll(channel);
    EXPECT_TRUE(polled) << polled.error().what;
    return polled ? *polled : PollSummary{};
  }
  void set(ChannelRules rules) {
    ASSERT_TRUE(world.run(set_channel_rules(world.ports(), "sender", rules)));
  }
  Result<JobId> accept(std::uint64_t offset) {
    return world.run(accept_entry(world.ports(), channel.id, channel.counter + offset,
                                  world.target.path(), world.place));
  }
  Status discard(std::uint64_t offset) {
    return world.run(discard_entry(world.ports(), channel.id, channel.counter + offset));
  }
  Result<SeekSummary> seek(std::uint64_t offset) {
    return world.run(seek_channel(world.ports(), channel.name, channel.counter + offset));
  }
  void expect_placed(const JobId& id, const std::string& name, const std::string& content) {
    ASSERT_TRUE(world.receive(id));
    EXPECT_EQ(world.row(id).state, ReceiveState::kPlaced) << world.row(id).error_text;
    EXPECT_EQ(content_of(world.target / name), content);
  }

  void use_inline_channel() {
    const bacap::WriteCap writer = bacap::WriteCap::from_seed(Bytes32{9});
    Invitation invitation;
    invitation.read_cap = writer.read_cap().bytes();
    invitation.label = "inline";
    invitation.layout = Layout::kInline;
    ASSERT_TRUE(world.run(import_channel(world.ports(), "inline", invitation)));
    world.position = writer.index();
    channel = *find_channel(*world.store, "inline");
  }

  ReceiveWorld world;
  ChannelRow channel = world.import("sender", 1);
};

// ---- rules ----

TEST_F(ReceiveInbox, LargerThanTheLimit_IsRefusedWithTheReasonAndTheChannelGoesOn) {
  set({Accept::kAuto, 7, 100});
  world.post(letter(1, "7 bytes"));
  world.post(letter(2, "8 bytes!"));
  world.post(letter(3, ""));
  const PollSummary polled = poll();
  EXPECT_EQ(polled.letters, 2U);
  EXPECT_EQ(polled.refused, 1U);
  EXPECT_EQ(kinds(), (std::vector{InboxKind::kLetter, InboxKind::kRefused, InboxKind::kLetter}));
  const InboxRow refused = inbox()[1];
  EXPECT_EQ(refused.content, letter(2, "8 bytes!"));
  EXPECT_EQ(refused.job, JobId{});
  EXPECT_NE(refused.reason.find("up to 7"), std::string::npos) << refused.reason;
  EXPECT_EQ(poll().refused, 0U);
}

TEST_F(ReceiveInbox, SizeThatOnlyTheLetterClaims_Counts) {
  wire::Letter claims = world.letter_with_body(ReceiveWorld::pattern(10), "f");
  claims.size = claims.usize = (1ULL << 30) + 1;
  auto& body = std::get<wire::BodyRef>(claims.content);
  body.boxes = chunks_for(ByteSize{claims.size}, ByteSize{body.chunk}).value();
  world.post(wire::encode_letter(claims));
  EXPECT_EQ(poll().refused, 1U) << "1 GiB is the default";
}

TEST_F(ReceiveInbox, Note_IsPartOfWhatIsAnnounced) {
  wire::Letter letter = ReceiveWorld::letter_for(as_bytes("x"), "f");
  letter.note = "look at this";
  EXPECT_EQ(announced_in(wire::encode_letter(letter))->note, "look at this");
  wire::StreamMarks marks;
  marks.note = "and this";
  EXPECT_EQ(announced_in(wire::encode_stream_header("f", 5, marks))->note, "and this");
  EXPECT_EQ(announced_in(header("f", 5))->note, "");
}

TEST_F(ReceiveInbox, ChannelThatAsks_HoldsTransfersUntilTheyAreAccepted) {
  set({Accept::kAsk, 1000, 100});
  world.post(letter(1));
  world.post(letter(1));
  world.post(Bytes{0xff});
  const PollSummary polled = poll();
  EXPECT_EQ(polled.letters, 0U);
  EXPECT_EQ(polled.held, 1U);
  EXPECT_EQ(kinds(), (std::vector{InboxKind::kHeld, InboxKind::kDuplicate, InboxKind::kInvalid}));
  EXPECT_TRUE(world.store->receive_jobs()->empty());
  world.restart();
  const Result<JobId> id = accept(0);
  ASSERT_TRUE(id) << id.error().what;
  EXPECT_EQ(*id, entry_id(channel.id, channel.counter));
  EXPECT_EQ(inbox()[0].kind, InboxKind::kLetter);
  EXPECT_EQ(inbox()[0].job, *id);
  expect_placed(*id, "f1", "content");
  EXPECT_EQ(accept(0).error().code, Errc::kRefused) << "once";
  EXPECT_EQ(accept(1).error().code, Errc::kRefused) << "a duplicate";
  EXPECT_EQ(accept(2).error().code, Errc::kRefused) << "no transfer";
  EXPECT_EQ(accept(3).error().code, Errc::kNotFound);
}

TEST_F(ReceiveInbox, ChannelThatNeverAccepts_RefusesAndAnAcceptStillTakes) {
  set({Accept::kNever, 1000, 100});
  world.post(letter(1));
  EXPECT_EQ(poll().refused, 1U);
  const Result<JobId> id = accept(0);
  ASSERT_TRUE(id) << id.error().what;
  expect_placed(*id, "f1", "content");
}

TEST_F(ReceiveInbox, AcceptedOverTheLimit_IsReceived) {
  set({Accept::kAuto, 100, 100});
  const Bytes content = ReceiveWorld::pattern(5000);
  world.post(wire::encode_letter(world.letter_with_body(content, "body", 1)));
  EXPECT_EQ(poll().refused, 1U);
  const Result<JobId> id = accept(0);
  ASSERT_TRUE(id) << id.error().what;
  expect_placed(*id, "body", std::string(as_text(content)));
}

TEST_F(ReceiveInbox, MoreThanMayBePending_AreTakenByLaterRoundsInTheirOrder) {
  set({Accept::kAuto, 1000, 2});
  for (std::uint8_t id = 1; id <= 5; ++id) world.post(letter(id));
  PollSummary polled = poll();
  EXPECT_EQ(polled.letters, 2U);
  EXPECT_EQ(polled.deferred, 3U);
  EXPECT_EQ(row().deferred, 3U);
  polled = poll();
  EXPECT_EQ(polled.letters + polled.deferred, 0U) << "nothing has ended";
  std::size_t rounds = 0;
  for (; row().deferred > 0 && rounds < 5; ++rounds) {
    world.restart();
    const std::vector<JobId> jobs = *world.store->receive_jobs();
    for (const JobId& id : jobs) ASSERT_TRUE(world.receive(id));
    poll();
    EXPECT_LE(*pending_of(*world.store, channel.id), 2U);
  }
  EXPECT_EQ(rounds, 2U);
  EXPECT_EQ(kinds(), std::vector(5, InboxKind::kLetter));
}

TEST_F(ReceiveInbox, StreamOfAChannelThatAsks_WaitsWithTheChannel) {
  set({Accept::kAsk, 1000, 100});
  world.post(header("stream", 4));
  world.post(to_bytes(as_bytes("1234")));
  world.post(letter(1));
  EXPECT_EQ(poll().held, 1U);
  EXPECT_EQ(poll().held, 0U) << "what comes next is of the stream";
  EXPECT_EQ(kinds(), std::vector{InboxKind::kHeld});
  const Result<JobId> id = accept(0);
  ASSERT_TRUE(id) << id.error().what;
  expect_placed(*id, "stream", "1234");
  EXPECT_EQ(row().stream, JobId{});
  EXPECT_EQ(poll().held, 1U) << "the letter behind it";
}

TEST_F(ReceiveInbox, StreamThatIsDiscarded_LetsTheChannelGo) {
  set({Accept::kAsk, 1000, 100});
  world.post(header("stream", 4));
  world.post(to_bytes(as_bytes("1234")));
  world.post(letter(1));
  poll();
  ASSERT_TRUE(discard(0));
  const PollSummary polled = poll();
  EXPECT_EQ(polled.others, 0U) << "its content is stepped over";
  EXPECT_EQ(polled.held, 1U);
}

TEST_F(ReceiveInbox, LateLetterOfAnAwaitedPosition_IsUnderTheRulesToo) {
  set({Accept::kAuto, 1000, 1});
  const IndexBytes hole = world.position.bytes();
  world.leave_empty(1);
  world.post(letter(1));
  poll();
  world.network.put(hole, letter(2));
  EXPECT_EQ(poll().deferred, 1U);
  EXPECT_EQ(row().deferred, 1U);
  EXPECT_EQ(kinds(), (std::vector{InboxKind::kDeferred, InboxKind::kLetter}));
}

TEST_F(ReceiveInbox, RulesOfAChannelForSending_AreRefused) {
  ASSERT_TRUE(world.run(new_channel(world.ports(), "out")));
  EXPECT_EQ(world.run(set_channel_rules(world.ports(), "out", {})).error().code, Errc::kUsage);
  EXPECT_EQ(world.run(seek_channel(world.ports(), "out", 5)).error().code, Errc::kRefused);
}

// ---- discarding ----

TEST_F(ReceiveInbox, Discarded_IsForgottenAndItsCopyIsStillToldApart) {
  set({Accept::kAsk, 1000, 100});
  world.post(letter(1));
  world.post(Bytes{0xff});
  poll();
  ASSERT_TRUE(discard(0));
  ASSERT_TRUE(discard(1));
  EXPECT_EQ(discard(0).error().code, Errc::kNothingToDo);
  EXPECT_EQ(accept(0).error().code, Errc::kRefused);
  for (const InboxRow& one : inbox()) {
    EXPECT_TRUE(one.discarded);
    EXPECT_TRUE(one.content.empty());
  }
  set({});
  world.post(letter(1));
  const PollSummary polled = poll();
  EXPECT_EQ(polled.letters, 0U);
  EXPECT_EQ(polled.others, 1U);
}

TEST_F(ReceiveInbox, DiscardedDeferred_IsNotTakenByLaterRounds) {
  set({Accept::kAuto, 1000, 1});
  world.post(letter(1));
  world.post(letter(2));
  poll();
  EXPECT_EQ(discard(0).error().code, Errc::kRefused) << "it is a job";
  ASSERT_TRUE(discard(1));
  EXPECT_EQ(row().deferred, 0U);
  const std::vector<JobId> jobs = *world.store->receive_jobs();
  ASSERT_TRUE(world.receive(jobs.front()));
  EXPECT_EQ(poll().letters, 0U);
}

// ---- floods ----

TEST_F(ReceiveInbox, CalledBackInlineTransfer_IsOneRowHoweverManyBoxesItHad) {
  use_inline_channel();
  for (int i = 0; i < 300; ++i) world.post(Outcome::kTombstone);
  EXPECT_EQ(poll().retracted, 1U);
  world.restart();
  EXPECT_EQ(poll().retracted, 0U) << "the second round goes on with it";
  ASSERT_EQ(kinds(), std::vector{InboxKind::kRetracted});
  EXPECT_EQ(inbox()[0].counter, channel.counter);
  EXPECT_EQ(inbox()[0].positions, 300U);
  // Read again, it is nothing new; and none of it is skipped where it is gone past.
  ASSERT_TRUE(seek(100));
  EXPECT_EQ(poll().retracted, 0U);
  ASSERT_TRUE(seek(0));
  EXPECT_EQ(seek(300)->skipped, 0U);
  EXPECT_EQ(inbox().size(), 1U);
  EXPECT_EQ(inbox()[0].positions, 300U);
  world.post(Bytes{0xff});
  world.post(Outcome::kTombstone);
  EXPECT_EQ(poll().retracted, 1U) << "another one";
  EXPECT_EQ(inbox().size(), 3U);
}

TEST_F(ReceiveInbox, MoreThanARoundTakes_IsTakenByTheNextOne) {
  for (int i = 0; i < 300; ++i) world.post(Bytes{0xff});
  world.post(letter(1));
  const PollSummary first = poll();
  EXPECT_EQ(first.others, 256U);
  EXPECT_EQ(first.more, 1U);
  const PollSummary second = poll();
  EXPECT_EQ(second.others, 44U);
  EXPECT_EQ(second.letters, 1U);
  EXPECT_EQ(second.more, 0U);
}

// Box after box, as long as pigeonhole-cp fills them.
TEST_F(ReceiveInbox, RefusedStream_IsSteppedOverUnread) {
  for (const std::size_t box : {ReceiveWorld::kChunk, FakeNetwork::kBoxMax}) {
    set({Accept::kNever, 1U << 30, 100});
    Bytes stream = header("stream", 40'000);
    append(stream, Bytes(40'000, 0xA0));
    for (std::size_t at = 0; at < stream.size(); at += box)
      world.post(to_bytes(ByteView(stream).subspan(at, std::min(box, stream.size() - at))));
    world.network.reads = 0;
    const PollSummary polled = poll();
    EXPECT_EQ(polled.refused, 1U);
    EXPECT_EQ(polled.others, 0U);
    EXPECT_LE(world.network.reads, 6U) << "its header, and what is there behind it";
    EXPECT_EQ(row().next, world.position.bytes());
  }
  set({});
  world.post(letter(1));
  EXPECT_EQ(poll().letters, 1U);
}

TEST_F(ReceiveInbox, DiscardedStream_IsSteppedOverUnread) {
  set({Accept::kAsk, 1U << 30, 100});
  Bytes stream = header("stream", 4'000);
  append(stream, Bytes(4'000, 0xA0));
  for (std::size_t at = 0; at < stream.size(); at += FakeNetwork::kBoxMax)
    world.post(to_bytes(ByteView(stream).subspan(
        at, std::min<std::size_t>(FakeNetwork::kBoxMax, stream.size() - at))));
  EXPECT_EQ(poll().held, 1U);
  ASSERT_TRUE(discard(0));
  EXPECT_EQ(poll().others, 0U);
  EXPECT_EQ(row().next, world.position.bytes());
}

// ---- seeking ----

TEST_F(ReceiveInbox, SeekForwards_SkipsAndRecords) {
  world.post(letter(1));
  world.post(letter(2));
  world.post(letter(3));
  const Result<SeekSummary> sought = seek(2);
  ASSERT_TRUE(sought) << sought.error().what;
  EXPECT_EQ(sought->skipped, 2U);
  EXPECT_EQ(inbox().front().kind, InboxKind::kSkipped);
  EXPECT_EQ(inbox().front().positions, 2U);
  EXPECT_EQ(poll().letters, 1U);
  EXPECT_EQ(row().next, world.position.bytes());
  // And back: what was skipped is taken, what was received is not received again.
  EXPECT_EQ(seek(0)->skipped, 0U);
  EXPECT_EQ(row().next, channel.next);
  EXPECT_EQ(poll().letters, 2U);
  EXPECT_EQ(kinds(), std::vector(3, InboxKind::kLetter));
  EXPECT_EQ(row().next, world.position.bytes());
  EXPECT_EQ(world.store->receive_jobs()->size(), 3U);
}

TEST_F(ReceiveInbox, SeekBackwards_ReadsAgainAndReceivesNothingTwice) {
  world.post(letter(1));
  world.leave_empty(1);
  world.post(Outcome::kTombstone);
  world.post(letter(2));
  ASSERT_EQ(poll().letters, 2U);
  const std::vector<InboxRow> before = inbox();
  ASSERT_EQ(world.store->awaited(channel.id)->size(), 1U);
  ASSERT_TRUE(seek(1));
  EXPECT_TRUE(world.store->awaited(channel.id)->empty()) << "it is still to be read";
  world.restart();
  world.post(letter(3));
  EXPECT_EQ(poll().letters, 1U);
  std::vector<InboxRow> after = inbox();
  ASSERT_EQ(after.size(), 4U);
  after.pop_back();
  EXPECT_EQ(after, before);
  EXPECT_EQ(world.store->awaited(channel.id)->size(), 1U);
  EXPECT_EQ(row().next, world.position.bytes());
  // Forwards again over what is known: only what is not known is skipped.
  ASSERT_TRUE(seek(0));
  EXPECT_EQ(seek(6)->skipped, 5U) << "from the empty position on";
}

TEST_F(ReceiveInbox, SkippedPositionThatIsEmptyWhenItIsReadAfterAll_IsAwaited) {
  const IndexBytes hole = world.position.bytes();
  world.leave_empty(1);
  world.post(letter(2));
  EXPECT_EQ(seek(2)->skipped, 2U);
  ASSERT_TRUE(seek(0));
  const PollSummary polled = poll();
  EXPECT_EQ(polled.letters, 1U);
  EXPECT_EQ(polled.passed_over, 1U);
  EXPECT_EQ(world.store->awaited(channel.id)->size(), 1U);
  world.network.put(hole, letter(1));
  EXPECT_EQ(poll().letters, 1U);
  EXPECT_EQ(kinds(), std::vector(2, InboxKind::kLetter));
}

TEST_F(ReceiveInbox, SeekTooFar_IsRefusedAndChangesNothing) {
  const ChannelRow before = row();
  EXPECT_EQ(seek(2'000'000).error().code, Errc::kRefused);
  EXPECT_EQ(world.run(seek_channel(world.ports(), "sender", channel.counter - 1)).error().code,
            Errc::kUsage);
  EXPECT_EQ(row(), before);
  EXPECT_EQ(seek(0)->skipped, 0U);
  EXPECT_EQ(row(), before);
}

TEST_F(ReceiveInbox, SeekWhileAStreamIsRead_IsRefused) {
  world.post(header("stream", 4000));
  poll();
  EXPECT_EQ(seek(3).error().code, Errc::kRefused);
}

}  // namespace
}  // namespace taubenpost

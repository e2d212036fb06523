// Receipts: what a recipient tells the sender, what becomes of it in every crash, and what a sender
// makes of boxes that are none.
#include "engine/receipts.h"

#include <gtest/gtest.h>

#include "engine/poll_receipts.h"
#include "engine/receipt_channels.h"
#include "engine/resync.h"
#include "support/party_network.h"
#include "support/receive_world.h"
#include "wire/cbor_writer.h"

namespace taubenpost {
namespace {

// ---- the box ----

Bytes receipt_of(const TransferId& id, std::uint64_t time,
                 const std::string& status = std::string(wire::kReceived)) {
  return wire::encode_receipt({id, status, time});
}

TEST(ReceiptBox, Bytes_AreFixed) {
  EXPECT_EQ(
      to_hex(receipt_of(TransferId{1, 2}, 1700000000)),
      "a56269645001020000000000000000000000000000627470016474696d651a6553f100647479706567726563"
      "6569707466737461747573687265636569766564");
}

TEST(ReceiptBox, EncodedAndDecoded_IsTheSame) {
  const Result<wire::BoxContent> content =
      wire::decode_box_content(receipt_of(TransferId{7}, 9, "later"));
  ASSERT_TRUE(content) << content.error().what;
  const auto* receipt = std::get_if<wire::Receipt>(&*content);
  ASSERT_NE(receipt, nullptr);
  EXPECT_EQ(receipt->id, TransferId{7});
  EXPECT_EQ(receipt->status, "later");
  EXPECT_EQ(receipt->time, 9U);
}

// ---- both sides, on the local network's model ----

class ReceiptTransfer : public testing::Test, protected PartyNetwork {
 protected:
  void SetUp() override {
    const Result<Invitation> made =
        sender.run(new_channel(sender.ports(), "alice", Layout::kLetters, Receipts::kWanted));
    ASSERT_TRUE(made) << made.error().what;
    invitation = *made;
  }
  void import(bool with_receipts = true) {
    Invitation taken = invitation;
    if (!with_receipts) taken.receipts.clear();
    const Status imported = alice.run(import_channel(alice.ports(), "sender", std::move(taken)));
    ASSERT_TRUE(imported) << imported.error().what;
  }
  JobId send(const std::string& name = "file") {
    const JobId id = sender.queue(name, Bytes(300, 7), {"alice"});
    EXPECT_TRUE(*sender.run_engine_until(0));
    EXPECT_EQ(sender.store().send_job(id)->state, SendState::kPosted);
    return id;
  }
  ChannelRow channel() { return *find_channel(alice.store(), "sender"); }
  void poll() {
    const Result<PollSummary> polled = *alice.poll_until(channel().id, 0);
    ASSERT_TRUE(polled) << polled.error().what;
  }
  void receive() {
    poll();
    ASSERT_TRUE(*alice.run_engine_until(0));
  }
  ReceiptRound look() {
    const Result<ReceiptRound> round = sender.run(poll_receipts(sender.ports()));
    EXPECT_TRUE(round) << round.error().what;
    return round ? *round : ReceiptRound{};
  }
  RecipientRow recipient(const JobId& id) { return sender.store().recipients(id)->front(); }
  static bool noted(Party& party, const JobId& id, const std::string& text) {
    const Result<std::vector<JournalRow>> rows = party.store().journal(id);
    for (const JournalRow& row : *rows)
      if (row.text.find(text) != std::string::npos) return true;
    return false;
  }
  static boost::asio::awaitable<Status> sleep(VirtualClock* clock) {
    co_await clock->sleep(std::chrono::seconds(2));
    co_return ok();
  }
  std::uint64_t now() { return sender.ports().clock.unix_ms() / 1000; }

  Party sender{clock, network, 1, StoreKind::kMemory};
  Party alice{clock, network, 2, StoreKind::kMemory};
  Invitation invitation;
};

TEST_F(ReceiptTransfer, PlacedFile_IsConfirmedOnceAndLeavesNoJob) {
  import();
  const JobId id = send();
  EXPECT_EQ(look().seen.size(), 0U);
  receive();
  const ReceiveJobRow placed = alice.store().receive_job_rows()->front();
  EXPECT_EQ(placed.state, ReceiveState::kPlaced) << placed.error_text;
  EXPECT_TRUE(alice.store().send_job_rows()->empty()) << "the receipt is forgotten once it is out";
  EXPECT_TRUE(noted(alice, placed.id, "receipt posted"));

  const ReceiptRound round = look();
  ASSERT_EQ(round.seen.size(), 1U);
  EXPECT_EQ(round.others, 0U);
  EXPECT_EQ(round.seen[0].job, id);
  EXPECT_EQ(recipient(id).received, placed.finished);
  EXPECT_EQ(recipient(id).state, RecipientState::kPosted);
  EXPECT_TRUE(noted(sender, id, "recipient 0: received"));
  EXPECT_EQ(look().seen.size(), 0U);
  EXPECT_TRUE(sender.store().receive_job_rows()->empty());
}

TEST_F(ReceiptTransfer, SenderWhoWaitsForNone_ReadsNothing) {
  import();
  sender.port.step = [] { FAIL() << "a call of the network"; };
  look();
}

TEST_F(ReceiptTransfer, RecipientWhoDeclines_SendsNone) {
  import(/*with_receipts=*/false);
  const JobId id = send();
  receive();
  EXPECT_EQ(alice.store().channels()->size(), 1U);
  EXPECT_EQ(look().seen.size(), 0U);
  EXPECT_EQ(recipient(id).received, 0U);
}

TEST_F(ReceiptTransfer, ReceiptsThatAreStoppedAndStarted_GoOnBehindTheOldOnes) {
  import();
  send("first");
  receive();
  ASSERT_TRUE(alice.run(stop_receipts(alice.ports(), "sender")));
  const JobId second = send("second");
  receive();
  EXPECT_EQ(look().seen.size(), 1U);
  EXPECT_EQ(recipient(second).received, 0U);
  ASSERT_TRUE(alice.run(start_receipts(alice.ports(), "sender", invitation.receipts)));
  EXPECT_EQ(alice.store().channels()->size(), 2U);
  const JobId third = send("third");
  receive();
  const ReceiptRound round = look();
  ASSERT_EQ(round.seen.size(), 1U);
  EXPECT_EQ(round.seen[0].job, third);
  EXPECT_EQ(round.others, 0U);
}

TEST_F(ReceiptTransfer, TwoReceiversOfOneInvitation_BothConfirmAndTheFirstCounts) {
  Party twin{clock, network, 3, StoreKind::kMemory};
  import();
  ASSERT_TRUE(twin.run(import_channel(twin.ports(), "sender", invitation)));
  const JobId id = send();
  receive();
  const std::uint64_t received = alice.store().receive_job_rows()->front().finished;
  ASSERT_TRUE(alice.run(sleep(&clock)));  // in the same second they would be one and the same box
  ASSERT_TRUE(*twin.poll_until(find_channel(twin.store(), "sender")->id, 0));
  ASSERT_TRUE(*twin.run_engine_until(0));
  EXPECT_TRUE(noted(twin, twin.store().receive_job_rows()->front().id, "receipt posted"));
  const ReceiptRound round = look();
  EXPECT_EQ(round.seen.size(), 1U);
  EXPECT_EQ(round.others, 1U);
  EXPECT_EQ(recipient(id).received, received);
}

// Design 5, invariant 5, of a receipt.
TEST_F(ReceiptTransfer, RecipientKilledAtEveryStep_ConfirmsOnce) {
  import();
  std::uint64_t kills = 0;
  for (bool done = false; !done; ++kills) {
    ASSERT_LT(kills, 200U);
    const JobId id = send("file " + std::to_string(kills));
    poll();
    done = alice.run_engine_until(kills + 1).has_value();
    ASSERT_TRUE(*alice.run_engine_until(0));
    EXPECT_TRUE(alice.store().send_job_rows()->empty());
    const ReceiptRound round = look();
    ASSERT_EQ(round.seen.size(), 1U) << "killed at step " << kills + 1;
    EXPECT_EQ(round.others, 0U) << "killed at step " << kills + 1;
    EXPECT_EQ(round.seen[0].job, id);
  }
  EXPECT_GT(kills, 10U);
}

TEST_F(ReceiptTransfer, ReceiptFromARestoredStore_WaitsForTheResyncAndTakesAFreePosition) {
  import();
  send("first");
  receive();
  const JobId second = send("second");
  poll();
  // As opening a restored store does.
  ChannelRow receipts = *alice.store().channel(channel().receipts);
  receipts.unsynchronised = true;
  receipts.found = now();
  ports::Transaction step;
  step.update(receipts);
  ASSERT_TRUE(alice.run(alice.store().commit(std::move(step))));
  ASSERT_TRUE(*alice.run_engine_until(0));
  EXPECT_EQ(alice.store().receive_job_rows()->back().state, ReceiveState::kPlaced);
  ASSERT_EQ(alice.store().send_job_rows()->size(), 1U) << "it is held";
  const auto synced = alice.run(resync_channel(alice.ports(), "sender", std::nullopt));
  ASSERT_TRUE(synced) << synced.error().what;
  ASSERT_TRUE(*alice.run_engine_until(0));
  EXPECT_TRUE(alice.store().send_job_rows()->empty());
  EXPECT_EQ(look().seen.size(), 2U);
  EXPECT_NE(recipient(second).received, 0U);
}

// ---- a sender before boxes of every kind ----

class ReceiptReader : public testing::Test {
 protected:
  ReceiptReader() {
    for (const char* name : {"anna", "ben"})
      TP_CHECK(world.run(new_channel(world.ports(), name, Layout::kLetters, Receipts::kWanted)));
    receipts = *world.store->channel(main("anna").receipts);
    world.position = bacap::ReadCap::parse(receipts.capability)->index();
    add_job(1, "anna");
    add_job(2, "ben");
  }
  ChannelRow main(const std::string& name) const { return *find_channel(*world.store, name); }
  // A transfer that is posted.
  void add_job(std::uint8_t number, const std::string& channel) {
    SendJobRow job;
    job.id = JobId{number};
    job.transfer = TransferId{number};
    job.state = SendState::kPosted;
    job.recipients = 1;
    job.sent = sent;
    job.until = sent + 1'000'000;
    RecipientRow recipient;
    recipient.job = job.id;
    recipient.state = RecipientState::kPosted;
    recipient.channel = main(channel).id;
    recipient.channel_name = channel;
    wire::Letter letter = ReceiveWorld::letter_for(as_bytes("content"), "file", number);
    recipient.letter = wire::encode_letter(letter);
    ports::Transaction step;
    step.create(job).create(recipient);
    TP_CHECK(world.run(world.store->commit(std::move(step))));
  }
  ReceiptRound look() {
    const Result<ReceiptRound> round = world.run(poll_receipts(world.ports()));
    EXPECT_TRUE(round) << round.error().what;
    return round ? *round : ReceiptRound{};
  }
  std::uint64_t received(std::uint8_t number) const {
    return world.store->recipients(JobId{number})->front().received;
  }
  std::vector<InboxRow> inbox() const { return *world.store->inbox(receipts.id); }
  // What is left of the only box, which confirms nothing.
  InboxRow left_by(const Bytes& box) {
    world.post(box);
    const ReceiptRound round = look();
    EXPECT_TRUE(round.seen.empty());
    EXPECT_EQ(round.others, 1U);
    EXPECT_EQ(received(1), 0U);
    EXPECT_TRUE(world.store->receive_jobs()->empty());
    const std::vector<InboxRow> rows = inbox();
    EXPECT_FALSE(rows.empty());
    return rows.empty() ? InboxRow{} : rows.back();
  }
  // The channel goes on behind whatever was there.
  void expect_goes_on() {
    world.post(receipt_of(TransferId{1}, sent + 1));
    EXPECT_EQ(look().seen.size(), 1U);
    EXPECT_EQ(received(1), sent + 1);
  }

  ReceiveWorld world;
  std::uint64_t sent = world.clock.unix_ms() / 1000 - 1000;
  ChannelRow receipts;
};

TEST_F(ReceiptReader, ReceiptOfAnUnknownTransfer_IsKeptWithTheReason) {
  const Bytes box = receipt_of(TransferId{9}, sent);
  const InboxRow row = left_by(box);
  EXPECT_EQ(row.kind, InboxKind::kUnknown);
  EXPECT_EQ(row.content, box);
  EXPECT_NE(row.reason.find("never sent"), std::string::npos) << row.reason;
  expect_goes_on();
}

TEST_F(ReceiptReader, ReceiptForALetterOfAnotherChannel_ConfirmsNothing) {
  EXPECT_EQ(left_by(receipt_of(TransferId{2}, sent)).kind, InboxKind::kUnknown);
  EXPECT_EQ(received(2), 0U);
  expect_goes_on();
}

TEST_F(ReceiptReader, RepeatedReceipt_ChangesNothing) {
  add_job(3, "anna");  // so that one is still awaited
  expect_goes_on();
  world.post(receipt_of(TransferId{1}, sent + 5));
  const ReceiptRound round = look();
  EXPECT_TRUE(round.seen.empty());
  EXPECT_EQ(round.others, 1U);
  EXPECT_EQ(received(1), sent + 1);
  EXPECT_EQ(inbox().back().kind, InboxKind::kDuplicate);
}

TEST_F(ReceiptReader, TimeThatCantBe_IsBroughtIntoReach) {
  world.post(receipt_of(TransferId{1}, INT64_MAX));
  EXPECT_EQ(look().seen.size(), 1U);
  EXPECT_LE(received(1), world.clock.unix_ms() / 1000);
  add_job(3, "anna");
  world.post(receipt_of(TransferId{3}, 0));
  EXPECT_EQ(look().seen.size(), 1U);
  EXPECT_EQ(received(3), sent);
}

TEST_F(ReceiptReader, StatusOfALaterVersion_IsUnknown) {
  EXPECT_EQ(left_by(receipt_of(TransferId{1}, sent, "read aloud")).kind, InboxKind::kUnknown);
  expect_goes_on();
}

TEST_F(ReceiptReader, MalformedReceipts_AreInvalid) {
  const auto with = [](const char* key, const Bytes& value) {
    wire::CborWriter out;
    out.map(5).text("tp").number(1).text("type").text("receipt");
    for (const char* one : {"id", "status", "time"}) {
      out.text(one);
      if (one == std::string(key))
        out.raw(value);
      else if (one == std::string("id"))
        out.bytes(TransferId{1});
      else if (one == std::string("status"))
        out.text("received");
      else
        out.number(1);
    }
    return out.take();
  };
  const auto text = [](const std::string& value) { return wire::CborWriter().text(value).take(); };
  const auto number = [](std::uint64_t value) { return wire::CborWriter().number(value).take(); };
  const Bytes boxes[] = {
      with("id", wire::CborWriter().bytes(Bytes(15)).take()),
      with("id", text("0123456789abcdef")),
      with("status", text("")),
      with("status", text(std::string(65, 'x'))),
      with("status", number(1)),
      with("time", wire::CborWriter().signed_number(-1).take()),
      with("time", number(UINT64_MAX)),
      with("time", text("now")),
      wire::CborWriter().map(2).text("tp").number(1).text("type").text("receipt").take(),
      Bytes{0xff},
      Bytes{},
  };
  for (const Bytes& box : boxes) EXPECT_EQ(left_by(box).kind, InboxKind::kInvalid) << to_hex(box);
  expect_goes_on();
}

TEST_F(ReceiptReader, LettersAndStreams_BecomeNoJobs) {
  const Bytes letter = wire::encode_letter(ReceiveWorld::letter_for(as_bytes("content"), "file"));
  EXPECT_EQ(left_by(letter).kind, InboxKind::kUnknown);
  const Bytes header =
      wire::CborWriter().map(2).text("name").text("file").text("size").number(9999).take();
  EXPECT_EQ(left_by(header).kind, InboxKind::kUnknown);
  EXPECT_EQ(world.store->channel(receipts.id)->stream, JobId{});
  expect_goes_on();
}

TEST_F(ReceiptReader, TombstonesAndHoles_HoldNothingUp) {
  world.post(ports::Outcome::kTombstone);
  EXPECT_EQ(look().others, 1U);
  world.leave_empty(1);
  expect_goes_on();
}

// A round takes so much from one channel, and the next one goes on there.
TEST_F(ReceiptReader, Flood_IsPassedAndTheReceiptBehindItCounts) {
  for (std::size_t i = 0; i < 300; ++i) world.post(receipt_of(TransferId{9}, i));
  world.post(receipt_of(TransferId{1}, sent + 1));
  const ReceiptRound first = look(), second = look();
  EXPECT_TRUE(first.seen.empty());
  EXPECT_EQ(second.seen.size(), 1U);
  EXPECT_GE(first.others, 256U);
}

TEST_F(ReceiptReader, ReceiptInAChannelForLetters_IsUnknownThere) {
  world.channel = world.import("sender", 1);
  world.post(receipt_of(TransferId{1}, sent));
  EXPECT_EQ(world.poll(*world.channel)->others, 1U);
  EXPECT_EQ(received(1), 0U);
  EXPECT_EQ(world.store->inbox(world.channel->id)->front().kind, InboxKind::kUnknown);
}

// ---- capabilities ----

class ReceiptChannels : public testing::Test {
 protected:
  Invitation invitation(const char* name = "anna") {
    const Result<Invitation> made =
        world.run(new_channel(world.ports(), name, Layout::kLetters, Receipts::kWanted));
    TP_CHECK(made);
    return *made;
  }
  Errc import(const char* name, const Invitation& invitation) {
    const Status done = recipient.run(import_channel(recipient.ports(), name, invitation));
    return done ? Errc{0} : done.error().code;
  }
  ReceiveWorld world, recipient;
};

TEST_F(ReceiptChannels, BothSides_HaveTheSameSequence) {
  const Invitation made = invitation();
  const ChannelRow main = *find_channel(*world.store, "anna");
  EXPECT_EQ(invitation_of(main)->receipts, made.receipts) << "made again, after a crash";
  ASSERT_EQ(import("sender", made), Errc{0});
  const ChannelRow reads = *world.store->channel(main.receipts);
  const ChannelRow writes =
      *recipient.store->channel(find_channel(*recipient.store, "sender")->receipts);
  EXPECT_TRUE(reads.of_receipts && writes.of_receipts);
  EXPECT_EQ(reads.direction, ChannelDirection::kIncoming);
  EXPECT_EQ(writes.direction, ChannelDirection::kOutgoing);
  EXPECT_EQ(reads.next, writes.next);
  EXPECT_EQ(bacap::WriteCap::parse(writes.capability)->read_cap().bytes(),
            to_array<kReadCapSize>(reads.capability));
  EXPECT_EQ(find_channel(*world.store, reads.name).error().code, Errc::kNotFound);
}

TEST_F(ReceiptChannels, CapabilityThatIsNoneOrTheChannelsOwn_IsRefused) {
  Invitation hostile = invitation();
  const bacap::WriteCap own =
      bacap::WriteCap::parse(find_channel(*world.store, "anna")->capability).value();
  hostile.receipts = to_bytes(own.view());
  EXPECT_EQ(import("sender", hostile), Errc::kInvalid);
  hostile.receipts = Bytes(kWriteCapSize, 1);
  EXPECT_EQ(import("sender", hostile), Errc::kInvalid);
  EXPECT_TRUE(recipient.store->channels()->empty());
}

TEST_F(ReceiptChannels, CapabilityOfAnotherChannel_IsRefused) {
  const Invitation first = invitation("anna");
  Invitation second = invitation("ben");
  second.receipts = first.receipts;
  ASSERT_EQ(import("sender", first), Errc{0});
  EXPECT_EQ(import("other", second), Errc::kStateConflict);
}

TEST_F(ReceiptChannels, InlineChannel_HasNone) {
  const Result<Invitation> made =
      world.run(new_channel(world.ports(), "anna", Layout::kInline, Receipts::kWanted));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::kUsage);
}

}  // namespace
}  // namespace taubenpost

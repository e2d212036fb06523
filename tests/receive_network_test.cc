// Receivers on the local network's model, in virtual time, with every rule of ageing: late ones,
// ones that come when nothing is left, channels with holes, and two receivers of one transfer.
#include <gtest/gtest.h>

#include "engine/retract_send.h"
#include "support/contents.h"
#include "support/party_network.h"

namespace taubenpost {
namespace {

using std::chrono::hours;

class ReceiveNetwork : public testing::Test, protected PartyNetwork {
 protected:
  static Bytes pattern(std::size_t size) { return incompressible(size); }

  void SetUp() override {
    const Result<Invitation> invitation = sender.run(new_channel(sender.ports(), "alice"));
    ASSERT_TRUE(invitation);
    for (Party* one : {&alice, &twin})
      ASSERT_TRUE(one->run(import_channel(one->ports(), "sender", *invitation)));
  }

  JobId send(const std::string& name, std::size_t size = 5000) {
    const JobId id = sender.queue(name, pattern(size), {"alice"});
    EXPECT_TRUE(*sender.run_engine_until(0));
    EXPECT_EQ(sender.store().send_job(id)->state, SendState::kPosted);
    return id;
  }
  ChannelRow channel_of(Party& party) { return *find_channel(party.store(), "sender"); }
  PollSummary poll(Party& party) {
    const Result<PollSummary> polled = *party.poll_until(channel_of(party).id, 0);
    EXPECT_TRUE(polled) << polled.error().what;
    return polled ? *polled : PollSummary{};
  }
  void fetch(Party& party) { EXPECT_TRUE(*party.run_engine_until(0)); }
  void let_pass(hours time) { EXPECT_TRUE(alice.run(sleep(&clock, time))); }
  static boost::asio::awaitable<Status> sleep(VirtualClock* clock, hours time) {
    co_await clock->sleep(time);
    co_return ok();
  }
  static void expect_placed(Party& party, const std::string& name, std::size_t size = 5000) {
    EXPECT_TRUE(content_of(party.folder / name) == as_text(pattern(size))) << name;
  }

  Party sender{clock, network, 1, StoreKind::kMemory};
  Party alice{clock, network, 2, StoreKind::kMemory};
  Party twin{clock, network, 3, StoreKind::kMemory};  // somebody else with Alice's invitation
};

TEST_F(ReceiveNetwork, ReceiverADayLate_GetsEverything) {
  send("first");
  send("second", 40'000);
  let_pass(hours(24));
  EXPECT_EQ(poll(alice).letters, 2U);
  fetch(alice);
  expect_placed(alice, "first");
  expect_placed(alice, "second", 40'000);
}

TEST_F(ReceiveNetwork, ReceiverAfterEverythingAgedOut_FindsNothingAndStaysWhereItIs) {
  send("first");
  let_pass(hours(24 * 15));
  const PollSummary found = poll(alice);
  EXPECT_EQ(found.letters + found.others + found.retracted + found.lost, 0U);
  EXPECT_EQ(channel_of(alice).counter, channel_of(twin).counter);
  EXPECT_TRUE(alice.folder.names().empty());
  send("second");  // the channel is of use all the same
  EXPECT_EQ(poll(alice).letters, 1U);
  fetch(alice);
  expect_placed(alice, "second");
}

TEST_F(ReceiveNetwork, ContentAgedOutBeforeItWasFetched_FailsAndLeavesNothing) {
  send("first");
  EXPECT_EQ(poll(alice).letters, 1U);
  let_pass(hours(24 * 15));
  fetch(alice);
  const std::vector<ReceiveJobRow> jobs = *alice.store().receive_job_rows();
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].state, ReceiveState::kFailed);
  EXPECT_NE(jobs[0].error_text.find("missing"), std::string::npos) << jobs[0].error_text;
  EXPECT_TRUE(alice.folder.names().empty());
}

TEST_F(ReceiveNetwork, LostRetractedAndUnwrittenPositions_HoldUpNoLetterBehindThem) {
  send("lost");
  let_pass(hours(24 * 15));
  // As a resync does, which leaves a position out.
  ChannelRow row = *find_channel(sender.store(), "alice");
  const Result<bacap::MessageBoxIndex> unwritten = bacap::MessageBoxIndex::parse(row.next);
  ASSERT_TRUE(unwritten);
  row.next = unwritten->next()->bytes();
  ++row.counter;
  ports::Transaction skip;
  skip.update(row);
  ASSERT_TRUE(sender.run(sender.store().commit(std::move(skip))));
  const JobId retracted = send("retracted");
  ASSERT_TRUE(sender.run(retract_send(sender.ports(), retracted, Way::kCopy)));
  EXPECT_TRUE(*sender.run_engine_until(0));
  send("good");
  send("better");

  const std::uint64_t first = channel_of(alice).counter;
  PollSummary found = poll(alice);
  EXPECT_EQ(found.letters, 2U);
  EXPECT_EQ(found.retracted, 1U);
  EXPECT_EQ(found.passed_over, 2U);
  EXPECT_EQ(channel_of(alice).counter, first + 5);
  fetch(alice);
  expect_placed(alice, "good");
  expect_placed(alice, "better");
  EXPECT_EQ(alice.folder.names().size(), 2U);
  let_pass(hours(24 * 15));
  EXPECT_EQ(poll(alice).lost, 2U);
}

// Neither disturbs the other, nor the boxes; each is killed again and again.
TEST_F(ReceiveNetwork, TwoReceiversAtOnce_EachHaveItWhole) {
  send("file", 60'000);
  for (std::uint64_t steps = 3; steps < 200; steps += 7)
    for (Party* one : {&alice, &twin}) {
      one->poll_until(channel_of(*one).id, steps);
      one->run_engine_until(steps);
    }
  for (Party* one : {&alice, &twin}) {
    poll(*one);
    fetch(*one);
    expect_placed(*one, "file", 60'000);
    EXPECT_EQ(one->folder.names(), std::vector<std::string>{"file"});
  }
}

}  // namespace
}  // namespace taubenpost

// Channels that the service polls by itself: where it places what arrives in them.
#include <gtest/gtest.h>

#include "engine/deliver.h"
#include "engine/engine.h"
#include "support/receive_world.h"

namespace taubenpost {
namespace {

class ReceiveDelivery : public testing::Test {
 protected:
  // A channel with a letter for each file, which is not delivered yet.
  ChannelRow channel(const std::string& name, std::uint8_t seed, std::size_t files = 1) {
    const ChannelRow row = world.import(name, seed);
    for (std::size_t i = 1; i <= files; ++i)
      world.post(wire::encode_letter(ReceiveWorld::letter_for(
          as_bytes(name), "of " + name + " " + std::to_string(i), static_cast<std::uint8_t>(i))));
    return row;
  }
  void deliver(const std::string& name, ChannelDelivery delivery) {
    ASSERT_TRUE(
        world.run(set_channel_rules(world.ports(), name, ChannelRules{}, std::move(delivery))));
  }
  DeliveryRound round() {
    const Result<DeliveryRound> done = world.run(poll_deliveries(world.ports()));
    EXPECT_TRUE(done) << done.error().what;
    return done ? *done : DeliveryRound{};
  }
  void fetch() {
    Engine engine(world.ports(), world.options);
    EXPECT_TRUE(world.run(engine.run_until_idle()));
  }

  ReceiveWorld world;
  TempFolder other;
};

TEST_F(ReceiveDelivery, EachChannel_HasItsFolderAndItsWay) {
  channel("anna", 1);
  channel("ben", 2);
  deliver("anna", {world.target.path(), false, IfExists::kRename, ""});
  deliver("ben", {other.path(), true, IfExists::kReplace, "/bin/true"});
  EXPECT_EQ(round().found.letters, 2U);
  fetch();
  EXPECT_EQ(content_of(world.target / "of anna 1"), "anna");
  EXPECT_EQ(content_of(other / "of ben 1"), "ben");
  const std::vector<ReceiveJobRow> jobs = *world.store->receive_job_rows();
  for (const ReceiveJobRow& job : jobs) {
    const bool is_ben = job.channel_name == "ben";
    EXPECT_EQ(job.unpack, false) << "no archive";
    EXPECT_EQ(job.if_exists, is_ben ? IfExists::kReplace : IfExists::kRename);
    EXPECT_EQ(job.on_received, is_ben ? "/bin/true" : "");
  }
}

TEST_F(ReceiveDelivery, ChannelWithoutOne_IsLeftAlone) {
  const ChannelRow row = channel("anna", 1);
  EXPECT_EQ(round().found.letters, 0U);
  EXPECT_EQ(world.network.reads, 0U);
  deliver("anna", {world.target.path(), false, IfExists::kRename, ""});
  EXPECT_EQ(round().found.letters, 1U);
  deliver("anna", {});
  EXPECT_TRUE(round().without_folder.empty());
}

TEST_F(ReceiveDelivery, MissingFolder_IsNamedAndItsChannelWaits) {
  channel("anna", 1);
  channel("ben", 2);
  deliver("anna", {other / "missing", false, IfExists::kRename, ""});
  deliver("ben", {world.target.path(), false, IfExists::kRename, ""});
  DeliveryRound done = round();
  EXPECT_EQ(done.found.letters, 1U);
  ASSERT_EQ(done.without_folder.size(), 1U);
  EXPECT_EQ(done.without_folder[0].name, "anna");
  std::filesystem::create_directory(other / "missing");
  done = round();
  EXPECT_TRUE(done.without_folder.empty());
  EXPECT_EQ(done.found.letters, 1U);
  fetch();
  EXPECT_EQ(content_of(other / "missing/of anna 1"), "anna");
}

TEST_F(ReceiveDelivery, ChannelWithoutAnAnswer_HoldsUpNoOther) {
  const ChannelRow anna = channel("anna", 1, 0);
  world.network.put(anna.next, ports::Outcome::kRetry);
  channel("ben", 2);
  for (const char* name : {"anna", "ben"})
    deliver(name, {world.target.path(), false, IfExists::kRename, ""});
  const DeliveryRound done = round();
  EXPECT_EQ(done.found.letters, 1U);
  ASSERT_TRUE(done.no_answer);
  EXPECT_EQ(done.no_answer->code, Errc::kTemporary);
}

TEST_F(ReceiveDelivery, ChannelWithMuchInIt_HoldsUpNoOther) {
  channel("anna", 1, 40);
  channel("ben", 2);
  for (const char* name : {"anna", "ben"})
    deliver(name, {world.target.path(), false, IfExists::kRename, ""});
  std::size_t before_ben = 0;  // jobs that were there when that of ben came
  world.network.on_read = [&] {
    const std::vector<ReceiveJobRow> jobs = *world.store->receive_job_rows();
    const bool has_come =
        std::ranges::count(jobs, std::string("ben"), &ReceiveJobRow::channel_name) > 0;
    if (!has_come) before_ben = jobs.size();
  };
  EXPECT_EQ(round().found.letters, 41U);
  EXPECT_LT(before_ben, 5U) << "they are polled side by side";
}

}  // namespace
}  // namespace taubenpost

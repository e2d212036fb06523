// The runner of receive jobs: its places, and the order in which files of one name are placed.
#include "engine/receive_runs.h"

#include <gtest/gtest.h>

#include "engine/engine.h"
#include "support/receive_world.h"

namespace taubenpost {
namespace {

using ports::Outcome;

class ReceiveRunsTest : public testing::Test {
 protected:
  // The version of a file whose first box comes late, by so many reads.
  void post_version(std::uint8_t number, int late, const std::string& name = "f") {
    const Bytes content = version(number);
    world.post(wire::encode_letter(world.letter_with_body(content, name, number)));
    const IndexBytes begin = world.body_indices[0];
    world.network.clear(begin);
    for (int i = 0; i < late; ++i) world.network.put(begin, Outcome::kNotFound);
    world.network.put(begin, Bytes(content.begin(), content.begin() + ReceiveWorld::kChunk));
  }
  static Bytes version(std::uint8_t number) {
    Bytes content = ReceiveWorld::pattern(2000);
    content.back() = number;
    return content;
  }
  std::vector<ReceiveJobRow> rows() const { return *world.store->receive_job_rows(); }
  JobId job_at(std::uint64_t counter) const {
    for (const ReceiveJobRow& row : rows())
      if (row.counter == counter) return row.id;
    ADD_FAILURE() << "no job at " << counter;
    return {};
  }
  void run_all() {
    const auto ran = world.run(Engine(world.ports(), world.options).run_until_idle());
    ASSERT_TRUE(ran) << ran.error().what;
  }

  ReceiveWorld world;
  ChannelRow channel = world.import("sender", 1);
  const std::uint64_t first = channel.counter;
};

TEST_F(ReceiveRunsTest, VersionsOfOneName_ReplaceEachOtherInTheirOrder) {
  world.place.if_exists = IfExists::kReplace;
  for (std::uint8_t number = 1; number <= 20; ++number) post_version(number, (20 - number) / 3);
  ASSERT_TRUE(world.poll(channel));
  run_all();
  EXPECT_EQ(content_of(world.target / "f"), as_text(version(20)));
  for (const ReceiveJobRow& row : rows())
    EXPECT_EQ(row.state, ReceiveState::kPlaced) << row.counter << ": " << row.error_text;
}

TEST_F(ReceiveRunsTest, VersionsOfOneName_GetNumbersInTheirOrder) {
  for (std::uint8_t number = 1; number <= 3; ++number) post_version(number, 3 - number);
  ASSERT_TRUE(world.poll(channel));
  run_all();
  EXPECT_EQ(content_of(world.target / "f"), as_text(version(1)));
  EXPECT_EQ(content_of(world.target / "f (2)"), as_text(version(2)));
  EXPECT_EQ(content_of(world.target / "f (3)"), as_text(version(3)));
}

TEST_F(ReceiveRunsTest, ThoseThatRest_LeaveTheirPlacesToOthers) {
  world.place.if_exists = IfExists::kReplace;
  post_version(1, 8);
  for (std::uint8_t number = 2; number <= 40; ++number) post_version(number, 0);
  post_version(41, 0, "other");
  ASSERT_TRUE(world.poll(channel));
  bool was_early = false;
  world.network.on_read = [&] {
    was_early |= std::filesystem::exists(world.target / "other") &&
                 world.row(job_at(first)).state == ReceiveState::kFetching;
  };
  run_all();
  EXPECT_TRUE(was_early);
  EXPECT_EQ(content_of(world.target / "f"), as_text(version(40)));
}

TEST_F(ReceiveRunsTest, EarlierOneThatCanNotGoOn_HoldsUpNoLaterOne) {
  TempFolder gone;
  world.place.if_exists = IfExists::kReplace;
  world.place.target = world.target / "f";
  post_version(1, 0);
  ASSERT_TRUE(world.run(poll_channel(world.ports(), channel.id, gone.path(), world.place)));
  post_version(2, 0);
  ASSERT_TRUE(world.poll(channel));
  std::filesystem::remove(gone.path());
  run_all();
  EXPECT_EQ(world.row(job_at(first)).state, ReceiveState::kWaiting);
  EXPECT_EQ(content_of(world.target / "f"), as_text(version(2)));
  std::filesystem::create_directory(gone.path());
  run_all();
  EXPECT_EQ(world.row(job_at(first)).state, ReceiveState::kFailed);
  EXPECT_EQ(content_of(world.target / "f"), as_text(version(2)));
}

TEST_F(ReceiveRunsTest, VersionThatIsFoundLate_ReplacesNoNewerOne) {
  world.place.if_exists = IfExists::kReplace;
  const IndexBytes late = world.position.bytes();
  world.leave_empty(1);
  post_version(2, 0);
  ASSERT_TRUE(world.poll(channel));
  run_all();
  world.network.clear(late);
  world.network.put(late, wire::encode_letter(ReceiveWorld::letter_for(version(1), "f", 1)));
  const Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled);
  ASSERT_EQ(polled->letters, 1U);
  run_all();
  const ReceiveJobRow row = world.row(job_at(first));
  EXPECT_EQ(row.state, ReceiveState::kFailed);
  EXPECT_NE(row.error_text.find("a newer file of that name is placed"), std::string::npos)
      << row.error_text;
  EXPECT_EQ(content_of(world.target / "f"), as_text(version(2)));
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f"});

  PlaceOptions elsewhere = placing_of(row);
  elsewhere.target = world.target / "old";
  ASSERT_TRUE(world.run(receive_again(world.ports(), row.id, world.target.path(), elsewhere)));
  run_all();
  EXPECT_EQ(content_of(world.target / "old"), as_text(version(1)));
}

TEST_F(ReceiveRunsTest, ErrorOfOne_IsThatOfAllAndNobodyElseBegins) {
  for (std::uint8_t number = 1; number <= 40; ++number) post_version(number, 0, "f");
  ASSERT_TRUE(world.poll(channel));
  std::vector<JobId> ids;
  for (const ReceiveJobRow& row : rows()) ids.push_back(row.id);
  world.network.on_read = [this] { world.network.gone = true; };
  const Status ran = world.run(run_receives(world.ports(), world.options, ids, ReceiveGoal{}));
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Errc::kDaemonGone);
  std::size_t begun = 0;
  for (const ReceiveJobRow& row : rows()) begun += row.state != ReceiveState::kWaiting ? 1 : 0;
  EXPECT_EQ(begun, 16U);
}

}  // namespace
}  // namespace taubenpost

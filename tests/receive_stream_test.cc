// Streams of pigeonhole-cp: recorded ones, odd ones, hostile ones, and ones that never end.
#include <gtest/gtest.h>

#include "files/part_file.h"
#include "support/receive_world.h"
#include "support/unsynced_loss_disk.h"
#include "support/vectors.h"
#include "wire/cbor_writer.h"

namespace taubenpost {
namespace {

using ports::Outcome;
using wire::CborWriter;

constexpr std::size_t kBox = FakeNetwork::kBoxMax;

Bytes header(const std::string& name, std::uint64_t size) {
  return CborWriter().map(2).text("name").text(name).text("size").number(size).take();
}

class ReceiveStream : public testing::Test {
 protected:
  // Header and content, cut as pigeonhole-cp does.
  static std::vector<Bytes> boxes_of(const std::string& name, ByteView content,
                                     std::size_t box = kBox) {
    Bytes stream = header(name, content.size());
    append(stream, content);
    std::vector<Bytes> boxes;
    for (std::size_t at = 0; at < stream.size(); at += box)
      boxes.push_back(to_bytes(ByteView(stream).subspan(at, std::min(box, stream.size() - at))));
    return boxes;
  }
  void post_all(const std::vector<Bytes>& boxes) {
    for (const Bytes& box : boxes) world.post(box);
  }
  Bytes letter(std::uint8_t id) {
    return wire::encode_letter(ReceiveWorld::letter_for(as_bytes("content"), "letter", id));
  }
  // One poll round, then every job to its end: what 'receive' does.
  void receive() {
    const Result<PollSummary> polled = world.poll(channel);
    ASSERT_TRUE(polled) << polled.error().what;
    const std::vector<JobId> jobs = *world.store->receive_jobs();
    for (const JobId& id : jobs) {
      const Status ran = world.receive(id);
      ASSERT_TRUE(ran) << ran.error().what;
    }
  }
  // The job of the last position that began a transfer.
  ReceiveJobRow newest() {
    std::vector<InboxRow> inbox = *world.store->inbox(channel.id);
    std::erase_if(inbox, [](const InboxRow& one) { return one.kind != InboxKind::kLetter; });
    return world.row(inbox.back().job);
  }
  ChannelRow row() { return *world.store->channel(channel.id); }
  void expect_placed(const std::string& name, ByteView content) {
    EXPECT_EQ(content_of(world.target / name), as_text(content)) << name;
  }
  void expect_all_placed() {
    const std::vector<ReceiveJobRow> jobs = *world.store->receive_job_rows();
    for (const ReceiveJobRow& job : jobs)
      EXPECT_EQ(job.state, ReceiveState::kPlaced) << job.error_text;
    EXPECT_EQ(row().stream, JobId{});
    EXPECT_EQ(row().next, world.position.bytes()) << "not where the sender goes on";
  }

  ReceiveWorld world;
  ChannelRow channel = world.import("sender", 1);
};

// ---- whole streams ----

TEST_F(ReceiveStream, RecordedStreams_ArePlacedOneAfterTheOther) {
  std::size_t cases = 0;
  test::each_case("foreign/pigeonhole-cp-send.json", 5, [&](const test::Json& one) {
    ++cases;
    for (const test::Json& box : one.at("boxes")) world.post(test::hex(box));
    receive();
    Bytes content(one.at("size").get<std::size_t>());
    for (std::size_t i = 0; i < content.size(); ++i)
      content[i] = static_cast<std::uint8_t>(7 * i + 3);
    expect_placed(one.at("file_name"), content);
    expect_all_placed();
  });
  EXPECT_EQ(world.target.names().size(), cases);
}

TEST_F(ReceiveStream, AnySize_IsPlacedAndNothingBehindItIsRead) {
  const std::size_t first = kBox - header("1500.bin", 1500).size();
  int number = 0;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, first, first + 1, first + kBox,
                                 40 * kBox, 200 * kBox + 7}) {
    const std::string name = std::to_string(++number) + "00.bin";
    const Bytes content = ReceiveWorld::pattern(size);
    const std::vector<Bytes> boxes = boxes_of(name, content);
    post_all(boxes);
    ASSERT_TRUE(world.poll(channel));
    world.network.reads = 0;
    ASSERT_TRUE(world.receive(newest().id));
    EXPECT_EQ(world.network.reads, boxes.size() - 1) << size;
    expect_placed(name, content);
    expect_all_placed();
  }
  EXPECT_EQ(world.network.most_at_once, world.options.read_window);
}

TEST_F(ReceiveStream, BoxesOfAnyLength_AreOneFile) {
  const Bytes content = ReceiveWorld::pattern(3000);
  world.post(header("odd", content.size()));  // alone in its box
  std::size_t at = 0;
  for (const std::size_t size : {1U, 700U, 1U, 1549U, 749U}) {
    Bytes box = to_bytes(ByteView(content).subspan(at, size));
    at += size;
    if (at == content.size()) append(box, Bytes(100, 0xee));  // surplus: ignored
    world.post(std::move(box));
  }
  ASSERT_EQ(at, content.size());
  receive();
  expect_placed("odd", content);
  expect_all_placed();
}

TEST_F(ReceiveStream, StreamsAndLetters_FollowEachOther) {
  const Bytes content = ReceiveWorld::pattern(5000);
  world.post(letter(1));
  post_all(boxes_of("a", content));
  world.post(letter(2));
  post_all(boxes_of("b", content, kBox - 4));
  post_all(boxes_of("c", as_bytes("small")));
  for (int round = 0; round < 3; ++round) receive();
  expect_placed("a", content);
  expect_placed("b", content);
  expect_placed("c", as_bytes("small"));
  EXPECT_EQ(world.target.names().size(), 5U);
  expect_all_placed();
}

TEST_F(ReceiveStream, SameStreamTwice_IsTwoFiles) {
  post_all(boxes_of("a", as_bytes("same")));
  post_all(boxes_of("a", as_bytes("same")));
  receive();
  expect_placed("a", as_bytes("same"));
  expect_placed("a (2)", as_bytes("same"));
}

TEST_F(ReceiveStream, OpenStream_KeepsTheChannelForItself) {
  post_all(boxes_of("a", ReceiveWorld::pattern(5000)));
  ASSERT_TRUE(world.poll(channel));
  EXPECT_EQ(row().stream, newest().id);
  world.network.reads = 0;
  EXPECT_EQ(world.poll(channel)->others, 0U);
  EXPECT_EQ(world.network.reads, 0U);
}

TEST_F(ReceiveStream, HeaderThatCanNotBeSeenYet_LosesNothing) {
  const Bytes content = ReceiveWorld::pattern(5000);
  const std::vector<Bytes> boxes = boxes_of("a", content);
  const IndexBytes hidden = world.position.bytes();
  world.leave_empty(1);
  for (std::size_t i = 1; i < boxes.size(); ++i) world.post(boxes[i]);
  const Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled) << polled.error().what;
  EXPECT_EQ(polled->others + polled->passed_over, 0U);
  world.network.put(hidden, boxes[0]);
  receive();
  expect_placed("a", content);
  expect_all_placed();
}

// ---- streams that go on later, or never ----

TEST_F(ReceiveStream, SenderThatStillWrites_IsWaitedFor) {
  const Bytes content = ReceiveWorld::pattern(100 * kBox);
  const std::vector<Bytes> boxes = boxes_of("a", content);
  for (std::size_t i = 0; i < 70; ++i) world.post(boxes[i]);
  receive();
  EXPECT_EQ(newest().state, ReceiveState::kFetching);
  EXPECT_EQ(row().next, world.position.bytes());
  EXPECT_NE(world.store->journal(newest().id)->back().text.find("not there yet"),
            std::string::npos);
  world.restart();
  for (std::size_t i = 70; i < boxes.size(); ++i) world.post(boxes[i]);
  world.network.reads = 0;
  receive();
  EXPECT_EQ(world.network.reads, boxes.size() - 70);
  expect_placed("a", content);
  expect_all_placed();
}

TEST_F(ReceiveStream, StreamThatNeverEnds_FailsOnceItsBoxesAreGone) {
  const std::vector<Bytes> boxes = boxes_of("a", ReceiveWorld::pattern(5000));
  world.post(boxes[0]);
  world.post(boxes[1]);
  receive();
  world.let_pass(std::chrono::hours(24 * 6));
  receive();
  EXPECT_EQ(newest().state, ReceiveState::kFetching);
  world.let_pass(std::chrono::hours(24 * 15));
  receive();
  EXPECT_EQ(newest().state, ReceiveState::kFailed);
  EXPECT_NE(newest().error_text.find("ends before"), std::string::npos) << newest().error_text;
  EXPECT_TRUE(world.target.names().empty());
  world.post(letter(1));
  receive();
  EXPECT_EQ(newest().state, ReceiveState::kPlaced) << "the channel goes on";
}

TEST_F(ReceiveStream, BoxThatEndsAStream_FailsItAndTheChannelGoesOn) {
  struct Case {
    Outcome outcome;
    const char* why;
  };
  for (const auto& [outcome, why] :
       {Case{Outcome::kTombstone, "retracted"}, Case{Outcome::kOk, "an empty box"},
        Case{Outcome::kUnreadable, "unreadable"}, Case{Outcome::kRejected, "refused"}}) {
    const std::vector<Bytes> boxes = boxes_of("a", ReceiveWorld::pattern(5000));
    world.post(boxes[0]);
    world.post(boxes[1]);
    const IndexBytes bad = world.position.bytes();
    world.post(outcome);
    ASSERT_TRUE(world.poll(channel));
    ASSERT_TRUE(world.receive(newest().id));
    const ReceiveJobRow failed = newest();
    EXPECT_EQ(failed.state, ReceiveState::kFailed);
    EXPECT_NE(failed.error_text.find(why), std::string::npos) << failed.error_text;
    EXPECT_EQ(row().stream, JobId{});
    EXPECT_EQ(row().next, bad) << "the rest is no part of it";
    EXPECT_TRUE(world.target.names().empty());
    if (outcome == Outcome::kRejected) break;  // the last: no read of it succeeds
    world.post(letter(static_cast<std::uint8_t>(world.store->receive_jobs()->size())));
    receive();
    EXPECT_EQ(newest().state, ReceiveState::kPlaced) << why;
    std::filesystem::remove(world.target / "letter");
  }
}

// ---- hostile headers ----

TEST_F(ReceiveStream, MoreThanTheLimit_IsRefusedUnread) {
  for (const std::uint64_t size : {(1ULL << 30) + 1, 1ULL << 50}) {
    world.post(header("huge", size));
    world.network.reads = 0;
    EXPECT_EQ(world.poll(channel)->refused, 1U);
    EXPECT_EQ(world.store->inbox(channel.id)->back().kind, InboxKind::kRefused);
    EXPECT_LE(world.network.reads, 6U) << "its header, and what is there behind it";
    EXPECT_EQ(row().next, world.position.bytes());
    EXPECT_EQ(row().stream, JobId{});
  }
  EXPECT_TRUE(world.store->receive_jobs()->empty());
  world.post(letter(1));
  receive();
  EXPECT_EQ(newest().state, ReceiveState::kPlaced);
}

TEST_F(ReceiveStream, LargestSize_IsTaken) {
  world.post(header("large", 1ULL << 30));
  ASSERT_TRUE(world.poll(channel));
  EXPECT_EQ(row().stream, newest().id);
}

TEST_F(ReceiveStream, BadHeaders_AreKeptAndNeverStopTheChannel) {
  std::vector<Bytes> bad;
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("/etc/passwd"),
        std::string("../x"), std::string("a\\b"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("gpj.exe\u202E"), std::string("\x1b[2J"), std::string(256, 'x')})
    bad.push_back(header(name, 1));
  bad.push_back(header("a", (1ULL << 50) + 1));
  bad.push_back(header("a", UINT64_MAX));
  bad.push_back(CborWriter().map(1).text("name").text("a").take());
  bad.push_back(CborWriter().map(1).text("size").number(1).take());
  bad.push_back(CborWriter().map(2).text("name").text("a").text("size").signed_number(-1).take());
  bad.push_back(CborWriter().map(2).text("name").text("a").text("size").text("1").take());
  bad.push_back(CborWriter()
                    .map(3)
                    .text("name")
                    .text("a")
                    .text("name")
                    .text("b")
                    .text("size")
                    .number(0)
                    .take());
  bad.push_back(Bytes{0xbf, 0x64, 'n', 'a', 'm', 'e'});  // never closed
  post_all(bad);
  world.post(letter(1));
  const Result<PollSummary> polled = world.poll(channel);
  ASSERT_TRUE(polled) << polled.error().what;
  EXPECT_EQ(polled->others, bad.size());
  EXPECT_EQ(polled->letters, 1U);
  const std::vector<InboxRow> inbox = *world.store->inbox(channel.id);
  ASSERT_EQ(inbox.size(), bad.size() + 1);
  for (std::size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(inbox[i].kind, InboxKind::kInvalid) << i;
    EXPECT_EQ(inbox[i].content, bad[i]) << "kept for inspection";
    EXPECT_FALSE(inbox[i].reason.empty());
  }
}

// ---- crashes ----

TEST_F(ReceiveStream, PartFileRemovedMeanwhile_IsFetchedAgain) {
  const Bytes content = ReceiveWorld::pattern(100 * kBox);
  world.post(letter(1));  // the header is not the channel's first box
  receive();
  const std::vector<Bytes> boxes = boxes_of("a", content);
  for (std::size_t i = 0; i < 80; ++i) world.post(boxes[i]);
  receive();
  ASSERT_GT(newest().prefix, 0U);
  std::filesystem::remove(part_path(world.target.path(), newest().id));
  world.restart();
  for (std::size_t i = 80; i < boxes.size(); ++i) world.post(boxes[i]);
  receive();
  expect_placed("a", content);
  expect_all_placed();
}

TEST_F(ReceiveStream, PowerLossAtAnyRead_EndsWithTheSameBytes) {
  TempFolder graveyard;
  UnsyncedLossDisk loss(graveyard.path());
  world.use_disk(loss);
  world.options.read_window = 4;
  const Bytes content = ReceiveWorld::pattern(150 * kBox + 3);
  const std::vector<Bytes> boxes = boxes_of("a", content);
  post_all(boxes);
  ASSERT_TRUE(world.poll(channel));
  const JobId id = newest().id;
  std::size_t stops = 0;
  world.network.reads = 0;
  for (std::size_t n = 1; !world.run_until_read(id, n); n += 9, ++stops) {
    loss.lose_unsynced();
    world.restart();
  }
  world.restart();
  EXPECT_GT(stops, 5U);
  // What was marked is never read again.
  EXPECT_LE(world.network.reads, boxes.size() + stops * (64 + 2 * 4));
  expect_placed("a", content);
  expect_all_placed();
  EXPECT_EQ(world.target.names().size(), 1U) << "no part file is left";
  world.use_disk(world.real_disk);
}

}  // namespace
}  // namespace taubenpost

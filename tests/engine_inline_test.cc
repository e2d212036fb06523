// Inline channels: content behind its header, which comes last, for one recipient or several.
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "engine/channels.h"
#include "engine/end_send.h"
#include "engine/held.h"
#include "engine/inbox.h"
#include "engine/inline_channels.h"
#include "engine/poll.h"
#include "engine/purge.h"
#include "engine/retract_send.h"
#include "engine/retry_send.h"
#include "engine/seek_channel.h"
#include "engine/share_send.h"
#include "engine/steer_send.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

constexpr std::size_t kChunk = SendWorld::kChunk;

class EngineInlineTest : public testing::TestWithParam<Way> {
 protected:
  EngineInlineTest() { prepare(world); }
  static void prepare(SendWorld& in) {
    for (const char* name : {"anna", "ben"}) in.channel(name, Layout::kInline);
  }
  static JobId queue(SendWorld& in, std::size_t size, std::vector<std::string> to,
                     const std::string& name = "file", Way way = Way::kCopy) {
    SendRequest request;
    request.sources = {in.file(name, SendWorld::pattern(size))};
    request.to = std::move(to);
    request.transport = request.commit = way;
    const Result<JobId> id = in.run(enqueue_send(in.ports(), std::move(request)));
    TP_CHECK(id);
    return *id;
  }
  static std::size_t boxes_for(std::size_t size) { return (size + kChunk - 1) / kChunk; }
  static std::optional<wire::Foreign> header(const SendWorld& in, const std::string& channel,
                                             std::uint64_t number) {
    const std::optional<Bytes> box = in.box(channel, number);
    if (!box || box->empty()) return std::nullopt;
    const Result<wire::BoxContent> content = wire::decode_box_content(*box);
    if (!content || !std::holds_alternative<wire::Foreign>(*content)) return std::nullopt;
    const wire::Foreign found = std::get<wire::Foreign>(*content);
    EXPECT_EQ(found.header_size, box->size()) << "the header is not alone in its box";
    return found;
  }
  // A transfer of the pattern stands at this position of the channel.
  static void expect_stream(const SendWorld& in, const std::string& channel, std::uint64_t number,
                            std::size_t size, const std::string& name = "file") {
    SCOPED_TRACE(channel + " " + std::to_string(number));
    const std::optional<wire::Foreign> found = header(in, channel, number);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, name);
    ASSERT_EQ(found->size, size);
    ASSERT_TRUE(found->marks);
    EXPECT_EQ(found->marks->digest, crypto::blake2b_256(SendWorld::pattern(size)));
    Bytes content;
    for (std::size_t i = 1; i <= boxes_for(size); ++i) {
      const std::optional<Bytes> box = in.box(channel, number + i);
      ASSERT_TRUE(box) << i;
      append(content, *box);
    }
    EXPECT_TRUE(content == SendWorld::pattern(size));
  }
  static void expect_posted(const SendWorld& in, JobId id) {
    EXPECT_EQ(in.job(id).state, SendState::kPosted) << in.job(id).error_text;
    EXPECT_TRUE(in.store->batches(id)->empty());
    for (const char* name : {"anna", "ben"})
      EXPECT_EQ(find_channel(*in.store, name)->stream, JobId{}) << name;
  }
  static bool is_tombstone(const std::optional<Bytes>& box) { return box && box->empty(); }
  static void expect_tombstones(const SendWorld& in, const std::string& channel,
                                std::uint64_t number, std::uint64_t boxes) {
    for (std::uint64_t i = 0; i < boxes; ++i)
      EXPECT_TRUE(is_tombstone(in.box(channel, number + i))) << channel << " " << number + i;
    EXPECT_FALSE(in.box(channel, number + boxes)) << channel;
  }
  static std::uint64_t next_number(const SendWorld& in, const std::string& channel) {
    return find_channel(*in.store, channel)->counter - in.position(channel, 0).counter();
  }
  static Status cancel(SendWorld& in, JobId id) { return in.run(cancel_send(in.ports(), id)); }
  static void put(SendWorld& in, const std::string& channel, std::uint64_t number) {
    in.network.put(in.write_cap(channel), in.position(channel, number), as_bytes("another's"));
  }
  static void run_until_a_batch_is_open(SendWorld& in, JobId id) {
    for (std::uint64_t at = 1; in.job(id).next_batch == 0; ++at)
      ASSERT_FALSE(in.run_engine_until(at));
  }

  SendWorld world;
};
INSTANTIATE_TEST_SUITE_P(Way, EngineInlineTest, testing::Values(Way::kCopy, Way::kDirect),
                         way_name);
using EngineInlineJobTest = EngineInlineTest;  // where the way makes no difference
INSTANTIATE_TEST_SUITE_P(Job, EngineInlineJobTest, testing::Values(Way::kCopy));

// ---- sending ----

TEST_P(EngineInlineTest, AnySize_IsAHeaderAndItsContent) {
  std::uint64_t number = 0;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kChunk, kChunk + 1, 4 * kChunk, 17 * kChunk + 5}) {
    const JobId id = queue(world, size, {"anna", "ben"}, "file", GetParam());
    run_all(world, 1);
    expect_posted(world, id);
    for (const char* name : {"anna", "ben"}) {
      expect_stream(world, name, number, size);
      EXPECT_FALSE(world.box(name, number + 1 + boxes_for(size)));
    }
    number += 1 + boxes_for(size);
    EXPECT_EQ(next_number(world, "anna"), number);
  }
}

TEST_P(EngineInlineTest, OneRecipient_GetsIt) {
  const JobId id = queue(world, 5 * kChunk, {"ben"}, "file", GetParam());
  run_all(world, 1);
  expect_posted(world, id);
  expect_stream(world, "ben", 0, 5 * kChunk);
  EXPECT_FALSE(world.box("anna", 0));
}

TEST_P(EngineInlineJobTest, ManyRecipients_ShareTheirBatches) {
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) {
    names.push_back("r" + std::to_string(i));
    world.channel(names.back(), Layout::kInline);
  }
  world.options = EngineOptions{};
  const JobId id = queue(world, 5 * kChunk + 1, names);
  run_all(world, 1);
  expect_posted(world, id);
  for (const std::string& name : names) expect_stream(world, name, 0, 5 * kChunk + 1);
  EXPECT_EQ(world.job(id).plan.boxes, 120U);
  EXPECT_LE(world.network.copied_sequences.size(), 16U);  // 120 boxes by 8, and the headers
}

TEST_P(EngineInlineTest, HeadersComeLast) {
  bool has_content = false;
  const auto look = [&] {
    for (const char* name : {"anna", "ben"}) {
      has_content |= world.box(name, 1).has_value();
      if (!world.box(name, 0)) continue;
      for (const char* other : {"anna", "ben"})
        for (std::uint64_t i = 1; i <= 9; ++i) EXPECT_TRUE(world.box(other, i)) << i;
    }
  };
  const auto step = world.network.step;
  world.network.step = [&] {
    look();
    step();
  };
  const JobId id = queue(world, 9 * kChunk, {"anna", "ben"}, "file", GetParam());
  run_all(world, 1);
  expect_posted(world, id);
  EXPECT_TRUE(has_content);
}

TEST_P(EngineInlineTest, KilledAtAnyStep_GoesOnToTheSameEnd) {
  bool ended = false;
  for (std::uint64_t at = 1; !ended; at += 3) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    one.options.batch_chunks = 4;
    prepare(one);
    const JobId id = queue(one, 2 * kChunk + 7, {"anna", "ben"}, "file", GetParam());
    ended = one.run_engine_until(at);
    ASSERT_TRUE(one.run_engine());
    expect_posted(one, id);
    for (const char* name : {"anna", "ben"}) {
      expect_stream(one, name, 0, 2 * kChunk + 7);
      ASSERT_FALSE(one.box(name, 4));
    }
    ASSERT_FALSE(HasFailure());
  }
}

TEST_P(EngineInlineJobTest, Folder_IsItsArchive) {
  const std::filesystem::path folder = world.sources / "trip";
  std::filesystem::create_directory(folder);
  write_file(folder / "a.txt", "a");
  const JobId id = world.queue(folder, {"anna"});
  run_all(world, 1);
  const std::optional<wire::Foreign> found = header(world, "anna", 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "trip.tar");
  EXPECT_EQ(found->size, world.job(id).plan.size);
  EXPECT_EQ(found->marks->kind, wire::LetterKind::kTar);
}

// ---- one job at a time ----

TEST_P(EngineInlineJobTest, JobsToOneChannel_FollowEachOther) {
  const JobId large = queue(world, 3 * kChunk, {"anna", "ben"}, "large");
  const JobId small = queue(world, 10, {"ben"}, "small");
  const JobId last = queue(world, kChunk, {"ben", "anna"}, "last");
  run_all(world, 3);
  for (const JobId id : {large, small, last}) expect_posted(world, id);
  std::set<std::uint64_t> used;
  for (const auto& [id, name, size] : {std::tuple(large, "large", 3 * kChunk),
                                       {small, "small", std::size_t{10}},
                                       {last, "last", kChunk}}) {
    const RecipientRow to = world.recipient(id, name == std::string("large") ? 1 : 0);
    const std::uint64_t number = to.counter - world.position("ben", 0).counter();
    expect_stream(world, "ben", number, size, name);
    for (std::uint64_t i = 0; i <= boxes_for(size); ++i)
      EXPECT_TRUE(used.insert(number + i).second) << number + i;
  }
  EXPECT_EQ(used.size(), next_number(world, "ben"));
}

TEST_P(EngineInlineJobTest, SecondJob_WaitsUntilTheFirstHasEnded) {
  const JobId first = queue(world, 3 * kChunk, {"anna", "ben"}, "first");
  run_until(world, first, SendState::kUploading);
  ASSERT_TRUE(world.run(pause_send(world.ports(), first)));
  const JobId second = queue(world, 10, {"ben"}, "second");
  run_all(world, 0);
  EXPECT_EQ(world.job(second).state, SendState::kQueued);
  EXPECT_EQ(*held_reason(*world.store, world.job(second)),
            "channel ben has another job: " + to_base32(first));
  ASSERT_TRUE(world.run(resume_send(world.ports(), first)));
  run_all(world, 2);
  expect_posted(world, first);
  expect_posted(world, second);
  expect_stream(world, "ben", 0, 3 * kChunk, "first");
  expect_stream(world, "ben", 4, 10, "second");
}

TEST_P(EngineInlineJobTest, IndexOfTheNextTransfer_IsThatOfTheJobAtWork) {
  const auto start = [&](const char* name) {
    return *next_start(*world.store, *find_channel(*world.store, name));
  };
  const JobId id = queue(world, 3 * kChunk, {"anna"});
  EXPECT_EQ(start("anna"), world.position("anna", 0).bytes());
  run_until(world, id, SendState::kUploading);
  EXPECT_EQ(start("anna"), world.position("anna", 0).bytes());
  run_all(world, 1);
  EXPECT_EQ(start("anna"), world.position("anna", 4).bytes());
}

// ---- trouble ----

TEST_P(EngineInlineTest, HeaderMissingAfterTheCopy_IsWrittenDirectly) {
  const JobId id = queue(world, 2 * kChunk, {"anna", "ben"}, "file", GetParam());
  world.network.on_read =
      [this, id, lost = false](const IndexBytes&) mutable -> std::optional<ports::ReadResult> {
    if (world.job(id).state == SendState::kCommitting && !std::exchange(lost, true))
      world.network.lose(world.write_cap("ben").read_cap(), world.position("ben", 0));
    return std::nullopt;
  };
  run_all(world, 1);
  expect_posted(world, id);
  for (const char* name : {"anna", "ben"}) expect_stream(world, name, 0, 2 * kChunk);
}

TEST_P(EngineInlineTest, HeaderPositionTaken_FailsThatRecipientAlone) {
  put(world, "ben", 0);
  const JobId id = queue(world, 2 * kChunk, {"anna", "ben"}, "file", GetParam());
  run_all(world, 0, 1);
  expect_stream(world, "anna", 0, 2 * kChunk);
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kPosted);
  EXPECT_EQ(world.recipient(id, 1).state, RecipientState::kFailed);
  EXPECT_FALSE(world.run(retry_send(world.ports(), id)));
  // Both channels are free, and the next transfer stands behind.
  const JobId again = queue(world, 10, {"anna", "ben"}, "again");
  run_all(world, 1);
  expect_posted(world, again);
  expect_stream(world, "ben", 3, 10, "again");
}

TEST_P(EngineInlineTest, ContentPositionTaken_FailsBeforeAHeaderIsWritten) {
  put(world, "ben", 2);
  const JobId id = queue(world, 3 * kChunk, {"anna", "ben"}, "file", GetParam());
  run_all(world, 0, 1);
  EXPECT_EQ(world.job(id).error_text, "a box of channel ben holds something else");
  for (const char* name : {"anna", "ben"}) EXPECT_FALSE(world.box(name, 0));
  ASSERT_TRUE(cancel(world, id));
  run_all(world, 1);
  for (const char* name : {"anna", "ben"}) expect_tombstones(world, name, 0, 4);
}

TEST_P(EngineInlineJobTest, FailedUpload_KeepsItsPlacesForARetry) {
  const JobId id = queue(world, 6 * kChunk, {"anna", "ben"});
  world.network.on_copy = [](const CourierRow&) -> std::optional<ports::CopyResult> {
    return ports::CopyResult{ports::CopyResult::Kind::kFailed, 5, 1};
  };
  run_all(world, 0, 1);
  world.network.on_copy = nullptr;
  const JobId second = queue(world, 10, {"anna"}, "second");
  run_all(world, 0);
  EXPECT_EQ(world.job(second).state, SendState::kQueued);
  ASSERT_FALSE(world.run(restart_send(world.ports(), id)));
  ASSERT_TRUE(world.run(retry_send(world.ports(), id)));
  run_all(world, 2);
  expect_posted(world, id);
  for (const char* name : {"anna", "ben"}) expect_stream(world, name, 0, 6 * kChunk);
  expect_stream(world, "anna", 7, 10, "second");
}

TEST_P(EngineInlineJobTest, SourceThatChanged_GivesTheChannelBack) {
  const JobId id = queue(world, 3 * kChunk, {"anna"});
  world.file("file", Bytes(3));
  run_all(world, 0, 1);
  EXPECT_EQ(find_channel(*world.store, "anna")->stream, JobId{});
  EXPECT_EQ(next_number(world, "anna"), 0U);
  EXPECT_EQ(world.job(id).state, SendState::kFailed);
}

// Its places have no tombstones: who reads the channel would stay before them for ever.
TEST_P(EngineInlineJobTest, FailedJob_IsForgottenOnlyOnceItIsCancelled) {
  const JobId id = queue(world, 6 * kChunk, {"anna", "ben"});
  world.network.on_copy = [](const CourierRow&) -> std::optional<ports::CopyResult> {
    return ports::CopyResult{ports::CopyResult::Kind::kFailed, 5, 1};
  };
  run_all(world, 0, 1);
  world.network.on_copy = nullptr;
  const auto purge = [&] {
    ASSERT_TRUE(world.run(purge_ended(world.ports(), world.clock.unix_ms() / 1000 + 1)));
  };
  purge();
  ASSERT_TRUE(world.store->send_job(id));
  ASSERT_TRUE(cancel(world, id));
  ASSERT_TRUE(world.run_engine());
  purge();
  EXPECT_FALSE(world.store->send_job(id));
  EXPECT_EQ(find_channel(*world.store, "anna")->stream, JobId{});
}

// ---- calling back ----

TEST_P(EngineInlineJobTest, CancelledBeforeAnythingWasWritten_GivesItsPlacesBack) {
  const JobId id = queue(world, 3 * kChunk, {"anna", "ben"});
  run_until(world, id, SendState::kUploading);
  EXPECT_EQ(next_number(world, "anna"), 4U);
  ASSERT_TRUE(cancel(world, id));
  EXPECT_EQ(next_number(world, "anna"), 0U);
  EXPECT_FALSE(world.run(retract_send(world.ports(), id, Way::kCopy)));
  const JobId next = queue(world, 10, {"anna", "ben"}, "next");
  run_all(world, 1);
  expect_posted(world, next);
  for (const char* name : {"anna", "ben"}) expect_stream(world, name, 0, 10, "next");
}

TEST_P(EngineInlineTest, CancelledWhileItUploads_LeavesTombstones) {
  const JobId id = queue(world, 9 * kChunk, {"anna", "ben"}, "file", GetParam());
  run_until_a_batch_is_open(world, id);
  ASSERT_TRUE(cancel(world, id));
  const JobId next = queue(world, 10, {"anna", "ben"}, "next");
  run_all(world, 2);  // the retraction, and then the next
  EXPECT_EQ((*world.store->retract_job(id))->may_have_seen, std::vector<std::uint64_t>{});
  expect_posted(world, next);
  for (const char* name : {"anna", "ben"}) {
    for (std::uint64_t i = 0; i < 10; ++i) EXPECT_TRUE(is_tombstone(world.box(name, i))) << i;
    expect_stream(world, name, 10, 10, "next");
  }
}

TEST_P(EngineInlineTest, Retracted_LeavesTombstones) {
  const JobId id = queue(world, 9 * kChunk, {"anna", "ben"});
  run_all(world, 1);
  ASSERT_TRUE(world.run(retract_send(world.ports(), id, GetParam())));
  EXPECT_EQ((*world.store->retract_job(id))->may_have_seen, (std::vector<std::uint64_t>{0, 1}));
  run_all(world, 1);
  for (const char* name : {"anna", "ben"}) expect_tombstones(world, name, 0, 10);
}

TEST_P(EngineInlineTest, RetractionKilledAtAnyStep_GoesOnToTheEnd) {
  bool ended = false;
  for (std::uint64_t at = 1; !ended; at += 4) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    prepare(one);
    const JobId id = queue(one, 3 * kChunk, {"anna", "ben"});
    ASSERT_TRUE(one.run_engine());
    ASSERT_TRUE(one.run(retract_send(one.ports(), id, GetParam())));
    ended = one.run_engine_until(at);
    ASSERT_TRUE(one.run_engine());
    for (const char* name : {"anna", "ben"}) expect_tombstones(one, name, 0, 4);
    EXPECT_TRUE(one.store->batches(id)->empty());
    ASSERT_FALSE(HasFailure());
  }
}

TEST_P(EngineInlineJobTest, NotOurHeader_NothingOfThatChannelIsOverwritten) {
  put(world, "ben", 0);
  const JobId id = queue(world, 2 * kChunk, {"anna", "ben"});
  run_all(world, 0, 1);
  ASSERT_TRUE(world.run(retract_send(world.ports(), id, Way::kCopy)));
  run_all(world, 1);
  expect_tombstones(world, "anna", 0, 3);
  EXPECT_EQ(as_text(*world.box("ben", 0)), "another's");
  EXPECT_FALSE(is_tombstone(world.box("ben", 1)));
}

// ---- what is refused ----

TEST_P(EngineInlineJobTest, ChannelsOfBothKinds_AreNotMixed) {
  world.channel("cleo");
  SendRequest request;
  request.sources = {world.file("file", Bytes(1))};
  request.to = {"anna", "cleo"};
  const Result<JobId> id = world.run(enqueue_send(world.ports(), request));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Errc::kUsage);
  EXPECT_EQ(id.error().what, "of channels anna and cleo one is inline");
}

TEST_P(EngineInlineJobTest, Sharing_IsRefused) {
  world.channel("cleo");
  const JobId letters = world.queue_bytes("letters", 10, {"cleo"});
  const JobId id = queue(world, 10, {"anna"});
  run_all(world, 2);
  for (const auto& [job, to] : {std::pair(id, "ben"), {letters, "ben"}}) {
    const Status shared = world.run(share_send(world.ports(), job, {to}));
    ASSERT_FALSE(shared);
    EXPECT_EQ(shared.error().code, Errc::kRefused);
  }
}

TEST(EngineInlineRestoredTest, RestoredChannel_CanNotBeResynced) {
  SendWorld world(StoreKind::kRocks);
  world.channel("anna", Layout::kInline);
  world.back_up();
  world.restore();
  const Result<ResyncSummary> done = world.run(resync_channel(world.ports(), "anna", std::nullopt));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::kRefused);
  EXPECT_EQ(done.error().hint, "make a new channel");
}

// ---- receiving ----

class EngineInlineReceiveTest : public testing::Test {
 protected:
  EngineInlineReceiveTest() {
    Invitation invitation = world.channel("anna", Layout::kInline);
    invitation = decode_invitation(encode_invitation(invitation)).value();
    EXPECT_TRUE(world.run(import_channel(world.ports(), "from anna", std::move(invitation))));
  }
  PollSummary poll() {
    const Result<PollSummary> polled = world.run(
        poll_channel(world.ports(), find_channel(*world.store, "from anna")->id, target.path()));
    EXPECT_TRUE(polled);
    return polled ? *polled : PollSummary{};
  }
  ReceiveJobRow received() {
    const std::vector<ReceiveJobRow> rows = *world.store->receive_job_rows();
    EXPECT_EQ(rows.size(), 1U);
    return rows.at(0);
  }

  // Two chunks that look like headers, and one more.
  static Bytes deceiving_content() {
    Bytes content;
    for (const char* name : {"evil", "bad"}) {
      wire::StreamMarks marks;
      marks.id = {static_cast<std::uint8_t>(content.size())};
      marks.digest = crypto::blake2b_256({});
      append(content, wire::encode_stream_header(name, 0, marks));
      content.resize(content.size() < kChunk ? kChunk : 2 * kChunk);
    }
    content.resize(3 * kChunk - 1);
    return content;
  }
  // Posts it, and a transfer behind it.
  void post_deceiving_content() {
    for (const Bytes& content : {deceiving_content(), to_bytes(as_bytes("next"))}) {
      const std::string name = content.size() > kChunk ? "file" : "next";
      world.queue(world.file(name, content), {"anna"});
      run_all(world, 1);
    }
  }
  void set(ChannelRules rules) {
    ASSERT_TRUE(world.run(set_channel_rules(world.ports(), "from anna", rules)));
  }
  ChannelRow incoming() { return *find_channel(*world.store, "from anna"); }

  SendWorld world;
  TempFolder target;
};

TEST_F(EngineInlineReceiveTest, RefusedTransfer_ItsContentAnnouncesNothing) {
  set({Accept::kAuto, 100, 100});
  post_deceiving_content();
  const PollSummary polled = poll();
  EXPECT_EQ(polled.refused, 1U);
  EXPECT_EQ(polled.letters, 1U);
  EXPECT_EQ(world.store->inbox(incoming().id)->size(), 2U);
  run_all(world, 1);
  EXPECT_EQ(target.names(), std::vector<std::string>{"next"});
  EXPECT_EQ(incoming().counter, find_channel(*world.store, "anna")->counter);
}

TEST_F(EngineInlineReceiveTest, DiscardedTransfer_ItsContentAnnouncesNothing) {
  set({Accept::kAsk, 1 << 20, 100});
  const std::uint64_t first = incoming().counter;
  post_deceiving_content();
  EXPECT_EQ(poll().held, 1U);
  EXPECT_EQ(poll().held, 0U);
  ASSERT_TRUE(world.run(discard_entry(world.ports(), incoming().id, first)));
  const PollSummary polled = poll();
  EXPECT_EQ(polled.held, 1U);
  EXPECT_EQ(world.store->inbox(incoming().id)->back().counter, first + 4);
  EXPECT_EQ(incoming().counter, first + 5);
}

TEST_F(EngineInlineReceiveTest, ReadOnceMore_ItsContentAnnouncesNothing) {
  const std::uint64_t first = incoming().counter;
  post_deceiving_content();
  EXPECT_EQ(poll().letters, 1U);
  run_all(world, 1);
  EXPECT_EQ(poll().letters, 1U);
  run_all(world, 1);
  ASSERT_TRUE(world.run(seek_channel(world.ports(), "from anna", first)));
  EXPECT_EQ(poll().letters, 0U);
  EXPECT_EQ(incoming().counter, first + 6);
  EXPECT_EQ(target.names(), (std::vector<std::string>{"file", "next"}));
}

TEST_F(EngineInlineReceiveTest, Transfer_ArrivesAndIsVerified) {
  world.queue_bytes("file", 5 * kChunk + 3, {"anna"});
  run_all(world, 1);
  EXPECT_EQ(poll().letters, 1U);
  run_all(world, 1);
  EXPECT_EQ(received().state, ReceiveState::kPlaced) << received().error_text;
  EXPECT_EQ(content_of(target / "file"), as_text(SendWorld::pattern(5 * kChunk + 3)));
  EXPECT_EQ(find_channel(*world.store, "from anna")->counter,
            find_channel(*world.store, "anna")->counter);
}

TEST_F(EngineInlineReceiveTest, OtherBytesThanPromised_AreNotPlaced) {
  const JobId id = world.queue_bytes("file", 2 * kChunk, {"anna"});
  run_all(world, 1);
  ASSERT_EQ(world.job(id).state, SendState::kPosted);
  world.network.lose(world.write_cap("anna").read_cap(), world.position("anna", 2));
  world.network.put(world.write_cap("anna"), world.position("anna", 2), Bytes(kChunk, 'x'));
  poll();
  run_all(world, 0, 1);
  EXPECT_EQ(received().state, ReceiveState::kFailed);
  EXPECT_TRUE(target.names().empty());
}

// Content that looks like a letter, or like a header, while its own header is not there yet.
TEST_F(EngineInlineReceiveTest, ContentBeforeItsHeader_IsNotTakenForATransfer) {
  wire::StreamMarks marks;
  marks.digest = crypto::blake2b_256({});
  Bytes content = wire::encode_stream_header("evil", 0, marks);
  content.resize(2 * kChunk);
  const JobId id = world.queue(world.file("file", content), {"anna"});
  run_until(world, id, SendState::kCommitting);
  ASSERT_TRUE(world.box("anna", 1));
  EXPECT_EQ(poll().letters, 0U);
  run_all(world, 1);
  EXPECT_EQ(poll().letters, 1U);
  run_all(world, 1);
  EXPECT_EQ(target.names(), std::vector<std::string>{"file"});
}

TEST_F(EngineInlineReceiveTest, RetractedTransfer_IsSteppedOver) {
  const JobId id = world.queue_bytes("file", 3 * kChunk, {"anna"});
  run_all(world, 1);
  ASSERT_TRUE(world.run(retract_send(world.ports(), id, Way::kCopy)));
  run_all(world, 1);
  world.queue_bytes("next", 10, {"anna"});
  run_all(world, 1);
  const PollSummary polled = poll();
  EXPECT_EQ(polled.retracted, 1U) << "an entry for all of it";
  EXPECT_EQ(polled.letters, 1U);
  run_all(world, 1);
  EXPECT_EQ(target.names(), std::vector<std::string>{"next"});
}

}  // namespace
}  // namespace taubenpost

// What else a sender can choose about bodies: one for each recipient, and the way of uploading by
// what the network costs.
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "engine/bodies.h"
#include "engine/choose_transport.h"
#include "engine/end_send.h"
#include "engine/retract_send.h"
#include "engine/retry_send.h"
#include "engine/share_send.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

constexpr std::size_t kChunk = SendWorld::kChunk;
constexpr std::array kNames{"anna", "ben", "cleo"};

class EngineBodiesTest : public testing::TestWithParam<Way> {
 protected:
  EngineBodiesTest() { prepare(world); }
  static void prepare(SendWorld& in) {
    for (const char* name : kNames) in.channel(name);
  }
  static JobId queue(SendWorld& in, std::size_t size, SendRequest request) {
    request.sources = {in.file("file", SendWorld::pattern(size))};
    request.to = {kNames.begin(), kNames.end()};
    const Result<JobId> id = in.run(enqueue_send(in.ports(), std::move(request)));
    TP_CHECK(id);
    return *id;
  }
  static SendRequest separate() {
    SendRequest request;
    request.transport = GetParam();
    request.separate_bodies = true;
    return request;
  }
  static std::set<ReadCapBytes> bodies(const SendWorld& in, std::uint64_t position = 0) {
    std::set<ReadCapBytes> caps;
    for (const char* name : kNames)
      if (const std::optional<wire::Letter> letter = in.letter(name, position))
        caps.insert(std::get<wire::BodyRef>(letter->content).cap);
    return caps;
  }
  static void expect_posted(SendWorld& in, JobId id, std::size_t size) {
    EXPECT_EQ(in.job(id).state, SendState::kPosted) << in.job(id).error_text;
    for (const char* name : kNames) expect_letter(in, id, name, 0, size);
    EXPECT_EQ(bodies(in).size(), kNames.size()) << "two of them read the same boxes";
    EXPECT_TRUE(in.store->batches(id)->empty());
  }
  // Boxes of all bodies that hold a tombstone.
  static std::uint64_t tombstones(const SendWorld& in, JobId id) {
    const SendJobRow job = in.job(id);
    std::uint64_t found = 0;
    for (std::uint64_t body = 0; body < copies_of(job); ++body) {
      const bacap::WriteCap cap = body_of(job, body);
      bacap::MessageBoxIndex at = cap.index();
      for (std::uint64_t i = 0; i < boxes_per_copy(job); ++i, at = *at.next()) {
        const std::optional<Bytes> box = in.network.peek(cap.read_cap(), at);
        if (box && box->empty()) ++found;
      }
    }
    return found;
  }

  SendWorld world;
};
INSTANTIATE_TEST_SUITE_P(Way, EngineBodiesTest, testing::Values(Way::kCopy, Way::kDirect),
                         way_name);
using EngineBodiesJobTest = EngineBodiesTest;  // where the way makes no difference
INSTANTIATE_TEST_SUITE_P(Way, EngineBodiesJobTest, testing::Values(Way::kCopy), way_name);

// ---- a body for each recipient ----

TEST_P(EngineBodiesTest, SeparateBodies_EveryRecipientReadsTheirOwn) {
  for (const std::size_t size : {kChunk, 4 * kChunk, 17 * kChunk - 5}) {
    SendWorld one;
    prepare(one);
    const JobId id = queue(one, size, separate());
    run_all(one, 1);
    expect_posted(one, id, size);
    EXPECT_EQ(one.job(id).plan.boxes, kNames.size() * ((size + kChunk - 1) / kChunk));
    EXPECT_EQ(one.job(id).next_batch, batch_count(one.job(id)));
  }
}

TEST_P(EngineBodiesTest, SeparateBodiesKilledAtEveryStep_EndWithTheSameBytesAndOneLetterEach) {
  constexpr std::size_t kSize = 5 * kChunk + 3;
  for (std::uint64_t kill_at = 1;; kill_at += 3) {
    SCOPED_TRACE("killed at step " + std::to_string(kill_at));
    SendWorld one;
    prepare(one);
    const JobId id = queue(one, kSize, separate());
    const bool ended = one.run_engine_until(kill_at);
    if (!ended) run_all(one, one.job(id).state == SendState::kPosted ? 0 : 1);
    expect_posted(one, id, kSize);
    if (ended || HasFailure()) {
      EXPECT_GT(kill_at, 60U);
      return;
    }
  }
}

TEST_P(EngineBodiesTest, SeparateBodiesRetracted_AllOfThemBecomeTombstones) {
  const JobId id = queue(world, 7 * kChunk, separate());
  run_all(world, 1);
  ASSERT_TRUE(world.run(retract_send(world.ports(), id, GetParam())));
  run_all(world, 1);
  EXPECT_EQ(world.store->retract_job(id).value()->state, RetractState::kRetracted);
  EXPECT_EQ(tombstones(world, id), 3U * 7);
}

TEST_P(EngineBodiesTest, SeparateBodiesCancelledHalfway_WhatWasOpenedBecomesTombstones) {
  const JobId id = queue(world, 16 * kChunk, separate());
  for (std::uint64_t at = 1; boxes_opened(world.job(id)) <= 16; ++at)
    ASSERT_FALSE(world.run_engine_until(at));
  const std::uint64_t opened = boxes_opened(world.job(id));
  ASSERT_LT(opened, 48U);
  ASSERT_TRUE(world.run(cancel_send(world.ports(), id, CancelKind::kAndRetract)));
  run_all(world, 1);
  EXPECT_EQ(tombstones(world, id), opened);
}

TEST_P(EngineBodiesJobTest, ContentThatFitsIntoTheLetter_NeedsNoBody) {
  const JobId id = queue(world, 100, separate());
  run_all(world, 1);
  for (const char* name : kNames) expect_letter(world, id, name, 0, 100);
  EXPECT_EQ(world.job(id).plan.boxes, 0U);
}

TEST_P(EngineBodiesJobTest, SeparateBodies_AreNotShared) {
  world.channel("dora");
  const JobId id = queue(world, 3 * kChunk, separate());
  run_all(world, 1);
  const Status shared = world.run(share_send(world.ports(), id, {"dora"}));
  ASSERT_FALSE(shared);
  EXPECT_EQ(shared.error().code, Errc::kRefused);
  EXPECT_FALSE(world.letter("dora", 0));
}

TEST_P(EngineBodiesJobTest, SeparateBodiesForInlineChannels_AreRefused) {
  world.channel("inline", Layout::kInline);
  SendRequest request = separate();
  request.sources = {world.file("file", SendWorld::pattern(10))};
  request.to = {"inline"};
  const Result<JobId> id = world.run(enqueue_send(world.ports(), std::move(request)));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Errc::kUsage);
}

TEST_P(EngineBodiesJobTest, BatchPlaces_CoverEveryBodyAndReachIntoNoOther) {
  SendJobRow job;
  job.recipients = 3;
  job.separate_bodies = true;
  job.plan.boxes = 3 * 10;
  job.plan.batch_chunks = 4;
  std::uint64_t next = 0;
  for (job.next_batch = 0; job.next_batch < batch_count(job); ++job.next_batch) {
    EXPECT_EQ(boxes_opened(job), next);
    const BatchPlace place = batch_place(job, job.next_batch);
    EXPECT_EQ(place.first, next);
    EXPECT_EQ(place.first / 10, (place.first + place.count - 1) / 10);
    next += place.count;
  }
  EXPECT_EQ(batch_count(job), 9U);
  EXPECT_EQ(next, 30U);
  EXPECT_EQ(boxes_opened(job), 30U);
}

// ---- the way that takes less time ----

TEST_P(EngineBodiesJobTest, FasterWay_IsWhatTheNetworkIsShortOf) {
  EXPECT_EQ(faster_way({}), Way::kCopy) << "nothing is known";
  EXPECT_EQ(faster_way({.packet_ms = 1000, .encryption_ms = 10}), Way::kCopy);
  EXPECT_EQ(faster_way({.packet_ms = 50, .encryption_ms = 3000}), Way::kDirect);
  EXPECT_EQ(faster_way({.packet_ms = 1000, .encryption_ms = 3000}), Way::kDirect);
  EXPECT_EQ(faster_way({.packet_ms = 100, .encryption_ms = 84}), Way::kCopy);
  EXPECT_EQ(faster_way({.packet_ms = 100, .encryption_ms = 85}), Way::kDirect);
}

TEST_P(EngineBodiesJobTest, ChosenTransport_IsThatOfThePlanAndStays) {
  SendRequest request;
  request.choose_transport = true;
  world.network.known_costs = {.packet_ms = 50, .encryption_ms = 3000};
  const JobId id = queue(world, 40 * kChunk, request);
  for (std::uint64_t at = 1; world.job(id).next_batch < 2; ++at)
    ASSERT_FALSE(world.run_engine_until(at));
  EXPECT_EQ(world.job(id).transport, Way::kDirect);
  world.network.known_costs = {.packet_ms = 1000, .encryption_ms = 1};
  run_all(world, 1);
  EXPECT_EQ(world.job(id).transport, Way::kDirect);
  EXPECT_EQ(world.network.copies.size(), 1U) << "of the letters";
  const JobId later = queue(world, 4 * kChunk, request);
  run_all(world, 1);
  EXPECT_EQ(world.job(later).transport, Way::kCopy);
}

}  // namespace
}  // namespace taubenpost

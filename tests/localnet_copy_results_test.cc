// What a client makes of the end of a copy, by the table of pigeonhole 8.5: each result, and that
// the reaction it asks for works.
//
//   Succeeded: verify                             CopyResults.Succeeded_…
//   Failed(11, 1): decide by the destinations     CopyResults.TombstoneAfterACopy_…,
//                                                 CopyResults.TombstoneWithoutACopy_…
//   Failed(10, k): a conflict, no retry helps     CopyResults.Conflict_…
//   Failed(8, k): rebuild on a new sequence       CopyResults.SplicedElements_…
//   Failed(1, k): unfinished upload               CopyResults.UnfinishedUpload_…
//                 ageing, missing final           localnet_copy_again_test.cc
//   Failed(0, k): another courier                 CopyResults.SilentIntermediates_…
//                 it persists: rebuild            CopyResults.DamagedElement_…
//   Failed(6, k), (7, k), (9, k): later           CopyResults.FullStorage_…, CopyResults.NoShard_…,
//                                                 CopyResults.ShardThatDoesNotAnswer_…
//   Failed(3, k), (5, k)                          CopyResults.BoxThatNoReplicaTakes_…
//   Failed(4, k)                                  CopyDispatchTest.EveryOtherCode_… in
//                                                 localnet_copy_read_test.cc
//   Failed(0, 0): malformed capability            CopyJobTest.BadCapability_…, there as well
//   no answer: another courier                    CopyResults.CourierGone_…,
//                                                 CopyResults.CourierRestarted_…
#include <algorithm>

#include "bacap/wire.h"
#include "support/copy_world.h"

namespace taubenpost::localnet {
namespace {

class CopyResults : public CopyWorld {
 protected:
  // The reaction that always works, unless the destination itself is the trouble.
  void expect_rebuilt() {
    const auto fresh = cap_of(60);
    world_.write_elements(fresh, build_text());
    expect_succeeded(world_.copy_again(fresh, 1));
    EXPECT_EQ(copied(), "abc");
    EXPECT_EQ(world_.audit().writes[10], 0U) << "what was there already is repeated, no conflict";
  }
  // A stream of these envelopes.
  void write_stream(const bacap::WriteCap& temporary,
                    const std::vector<bacap::CourierEnvelope>& envelopes) {
    bacap::CopyStreamEncoder encoder(kTestMax);
    std::vector<Bytes> elements;
    const auto keep = [&](const std::vector<Bytes>& more) {
      elements.insert(elements.end(), more.begin(), more.end());
    };
    for (const auto& envelope : envelopes) keep(encoder.add_envelope(bacap::encode(envelope)));
    keep(encoder.flush());
    world_.write_elements(temporary, elements);
  }
  // A sequence whose first two boxes have a shard that is none of these.
  bacap::WriteCap readable_without(const std::vector<ReplicaId>& gone) {
    for (std::uint8_t seed = 100;; ++seed) {
      auto cap = cap_of(seed);
      const auto is_readable = [&](std::size_t n) {
        const auto here = shards(cap, n);
        return !std::is_permutation(here.begin(), here.end(), gone.begin(), gone.end());
      };
      if (is_readable(0) && is_readable(1)) return cap;
    }
  }
  bacap::CourierEnvelope envelope_of(const Box& box) {
    return build_envelope(world_.network().context(), box.id, bacap::ReplicaWrite{box}).envelope;
  }
};

TEST_F(CopyResults, Succeeded_TheDestinationsHoldWhatWasSent) {
  world_.write_elements(temporary_, build_text());
  expect_succeeded(world_.copy_again(temporary_));
  for (std::size_t n = 0; n < 3; ++n)
    EXPECT_EQ(world_.read(cap_, nth(cap_, n)).text,
              text().substr(n * (kTestMax - 4), kTestMax - 4));
}

TEST_F(CopyResults, TombstoneAfterACopy_TheDestinationsTellThatAllIsDone) {
  world_.set([](Knobs& knobs) { knobs.temp_cleanup = TempCleanup::kReal; });
  world_.write_elements(temporary_, build_text());
  expect_succeeded(world_.copy_again(temporary_, 0));
  world_.advance(Milliseconds(1'000));
  expect_failed(world_.copy_again(temporary_, 1), 11, 1);
  EXPECT_EQ(copied(), "abc");
}

TEST_F(CopyResults, TombstoneWithoutACopy_TheDestinationsTellThatItHasToBeRebuilt) {
  world_.write_elements(temporary_, build_text());
  EXPECT_EQ(world_.write(temporary_, nth(temporary_, 0), ""), 0);
  expect_failed(world_.copy_again(temporary_), 11, 1);
  EXPECT_EQ(copied(), "---");
  expect_rebuilt();
}

TEST_F(CopyResults, Conflict_IsTheSameForEveryCourierAndSequence) {
  EXPECT_EQ(world_.write(cap_, nth(cap_, 2), "x"), 0);
  world_.write_elements(temporary_, build_text());
  expect_failed(world_.copy_again(temporary_, 0), 10, 3);
  EXPECT_EQ(copied(), "abx");
  expect_failed(world_.copy_again(temporary_, 1), 10, 3);
  const auto fresh = cap_of(60);
  world_.write_elements(fresh, build_text());
  expect_failed(world_.copy_again(fresh, 2), 10, 3);
  EXPECT_EQ(copied(), "abx");
}

TEST_F(CopyResults, SplicedElements_AreRebuiltOnANewSequence) {
  auto elements = build_text();
  elements[3] = build_text()[3];
  world_.write_elements(temporary_, elements);
  expect_failed(world_.copy_again(temporary_), 8, 3);
  EXPECT_EQ(copied(), "ab-");
  expect_rebuilt();
}

TEST_F(CopyResults, UnfinishedUpload_SucceedsElsewhereOrLaterOnceItIsComplete) {
  const auto elements = build_text();
  world_.write_elements(temporary_, {elements[0], elements[1]});
  expect_failed(world_.copy_again(temporary_, 0), 1, 2);
  expect_failed(world_.copy_again(temporary_, 1), 1, 2);
  EXPECT_EQ(copied(), "a--");
  world_.write_elements(temporary_, elements);
  expect_failed(world_.copy_again(temporary_, 0), 1, 2);  // the kept verdict
  expect_succeeded(world_.copy_again(temporary_, 2));
  EXPECT_EQ(copied(), "abc");
  world_.advance(Courier::kCopyResultAge);
  expect_succeeded(world_.copy_again(temporary_, 0));
}

TEST_F(CopyResults, SilentIntermediates_AnotherCourierSucceedsOnceTheyAreBack) {
  write_stream(temporary_, {envelope_of(box_of(cap_, "a"))});
  const auto intermediates =
      bacap::parse_copy_stream_element(as_bytes(world_.read(temporary_, nth(temporary_, 0)).text))
          .value()
          .value.data;
  // Of the first envelope, behind the length of its frame.
  down({intermediates[4], intermediates[5]});
  expect_failed(world_.copy_again(temporary_, 0), 0, 1);
  down({});
  EXPECT_EQ(copied(), "---");
  expect_succeeded(world_.copy_again(temporary_, 1));
  EXPECT_EQ(copied(), "a--");
}

TEST_F(CopyResults, DamagedElement_PersistsUntilItIsRebuilt) {
  auto elements = build_text();
  elements[1] = Bytes(kTestMax, 0xff);
  world_.write_elements(temporary_, elements);
  for (const std::size_t courier : {0, 1})
    expect_failed(world_.copy_again(temporary_, courier), 0, 1);
  expect_rebuilt();
}

TEST_F(CopyResults, FullStorage_AnotherCourierSucceedsLater) {
  world_.write_elements(temporary_, build_text());
  world_.set([](Knobs& knobs) { knobs.storage_full = {0, 1, 2, 3, 4}; });
  expect_failed(world_.copy_again(temporary_, 0), 6, 1);
  world_.set([](Knobs& knobs) { knobs.storage_full = {}; });
  expect_succeeded(world_.copy_again(temporary_, 1));
  EXPECT_EQ(copied(), "abc");
}

TEST_F(CopyResults, NoShard_AnotherCourierSucceedsLater) {
  const auto both = shards(cap_, 0);
  const auto temporary = readable_without(both);
  write_stream(temporary, {envelope_of(box_of(cap_, "a"))});
  down({both[0], both[1]});
  expect_failed(world_.copy_again(temporary, 0), 7, 1);
  down({});
  expect_succeeded(world_.copy_again(temporary, 1));
  EXPECT_EQ(copied(), "a--");
}

TEST_F(CopyResults, ShardThatDoesNotAnswer_AnotherCourierSucceedsLater) {
  const auto both = shards(cap_, 0);
  const auto temporary = readable_without(both);
  write_stream(temporary, {envelope_of(box_of(cap_, "a"))});
  Knobs knobs;
  knobs.replica_down = {both[0]};
  knobs.replica_silent = {both[1]};
  world_.network().set_knobs(knobs);
  expect_failed(world_.copy_again(temporary, 0), 9, 1);
  world_.network().set_knobs(Knobs{});
  expect_succeeded(world_.copy_again(temporary, 1));
  EXPECT_EQ(copied(), "a--");
}

TEST_F(CopyResults, BoxThatNoReplicaTakes_FailsThereWithItsCode) {
  Box wrong_size = box_of(cap_, "a");
  wrong_size.payload.pop_back();
  write_stream(temporary_, {envelope_of(wrong_size)});
  expect_failed(world_.copy_again(temporary_, 0), 5, 1);
  Box wrong_signature = box_of(cap_, "a");
  wrong_signature.signature[0] ^= 1;
  const auto written = cap_of(61);
  write_stream(written, {envelope_of(wrong_signature)});
  expect_failed(world_.copy_again(written, 0), 3, 1);
}

TEST_F(CopyResults, CourierGone_AnotherOneCopies) {
  world_.write_elements(temporary_, build_text());
  world_.set([](Knobs& knobs) { knobs.courier_down = {0}; });
  EXPECT_EQ(world_.copy_again(temporary_, 0, Milliseconds(600'000)).error_code, 255);
  expect_succeeded(world_.copy_again(temporary_, 1));
  world_.set([](Knobs& knobs) { knobs.courier_down = {}; });
  EXPECT_EQ(copied(), "abc");
}

TEST_F(CopyResults, CourierRestarted_StartsTheCopyAnewWhenItIsAskedAgain) {
  EXPECT_EQ(world_.copy_again(temporary_, 0, Milliseconds(60'000)).error_code, 255);
  EXPECT_TRUE(world_.network().restart_courier(0));
  world_.write_elements(temporary_, build_text());
  expect_succeeded(world_.copy_again(temporary_, 0));
  EXPECT_EQ(world_.audit().copies_started, 2U);
  EXPECT_EQ(copied(), "abc");
}

}  // namespace
}  // namespace taubenpost::localnet

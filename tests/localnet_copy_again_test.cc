// What another run of the same temporary sequence observes, by the table of pigeonhole 6.7.
//
//   intact                                        CopyAgain.Intact_SucceedsWithTheSameBytes
//   intact, a destination box was tombstoned or   CopyAgain.DestinationTombstoned_…,
//     holds something else                        CopyAgain.DestinationHoldsSomethingElse_…
//   real tombstone in the first box               CopyAgain.FirstBoxTombstoned_…
//   tombstones in a prefix, in a suffix           CopyAgain.PrefixTombstoned_…,
//                                                 CopyAgain.SuffixTombstoned_…
//   one shard tombstoned, the other not yet       CopyAgain.OneShardTombstoned_…
//   pseudo-tombstone at the shard asked first     CopyAgainPseudo.PseudoTombstoneInTheStream_…,
//                                                 CopyAgainPseudo.PseudoTombstoneAtTheEnd_…
//   boxes aged out                                CopyAgain.BoxesAgedOut_…
//   envelopes older than the key window           CopyAgain.OldEnvelope_…
//   elements of two builds                        CopyAgain.TwoBuildsInOneSequence_…
//   final flag missing                            CopyAgain.FinalMissing_…
//   buffer lost between two calls                 CopyAgain.BufferLost_…
//   last envelope truncated, final present        CopyAgain.LastEnvelopeTruncated_…
#include "bacap/wire.h"
#include "support/copy_world.h"

namespace taubenpost::localnet {
namespace {

class CopyAgain : public CopyWorld {
 protected:
  // Uploads the three boxes' elements and runs the copy once, at courier 0.
  void run_once() {
    world_.write_elements(temporary_, build_text());
    expect_succeeded(world_.copy_again(temporary_, 0));
    ASSERT_EQ(copied(), "abc");
  }
  void tombstone(const bacap::WriteCap& cap, std::size_t n) {
    EXPECT_EQ(world_.write(cap, nth(cap, n), ""), 0);
  }
  std::uint64_t writes(std::size_t code) const { return world_.audit().writes[code]; }
};

TEST_F(CopyAgain, Intact_SucceedsWithTheSameBytes) {
  run_once();
  const std::uint64_t stored = world_.audit().boxes_stored;
  std::uint64_t started = world_.audit().copies_started;
  const auto run = [&](std::size_t courier) {
    const std::uint64_t accepted = writes(0);
    expect_succeeded(world_.copy_again(temporary_, courier));
    EXPECT_EQ(writes(0), accepted + 6) << "three envelopes, two intermediates each";
    EXPECT_EQ(world_.audit().copies_started, ++started);
  };
  run(1);  // another courier
  EXPECT_TRUE(world_.network().restart_courier(0));
  run(0);
  world_.advance(Courier::kCopyResultAge);
  run(0);
  EXPECT_EQ(writes(10), 0U);
  EXPECT_EQ(world_.audit().boxes_stored, stored);
}

TEST_F(CopyAgain, DestinationTombstoned_FailsThereWithTen) {
  run_once();
  tombstone(cap_, 1);
  const std::uint64_t accepted = writes(0);
  expect_failed(world_.copy_again(temporary_, 1), 10, 2);
  EXPECT_EQ(writes(0), accepted + 2);
  EXPECT_EQ(copied(), "a+c");
}

TEST_F(CopyAgain, DestinationHoldsSomethingElse_FailsThereWithTen) {
  EXPECT_EQ(world_.write(cap_, nth(cap_, 1), "x"), 0);
  world_.write_elements(temporary_, build_text());
  for (const std::size_t courier : {0, 1})
    expect_failed(world_.copy_again(temporary_, courier), 10, 2);
  EXPECT_EQ(copied(), "ax-");
}

TEST_F(CopyAgain, FirstBoxTombstoned_FailsAtOnceLikeACopyThatNeverRan) {
  run_once();
  tombstone(temporary_, 0);
  const std::uint64_t begin = now();
  expect_failed(world_.copy_again(temporary_, 1), 11, 1);
  EXPECT_LT(now() - begin, 10'000U);
  const auto never_run = cap_of(9);
  tombstone(never_run, 0);
  expect_failed(world_.copy_again(never_run, 1), 11, 1);
}

TEST_F(CopyAgain, PrefixTombstoned_FailsAtTheFirstEnvelope) {
  run_once();
  const std::uint64_t accepted = writes(0);
  tombstone(temporary_, 0);
  tombstone(temporary_, 1);
  expect_failed(world_.copy_again(temporary_, 1), 11, 1);
  EXPECT_EQ(writes(0), accepted);
}

TEST_F(CopyAgain, SuffixTombstoned_FailsAfterWhatWasComplete) {
  run_once();
  const std::uint64_t accepted = writes(0);
  tombstone(temporary_, 2);
  tombstone(temporary_, 3);
  expect_failed(world_.copy_again(temporary_, 1), 11, 2);
  EXPECT_EQ(writes(0), accepted + 2);
}

TEST_F(CopyAgain, OneShardTombstoned_TheOtherServesTheBox) {
  run_once();
  write_at(temporary_, 0, /*shard=*/0, "");
  write_at(temporary_, 1, /*shard=*/1, "");
  expect_succeeded(world_.copy_again(temporary_, 1));
}

// A shard has not got one box when the first run ends: the courier's clean-up leaves an empty
// message there.
class CopyAgainPseudo : public CopyAgain {
 protected:
  void run_once_without(std::size_t n) {
    const auto elements = build_text();
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if (i == n)
        write_at(temporary_, i, /*shard=*/1, as_text(elements[i]));
      else
        EXPECT_EQ(world_.write(temporary_, nth(temporary_, i), as_text(elements[i])), 0);
    }
    expect_succeeded(world_.copy_again(temporary_, 0));
    world_.advance(Milliseconds(1'000));
  }
};

TEST_F(CopyAgainPseudo, ShardThatLackedABox_HoldsAnEmptyMessage) {
  run_once_without(1);
  down({shards(temporary_, 1)[1]});
  const auto pseudo = world_.read(temporary_, nth(temporary_, 1));
  EXPECT_EQ(pseudo.code, 0);
  EXPECT_EQ(pseudo.text, "");
}

TEST_F(CopyAgainPseudo, PseudoTombstoneInTheStream_LeavesAHoleThatDoesNotDecode) {
  run_once_without(1);
  expect_failed(world_.copy_again(temporary_, 1), 0, 1);
}

TEST_F(CopyAgainPseudo, PseudoTombstoneAtTheEnd_FailsWithOneBehindIt) {
  run_once_without(3);
  expect_failed(world_.copy_again(temporary_, 1), 1, 3);
}

TEST_F(CopyAgain, BoxesAgedOut_FailsWithOneAfterTwoMinutes) {
  run_once();
  advance_epochs(2);
  const std::uint64_t begin = now();
  expect_failed(world_.copy_again(temporary_, 1), 1, 1);
  EXPECT_NEAR(static_cast<double>(now() - begin), 113'000, 3'000);
}

TEST_F(CopyAgain, OldEnvelope_FailsThereWithEight) {
  const auto old = world_.build(cap_, nth(cap_, 1), part('b') + part('c'), Part::kLast);
  advance_epochs(2);
  auto elements = world_.build(cap_, cap_.index(), part('a'), Part::kFirst);
  elements.insert(elements.end(), old.begin(), old.end());
  world_.write_elements(temporary_, elements);
  for (const std::size_t courier : {0, 1})
    expect_failed(world_.copy_again(temporary_, courier), 8, 2);
  EXPECT_EQ(copied(), "a--");
}

TEST_F(CopyAgain, TwoBuildsInOneSequence_FailWithEightAtTheSplice) {
  auto elements = build_text();
  const auto other = build_text();
  ASSERT_EQ(elements.size(), 4U);
  for (const std::size_t i : {2, 3}) elements[i] = other[i];
  world_.write_elements(temporary_, elements);
  expect_failed(world_.copy_again(temporary_), 8, 2);
  EXPECT_EQ(copied(), "a--");
}

TEST_F(CopyAgain, FinalMissing_EverythingIsAppliedAndTheNextEnvelopeIsNamed) {
  world_.write_elements(temporary_, world_.build(cap_, cap_.index(), text(), Part::kFirst));
  expect_failed(world_.copy_again(temporary_), 1, 4);
  EXPECT_EQ(copied(), "abc");
}

TEST_F(CopyAgain, BufferLost_FailsWithZeroWhereTheFramesShift) {
  wire::CreateCourierEnvelopesFromMultiPayload request;
  request.query_id = Bytes16{1};
  request.destinations = {wire::DestinationPayload{to_bytes(as_bytes(part('a') + part('b'))),
                                                   to_array<bacap::kWriteCapSize>(cap_.view()),
                                                   cap_.index().bytes()}};
  request.is_start = true;
  StreamPlan plan = plan_stream(world_.network().context(), request);
  const auto progress = plan.builder->step(1'000);
  const auto built = std::get<wire::CreateCourierEnvelopesFromMultiPayloadReply>(
      stream_reply(std::move(plan), progress));
  ASSERT_FALSE(built.buffer->empty());
  std::vector<Bytes> elements;
  for (const auto& element : *built.envelopes) elements.push_back(*element);
  const auto rest = world_.build(cap_, nth(cap_, 2), part('c'), Part::kLast);
  elements.insert(elements.end(), rest.begin(), rest.end());
  world_.write_elements(temporary_, elements);
  expect_failed(world_.copy_again(temporary_), 0, 2);
  EXPECT_EQ(copied(), "a--");
}

TEST_F(CopyAgain, LastEnvelopeTruncated_SucceedsWithoutTheLastWrite) {
  auto elements = build_text();
  auto last = bacap::parse_copy_stream_element(elements.back()).value().value;
  ASSERT_EQ(last.flags, bacap::kElementFinal);
  last.data.resize(last.data.size() - 1);
  elements.back() = bacap::encode(last);
  world_.write_elements(temporary_, elements);
  expect_succeeded(world_.copy_again(temporary_));
  EXPECT_EQ(copied(), "ab-");
}

}  // namespace
}  // namespace taubenpost::localnet

// The storage rules of pigeonhole 7.3 and 7.7.
#include "localnet/replica_store.h"
#include "localnet_testing.h"

namespace taubenpost::localnet {
namespace {

constexpr std::uint64_t kEpoch = 480;
constexpr ReplicaId kReplica = 3;

class ReplicaStoreTest : public ::testing::Test {
 protected:
  ReplicaStoreTest() { reopen(); }

  void reopen() {
    store_.reset();
    auto opened = ReplicaStore::open(folder_.path() + "/boxes", kTestMax + 20);
    ASSERT_TRUE(opened) << opened.error().what;
    store_ = std::move(opened).value();
  }
  // As a replica does it: validate, then store.
  ReplicaCode write(const Box& box, std::uint64_t epoch = kEpoch) {
    const auto verdict = store_->validate(box);
    return verdict == ReplicaCode::kSuccess ? store_->write(kReplica, epoch, box).code : verdict;
  }
  ReplicaCode read(const BoxId& id, std::uint64_t epoch = kEpoch) {
    return store_->read(kReplica, epoch, id).code;
  }

  TempFolder folder_;
  std::unique_ptr<ReplicaStore> store_;
  const bacap::WriteCap cap_ = cap_of(1);
  const Box box_ = box_of(cap_, "hello");
  const Box other_ = box_of(cap_, "something else");
  const Box tombstone_ = bacap::tombstone(cap_, cap_.index());
};

TEST_F(ReplicaStoreTest, FirstWrite_IsStoredAndRead) {
  EXPECT_EQ(read(box_.id), ReplicaCode::kBoxIdNotFound);
  EXPECT_EQ(write(box_), ReplicaCode::kSuccess);
  const auto found = store_->read(kReplica, kEpoch, box_.id);
  EXPECT_EQ(found.code, ReplicaCode::kSuccess);
  EXPECT_EQ(found.box.payload, box_.payload);
  EXPECT_EQ(found.box.signature, box_.signature);
  EXPECT_EQ(found.box.id, box_.id);
}

TEST_F(ReplicaStoreTest, Miss_EchoesTheBoxId) {
  const auto found = store_->read(kReplica, kEpoch, box_.id);
  EXPECT_EQ(found.code, ReplicaCode::kBoxIdNotFound);
  EXPECT_EQ(found.box.id, box_.id);
  EXPECT_EQ(found.box.signature, bacap::Signature{});
}

TEST_F(ReplicaStoreTest, AnotherReplica_DoesNotSeeTheBox) {
  EXPECT_EQ(write(box_), ReplicaCode::kSuccess);
  EXPECT_EQ(store_->read(kReplica + 1, kEpoch, box_.id).code, ReplicaCode::kBoxIdNotFound);
}

TEST_F(ReplicaStoreTest, IdenticalRepeat_IsSuccessAndAddsNothing) {
  EXPECT_TRUE(store_->write(kReplica, kEpoch, box_).added);
  const auto repeated = store_->write(kReplica, kEpoch, box_);
  EXPECT_EQ(repeated.code, ReplicaCode::kSuccess);
  EXPECT_FALSE(repeated.added);
  EXPECT_EQ(write(box_, kEpoch + 1), ReplicaCode::kSuccess);
}

TEST_F(ReplicaStoreTest, IdenticalRepeatInTheNextEpoch_DoesNotMakeTheBoxYounger) {
  EXPECT_EQ(write(box_), ReplicaCode::kSuccess);
  EXPECT_EQ(write(box_, kEpoch + 1), ReplicaCode::kSuccess);
  EXPECT_EQ(read(box_.id, kEpoch + 1), ReplicaCode::kSuccess);
  EXPECT_EQ(read(box_.id, kEpoch + 2), ReplicaCode::kBoxIdNotFound);
}

TEST_F(ReplicaStoreTest, DifferentPayload_IsRefusedInBothEpochs) {
  EXPECT_EQ(write(box_), ReplicaCode::kSuccess);
  EXPECT_EQ(write(other_), ReplicaCode::kBoxAlreadyExists);
  EXPECT_EQ(write(other_, kEpoch + 1), ReplicaCode::kBoxAlreadyExists);
  EXPECT_EQ(store_->read(kReplica, kEpoch, box_.id).box.payload, box_.payload);
}

TEST_F(ReplicaStoreTest, AfterAgeing_TheBoxIdIsFree) {
  EXPECT_EQ(write(box_), ReplicaCode::kSuccess);
  EXPECT_EQ(write(other_, kEpoch + 2), ReplicaCode::kSuccess);
  EXPECT_EQ(store_->read(kReplica, kEpoch + 2, box_.id).box.payload, other_.payload);
}

TEST_F(ReplicaStoreTest, Tombstone_ReplacesDataAndNothingReplacesIt) {
  EXPECT_EQ(write(box_), ReplicaCode::kSuccess);
  EXPECT_EQ(write(tombstone_), ReplicaCode::kSuccess);
  const auto found = store_->read(kReplica, kEpoch, box_.id);
  EXPECT_EQ(found.code, ReplicaCode::kTombstone);
  EXPECT_EQ(found.box.signature, tombstone_.signature);
  EXPECT_TRUE(found.box.payload.empty());
  EXPECT_EQ(write(box_), ReplicaCode::kBoxAlreadyExists);
  EXPECT_EQ(write(tombstone_), ReplicaCode::kSuccess);
}

TEST_F(ReplicaStoreTest, TombstoneOnNothing_BlocksLaterWrites) {
  EXPECT_EQ(write(tombstone_), ReplicaCode::kSuccess);
  EXPECT_EQ(write(box_), ReplicaCode::kBoxAlreadyExists);
  EXPECT_EQ(write(box_, kEpoch + 1), ReplicaCode::kBoxAlreadyExists);
}

TEST_F(ReplicaStoreTest, RepeatedTombstone_IsYounger) {
  EXPECT_EQ(write(tombstone_), ReplicaCode::kSuccess);
  EXPECT_EQ(write(tombstone_, kEpoch + 1), ReplicaCode::kSuccess);
  EXPECT_EQ(read(box_.id, kEpoch + 2), ReplicaCode::kTombstone);
}

TEST_F(ReplicaStoreTest, NewerTombstone_ShadowsOlderData) {
  EXPECT_EQ(write(box_), ReplicaCode::kSuccess);
  EXPECT_EQ(write(tombstone_, kEpoch + 1), ReplicaCode::kSuccess);
  EXPECT_EQ(read(box_.id, kEpoch + 1), ReplicaCode::kTombstone);
}

TEST_F(ReplicaStoreTest, BadSignature_IsRefused) {
  Box forged = box_;
  forged.signature[0] ^= 1;
  EXPECT_EQ(write(forged), ReplicaCode::kInvalidSignature);
  Box forged_tombstone = tombstone_;
  forged_tombstone.signature = box_.signature;
  EXPECT_EQ(write(forged_tombstone), ReplicaCode::kInvalidSignature);
  Box off_curve = box_;
  off_curve.id.fill(0xff);
  EXPECT_EQ(write(off_curve), ReplicaCode::kInvalidSignature);
}

TEST_F(ReplicaStoreTest, WrongSize_IsRefusedBeforeTheSignature) {
  Box longer = box_;
  longer.payload.push_back(0);
  EXPECT_EQ(write(longer), ReplicaCode::kInvalidPayload);
  Box shorter = box_;
  shorter.payload.pop_back();
  EXPECT_EQ(write(shorter), ReplicaCode::kInvalidPayload);
}

TEST_F(ReplicaStoreTest, DropOlderThan_DeletesOnlyWhatNobodySees) {
  EXPECT_EQ(write(box_), ReplicaCode::kSuccess);
  ASSERT_TRUE(store_->drop_older_than(kReplica, kEpoch + 1));
  EXPECT_EQ(read(box_.id, kEpoch + 1), ReplicaCode::kSuccess);
  ASSERT_TRUE(store_->drop_older_than(kReplica, kEpoch + 2));
  EXPECT_EQ(read(box_.id, kEpoch + 1), ReplicaCode::kBoxIdNotFound);
}

TEST_F(ReplicaStoreTest, OpenedForAnotherBoxSize_IsRefusedAndUnchanged) {
  write(box_);
  store_.reset();
  const auto other = ReplicaStore::open(folder_.path() + "/boxes", kTestMax + 21);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::kUsage);
  reopen();
  EXPECT_EQ(read(box_.id), ReplicaCode::kSuccess);
}

TEST_F(ReplicaStoreTest, Reopened_BoxesAndTombstonesAreThere) {
  const auto second = cap_of(2);
  EXPECT_EQ(write(box_), ReplicaCode::kSuccess);
  EXPECT_EQ(write(bacap::tombstone(second, second.index())), ReplicaCode::kSuccess);
  reopen();
  EXPECT_EQ(store_->read(kReplica, kEpoch, box_.id).box.payload, box_.payload);
  EXPECT_EQ(read(box_of(second, "x").id), ReplicaCode::kTombstone);
}

}  // namespace
}  // namespace taubenpost::localnet

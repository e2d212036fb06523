// The boxes of all replicas in one database: kept apart, aged, and there after a restart. The rules
// of storage are in localnet_storage_rules_test.cc.
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
    auto opened = ReplicaStore::open(folder_.path() + "/boxes", kTestMax + 20, 5);
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
};

TEST_F(ReplicaStoreTest, AnotherReplica_DoesNotSeeTheBox) {
  EXPECT_EQ(write(box_), ReplicaCode::kSuccess);
  EXPECT_EQ(store_->read(kReplica + 1, kEpoch, box_.id).code, ReplicaCode::kBoxIdNotFound);
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
  const auto other = ReplicaStore::open(folder_.path() + "/boxes", kTestMax + 21, 5);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::kUsage);
  reopen();
  EXPECT_EQ(read(box_.id), ReplicaCode::kSuccess);
}

TEST_F(ReplicaStoreTest, OpenedForFewerReplicas_IsRefusedAndUnchanged) {
  write(box_);
  store_.reset();
  const auto fewer = ReplicaStore::open(folder_.path() + "/boxes", kTestMax + 20, 4);
  ASSERT_FALSE(fewer);
  EXPECT_EQ(fewer.error().code, Errc::kUsage);
  EXPECT_NE(fewer.error().what.find("boxes of 5 replicas"), std::string::npos);
  EXPECT_NE(fewer.error().hint.find("--replicas 5 or more"), std::string::npos);
  reopen();
  EXPECT_EQ(read(box_.id), ReplicaCode::kSuccess);
}

TEST_F(ReplicaStoreTest, OpenedForMoreReplicas_TakesNoFewerFromThenOn) {
  write(box_);
  store_.reset();
  ASSERT_TRUE(ReplicaStore::open(folder_.path() + "/boxes", kTestMax + 20, 7));
  EXPECT_FALSE(ReplicaStore::open(folder_.path() + "/boxes", kTestMax + 20, 6));
  EXPECT_TRUE(ReplicaStore::open(folder_.path() + "/boxes", kTestMax + 20, 7));
}

// As folders were made before the number of replicas was recorded.
TEST_F(ReplicaStoreTest, FolderThatDoesNotSay_HasFive) {
  const std::string folder = folder_.path() + "/old";
  Bytes size;
  append_be(size, std::uint64_t{kTestMax + 20});
  ASSERT_TRUE((*BoxTable::open(folder))->put("ciphertext size", std::string(as_text(size))));
  EXPECT_FALSE(ReplicaStore::open(folder, kTestMax + 20, 4));
  EXPECT_TRUE(ReplicaStore::open(folder, kTestMax + 20, 5));
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

// What a replica does with a box, by the rules of pigeonhole 7.3, over messages to a shard.
//
// Write, checks in order
//   1  size: 5                                  StorageWrite.WrongSize_…
//   2  box id is no key: 3, never 2             StorageWrite.IdOffTheCurve_…
//   3  signature: 3                             StorageWrite.BadSignature_…
//   4  storage full: 6, also for a repeat       StorageWrite.FullStorage_…
//   5  found in this epoch or the previous one  StorageWrite.IdenticalRepeat_…,
//                                               StorageWrite.RepeatInTheNextEpoch_…,
//                                               StorageWrite.DifferentContent_…,
//                                               StorageWrite.OntoATombstone_…
//   6  not found: stored under this epoch       StorageWrite.FirstWrite_…,
//                                               StorageWrite.AfterAgeing_…
//      database trouble: 4                      StorageDatabase.DamagedRecord_…
// Tombstone
//   bad signature: 3                            StorageTombstone.BadSignature_…
//   onto data, nothing, a tombstone: 0          StorageTombstone.OntoAnything_…
//   not subject to full storage                 StorageTombstone.FullStorage_…
//   blocks writes for the time it is kept       StorageTombstone.OntoNothing_…
//   a repeat is younger                         StorageTombstone.Repeat_…
// Read
//   hit, tombstone, miss: 0, 11, 1              StorageRead.Hit_…, StorageRead.Tombstone_…,
//                                               StorageRead.Miss_…
//   this epoch before the previous one          StorageRead.NewerTombstone_…
//   database trouble: 4                         StorageDatabase.DamagedRecord_…
//   signatures are not verified                 StorageRead.StoredSignature_…
// Codes that come before storage
//   8  no usable envelope key                   StorageMessage.KeyOutsideTheWindow_…
//   7  no shard in the directory (7.2)          StorageMessage.NoShard_…
//   5  no inner message (7.2)                   StorageMessage.Garbage_…
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/replica_world.h"

namespace taubenpost::localnet {
namespace {

class StorageWorld : public ReplicaWorld {
 protected:
  // At the first shard of the box; what is replicated is not looked at here.
  int write(const Box& box) { return ReplicaWorld::write(shard_, box); }
  int read() { return ReplicaWorld::read(shard_, box_.id); }
  void fill_storage() { knobs_.storage_full = {shard_}; }
  static Box with_bad_signature(Box box) {
    box.signature[0] ^= 1;
    return box;
  }

  const ReplicaId shard_ = shards_of(box_.id)[0];
};

// ---- writes ------------------------------------------------------------------------------------

using StorageWrite = StorageWorld;

TEST_F(StorageWrite, FirstWrite_IsStored) {
  EXPECT_EQ(read(), 1);
  EXPECT_EQ(write(box_), 0);
  EXPECT_EQ(read(), 0);
  EXPECT_EQ(audit_.boxes_stored, 2U) << "at both shards";
}

TEST_F(StorageWrite, WrongSize_IsRefusedBeforeTheSignatureIsLookedAt) {
  fill_storage();
  for (const std::size_t missing : {std::size_t{1}, std::size_t{16}, box_.payload.size() - 1}) {
    Box box = with_bad_signature(box_);
    box.payload.resize(box.payload.size() - missing);
    EXPECT_EQ(write(box), 5);  // a longer one fits into no message
  }
}

TEST_F(StorageWrite, IdOffTheCurve_CountsAsABadSignature) {
  Box box = box_;
  box.id.fill(0xff);
  EXPECT_EQ(ReplicaWorld::write(shards_of(box.id)[0], box), 3);
}

TEST_F(StorageWrite, BadSignature_IsRefusedBeforeFullStorage) {
  EXPECT_EQ(write(with_bad_signature(box_)), 3);
  fill_storage();
  EXPECT_EQ(write(with_bad_signature(box_)), 3);
  Box other_content = box_;
  other_content.payload[0] ^= 1;
  EXPECT_EQ(write(other_content), 3);
}

TEST_F(StorageWrite, BadSignatureRightAfterTheGoodOne_IsRefused) {
  EXPECT_EQ(write(box_), 0);
  EXPECT_EQ(write(with_bad_signature(box_)), 3);
  EXPECT_EQ(write(box_), 0);
  Box other_content = box_;
  other_content.payload[0] ^= 1;
  EXPECT_EQ(write(other_content), 3);
  EXPECT_EQ(ReplicaWorld::write(shards_of(BoxId{})[0], Box{}), 3) << "nothing was verified";
}

TEST_F(StorageWrite, FullStorage_RefusesFirstWritesRepeatsAndConflicts) {
  fill_storage();
  EXPECT_EQ(write(box_), 6);
  knobs_.storage_full = {};
  EXPECT_EQ(write(box_), 0);
  fill_storage();
  EXPECT_EQ(write(box_), 6);
  EXPECT_EQ(write(other_), 6);
  EXPECT_EQ(read(), 0);
}

TEST_F(StorageWrite, IdenticalRepeat_IsSuccess) {
  EXPECT_EQ(write(box_), 0);
  EXPECT_EQ(write(box_), 0);
  EXPECT_EQ(audit_.boxes_stored, 2U);
}

TEST_F(StorageWrite, RepeatInTheNextEpoch_IsSuccessAndTheBoxIsNotYounger) {
  EXPECT_EQ(write(box_), 0);
  advance_epochs(1);
  EXPECT_EQ(write(box_), 0);
  EXPECT_EQ(read(), 0);
  advance_epochs(1);
  EXPECT_EQ(read(), 1);
}

TEST_F(StorageWrite, DifferentContent_IsRefusedInBothEpochs) {
  EXPECT_EQ(write(box_), 0);
  EXPECT_EQ(write(other_), 10);
  advance_epochs(1);
  EXPECT_EQ(write(other_), 10);
  EXPECT_EQ(read_box(shard_, box_.id, 0).payload, box_.payload);
}

TEST_F(StorageWrite, OntoATombstone_IsRefusedInBothEpochs) {
  EXPECT_EQ(write(box_), 0);
  EXPECT_EQ(write(tombstone_), 0);
  EXPECT_EQ(write(box_), 10);
  advance_epochs(1);
  EXPECT_EQ(write(box_), 10);
}

TEST_F(StorageWrite, AfterAgeing_TheBoxTakesOtherContent) {
  EXPECT_EQ(write(box_), 0);
  advance_epochs(2);
  EXPECT_EQ(write(other_), 0);
  EXPECT_EQ(read_box(shard_, box_.id, 0).payload, other_.payload);
}

// ---- tombstones --------------------------------------------------------------------------------

using StorageTombstone = StorageWorld;

TEST_F(StorageTombstone, BadSignature_IsRefused) {
  EXPECT_EQ(write(box_), 0);
  EXPECT_EQ(write(with_bad_signature(tombstone_)), 3);
  Box of_data = tombstone_;
  of_data.signature = box_.signature;
  EXPECT_EQ(write(of_data), 3);
  EXPECT_EQ(read(), 0);
}

TEST_F(StorageTombstone, OntoAnything_IsStored) {
  EXPECT_EQ(write(tombstone_), 0);
  EXPECT_EQ(write(tombstone_), 0);
  const auto other = cap_of(2);
  const Box data = box_of(other, "hello");
  const ReplicaId shard = shards_of(data.id)[0];
  EXPECT_EQ(ReplicaWorld::write(shard, data), 0);
  EXPECT_EQ(ReplicaWorld::write(shard, bacap::tombstone(other, other.index())), 0);
  EXPECT_EQ(ReplicaWorld::read(shard, data.id), 11);
}

TEST_F(StorageTombstone, FullStorage_TakesIt) {
  fill_storage();
  EXPECT_EQ(write(tombstone_), 0);
  EXPECT_EQ(read(), 11);
}

TEST_F(StorageTombstone, OntoNothing_BlocksWritesUntilItHasAged) {
  EXPECT_EQ(write(tombstone_), 0);
  EXPECT_EQ(write(box_), 10);
  advance_epochs(1);
  EXPECT_EQ(write(box_), 10);
  advance_epochs(1);
  EXPECT_EQ(write(box_), 0);
}

TEST_F(StorageTombstone, Repeat_IsYounger) {
  EXPECT_EQ(write(tombstone_), 0);
  advance_epochs(1);
  EXPECT_EQ(write(tombstone_), 0);
  advance_epochs(1);
  EXPECT_EQ(read(), 11);
}

// ---- reads -------------------------------------------------------------------------------------

using StorageRead = StorageWorld;

TEST_F(StorageRead, Hit_GivesTheWholeBox) {
  EXPECT_EQ(write(box_), 0);
  const Box found = read_box(shard_, box_.id, 0);
  EXPECT_EQ(found.id, box_.id);
  EXPECT_EQ(found.payload, box_.payload);
  EXPECT_EQ(found.signature, box_.signature);
}

TEST_F(StorageRead, Tombstone_GivesItsSignatureAndNoPayload) {
  EXPECT_EQ(write(tombstone_), 0);
  const Box found = read_box(shard_, box_.id, 11);
  EXPECT_EQ(found.id, box_.id);
  EXPECT_TRUE(found.payload.empty());
  EXPECT_EQ(found.signature, tombstone_.signature);
}

TEST_F(StorageRead, Miss_EchoesTheIdWithAZeroSignature) {
  const Box found = read_box(shard_, box_.id, 1);
  EXPECT_EQ(found.id, box_.id);
  EXPECT_TRUE(found.payload.empty());
  EXPECT_EQ(found.signature, bacap::Signature{});
}

TEST_F(StorageRead, NewerTombstone_ShadowsOlderData) {
  EXPECT_EQ(write(box_), 0);
  advance_epochs(1);
  EXPECT_EQ(write(tombstone_), 0);
  EXPECT_EQ(read(), 11);
  advance_epochs(1);
  EXPECT_EQ(read(), 11) << "it lives as long as it would alone";
}

TEST_F(StorageRead, StoredSignature_IsNotLookedAt) {
  store_->write(shard_, epoch(), with_bad_signature(box_));
  EXPECT_EQ(read_box(shard_, box_.id, 0).payload, box_.payload);
}

// ---- database trouble --------------------------------------------------------------------------

using StorageDatabase = StorageWorld;

TEST_F(StorageDatabase, DamagedRecord_IsFourForWritesAndReads) {
  EXPECT_EQ(write(box_), 0);
  // Keeps what the database says of itself out of the damaged block.
  for (std::uint8_t seed = 10; seed < 15; ++seed)
    store_->write(/*replica=*/50, epoch(), box_of(cap_of(seed), "filler"));
  reopen();  // the log becomes a table
  scheduler_.forget();
  replicas_.reset();
  store_.reset();
  int damaged = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_.path() + "/boxes")) {
    if (file.path().extension() != ".sst") continue;
    std::fstream table(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(table), {}};
    const std::string_view payload = as_text(box_.payload);
    for (auto at = content.find(payload); at != std::string::npos;
         at = content.find(payload, at + 1), ++damaged) {
      table.seekp(static_cast<std::streamoff>(at));
      table.put(static_cast<char>(~payload[0]));
    }
  }
  EXPECT_EQ(damaged, 2) << "at both shards";
  reopen();
  EXPECT_EQ(write(box_), 4);
  EXPECT_EQ(write(other_), 4);
  EXPECT_EQ(read_box(shard_, box_.id, 4).id, BoxId{});
}

// ---- messages that storage never sees ----------------------------------------------------------

using StorageMessage = StorageWorld;

TEST_F(StorageMessage, KeyOutsideTheWindow_IsAnInvalidEpochWithoutAReplica) {
  const Bytes message = bacap::encode(bacap::ReplicaInnerMessage(bacap::ReplicaWrite{box_}));
  for (const std::uint64_t key : {epoch() - 1, epoch(), epoch() + 1})
    EXPECT_EQ(static_cast<int>(ask_at(shard_, message, key).outer), 0);
  for (const std::uint64_t key : {epoch() - 2, epoch() + 2}) {
    const Answer answer = ask_at(shard_, message, key);
    EXPECT_EQ(static_cast<int>(answer.outer), 8);
    EXPECT_EQ(answer.replica, 0);
    EXPECT_FALSE(answer.inner);
  }
}

TEST_F(StorageMessage, Garbage_IsAnInvalidPayloadWithoutAReplica) {
  const Answer answer = ask_at(shard_, Bytes(40, 0xff), epoch());
  EXPECT_EQ(static_cast<int>(answer.outer), 5);
  EXPECT_EQ(answer.replica, 0);
  EXPECT_FALSE(answer.inner);
}

TEST_F(StorageMessage, NoShard_IsAnInternalErrorWithoutAReplica) {
  const auto shards = shards_of(box_.id);
  knobs_.replica_down = {shards[0], shards[1]};
  const Answer answer = ask(other_than_shards(box_.id), bacap::ReplicaWrite{box_});
  EXPECT_EQ(static_cast<int>(answer.outer), 7);
  EXPECT_EQ(answer.replica, 0);
  EXPECT_FALSE(answer.inner);
}

TEST_F(StorageMessage, OtherReplica_FetchesFromAShardAndAnswersItself) {
  const ReplicaId other = other_than_shards(box_.id);
  EXPECT_EQ(ReplicaWorld::write(other, box_), 0);
  const Answer answer = ask(other, bacap::ReplicaRead{box_.id});
  EXPECT_EQ(static_cast<int>(answer.outer), 0);
  EXPECT_EQ(answer.replica, other);
  EXPECT_TRUE(answer.inner);
}

}  // namespace
}  // namespace taubenpost::localnet

// Contents that travel compressed: decoded before they are placed, and nothing is placed that is
// not what the letter promises.
#include <gtest/gtest.h>

#include "engine/inbox.h"
#include "files/decode_part.h"
#include "files/part_file.h"
#include "files/zstd_stream.h"
#include "support/contents.h"
#include "support/receive_world.h"
#include "support/tar_bytes.h"
#include "support/unsynced_loss_disk.h"
#include "support/zstd_bytes.h"

namespace taubenpost {
namespace {

Bytes encoded(ByteView content) {
  ZstdEncoder encoder(content.size());
  Bytes all = *encoder.put(content);
  append(all, *encoder.end());
  return all;
}

class ReceiveCompressed : public testing::Test {
 protected:
  // What the letter says of a body, or of its own data, that is `frame`.
  static wire::Letter promise(wire::Letter letter, ByteView content) {
    letter.encoding = Encoding::kZstd;
    letter.usize = content.size();
    letter.udigest = crypto::blake2b_256(content);
    return letter;
  }
  wire::Letter with_body(ByteView content, std::uint8_t id = 1) {
    return promise(world.letter_with_body(encoded(content), "f", id), content);
  }
  void expect_placed(JobId id, ByteView content) {
    const ReceiveJobRow row = world.row(id);
    EXPECT_EQ(row.state, ReceiveState::kPlaced) << row.error_text;
    EXPECT_TRUE(content_of(row.target) == as_text(content));
  }
  // What was only verified is wanted in its place now.
  void place_verified(JobId id) {
    world.goal = {};
    ASSERT_TRUE(world.run(receive_again(world.ports(), id, world.target.path(), PlaceOptions{})));
    ASSERT_TRUE(world.receive(id));
  }
  void expect_failed(wire::Letter letter, const std::string& why) {
    const JobId id = world.job_of(std::move(letter));
    ASSERT_TRUE(world.receive(id));
    EXPECT_EQ(world.row(id).state, ReceiveState::kFailed);
    EXPECT_NE(world.row(id).error_text.find(why), std::string::npos) << world.row(id).error_text;
    EXPECT_TRUE(world.target.names().empty()) << world.target.names().front();
  }

  ReceiveWorld world;
};

TEST_F(ReceiveCompressed, Body_IsPlacedDecoded) {
  const Bytes content = compressible(200'000);
  wire::Letter letter = with_body(content);
  letter.mode = 0640;
  letter.mtime = 1'700'000'000;
  const JobId id = world.job_of(letter);
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, content);
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f"});
  const FileFacts facts = *world.disk->facts(world.target / "f", Links::kKeep);
  EXPECT_EQ(facts.mode, 0640U);
  EXPECT_EQ(facts.mtime_ns, 1'700'000'000'000'000'000);
}

TEST_F(ReceiveCompressed, ContentInsideTheLetter_IsPlacedDecoded) {
  std::uint8_t transfer = 0;
  for (const std::size_t size : {0U, 1U, 4'000U}) {
    const Bytes content = compressible(size);
    const JobId id =
        world.job_of(promise(ReceiveWorld::letter_for(encoded(content), "f", ++transfer), content));
    ASSERT_TRUE(world.receive(id));
    expect_placed(id, content);
  }
  EXPECT_EQ(world.target.names().size(), 3U);
}

TEST_F(ReceiveCompressed, Archive_IsUnpacked) {
  world.place.archives = Archives::kUnpack;
  const Bytes tar = TarBytes().folder("d/").file("d/a", std::string(5'000, 'a')).take();
  wire::Letter letter = with_body(tar);
  letter.name = "d";
  letter.kind = wire::LetterKind::kTar;
  const JobId id = world.job_of(letter);
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kPlaced) << world.row(id).error_text;
  EXPECT_EQ(content_of(world.target / "d/a"), std::string(5'000, 'a'));
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"d"});
}

TEST_F(ReceiveCompressed, WhatTheLetterDoesNotPromise_IsNotPlaced) {
  const Bytes content = compressible(20'000);
  wire::Letter letter = with_body(content);
  letter.usize -= 1;
  expect_failed(letter, "more bytes than promised");
  letter = with_body(content, 2);
  letter.usize += 1;
  expect_failed(letter, "fewer bytes than promised");
  letter = with_body(content, 3);
  letter.udigest[0] ^= 1;
  expect_failed(letter, "wrong digest");
  letter = with_body(content, 4);
  letter.digest[0] ^= 1;
  expect_failed(letter, "wrong digest");
  ZstdBytes bomb;
  for (int i = 0; i < 100; ++i) bomb.run(0, 128 << 10, i == 99);
  letter = promise(ReceiveWorld::letter_for(bomb.take(), "f", 5), content);
  expect_failed(letter, "more bytes than promised");
  letter = promise(ReceiveWorld::letter_for(as_bytes("plain"), "f", 6), content);
  expect_failed(letter, "no zstd frame");
}

TEST_F(ReceiveCompressed, VerifiedFromInsideTheLetter_IsPlacedLater) {
  const Bytes content = compressible(5'000);
  const JobId id = world.job_of(promise(ReceiveWorld::letter_for(encoded(content), "f"), content));
  world.goal.only_verify = true;
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(content_of(part_path(world.target.path(), id)), as_text(content));
  place_verified(id);
  expect_placed(id, content);
}

TEST_F(ReceiveCompressed, PartFileRemovedAfterItWasVerified_IsFetchedAgain) {
  const Bytes content = compressible(20'000);
  const JobId id = world.job_of(with_body(content));
  world.goal.only_verify = true;
  ASSERT_TRUE(world.receive(id));
  std::filesystem::remove(part_path(world.target.path(), id));
  place_verified(id);
  expect_placed(id, content);
}

TEST_F(ReceiveCompressed, Verified_IsDecodedOnceAndPlacedLater) {
  const Bytes content = compressible(50'000);
  const JobId id = world.job_of(with_body(content));
  world.goal.only_verify = true;
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kVerified);
  EXPECT_EQ(content_of(part_path(world.target.path(), id)), as_text(content));
  world.network.reads = 0;
  place_verified(id);
  expect_placed(id, content);
  EXPECT_EQ(world.network.reads, 0U);
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f"});
}

TEST_F(ReceiveCompressed, WhatAnEarlierTryLeft_IsDropped) {
  const Bytes content = compressible(20'000);
  const JobId id = world.job_of(with_body(content));
  write_file(decoded_path(world.target.path(), id), std::string(100'000, 'x'));
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, content);
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f"});
}

// Says how much is left.
class SmallDisk : public Disk {
 public:
  Result<std::uint64_t> free_space(const std::string&) override { return free; }
  std::uint64_t free = 0;
};

TEST_F(ReceiveCompressed, NoSpaceForBothForms_WaitsBeforeAnythingIsFetched) {
  constexpr std::uint64_t kReserve = 64U << 20;
  SmallDisk disk;
  world.use_disk(disk);
  const Bytes content = compressible(200'000);
  const wire::Letter letter = with_body(content);
  const JobId id = world.job_of(letter);
  disk.free = kReserve + letter.size + letter.usize - 1;
  world.network.reads = 0;
  ASSERT_TRUE(world.receive(id));
  EXPECT_EQ(world.row(id).state, ReceiveState::kWaiting);
  EXPECT_EQ(world.network.reads, 0U);
  disk.free = kReserve + letter.size + letter.usize;
  ASSERT_TRUE(world.receive(id));
  expect_placed(id, content);
}

TEST_F(ReceiveCompressed, PowerLossAtAnyRead_EndsWithTheSameBytes) {
  const TempFolder graveyard;
  UnsyncedLossDisk loss{graveyard.path()};
  world.use_disk(loss);
  const Bytes content = compressible(1'500'000);
  const JobId id = world.job_of(with_body(content));
  std::size_t stops = 0;
  for (std::size_t n = 7; !world.run_until_read(id, n); n += 10, ++stops) {
    loss.lose_unsynced();
    world.restart();
  }
  world.restart();
  EXPECT_GT(stops, 1U);
  expect_placed(id, content);
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f"});
}

}  // namespace
}  // namespace taubenpost

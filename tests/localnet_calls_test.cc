// The daemon's local calls over a real socket (thin-protocol 3.2 to 3.4, 3.9 to 3.15).
#include <set>

#include "crypto/curve.h"
#include "crypto/hash.h"
#include "localnet/envelopes.h"
#include "localnet_client.h"
#include "wire/cbor_reader.h"
#include "wire/pki.h"

namespace taubenpost::localnet {
namespace {

class LocalCallTest : public ConnectedTest {};

TEST_F(LocalCallTest, NewKeypair_IsDeterministicAndChecksTheSeed) {
  const auto reply = call<wire::NewKeypairReply>(wire::NewKeypair{{}, Bytes(32, 5)});
  EXPECT_EQ(reply.error_code, 0);
  EXPECT_EQ(reply.write_cap, bytes_of(pair_.write));
  EXPECT_EQ(reply.read_cap, pair_.read.bytes());
  EXPECT_EQ(reply.first_message_index, pair_.read.index().bytes());
  for (const std::size_t size : {0, 31, 33, 64})
    EXPECT_EQ(call<wire::NewKeypairReply>(wire::NewKeypair{{}, Bytes(size)}).error_code, 3);
  EXPECT_EQ(call<wire::NewKeypairReply>(wire::NewKeypair{}).error_code, 3);
}

TEST_F(LocalCallTest, NextIndexAndCounter_MatchTheSequence) {
  const auto index = pair_.write.index();
  const auto next =
      call<wire::NextMessageBoxIndexReply>(wire::NextMessageBoxIndex{{}, index.bytes()});
  EXPECT_EQ(next.next_message_box_index, index.next()->bytes());
  const auto counter = call<wire::GetMessageBoxIndexCounterReply>(
      wire::GetMessageBoxIndexCounter{{}, index.bytes()});
  EXPECT_EQ(counter.counter, index.counter());
  bacap::IndexBytes last{};
  std::fill_n(last.begin(), 8, 0xff);
  EXPECT_EQ(call<wire::NextMessageBoxIndexReply>(wire::NextMessageBoxIndex{{}, last}).error_code,
            4);
  EXPECT_EQ(call<wire::NextMessageBoxIndexReply>(wire::NextMessageBoxIndex{}).error_code, 3);
}

TEST_F(LocalCallTest, EncryptCalls_CheckTheirArguments) {
  const auto index = pair_.write.index();
  const auto write = [&](Bytes plaintext) {
    return call<wire::EncryptWriteReply>(
        wire::EncryptWrite{{}, std::move(plaintext), bytes_of(pair_.write), index.bytes()});
  };
  const auto good = write(Bytes(1549, 1));
  EXPECT_EQ(good.error_code, 0);
  EXPECT_EQ(good.message_ciphertext->size(), 2000U);
  EXPECT_EQ(good.next_message_box_index, index.next()->bytes());
  EXPECT_EQ(write(Bytes()).message_ciphertext->size(), 2000U);
  EXPECT_EQ(write(Bytes(1550, 1)).error_code, 3);
  EXPECT_EQ(call<wire::EncryptWriteReply>(wire::EncryptWrite{}).error_code, 3);
  EXPECT_EQ(call<wire::EncryptReadReply>(wire::EncryptRead{}).error_code, 3);
  // The same box in two envelopes is two operations.
  EXPECT_NE(write(Bytes(10, 1)).envelope_hash, write(Bytes(10, 1)).envelope_hash);
}

TEST_F(LocalCallTest, CapabilityWhoseHalvesDiffer_IsRefused) {
  auto cap = *bytes_of(pair_.write);
  cap[0] ^= 1;
  const auto reply = call<wire::EncryptWriteReply>(
      wire::EncryptWrite{{}, Bytes(1), cap, pair_.write.index().bytes()});
  EXPECT_EQ(reply.error_code, 3);
}

TEST_F(LocalCallTest, PkiDocument_IsSignedByTheAuthorities) {
  const auto reply = call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{});
  ASSERT_EQ(reply.error_code, 0);
  const auto top = wire::read_cbor(*reply.payload).value();
  const Bytes certified = top.find("Certified")->bytes;
  EXPECT_EQ(wire::parse_pki_document(certified)->epoch, reply.epoch);
  Bytes message;
  append_le(message, std::uint32_t{0});
  append_le(message, top.find("Expiration")->number);
  append(message, as_bytes(top.find("KeyType")->text()));
  append(message, certified);
  const auto authorities =
      call<wire::GetDirectoryAuthoritiesReply>(wire::GetDirectoryAuthorities{});
  ASSERT_TRUE(authorities.authorities);
  ASSERT_EQ(authorities.authorities->size(), 3U);
  std::set<Bytes32> signers;
  const auto& signatures = top.find("Signatures")->items;
  for (std::size_t i = 0; i < signatures.size(); i += 2)
    signers.insert(to_array<32>(signatures[i].bytes));
  for (const auto& authority : *authorities.authorities) {
    EXPECT_TRUE(signers.contains(authority.identity_key_hash));
    const auto& pem = authority.identity_public_key_pem;
    const auto begin = pem.find('\n') + 1;
    const auto key = from_base64(pem.substr(begin, pem.find('\n', begin) - begin)).value();
    EXPECT_EQ(crypto::blake2b_256(key), authority.identity_key_hash);
    for (std::size_t i = 0; i < signatures.size(); i += 2) {
      if (!equal(signatures[i].bytes, authority.identity_key_hash)) continue;
      EXPECT_TRUE(crypto::ed25519_verify(key, message, signatures[i + 1].find("Payload")->bytes));
    }
  }
}

TEST_F(LocalCallTest, PkiDocumentOfAFarEpoch_IsUnavailable) {
  const auto current = call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{}).epoch;
  EXPECT_EQ(call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{{}, current + 1}).error_code, 0);
  const auto far = call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{{}, current + 2});
  EXPECT_EQ(far.error_code, 10);
  EXPECT_EQ(far.epoch, current + 2);
}

TEST_F(LocalCallTest, PayloadBuilder_CutsAndMarksTheStream) {
  wire::CreateCourierEnvelopesFromPayload request;
  request.payload = Bytes(1545 * 2 + 1, 9);
  request.dest_write_cap = bytes_of(pair_.write);
  request.dest_start_index = pair_.write.index().bytes();
  request.is_start = request.is_last = true;
  const auto reply = call<wire::CreateCourierEnvelopesFromPayloadReply>(request);
  ASSERT_EQ(reply.error_code, 0);
  ASSERT_TRUE(reply.envelopes);
  ASSERT_EQ(reply.envelopes->size(), 4U);  // n = 3 in pigeonhole 5.6
  EXPECT_EQ(reply.envelopes->front()->front(), 0x01);
  EXPECT_EQ(reply.envelopes->back()->front(), 0x02);
  EXPECT_EQ(reply.envelopes->back()->size(), 1382U);
  const auto next = pair_.write.index().advanced_to(pair_.write.index().counter() + 3, 3);
  EXPECT_EQ(reply.next_dest_index, next->bytes());
  request.payload = std::nullopt;
  const auto empty = call<wire::CreateCourierEnvelopesFromPayloadReply>(request);
  EXPECT_EQ(empty.error_code, 0);
  EXPECT_FALSE(empty.envelopes);
  EXPECT_EQ(empty.next_dest_index, request.dest_start_index);
  request.payload = Bytes(10'485'761);
  EXPECT_EQ(call<wire::CreateCourierEnvelopesFromPayloadReply>(request).error_code, 3);
  request.dest_write_cap.reset();
  EXPECT_EQ(call<wire::CreateCourierEnvelopesFromPayloadReply>(request).error_code, 3);
}

TEST_F(LocalCallTest, TombstoneBuilder_ZeroDropsTheBufferAndTooManyAreRefused) {
  wire::CreateCourierEnvelopesFromTombstoneRange request;
  request.dest_write_cap = bytes_of(pair_.write);
  request.dest_start_index = pair_.write.index().bytes();
  request.is_last = true;
  request.buffer = Bytes(100);
  const auto none = call<wire::CreateCourierEnvelopesFromTombstoneRangeReply>(request);
  EXPECT_EQ(none.error_code, 0);
  EXPECT_FALSE(none.envelopes);
  EXPECT_FALSE(none.buffer);
  EXPECT_EQ(none.next_dest_index, request.dest_start_index);
  request.max_count = 0xffffffff;
  EXPECT_EQ(call<wire::CreateCourierEnvelopesFromTombstoneRangeReply>(request).error_code, 27);
  request.max_count = 2;
  request.buffer.reset();
  request.is_last = false;
  const auto two = call<wire::CreateCourierEnvelopesFromTombstoneRangeReply>(request);
  EXPECT_EQ(two.envelopes->size(), 2U);
  EXPECT_EQ(two.buffer->size(), 2U * 2003 - 2 * 1544);
}

// The daemon goes back to its other work after every step.
TEST(StreamBuilderSteps, LongBuild_MakesOnlyAFewEnvelopesAtATime) {
  ManualScheduler scheduler;
  const Directory directory(SecretArray<32>(ByteView(Bytes(32, 1))));
  std::vector<std::unique_ptr<Courier>> couriers;
  Audit audit;
  const auto random = seeded_random(1);
  const Knobs knobs;
  GatewayLink gateway(scheduler, knobs);
  Mixnet mixnet(scheduler, couriers, audit, *random, knobs, gateway);
  SlotClock slots(scheduler, *random, knobs, audit);
  SerialWorker decrypter(scheduler);
  const Context context{scheduler, directory, mixnet,    audit,  *random,
                        knobs,     slots,     decrypter, gateway};
  const auto cap = cap_of(5);
  std::vector<StreamBuilder::Destination> destinations;
  destinations.push_back({cap.clone(), cap.index(), {}, 20});
  StreamBuilder builder(context, std::move(destinations), {}, true, StreamBuilder::End::kFinal);
  EXPECT_EQ(builder.boxes(), 20U);
  EXPECT_EQ(builder.step(8), StreamBuilder::Progress::kMore);
  EXPECT_EQ(audit.envelopes_built, 8U);
  EXPECT_EQ(builder.step(8), StreamBuilder::Progress::kMore);
  EXPECT_EQ(builder.step(8), StreamBuilder::Progress::kDone);
  EXPECT_EQ(audit.envelopes_built, 20U);
  EXPECT_EQ(builder.take_elements().size(), directory.geometry().temporary_boxes(20));
}

}  // namespace
}  // namespace taubenpost::localnet

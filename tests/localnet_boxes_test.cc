// Reads, writes, cancels, copies and messages over a real socket (thin-protocol 3.1, 3.5 to 3.8,
// 6).
#include <set>

#include "bacap/wire.h"
#include "crypto/hash.h"
#include "localnet_client.h"
#include "wire/pki.h"

namespace taubenpost::localnet {
namespace {

// ---- reads and writes --------------------------------------------------------------------------

class BoxTest : public ConnectedTest {};

TEST_F(BoxTest, ConfirmedWrite_IsReadBack) {
  const auto written = write_box(*client_, pair_.write, pair_.write.index(), "hello");
  EXPECT_EQ(written.error_code, 0);
  EXPECT_FALSE(written.plaintext);
  ASSERT_TRUE(written.courier_identity_hash && written.courier_queue_id);
  EXPECT_EQ(as_text(*written.courier_queue_id), "courier");
  const auto read = read_box(*client_, pair_.read, pair_.read.index());
  EXPECT_EQ(read.error_code, 0);
  EXPECT_EQ(as_text(*read.plaintext), "hello");
  EXPECT_TRUE(read.courier_identity_hash);
}

TEST_F(BoxTest, AcknowledgedWrite_TakesOnePacketAndIsStored) {
  const auto before = audit()["packets"].get<int>();
  EXPECT_EQ(
      write_box(*client_, pair_.write, pair_.write.index(), "x", Level::kAcknowledged).error_code,
      0);
  EXPECT_EQ(audit()["packets"].get<int>(), before + 1);
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  const auto read = client_->call<StartReply>(
      start_read(envelope, pair_.read, pair_.read.index(), /*wait=*/true));
  EXPECT_EQ(as_text(*read.plaintext), "x");
}

TEST_F(BoxTest, MissingBox_IsToldOrWaitedFor) {
  EXPECT_EQ(read_box(*client_, pair_.read, pair_.read.index()).error_code, 1);
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  const auto waiting = start_read(envelope, pair_.read, pair_.read.index(), /*wait=*/true);
  client_->send(waiting);
  RawClient writer(path());
  writer.handshake();
  EXPECT_EQ(write_box(writer, pair_.write, pair_.write.index(), "now").error_code, 0);
  const auto reply = client_->expect<StartReply>();
  EXPECT_EQ(reply.query_id, waiting.query_id);
  EXPECT_EQ(as_text(*reply.plaintext), "now");
}

TEST_F(BoxTest, TakenBox_IsAConflictOnlyWhenConfirmed) {
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "one").error_code, 0);
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "one").error_code, 0);
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "two").error_code, 10);
  EXPECT_EQ(
      write_box(*client_, pair_.write, pair_.write.index(), "two", Level::kAcknowledged).error_code,
      0);
  EXPECT_EQ(as_text(*read_box(*client_, pair_.read, pair_.read.index()).plaintext), "one");
  EXPECT_GT(audit()["conflicting_writes"].get<int>(), 0);
}

TEST_F(BoxTest, Tombstone_IsReadAsElevenAndBlocksWrites) {
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "gone").error_code, 0);
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "").error_code, 0);
  EXPECT_EQ(read_box(*client_, pair_.read, pair_.read.index()).error_code, 11);
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "back").error_code, 10);
}

TEST_F(BoxTest, ReadUnderAWrongIndex_DoesNotDecrypt) {
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "hello").error_code, 0);
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  const auto reply = client_->call<StartReply>(
      start_read(envelope, pair_.read, pair_.read.index().next().value()));
  EXPECT_EQ(reply.error_code, 23);
  EXPECT_TRUE(reply.courier_identity_hash);
}

TEST_F(BoxTest, EpochOutOfTheWindow_IsTold) {
  auto envelope = encrypt_write(*client_, pair_.write, pair_.write.index(), Bytes(1, 1));
  (*envelope.message_ciphertext)[1 + 123 + 6] ^= 0x40;
  const auto reply =
      client_->call<StartReply>(start_write(envelope, pair_.write, Level::kAcknowledged));
  EXPECT_EQ(reply.error_code, 32);
  EXPECT_TRUE(reply.courier_identity_hash);
}

TEST_F(BoxTest, ForeignDescriptor_CannotOpenTheAnswer) {
  const auto envelope = encrypt_write(*client_, pair_.write, pair_.write.index(), Bytes(1, 1));
  const auto other = encrypt_write(*client_, pair_.write, pair_.write.index(), Bytes(1, 1));
  auto start = start_write(envelope, pair_.write, Level::kConfirmed);
  start.envelope_descriptor = other.envelope_descriptor;
  EXPECT_EQ(client_->call<StartReply>(start).error_code, 22);
}

TEST_F(BoxTest, IncompleteStarts_AreInvalidAndNameNoCourier) {
  const auto envelope = encrypt_write(*client_, pair_.write, pair_.write.index(), Bytes(1, 1));
  const auto good = start_write(envelope, pair_.write, Level::kConfirmed);
  std::vector<wire::StartResendingEncryptedMessage> bad(6, good);
  bad[0].envelope_hash.reset();
  bad[1].message_ciphertext = Bytes();
  bad[2].envelope_descriptor.reset();
  bad[3].write_cap.reset();
  bad[4].read_cap = pair_.read.bytes();
  bad[5].envelope_descriptor = Bytes{0xff};
  for (const auto& start : bad) {
    const auto reply = client_->call<StartReply>(start);
    EXPECT_EQ(reply.error_code, 3);
    EXPECT_EQ(reply.query_id, start.query_id);
    EXPECT_FALSE(reply.courier_identity_hash);
  }
  auto too_long = good;
  too_long.message_ciphertext = Bytes(2001);
  const auto reply = client_->call<StartReply>(too_long);
  EXPECT_EQ(reply.error_code, 4);
  EXPECT_FALSE(reply.courier_identity_hash);
}

// ---- cancels -----------------------------------------------------------------------------------

TEST_F(BoxTest, Cancel_GivesTheOwnerTwentyFourBeforeTheZero) {
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  const auto start = start_read(envelope, pair_.read, pair_.read.index(), /*wait=*/true);
  client_->send(start);
  const wire::CancelResendingEncryptedMessage cancel{fresh_id(), envelope.envelope_hash};
  client_->send(cancel);
  const auto reply = client_->expect<StartReply>();
  EXPECT_EQ(reply.query_id, start.query_id);
  EXPECT_EQ(reply.error_code, 24);
  const auto cancelled = client_->expect<wire::CancelResendingEncryptedMessageReply>();
  EXPECT_EQ(cancelled.query_id, cancel.query_id);
  EXPECT_EQ(cancelled.error_code, 0);
}

TEST_F(BoxTest, CancelFromAnotherClient_ChangesNothing) {
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  const auto start = start_read(envelope, pair_.read, pair_.read.index(), /*wait=*/true);
  client_->send(start);
  client_->call<wire::NewKeypairReply>(wire::NewKeypair{fresh_id(), Bytes(32, 1)});
  RawClient other(path());
  other.handshake();
  const auto cancelled = other.call<wire::CancelResendingEncryptedMessageReply>(
      wire::CancelResendingEncryptedMessage{fresh_id(), envelope.envelope_hash});
  EXPECT_EQ(cancelled.error_code, 0);
  EXPECT_EQ(write_box(other, pair_.write, pair_.write.index(), "still").error_code, 0);
  EXPECT_EQ(client_->expect<StartReply>().query_id, start.query_id);
}

TEST_F(BoxTest, CancelOfNothing_IsSuccessAndWithoutHashInvalid) {
  EXPECT_EQ(call<wire::CancelResendingEncryptedMessageReply>(
                wire::CancelResendingEncryptedMessage{{}, Bytes32{}})
                .error_code,
            0);
  EXPECT_EQ(
      call<wire::CancelResendingEncryptedMessageReply>(wire::CancelResendingEncryptedMessage{})
          .error_code,
      3);
  EXPECT_EQ(
      call<wire::CancelResendingCopyCommandReply>(wire::CancelResendingCopyCommand{}).error_code,
      3);
}

TEST_F(BoxTest, SameStartTwice_BothQueryIdsAreAnsweredOnce) {
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  auto start = start_read(envelope, pair_.read, pair_.read.index(), /*wait=*/true);
  std::set<Bytes16> asked, answered;
  for (int i = 0; i < 2; ++i) {
    start.query_id = fresh_id();
    asked.insert(*start.query_id);
    client_->send(start);
  }
  client_->send(wire::CancelResendingEncryptedMessage{fresh_id(), envelope.envelope_hash});
  for (int i = 0; i < 2; ++i) answered.insert(*client_->expect<StartReply>().query_id);
  EXPECT_EQ(asked, answered);
  client_->expect<wire::CancelResendingEncryptedMessageReply>();
}

// ---- copies ------------------------------------------------------------------------------------

class CopyTest : public BoxTest {
 protected:
  // Builds a stream of `payload` for the pair's sequence and uploads it to the temporary one.
  void upload(const Bytes& payload) {
    wire::CreateCourierEnvelopesFromMultiPayload request;
    request.destinations = {
        wire::DestinationPayload{payload, bytes_of(pair_.write), pair_.write.index().bytes()}};
    request.is_start = request.is_last = true;
    const auto built = call<wire::CreateCourierEnvelopesFromMultiPayloadReply>(request);
    ASSERT_EQ(built.error_code, 0);
    EXPECT_FALSE(built.buffer);
    auto index = temporary_.write.index();
    for (const auto& element : *built.envelopes) {
      ASSERT_EQ(write_box(*client_, temporary_.write, index, as_text(*element)).error_code, 0);
      index = index.next().value();
    }
  }
  wire::StartResendingCopyCommand command() const {
    wire::StartResendingCopyCommand out;
    out.query_id = fresh_id();
    out.write_cap = bytes_of(temporary_.write);
    out.courier_identity_hash.value = courier_;
    out.courier_queue_id.value = to_bytes(as_bytes("courier"));
    return out;
  }
  void SetUp() override {
    BoxTest::SetUp();
    const auto signed_document = call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{});
    const auto bytes = wire::certified_document(*signed_document.payload).value();
    const auto document = wire::parse_pki_document(bytes).value();
    for (const auto& service : document.services)
      if (service.capability == "courier") courier_ = crypto::blake2b_256(service.identity_key);
  }

  const Pair temporary_{6};
  Bytes32 courier_{};
};

TEST_F(CopyTest, Stream_ReachesItsDestination) {
  Bytes payload(1545 * 3 + 7);
  fill_random(payload);
  upload(payload);
  const auto reply = client_->call<wire::StartResendingCopyCommandReply>(command());
  EXPECT_EQ(reply.error_code, 0);
  Bytes read;
  auto index = pair_.read.index();
  for (int i = 0; i < 4; ++i) {
    append(read, read_box(*client_, pair_.read, index).plaintext.value_or(Bytes()));
    index = index.next().value();
  }
  EXPECT_EQ(read, payload);
  EXPECT_EQ(audit()["copies_succeeded"], 1);
  EXPECT_EQ(audit()["conflicting_writes"], 0);
}

TEST_F(CopyTest, OccupiedDestination_FailsAndNamesTheEnvelope) {
  ASSERT_EQ(write_box(*client_, pair_.write, pair_.write.index().next().value(), "mine").error_code,
            0);
  upload(Bytes(1545 * 2, 1));
  const auto reply = client_->call<wire::StartResendingCopyCommandReply>(command());
  EXPECT_EQ(reply.error_code, 26);
  EXPECT_EQ(reply.replica_error_code.value, 10);
  EXPECT_EQ(reply.failed_envelope_index.value, 2U);
  EXPECT_EQ(audit()["copies_failed"]["10"], 1);
}

TEST_F(CopyTest, StartedBeforeTheTokenOfAKnownSession_IsAnsweredThere) {
  const Bytes16 token = fresh_id();
  RawClient(path()).handshake(token);
  RawClient again(path());
  again.expect<wire::ConnectionStatusEvent>();
  again.expect<wire::NewPkiDocumentEvent>();
  const auto start = command();
  again.send(start);
  EXPECT_TRUE(again.call<wire::SessionTokenReply>(wire::SessionToken{token}).resumed);
  upload(Bytes(100, 1));
  const auto reply = again.expect<wire::StartResendingCopyCommandReply>();
  EXPECT_EQ(reply.query_id, start.query_id);
  EXPECT_EQ(reply.error_code, 0);
}

TEST_F(CopyTest, AnotherCourier_RunsTheSameStreamAgain) {
  upload(Bytes(100, 1));
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(command()).error_code, 0);
  auto elsewhere = command();
  elsewhere.courier_identity_hash.value.reset();
  elsewhere.courier_queue_id.value.reset();
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(elsewhere).error_code, 0);
}

TEST_F(CopyTest, UnknownPin_CannotStart) {
  auto start = command();
  start.courier_identity_hash.value = Bytes32{};
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(start).error_code, 4);
  start.write_cap.reset();
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(start).error_code, 3);
}

TEST_F(CopyTest, CancelWhileRunning_StopsThePollingOnly) {
  client_->send(command());  // nothing was uploaded: the courier looks for it for minutes
  client_->send(
      wire::CancelResendingCopyCommand{fresh_id(), bacap::copy_key(temporary_.write.view())});
  EXPECT_EQ(client_->expect<wire::StartResendingCopyCommandReply>().error_code, 24);
  EXPECT_EQ(client_->expect<wire::CancelResendingCopyCommandReply>().error_code, 0);
  upload(Bytes(100, 1));
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(command()).error_code, 0);
  EXPECT_EQ(audit()["copies_started"], 1);
}

TEST_F(CopyTest, TombstoneStream_RetractsTheRange) {
  ASSERT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "one").error_code, 0);
  wire::CreateCourierEnvelopesFromTombstoneRange request;
  request.dest_write_cap = bytes_of(pair_.write);
  request.dest_start_index = pair_.write.index().bytes();
  request.max_count = 1;
  request.is_start = request.is_last = true;
  const auto built = call<wire::CreateCourierEnvelopesFromTombstoneRangeReply>(request);
  auto index = temporary_.write.index();
  for (const auto& element : *built.envelopes) {
    ASSERT_EQ(write_box(*client_, temporary_.write, index, as_text(*element)).error_code, 0);
    index = index.next().value();
  }
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(command()).error_code, 0);
  EXPECT_EQ(read_box(*client_, pair_.read, pair_.read.index()).error_code, 11);
}

// ---- messages ----------------------------------------------------------------------------------

TEST_F(CopyTest, Echo_ComesBackPadded) {
  wire::SendMessage message;
  message.with_surb = true;
  message.surbid = fresh_id();
  message.destination_id_hash = courier_;  // the same node runs the echo service
  message.recipient_queue_id = to_bytes(as_bytes("+echo"));
  message.payload = to_bytes(as_bytes("ping"));
  client_->send(message);
  const auto sent = client_->expect<wire::MessageSentEvent>();
  EXPECT_EQ(sent.surbid, message.surbid);
  EXPECT_TRUE(sent.err.value.empty());
  const auto reply = client_->expect<wire::MessageReplyEvent>();
  EXPECT_EQ(reply.surbid, message.surbid);
  ASSERT_EQ(reply.payload->size(), 2574U);
  EXPECT_EQ(as_text(*reply.payload).substr(0, 5), std::string_view("ping\0", 5));
}

TEST_F(BoxTest, UnsendableMessages_AreToldAndHarmless) {
  wire::SendMessage message;
  message.with_surb = true;
  client_->send(message);  // no surbid
  EXPECT_FALSE(client_->expect<wire::MessageSentEvent>().err.value.empty());
  message.surbid = fresh_id();
  message.destination_id_hash = Bytes32{};
  message.recipient_queue_id = to_bytes(as_bytes("+echo"));
  client_->send(message);
  EXPECT_FALSE(client_->expect<wire::MessageSentEvent>().err.value.empty());
  message.with_surb = false;  // nothing is ever said about these
  client_->send(message);
  EXPECT_EQ(call<wire::NewKeypairReply>(wire::NewKeypair{{}, Bytes(32)}).error_code, 0);
}

}  // namespace
}  // namespace taubenpost::localnet

// The blocking face against a local network: every kind of call, from several threads.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "crypto/hash.h"
#include "support/thin_network.h"
#include "thin/blocking_client.h"

namespace taubenpost::thin {
namespace {

using std::chrono::milliseconds;
using testing::ThreadedNetwork;

constexpr Limit kLong{60'000};

Options options_for(const DialAddress& address) {
  Options options;
  options.address = address;
  options.timing.backoff_min = milliseconds(1);
  options.timing.backoff_max = milliseconds(20);
  return options;
}

Bytes32 seed_of(std::uint8_t fill) {
  Bytes32 seed;
  seed.fill(fill);
  return seed;
}

class ThinBlocking : public ::testing::Test {
 protected:
  ThinBlocking() : client_(options_for(network_.address())) { EXPECT_TRUE(client_.connect(kLong)); }

  ResendResult write(ByteView plaintext, const KeyPair& channel, const BoxIndex& index) {
    const Envelope envelope =
        client_.encrypt_write(plaintext, channel.write_cap, index, kLong).value();
    return client_.start_write(envelope, channel.write_cap, {/*confirmed=*/true}, kLong).value();
  }
  ResendResult read(const KeyPair& channel, const BoxIndex& index) {
    const Envelope envelope = client_.encrypt_read(channel.read_cap, index, kLong).value();
    return client_.start_read(envelope, channel.read_cap, index, {}, kLong).value();
  }
  // Writes the elements to a fresh sequence and has a courier copy them.
  CopyResult copy(const std::vector<Bytes>& elements, std::uint8_t seed) {
    const KeyPair temporary = client_.new_keypair(seed_of(seed), kLong).value();
    BoxIndex index = temporary.first;
    for (const Bytes& element : elements) {
      EXPECT_EQ(write(element, temporary, index).kind, ResendKind::kOk);
      index = client_.next_message_box_index(index, kLong).value();
    }
    const ServiceId courier = client_.document()->random_service("courier").value();
    return client_.start_copy(temporary.write_cap, courier, kLong).value();
  }

  ThreadedNetwork network_;
  BlockingClient client_;
};

TEST_F(ThinBlocking, Box_IsWrittenReadAndDeleted) {
  const KeyPair channel = client_.new_keypair(seed_of(1), kLong).value();
  EXPECT_EQ(read(channel, channel.first).kind, ResendKind::kNotFound);
  EXPECT_EQ(write(as_bytes("hello"), channel, channel.first).kind, ResendKind::kOk);
  EXPECT_EQ(read(channel, channel.first).plaintext, to_bytes(as_bytes("hello")));

  const TombstoneRange range =
      client_.tombstone_range(channel.write_cap, channel.first, 2, kLong).value();
  ASSERT_EQ(range.envelopes.size(), 2u);
  EXPECT_EQ(range.envelopes[0].next, client_.next_message_box_index(channel.first).value());
  EXPECT_EQ(range.next, range.envelopes[1].next);
  for (const Envelope& envelope : range.envelopes)
    EXPECT_EQ(client_.start_write(envelope, channel.write_cap, {true}, kLong).value().kind,
              ResendKind::kOk);
  EXPECT_EQ(read(channel, channel.first).kind, ResendKind::kTombstone);
}

TEST_F(ThinBlocking, CopyStreams_ArriveAndAreDeletedAgain) {
  const KeyPair one = client_.new_keypair(seed_of(2), kLong).value();
  const KeyPair two = client_.new_keypair(seed_of(3), kLong).value();
  const Bytes first(3000, 'a'), second(10, 'b');
  const std::vector<Destination> both{{first, &one.write_cap, one.first},
                                      {second, &two.write_cap, two.first}};
  const CopyElements built =
      client_.create_courier_envelopes_from_multi_payload(both, {true, true, {}}, kLong).value();
  ASSERT_EQ(copy(built.elements, 4).kind, CopyKind::kSucceeded);
  EXPECT_EQ(read(one, one.first).plaintext, Bytes(1545, 'a'));
  EXPECT_EQ(read(two, two.first).plaintext, second);

  const CopyElements deleting = client_
                                    .create_courier_envelopes_from_tombstone_range(
                                        one.write_cap, one.first, 2, {true, true, {}}, kLong)
                                    .value();
  ASSERT_EQ(copy(deleting.elements, 5).kind, CopyKind::kSucceeded);
  EXPECT_EQ(read(one, one.first).kind, ResendKind::kTombstone);

  const CopyElements single = client_
                                  .create_courier_envelopes_from_payload(
                                      {second, &two.write_cap, built.next[1]}, true, true, kLong)
                                  .value();
  ASSERT_EQ(copy(single.elements, 6).kind, CopyKind::kSucceeded);
  EXPECT_EQ(read(two, built.next[1]).plaintext, second);
}

TEST_F(ThinBlocking, Echo_AnswersAndIsAnEventToo) {
  BlockingSubscription events = client_.subscribe();
  const ServiceId echo = client_.document()->random_service("echo").value();
  const MessageReply reply = client_.send_and_wait(echo, as_bytes("ping"), kLong).value();
  ASSERT_GE(reply.payload.size(), 4u);
  EXPECT_EQ(as_text(ByteView(reply.payload).first(4)), "ping");
  EXPECT_TRUE(std::holds_alternative<MessageSentEvent>(events.next(kLong).value()));
  const Event second = events.next(kLong).value();
  EXPECT_EQ(std::get<MessageReplyEvent>(second).reply.id, reply.id);
  EXPECT_EQ(client_.send_message(echo, as_bytes("again"), kLong).value().id.size(), 16u);
  EXPECT_EQ(events.lost(), 0u);
}

// Bob joins with a voucher; afterwards Alice reads what he writes under his live capability.
TEST_F(ThinBlocking, Voucher_LetsTheInviterReadTheNewcomer) {
  BlockingClient alice(options_for(network_.address()));
  const KeyPair messages = client_.new_keypair(seed_of(9), kLong).value();
  const MintedVoucher minted = client_.voucher_mint(messages.write_cap, "bob", kLong).value();
  ASSERT_EQ(write(minted.payload, minted.stream, minted.stream.first).kind, ResendKind::kOk);

  const KeyPair stream = alice.voucher_derive_stream(minted.voucher, kLong).value();
  const Bytes payload = read(stream, stream.first).plaintext;
  const Bytes who = to_bytes(as_bytes("come in"));
  const InductedVoucher inducted =
      alice.voucher_induct(minted.voucher, payload, who, kLong).value();
  EXPECT_EQ(inducted.display_name, "bob");
  const BoxIndex second = client_.next_message_box_index(stream.first, kLong).value();
  ASSERT_EQ(write(inducted.sealed_reply, stream, second).kind, ResendKind::kOk);

  const Bytes sealed = read(minted.stream, second).plaintext;
  OpenedVoucher opened =
      client_.voucher_open(minted.secret_key, sealed, messages.write_cap, kLong).value();
  EXPECT_EQ(opened.who_reply, who);
  KeyPair live{std::move(opened.mutated_message_write_cap), inducted.mutated_message_read_cap,
               first_index(inducted.mutated_message_read_cap)};
  ASSERT_EQ(write(as_bytes("hello"), live, live.first).kind, ResendKind::kOk);
  EXPECT_EQ(read(live, live.first).plaintext, to_bytes(as_bytes("hello")));

  const Error wrong = alice.voucher_induct(Bytes32{1}, payload, who, kLong).error();
  EXPECT_EQ(wrong.peer_code, 28);
}

TEST_F(ThinBlocking, Looks_TellWhatTheConnectionTold) {
  EXPECT_TRUE(client_.is_open());
  EXPECT_TRUE(client_.is_connected());
  EXPECT_EQ(client_.geometry()->max_plaintext_payload_length, 1549);
  EXPECT_GT(client_.sphinx_geometry()->user_forward_payload_length, 1549);
  EXPECT_TRUE(client_.instance_token().has_value());
  EXPECT_FALSE(client_.services("courier").empty());
  EXPECT_TRUE(client_.services("nothing").empty());
  EXPECT_EQ(client_.document()->random_service("nothing").error().code, Errc::kNotFound);
  const SignedDocument document = client_.get_pki_document(0, kLong).value();
  EXPECT_EQ(Document::parse(document).value().epoch(), client_.document()->epoch());
  EXPECT_FALSE(client_.directory_authorities(kLong).value().empty());
  const KeyPair pair = client_.new_keypair(seed_of(1), kLong).value();
  const std::uint64_t counter = client_.message_box_index_counter(pair.first, kLong).value();
  const BoxIndex next = client_.next_message_box_index(pair.first, kLong).value();
  EXPECT_EQ(client_.message_box_index_counter(next, kLong).value(), counter + 1);
}

// Another thread reads a box that nobody has written.
TEST_F(ThinBlocking, CancelFromAnotherThread_EndsTheRead) {
  const KeyPair channel = client_.new_keypair(seed_of(7), kLong).value();
  const Envelope envelope = client_.encrypt_read(channel.read_cap, channel.first, kLong).value();
  auto reading = std::async(std::launch::async, [&] {
    return client_.start_read(envelope, channel.read_cap, channel.first, {/*report_missing=*/false},
                              kLong);
  });
  while (reading.wait_for(milliseconds(1)) != std::future_status::ready)
    EXPECT_TRUE(client_.cancel(envelope.hash, kLong));
  EXPECT_EQ(reading.get().value().kind, ResendKind::kCancelled);
  EXPECT_TRUE(client_.cancel_copy(Bytes32{}, kLong));
}

TEST_F(ThinBlocking, KilledNetwork_IsNotNoticedByTheReader) {
  const KeyPair channel = client_.new_keypair(seed_of(8), kLong).value();
  const Envelope envelope = client_.encrypt_read(channel.read_cap, channel.first, kLong).value();
  BlockingSubscription events = client_.subscribe();
  auto reading = std::async(std::launch::async, [&] {
    return client_.start_read(envelope, channel.read_cap, channel.first, {/*report_missing=*/false},
                              kLong);
  });
  network_.kill();
  while (!std::holds_alternative<DisconnectedEvent>(events.next(kLong).value())) {
  }
  network_.start();
  EXPECT_EQ(write(as_bytes("late"), channel, channel.first).kind, ResendKind::kOk);
  EXPECT_EQ(reading.get().value().plaintext, to_bytes(as_bytes("late")));
}

TEST_F(ThinBlocking, Close_EndsEveryCallAndEverySubscription) {
  BlockingSubscription events = client_.subscribe();
  auto waiting = std::async(std::launch::async, [&] { return events.next(kLong); });
  client_.close();
  EXPECT_EQ(waiting.get().error().code, Errc::kCancelled);
  EXPECT_EQ(client_.new_keypair(seed_of(1), kLong).error().code, Errc::kCancelled);
  client_.close();
}

TEST(ThinBlockingAlone, NoDaemon_IsDaemonGoneAtTheLimit) {
  TempFolder folder;
  BlockingClient client(options_for(UnixPath{folder / "nobody.sock"}));
  EXPECT_EQ(client.connect(milliseconds(5)).error().code, Errc::kDaemonGone);
  EXPECT_EQ(client.new_keypair(seed_of(1), milliseconds(5)).error().code, Errc::kDaemonGone);
  EXPECT_FALSE(client.geometry().has_value());
  EXPECT_EQ(client.document(), nullptr);
}

TEST(ThinBlockingAlone, SubscriptionThatOutlivesItsClient_Ends) {
  TempFolder folder;
  auto client = std::make_unique<BlockingClient>(options_for(UnixPath{folder / "nobody.sock"}));
  BlockingSubscription events = client->subscribe();
  client.reset();
  EXPECT_EQ(events.next(kLong).error().code, Errc::kCancelled);
}

}  // namespace
}  // namespace taubenpost::thin

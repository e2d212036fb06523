// Reads, writes and copies: slots, cancels, and starting again after every kind of loss.
#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <set>

#include "crypto/hash.h"
#include "support/fake_daemon.h"
#include "support/thin_world.h"
#include "thin/client.h"
#include "wire/pki.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;
using namespace asio::experimental::awaitable_operators;
using std::chrono::milliseconds;
using Start = wire::StartResendingEncryptedMessage;
using StartReply = wire::StartResendingEncryptedMessageReply;
using Cancel = wire::CancelResendingEncryptedMessage;
using CancelReply = wire::CancelResendingEncryptedMessageReply;
using CopyStart = wire::StartResendingCopyCommand;
using CopyReply = wire::StartResendingCopyCommandReply;
using CopyCancel = wire::CancelResendingCopyCommand;
using CopyCancelReply = wire::CancelResendingCopyCommandReply;

Envelope envelope_of(std::uint8_t number) {
  Envelope envelope;
  envelope.ciphertext = Bytes(100, number);
  envelope.descriptor = SecretBytes(Bytes(50, number));
  envelope.hash.fill(number);
  return envelope;
}
WriteCap some_cap() { return WriteCap(Bytes(168, 1)); }
Greeting resumed() {
  Greeting greeting;
  greeting.resumed = true;
  return greeting;
}
Greeting restarted() {
  Greeting greeting;
  greeting.instance = Bytes16{2};
  return greeting;
}
StartReply with_code(std::uint8_t code) {
  StartReply reply;
  reply.error_code = code;
  reply.courier_identity_hash = Bytes32{5};
  reply.courier_queue_id = Bytes{'c'};
  return reply;
}

using Got = std::optional<Result<ResendResult>>;

asio::awaitable<void> writes(World& world, std::uint8_t number, Got& got,
                             Limit limit = kDefaultLimit) {
  const Envelope envelope = envelope_of(number);
  const WriteCap cap = some_cap();
  const WriteOptions options;
  got.emplace(co_await world.client.start_write(envelope, cap, options, limit));
}
asio::awaitable<void> reads(World& world, std::uint8_t number, Got& got,
                            Limit limit = kDefaultLimit) {
  const Envelope envelope = envelope_of(number);
  const ReadOptions options;
  got.emplace(co_await world.client.start_read(envelope, ReadCap{}, BoxIndex{}, options, limit));
}

// --- answers ---

asio::awaitable<void> answers_recorded(World& world, std::string vector) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  co_await answer(connection, start.query_id, std::get<StartReply>(recorded_reply(vector)));
}

TEST(ThinStarts, RecordedWriteOutcomes_AreSorted) {
  const std::pair<const char*, ResendKind> cases[] = {
      {"start_write_default", ResendKind::kOk},
      {"start_write_confirmed", ResendKind::kOk},
      {"start_write_box_already_exists", ResendKind::kTaken},
      {"start_write_epoch_out_of_window", ResendKind::kReencrypt}};
  for (const auto& [vector, kind] : cases) {
    World world;
    Got got;
    run_both(world.io, writes(world, 1, got), answers_recorded(world, vector));
    const ResendResult result = must(std::move(*got));
    EXPECT_EQ(result.kind, kind) << vector << ": " << result.detail();
    EXPECT_TRUE(result.courier.has_value()) << vector;
    EXPECT_TRUE(result.plaintext.empty()) << vector;
  }
}

TEST(ThinStarts, RecordedReadOutcomes_AreSorted) {
  const std::pair<const char*, ResendKind> cases[] = {
      {"start_read_existing", ResendKind::kOk},
      {"start_read_missing_box", ResendKind::kNotFound},
      {"start_read_tombstone", ResendKind::kTombstone},
      {"start_read_wrong_index", ResendKind::kUnreadable},
      {"start_errors", ResendKind::kRejected}};
  for (const auto& [vector, kind] : cases) {
    World world;
    Got got;
    run_both(world.io, reads(world, 1, got), answers_recorded(world, vector));
    const ResendResult result = must(std::move(*got));
    EXPECT_EQ(result.kind, kind) << vector << ": " << result.detail();
    EXPECT_EQ(result.plaintext.empty(), kind != ResendKind::kOk) << vector;
  }
}

asio::awaitable<void> starts_with_options(World& world) {
  const Envelope one = envelope_of(1);
  const Envelope two = envelope_of(2);
  const WriteCap cap = some_cap();
  WriteOptions confirmed;
  confirmed.confirmed = true;
  must(co_await world.client.start_write(one, cap, confirmed));
  ReadOptions waiting;
  waiting.report_missing = false;
  BoxIndex index;
  index.fill(8);
  must(co_await world.client.start_read(two, ReadCap{4}, index, waiting));
}
asio::awaitable<void> inspects_starts(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start write = co_await connection->receive_a<Start>();
  EXPECT_TRUE(write.write_cap && !write.read_cap && !write.message_box_index);
  EXPECT_TRUE(write.no_idempotent_box_already_exists.value);
  EXPECT_EQ(write.envelope_descriptor, Bytes(50, 1));
  EXPECT_EQ(write.message_ciphertext, Bytes(100, 1));
  EXPECT_EQ(write.envelope_hash, envelope_of(1).hash);
  co_await answer(connection, write.query_id, with_code(0));
  const Start read = co_await connection->receive_a<Start>();
  EXPECT_TRUE(!read.write_cap && read.read_cap == ReadCap{4});
  EXPECT_EQ(read.message_box_index, Bytes(104, 8));
  EXPECT_FALSE(read.no_retry_on_box_id_not_found.value);
  StartReply reply = with_code(0);
  reply.plaintext = Bytes{1};
  co_await answer(connection, read.query_id, reply);
}

TEST(ThinStarts, Request_CarriesCapIndexAndFlags) {
  World world;
  run_both(world.io, starts_with_options(world), inspects_starts(world));
}

// --- slots ---

asio::awaitable<void> writes_three(World& world, std::vector<Got>& got) {
  co_await (writes(world, 1, got[0]) && writes(world, 2, got[1]) && writes(world, 3, got[2]));
}
asio::awaitable<void> counts_starts(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start one = co_await connection->receive_a<Start>();
  const Start two = co_await connection->receive_a<Start>();
  co_await connection->receive_nothing();
  co_await answer(connection, two.query_id, with_code(0));
  const Start three = co_await connection->receive_a<Start>();
  EXPECT_EQ(three.envelope_hash, envelope_of(3).hash);
  co_await answer(connection, three.query_id, with_code(0));
  co_await answer(connection, one.query_id, with_code(0));
}

TEST(ThinStarts, BeyondTheLimit_WaitInTheClient) {
  World world(quick(), /*starts_max=*/2);
  std::vector<Got> got(3);
  run_both(world.io, writes_three(world, got), counts_starts(world));
  for (Got& one : got) EXPECT_EQ(must(std::move(*one)).kind, ResendKind::kOk);
}

asio::awaitable<void> comes_online_late(World& world, Greeting greeting) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet(greeting);
  co_await connection->receive_nothing();
  co_await connection->send(document_event(true));
  Greeting online = greeting;
  online.is_connected = true;
  co_await connection->send(status_event(online));
  const Start start = co_await connection->receive_a<Start>();
  co_await answer(connection, start.query_id, with_code(0));
}

TEST(ThinStarts, OfflineDaemon_GetsNoStarts) {
  Greeting no_link;
  no_link.is_connected = false;
  Greeting no_document;  // "connected, document null" is offline (thin-protocol 2.2)
  no_document.with_document = false;
  for (const Greeting& greeting : {no_link, no_document}) {
    World world;
    Got got;
    run_both(world.io, writes(world, 1, got), comes_online_late(world, greeting));
    EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
  }
}

asio::awaitable<void> writes_the_same_twice(World& world, Got& first, Got& second) {
  co_await (writes(world, 1, first) && writes(world, 1, second));
}
asio::awaitable<void> answers_one(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  co_await connection->receive_nothing();
  co_await answer(connection, start.query_id, with_code(0));
}

TEST(ThinStarts, SecondStartOfAHash_IsRefused) {
  World world;
  Got first, second;
  run_both(world.io, writes_the_same_twice(world, first, second), answers_one(world));
  EXPECT_EQ(must(std::move(*first)).kind, ResendKind::kOk);
  ASSERT_FALSE(*second);
  EXPECT_EQ(second->error().code, Errc::kStateConflict);
}

asio::awaitable<void> writes_bad_envelopes(World& world, std::vector<Errc>& codes) {
  must(co_await world.client.connect());
  const WriteCap cap = some_cap();
  const WriteOptions options;
  Envelope large = envelope_of(1);
  large.ciphertext.resize(2001);
  Envelope empty = envelope_of(2);
  empty.ciphertext.clear();
  Envelope blind = envelope_of(3);
  blind.descriptor = SecretBytes();
  for (const Envelope* envelope : {&large, &empty, &blind}) {
    const auto result = co_await world.client.start_write(*envelope, cap, options);
    codes.push_back(result ? Errc::kUsage : result.error().code);
  }
  for (const std::size_t size : {0u, 33u}) {
    const CourierId courier{Bytes32{1}, Bytes(size, 'q')};
    const auto result = co_await world.client.start_copy(cap, courier);
    codes.push_back(result ? Errc::kUsage : result.error().code);
  }
}
asio::awaitable<void> gets_nothing(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  co_await connection->receive_nothing();
}

TEST(ThinStarts, WrongSizes_AreRefusedAndNotSent) {
  World world;
  std::vector<Errc> codes;
  run_both(world.io, writes_bad_envelopes(world, codes), gets_nothing(world));
  EXPECT_EQ(codes, std::vector<Errc>(5, Errc::kRejected));
}

// --- loss and re-driving (thin-protocol 6.9) ---

asio::awaitable<void> loses_then(World& world, Greeting second_greeting) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  const Start start = co_await first->receive_a<Start>();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(second_greeting);
  const Start again = co_await second->receive_a<Start>();
  EXPECT_NE(again.query_id, start.query_id);
  EXPECT_EQ(again.message_ciphertext, start.message_ciphertext);
  EXPECT_EQ(again.envelope_descriptor, start.envelope_descriptor);
  EXPECT_EQ(again.envelope_hash, start.envelope_hash);
  // The old id is nobody's now.
  co_await answer(second, start.query_id, with_code(6));
  co_await answer(second, again.query_id, with_code(0));
}

TEST(ThinRedrive, NewDaemonProcess_GetsTheStartAgain) {
  World world;
  Got got;
  run_both(world.io, writes(world, 1, got), loses_then(world, restarted()));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
}

TEST(ThinRedrive, SameProcessNotResumed_GetsTheStartAgain) {
  World world;
  Got got;
  run_both(world.io, writes(world, 1, got), loses_then(world, {}));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
}

asio::awaitable<void> resumes(World& world, bool says_24) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  const Start start = co_await first->receive_a<Start>();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(resumed());
  const Cancel cancel = co_await second->receive_a<Cancel>();
  EXPECT_EQ(cancel.envelope_hash, start.envelope_hash);
  // The start waits for the answer to the cancel; a 24 for the old id says nothing to the caller.
  co_await second->receive_nothing();
  if (says_24) co_await answer(second, start.query_id, with_code(24));
  co_await answer(second, cancel.query_id, CancelReply{});
  const Start again = co_await second->receive_a<Start>();
  EXPECT_NE(again.query_id, start.query_id);
  EXPECT_EQ(again.message_ciphertext, start.message_ciphertext);
  co_await answer(second, again.query_id, with_code(0));
}

TEST(ThinRedrive, ResumedSession_IsCancelledFirst) {
  for (const bool says_24 : {false, true}) {
    World world;
    Got got;
    run_both(world.io, writes(world, 1, got), resumes(world, says_24));
    EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
  }
}

asio::awaitable<void> answers_before_the_cancel(World& world) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  const Start start = co_await first->receive_a<Start>();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(resumed());
  const Cancel cancel = co_await second->receive_a<Cancel>();
  co_await answer(second, start.query_id, with_code(10));
  co_await answer(second, cancel.query_id, CancelReply{});
  co_await second->receive_nothing();
}

TEST(ThinRedrive, AnswerThatOvertakesTheCancel_IsTaken) {
  World world;
  Got got;
  run_both(world.io, writes(world, 1, got), answers_before_the_cancel(world));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kTaken);
}

asio::awaitable<void> resumes_deaf(World& world) {
  const FakeConnectionPtr first = co_await world.daemon.accept();
  const Bytes16 old_token = co_await greet(first, {});
  const Start start = co_await first->receive_a<Start>();
  first->close();
  // Resumed, and then no answer to anything (thin-protocol 2.6).
  const FakeConnectionPtr deaf = co_await world.daemon.accept();
  co_await deaf->send(status_event({}));
  co_await deaf->send(document_event(true));
  co_await deaf->receive_a<wire::SessionToken>();
  co_await deaf->send(session_reply(true));
  co_await deaf->receive_a<wire::GetDirectoryAuthorities>();
  co_await deaf->receive_end();
  const FakeConnectionPtr third = co_await world.daemon.accept();
  const Bytes16 new_token = co_await greet(third, {});
  EXPECT_NE(new_token, old_token);
  const Start again = co_await third->receive_a<Start>();
  co_await answer(third, again.query_id, with_code(0));
}

TEST(ThinRedrive, ResumedButDeafSession_IsGivenUpForANewToken) {
  Timing timing = quick();
  timing.resume_probe = milliseconds(50);
  World world(timing);
  Got got;
  run_both(world.io, writes(world, 1, got), resumes_deaf(world));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
}

asio::awaitable<void> loses_twice(World& world) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  const Start start = co_await first->receive_a<Start>();
  first->close();
  // The second loss comes in the middle of the re-drive.
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(resumed());
  const Cancel cancel = co_await second->receive_a<Cancel>();
  second->close();
  const FakeConnectionPtr third = co_await world.daemon.accept_and_greet(resumed());
  const Cancel again = co_await third->receive_a<Cancel>();
  EXPECT_NE(again.query_id, cancel.query_id);
  co_await third->receive_nothing();
  co_await answer(third, again.query_id, CancelReply{});
  const Start restart = co_await third->receive_a<Start>();
  co_await answer(third, restart.query_id, with_code(0));
}

TEST(ThinRedrive, LossDuringTheRedrive_RepeatsIt) {
  World world;
  Got got;
  run_both(world.io, writes(world, 1, got), loses_twice(world));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
}

asio::awaitable<void> loses_redrive_to_a_new_process(World& world) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  co_await first->receive_a<Start>();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(resumed());
  co_await second->receive_a<Cancel>();
  second->close();
  const FakeConnectionPtr third = co_await world.daemon.accept_and_greet(restarted());
  // The cancel is repeated, harmlessly, and ahead of the start.
  const Cancel cancel = co_await third->receive_a<Cancel>();
  const Start restart = co_await third->receive_a<Start>();
  co_await answer(third, cancel.query_id, CancelReply{});
  co_await third->receive_nothing();
  co_await answer(third, restart.query_id, with_code(0));
}

TEST(ThinRedrive, NewProcessDuringTheRedrive_StartsOnce) {
  World world;
  Got got;
  run_both(world.io, writes(world, 1, got), loses_redrive_to_a_new_process(world));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
}

asio::awaitable<void> is_silent_then_restarted(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  const Cancel cancel = co_await connection->receive_a<Cancel>();
  co_await answer(connection, start.query_id, with_code(24));
  co_await answer(connection, cancel.query_id, CancelReply{});
  const Start again = co_await connection->receive_a<Start>();
  co_await answer(connection, again.query_id, with_code(0));
}

TEST(ThinRedrive, SilentStart_IsCancelledAndStartedAgain) {
  Timing timing = quick();
  timing.restart_silent = milliseconds(100);
  World world(timing);
  Got got;
  run_both(world.io, writes(world, 1, got), is_silent_then_restarted(world));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
}

asio::awaitable<void> hangs_up_on_every_start(World& world) {
  for (int i = 0; i < 5; ++i) {
    const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
    co_await connection->receive_a<Start>();
    connection->close();
  }
  const FakeConnectionPtr last = co_await world.daemon.accept_and_greet({});
  co_await last->receive_nothing();
}

TEST(ThinRedrive, StartThatAlwaysCostsTheConnection_IsGivenUp) {
  World world;
  Got got;
  run_both(world.io, writes(world, 1, got), hangs_up_on_every_start(world));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kOutcomeUnknown);
}

// --- limits and cancels ---

asio::awaitable<void> expects_cancel(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  const Cancel cancel = co_await connection->receive_a<Cancel>();
  EXPECT_EQ(cancel.envelope_hash, start.envelope_hash);
  co_await answer(connection, start.query_id, with_code(24));
  co_await answer(connection, cancel.query_id, CancelReply{});
}
asio::awaitable<void> connects_then(World& world, asio::awaitable<void> next) {
  must(co_await world.client.connect());
  co_await std::move(next);
}

TEST(ThinLimits, WriteWithoutAnswer_IsOutcomeUnknownAndCancelled) {
  World world;
  Got got;
  run_both(world.io, connects_then(world, writes(world, 1, got, milliseconds(30))),
           expects_cancel(world));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kOutcomeUnknown);
}

TEST(ThinLimits, ReadWithoutAnswer_IsTemporaryAndCancelled) {
  World world;
  Got got;
  run_both(world.io, connects_then(world, reads(world, 1, got, milliseconds(30))),
           expects_cancel(world));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kTemporary);
}

asio::awaitable<void> stays_offline(World& world, FakeConnectionPtr& connection) {
  Greeting offline;
  offline.is_connected = false;
  connection = co_await world.daemon.accept_and_greet(offline);
  co_await connection->receive_nothing();
}

TEST(ThinLimits, WriteHeldBackOffline_IsTemporary) {
  World world;
  Got got;
  FakeConnectionPtr kept_open;
  run_both(world.io, connects_then(world, writes(world, 1, got, milliseconds(30))),
           stays_offline(world, kept_open));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kTemporary);
}

asio::awaitable<void> is_not_there(World&) { co_return; }

TEST(ThinLimits, WriteWithoutADaemon_IsDaemonGone) {
  World world;
  Got got;
  run_both(world.io, writes(world, 1, got, milliseconds(30)), is_not_there(world));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kDaemonGone);
}

asio::awaitable<void> settles() { co_await settle(); }
asio::awaitable<void> abandons_write(World& world) {
  Got got;
  must(co_await world.client.connect());
  co_await (writes(world, 1, got) || settles());
  require(got.has_value() && !*got, "the caller was cancelled");
  EXPECT_EQ(got->error().code, Errc::kCancelled);
  // The hash is free again, and the cancel goes out ahead of the new start.
  co_await writes(world, 1, got);
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
}
asio::awaitable<void> sees_abandoned_write(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  const Cancel cancel = co_await connection->receive_a<Cancel>();
  const Start again = co_await connection->receive_a<Start>();
  co_await answer(connection, start.query_id, with_code(24));
  co_await answer(connection, cancel.query_id, CancelReply{});
  co_await answer(connection, again.query_id, with_code(0));
}

TEST(ThinCancel, CancelledCaller_SendsTheCancel) {
  World world;
  run_both(world.io, abandons_write(world), sees_abandoned_write(world));
}

asio::awaitable<void> cancels(World& world, std::uint8_t number) {
  co_await settle();
  must(co_await world.client.cancel(envelope_of(number).hash));
}
asio::awaitable<void> writes_and_cancels(World& world, Got& got) {
  must(co_await world.client.connect());
  co_await (writes(world, 1, got) && cancels(world, 1));
}
asio::awaitable<void> answers_cancel(World& world, bool says_24) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  const Cancel cancel = co_await connection->receive_a<Cancel>();
  EXPECT_EQ(cancel.envelope_hash, start.envelope_hash);
  if (says_24) co_await answer(connection, start.query_id, with_code(24));
  co_await answer(connection, cancel.query_id, CancelReply{});
  co_await connection->receive_nothing();
}

TEST(ThinCancel, CancelByHash_EndsTheCallerWithOrWithoutA24) {
  for (const bool says_24 : {true, false}) {
    World world;
    Got got;
    run_both(world.io, writes_and_cancels(world, got), answers_cancel(world, says_24));
    const ResendResult result = must(std::move(*got));
    EXPECT_EQ(result.kind, ResendKind::kCancelled);
    EXPECT_EQ(result.code, 24);
  }
}

asio::awaitable<void> loses_cancelled_start(World& world) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  co_await first->receive_a<Start>();
  co_await first->receive_a<Cancel>();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(resumed());
  const Cancel cancel = co_await second->receive_a<Cancel>();
  co_await answer(second, cancel.query_id, CancelReply{});
  co_await second->receive_nothing();
}

TEST(ThinCancel, CancelledStart_IsNeverStartedAgain) {
  World world;
  Got got;
  run_both(world.io, writes_and_cancels(world, got), loses_cancelled_start(world));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kCancelled);
}

asio::awaitable<void> cancels_in_vain(World& world) {
  co_await settle();
  const Status cancelled = co_await world.client.cancel(envelope_of(1).hash, milliseconds(20));
  require(!cancelled, "nobody answered the cancel");
  EXPECT_EQ(cancelled.error().code, Errc::kTemporary);
}
asio::awaitable<void> writes_and_cancels_in_vain(World& world, Got& got) {
  must(co_await world.client.connect());
  co_await (writes(world, 1, got) && cancels_in_vain(world));
}
asio::awaitable<void> ignores_cancel(World& world, FakeConnectionPtr& connection) {
  connection = co_await world.daemon.accept_and_greet({});
  co_await connection->receive_a<Start>();
  co_await connection->receive_a<Cancel>();
}

TEST(ThinCancel, UnansweredCancel_EndsTheCallerAllTheSame) {
  World world;
  Got got;
  FakeConnectionPtr kept_open;
  run_both(world.io, writes_and_cancels_in_vain(world, got), ignores_cancel(world, kept_open));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kCancelled);
}

asio::awaitable<void> cancels_unknown(World& world) {
  must(co_await world.client.cancel(Bytes32{3}));
  must(co_await world.client.cancel_copy(Bytes32{3}));
}
asio::awaitable<void> answers_unknown(World& world) {
  Greeting offline;  // cancels are local: the mixnet link does not matter
  offline.is_connected = false;
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet(offline);
  const Cancel cancel = co_await connection->receive_a<Cancel>();
  co_await answer(connection, cancel.query_id, CancelReply{});
  const CopyCancel copy = co_await connection->receive_a<CopyCancel>();
  co_await answer(connection, copy.query_id, CopyCancelReply{});
}

TEST(ThinCancel, UnknownOperation_Succeeds) {
  World world;
  run_both(world.io, cancels_unknown(world), answers_unknown(world));
}

asio::awaitable<void> is_cancelled_by_others(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  co_await answer(connection, start.query_id, with_code(24));
}

TEST(ThinCancel, UnaskedFor24_ReachesTheCaller) {
  World world;
  Got got;
  run_both(world.io, writes(world, 1, got), is_cancelled_by_others(world));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kCancelled);
}

// --- copies ---

CourierId first_courier() {
  const auto event = std::get<wire::NewPkiDocumentEvent>(document_event(true));
  const auto document = must(wire::parse_pki_document(*event.payload));
  return services_of(document, "courier").at(0);
}

asio::awaitable<void> copies(World& world, CourierId courier,
                             std::optional<Result<CopyResult>>& got) {
  const WriteCap cap = some_cap();
  got.emplace(co_await world.client.start_copy(cap, courier));
}
asio::awaitable<void> fails_copy(World& world, CourierId courier) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  co_await first->receive_a<CopyStart>();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(resumed());
  const CopyCancel cancel = co_await second->receive_a<CopyCancel>();
  EXPECT_EQ(cancel.write_cap_hash, crypto::blake2b_256(some_cap().view()));
  co_await answer(second, cancel.query_id, CopyCancelReply{});
  const CopyStart again = co_await second->receive_a<CopyStart>();
  EXPECT_TRUE(equal(*again.write_cap, some_cap().view()));
  EXPECT_EQ(again.courier_identity_hash.value, courier.identity_hash);
  EXPECT_EQ(again.courier_queue_id.value, courier.queue_id);
  co_await answer(second, again.query_id,
                  std::get<CopyReply>(recorded_reply("copy_command_failed")));
}

TEST(ThinCopy, ResumedSession_KeepsThePinAndTellsTheFailure) {
  World world;
  std::optional<Result<CopyResult>> got;
  const CourierId courier = first_courier();
  run_both(world.io, copies(world, courier, got), fails_copy(world, courier));
  const CopyResult result = must(std::move(*got));
  EXPECT_EQ(result.kind, CopyKind::kFailed);
  EXPECT_EQ(result.code, 26);
  EXPECT_EQ(result.replica_code, 10);
  EXPECT_EQ(result.failed_envelope, 1u);
}

asio::awaitable<void> strands_copy(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const CopyStart start = co_await connection->receive_a<CopyStart>();
  // A document without this courier: the daemon would try for ever.
  co_await connection->send(document_event(true));
  const CopyCancel cancel = co_await connection->receive_a<CopyCancel>();
  CopyReply cancelled;
  cancelled.error_code = 24;
  co_await answer(connection, start.query_id, cancelled);
  co_await answer(connection, cancel.query_id, CopyCancelReply{});
  const CopyStart again = co_await connection->receive_a<CopyStart>();
  CopyReply not_listed;
  not_listed.error_code = 4;
  co_await answer(connection, again.query_id, not_listed);
}

TEST(ThinCopy, CourierThatLeftTheDocument_IsAskedForAgainAtOnce) {
  World world;
  std::optional<Result<CopyResult>> got;
  const CourierId unlisted{Bytes32{1}, Bytes{'q'}};
  run_both(world.io, copies(world, unlisted, got), strands_copy(world));
  EXPECT_EQ(must(std::move(*got)).kind, CopyKind::kNotStarted);
}

asio::awaitable<void> answers_copy(World& world, std::string vector) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const CopyStart start = co_await connection->receive_a<CopyStart>();
  co_await answer(connection, start.query_id, std::get<CopyReply>(recorded_reply(vector)));
}

TEST(ThinCopy, RecordedOutcomes_AreSorted) {
  const std::pair<const char*, CopyKind> cases[] = {{"copy_command", CopyKind::kSucceeded},
                                                    {"copy_command_errors", CopyKind::kNotStarted},
                                                    {"cancel_copy_command", CopyKind::kCancelled}};
  for (const auto& [vector, kind] : cases) {
    World world;
    std::optional<Result<CopyResult>> got;
    run_both(world.io, copies(world, first_courier(), got), answers_copy(world, vector));
    EXPECT_EQ(must(std::move(*got)).kind, kind) << vector;
  }
}

}  // namespace
}  // namespace taubenpost::thin

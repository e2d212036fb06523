// Reads, writes and copies: slots, cancels, and starting again after every kind of loss.
#include "support/thin_starts.h"

#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "support/fake_daemon.h"
#include "support/thin_world.h"
#include "thin/client.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;
using namespace asio::experimental::awaitable_operators;
using std::chrono::milliseconds;
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
    EXPECT_EQ(result.kind, kind) << vector << ": " << result.code.text();
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
    EXPECT_EQ(result.kind, kind) << vector << ": " << result.code.text();
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
    const ServiceId courier{Bytes32{1}, Bytes(size, 'q')};
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

asio::awaitable<void> loses_to_a_new_process(World& world) {
  const auto [second, start] = co_await lost_after_a_start(world, restarted());
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
  run_both(world.io, writes(world, 1, got), loses_to_a_new_process(world));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
}

asio::awaitable<void> resumes(World& world, bool says_24) {
  const auto [second, start] = co_await lost_after_a_start(world, resumed());
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
  const auto [second, start] = co_await lost_after_a_start(world, resumed());
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
  // This one knows of nothing that could be cancelled.
  const Start restart = co_await third->receive_a<Start>();
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

}  // namespace
}  // namespace taubenpost::thin

// Ends of every kind at every moment: client, caller, connection and loop, one turn of the loop
// later each time, until the work is over before the end comes.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <exception>
#include <future>

#include "support/fake_daemon.h"
#include "support/thin_work.h"
#include "support/thin_world.h"
#include "thin/blocking_client.h"
#include "thin/client.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;
using namespace asio::experimental::awaitable_operators;
using std::chrono::milliseconds;

constexpr std::uint8_t kNumber = 7;
constexpr milliseconds kLong{100'000};
constexpr int kTurnsMax = 2'000;  // no piece of work takes so many

// One run: a piece of work, and something that happens when so many turns are over.
struct Play {
  World world;
  Work work;
  int turn;
  Gave out{};
  bool is_struck = false;  // it happened while the work went on
  FakeConnectionPtr at;
};
using Strike = asio::awaitable<void> (*)(Play&);

asio::awaitable<void> strikes_in_time(Play& play, Strike strike) {
  co_await turns(play.turn);
  if (play.out.gives != Gives::kNothing) co_return;
  play.is_struck = true;
  co_await strike(play);
}
asio::awaitable<void> works(Play& play) {
  return does(play.world, play.work, kNumber, kLong, play.out);
}
asio::awaitable<void> works_and_is_struck(Play& play, Strike strike) {
  co_await (works(play) && strikes_in_time(play, strike));
}

// Ends the sweep when the work is over before the strike; `expect` judges each run.
template <class Begin, class Expect>
void sweep(Work work, Begin begin, Expect expect) {
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    SCOPED_TRACE("turn " + std::to_string(turn));
    Play play{World(), work, turn, {}, false, {}};
    run_beside(play.world.io, begin(play), is_honest(play.world, play.at));
    expect(play);
    if (!play.is_struck) return;
    if (::testing::Test::HasFailure()) return;
  }
  FAIL() << "the work never ends";
}

void expect_answer_or_cancelled(const Play& play) {
  const bool is_answer = play.out.gives == Gives::kAnswer && play.out.number == kNumber;
  EXPECT_TRUE(is_answer || play.out.gives == Gives::kCancelled)
      << name_of(play.out.gives) << play.out.text;
}

class ThinTeardown : public ::testing::TestWithParam<Work> {};

asio::awaitable<void> destroys_client(Play& play) {
  play.world.owned.reset();
  co_return;
}
asio::awaitable<void> is_destroyed(Play& play) {
  return works_and_is_struck(play, destroys_client);
}

TEST_P(ThinTeardown, DestroyedClient_EndsTheCaller) {
  sweep(GetParam(), is_destroyed, expect_answer_or_cancelled);
}

asio::awaitable<void> closes_client(Play& play) { co_await play.world.client.close(); }
asio::awaitable<void> is_closed(Play& play) { return works_and_is_struck(play, closes_client); }

TEST_P(ThinTeardown, Close_EndsTheCaller) {
  sweep(GetParam(), is_closed, expect_answer_or_cancelled);
}

asio::awaitable<void> nothing(Play&) { co_return; }
// `||` cancels the caller when the turns are over. The client must be as good as new after that.
asio::awaitable<void> is_cancelled(Play& play) {
  co_await (works(play) || strikes_in_time(play, nothing));
  Gave after;
  co_await does(play.world, Work::kLocal, kNumber + 1, kLong, after);
  EXPECT_EQ(after.number, kNumber + 1) << after.text;
}

TEST_P(ThinTeardown, CancelledCaller_ReturnsAndLeavesNothingBehind) {
  sweep(GetParam(), is_cancelled, expect_answer_or_cancelled);
}

asio::awaitable<void> hangs_up(Play& play) {
  if (play.at) play.at->close();
  co_return;
}
asio::awaitable<void> is_hung_up_on(Play& play) { return works_and_is_struck(play, hangs_up); }

TEST_P(ThinTeardown, ClosedConnection_IsSurvived) {
  const bool may_be_lost = GetParam() == Work::kMessage || GetParam() == Work::kReply;
  sweep(GetParam(), is_hung_up_on, [may_be_lost](const Play& play) {
    const bool is_answer = play.out.gives == Gives::kAnswer && play.out.number == kNumber;
    EXPECT_TRUE(is_answer || (may_be_lost && play.out.gives == Gives::kUnknown))
        << name_of(play.out.gives) << play.out.text;
  });
}

// The loop dies with every coroutine in it, wherever they are.
TEST_P(ThinTeardown, DestroyedLoop_DestroysEveryCoroutine) {
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    Gave out;
    FakeConnectionPtr at;
    std::exception_ptr failure;
    const auto notes = [&failure](std::exception_ptr thrown) { failure = thrown; };
    {
      World world;
      asio::co_spawn(world.io, does(world, GetParam(), kNumber, kLong, out), notes);
      asio::co_spawn(world.io, is_honest(world, at), notes);
      for (int i = 0; i < turn && out.gives == Gives::kNothing; ++i)
        world.io.run_one_for(milliseconds(1'000));
      at.reset();
    }
    ASSERT_FALSE(failure) << turn;
    if (out.gives != Gives::kNothing) return;
  }
  FAIL() << "the work never ends";
}

std::string name_of_param(const ::testing::TestParamInfo<Work>& info) {
  return name_of(info.param);
}
INSTANTIATE_TEST_SUITE_P(All, ThinTeardown,
                         ::testing::Values(Work::kLocal, Work::kBuilder, Work::kWrite, Work::kRead,
                                           Work::kCopy, Work::kCancel, Work::kMessage, Work::kReply,
                                           Work::kConnect, Work::kRange),
                         name_of_param);

// --- two closes, and subscribers ---

asio::awaitable<void> closes(World& world, const bool& may_end) {
  co_await turns(10);  // until some of the large request is written
  co_await world.client.close();
  EXPECT_TRUE(may_end) << "closed while a coroutine of the client ran";
}
asio::awaitable<void> builds_much(World& world, Gave& out) {
  const WriteCap cap = cap_of(kNumber);
  const Bytes payload(4'000'000, 1);  // more than a socket holds
  const Destination destination{payload, &cap, {}};
  const auto got =
      co_await world.client.create_courier_envelopes_from_payload(destination, true, true, kLong);
  out = gave(got, [](const CopyElements&) { return kNumber; });
}
asio::awaitable<void> closes_twice(World& world, const bool& may_end, Gave& out) {
  must(co_await world.client.connect());
  co_await (builds_much(world, out) && closes(world, may_end) && closes(world, may_end));
}
asio::awaitable<void> reads_late(World& world, bool& may_end) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  co_await settle();
  may_end = true;
  co_await connection->receive_a<wire::CreateCourierEnvelopesFromPayload>();
  co_await connection->receive_a<wire::ThinClose>();
}

TEST(ThinTeardownAlone, TwoClosesAtOnce_BothWaitForTheEnd) {
  World world;
  bool may_end = false;
  Gave out;
  run_both(world.io, closes_twice(world, may_end, out), reads_late(world, may_end));
  EXPECT_STREQ(name_of(out.gives), "cancelled");
}

asio::awaitable<void> waits_in(Subscription& events, bool& came) {
  must(co_await events.next(kLong));
  came = true;
}
asio::awaitable<void> lets_go(World& world, std::shared_ptr<Subscription>& events) {
  co_await settle();
  events.reset();
  must(co_await world.client.connect());
}
asio::awaitable<void> waits_and_lets_go(World& world, bool& came) {
  std::shared_ptr<Subscription> events = world.client.subscribe();
  co_await (waits_in(*events, came) && lets_go(world, events));
}
asio::awaitable<void> greets(World& world) { co_await world.daemon.accept_and_greet({}); }

// The one who waits keeps the queue.
TEST(ThinTeardownAlone, SubscriptionThatIsLetGo_EndsNoWait) {
  World world;
  bool came = false;
  run_both(world.io, waits_and_lets_go(world, came), greets(world));
  EXPECT_TRUE(came);
}

// A daemon that accepts nobody: the handshake never gets on.
TEST(ThinTeardownAlone, BlockingClientThatIsClosed_EndsAConnectOfAnotherThread) {
  asio::io_context io;
  const FakeDaemon daemon(io);
  BlockingClient client({UnixPath{daemon.socket_path()}, quick(), 16});
  auto waiting = std::async(std::launch::async, [&] { return client.connect(kLong); });
  client.close();
  EXPECT_EQ(waiting.get().error().code, Errc::kCancelled);
}

}  // namespace
}  // namespace taubenpost::thin

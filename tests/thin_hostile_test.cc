// Every kind of pending work against every fault of a daemon; two tables say what each cell gives.
#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "support/fake_daemon.h"
#include "support/thin_starts.h"
#include "support/thin_work.h"
#include "support/thin_world.h"
#include "thin/client.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;
using namespace asio::experimental::awaitable_operators;
using std::chrono::milliseconds;

constexpr std::uint8_t kNumber = 7;
constexpr milliseconds kLong{100'000};

// --- the tables ---

// When the first connection ends.
enum class Loss : std::uint8_t {
  kBefore,      // before the work is begun
  kInRequest,   // in the middle of the request
  kUnanswered,  // after the request
  kInReply,     // in the middle of the answer
  kGarbage,     // garbage comes instead of the answer: the client hangs up
  kAnswered,    // right after the answer
};
// Who is there when the client dials again.
enum class Back : std::uint8_t {
  kRestarted,  // another process: another instance token
  kForgotten,  // the same, without our session
  kResumed,    // the same, with it
};
// The requests that the second connection gets, and what the caller gets.
struct Cell {
  const char* again;
  Gives gives;
};
struct LossRow {
  Work work;
  std::vector<Loss> losses;
  Cell cells[3];  // by Back
};

constexpr Gives kAnswer = Gives::kAnswer;
constexpr Gives kUnknown = Gives::kUnknown;
const std::vector<Loss> kBefore{Loss::kBefore};
const std::vector<Loss> kAnswered{Loss::kAnswered};
const std::vector<Loss> kUnfinished{Loss::kUnanswered, Loss::kInReply, Loss::kGarbage};
const std::vector<Loss> kHalfway{Loss::kInRequest, Loss::kUnanswered, Loss::kInReply,
                                 Loss::kGarbage};
const std::vector<Loss> kAlways{Loss::kBefore,  Loss::kInRequest, Loss::kUnanswered,
                                Loss::kInReply, Loss::kGarbage,   Loss::kAnswered};

// thin-protocol 6.9. "": the second connection gets no request.
const LossRow kLosses[] = {
    // work, losses                another process      session forgotten    session resumed
    {Work::kLocal, kBefore, {{"ask", kAnswer}, {"ask", kAnswer}, {"ask", kAnswer}}},
    {Work::kLocal, kHalfway, {{"ask", kAnswer}, {"ask", kAnswer}, {"ask", kAnswer}}},
    {Work::kLocal, kAnswered, {{"", kAnswer}, {"", kAnswer}, {"", kAnswer}}},
    {Work::kBuilder, kBefore, {{"build", kAnswer}, {"build", kAnswer}, {"build", kAnswer}}},
    {Work::kBuilder, kHalfway, {{"build", kAnswer}, {"build", kAnswer}, {"build", kAnswer}}},
    {Work::kBuilder, kAnswered, {{"", kAnswer}, {"", kAnswer}, {"", kAnswer}}},
    {Work::kWrite, kBefore, {{"start", kAnswer}, {"start", kAnswer}, {"start", kAnswer}}},
    {Work::kWrite, kHalfway, {{"start", kAnswer}, {"start", kAnswer}, {"cancel start", kAnswer}}},
    {Work::kWrite, kAnswered, {{"", kAnswer}, {"", kAnswer}, {"", kAnswer}}},
    {Work::kRead, kBefore, {{"start", kAnswer}, {"start", kAnswer}, {"start", kAnswer}}},
    {Work::kRead, kHalfway, {{"start", kAnswer}, {"start", kAnswer}, {"cancel start", kAnswer}}},
    {Work::kRead, kAnswered, {{"", kAnswer}, {"", kAnswer}, {"", kAnswer}}},
    {Work::kCopy, kBefore, {{"copy", kAnswer}, {"copy", kAnswer}, {"copy", kAnswer}}},
    {Work::kCopy, kHalfway, {{"copy", kAnswer}, {"copy", kAnswer}, {"cancel copy", kAnswer}}},
    {Work::kCopy, kAnswered, {{"", kAnswer}, {"", kAnswer}, {"", kAnswer}}},
    // The write that is cancelled is never started again.
    {Work::kCancel, kBefore, {{"cancel", kAnswer}, {"cancel", kAnswer}, {"cancel", kAnswer}}},
    {Work::kCancel, kHalfway, {{"cancel", kAnswer}, {"cancel", kAnswer}, {"cancel", kAnswer}}},
    {Work::kCancel, kAnswered, {{"", kAnswer}, {"", kAnswer}, {"", kAnswer}}},
    {Work::kMessage, kBefore, {{"send", kAnswer}, {"send", kAnswer}, {"send", kAnswer}}},
    {Work::kMessage, kHalfway, {{"", kUnknown}, {"", kUnknown}, {"", kUnknown}}},
    {Work::kMessage, kAnswered, {{"", kAnswer}, {"", kAnswer}, {"", kAnswer}}},
    // A resumed session has the reply block, and with it the reply.
    {Work::kReply, kUnfinished, {{"", kUnknown}, {"", kUnknown}, {"", kAnswer}}},
    {Work::kReply, kAnswered, {{"", kAnswer}, {"", kAnswer}, {"", kAnswer}}},
    {Work::kConnect, kAlways, {{"", kAnswer}, {"", kAnswer}, {"", kAnswer}}},
};

// What happens on a connection that lasts.
enum class Fault : std::uint8_t {
  kReordered,  // two of the same kind; the second is answered first
  kSplit,      // the answer comes byte by byte
  kNoise,      // frames that mean nothing, before and after the answer; and the answer twice
  kSilent,     // no answer within the limit
};
struct FaultRow {
  Work work;
  Gives gives[4];        // by Fault
  const char* requests;  // all that the silent daemon gets
};

constexpr Gives kTemporary = Gives::kTemporary;
const FaultRow kFaults[] = {
    //                reordered, split, noise, silent
    {Work::kLocal, {kAnswer, kAnswer, kAnswer, kTemporary}, "ask"},
    {Work::kBuilder, {kAnswer, kAnswer, kAnswer, kTemporary}, "build"},
    {Work::kWrite, {kAnswer, kAnswer, kAnswer, kUnknown}, "start cancel"},
    {Work::kRead, {kAnswer, kAnswer, kAnswer, kTemporary}, "start cancel"},
    {Work::kCopy, {kAnswer, kAnswer, kAnswer, kUnknown}, "copy cancel"},
    {Work::kCancel, {kAnswer, kAnswer, kAnswer, kTemporary}, "start cancel"},
    {Work::kMessage, {kAnswer, kAnswer, kAnswer, kUnknown}, "send"},
    {Work::kReply, {kAnswer, kAnswer, kAnswer, kTemporary}, "send"},
    {Work::kConnect, {kAnswer, kAnswer, kAnswer, Gives::kGone}, ""},
};

// --- the first connection ---

asio::awaitable<void> cuts(FakeConnectionPtr connection, Loss loss, Bytes answer, Bytes broken) {
  if (loss == Loss::kInReply) answer.resize(answer.size() / 2);
  if (loss == Loss::kInReply || loss == Loss::kAnswered)
    co_await connection->write(std::move(answer));
  if (loss == Loss::kGarbage) {
    co_await connection->write(std::move(broken));
    co_await connection->receive_end();
  }
  connection->close();
}

// The handshake of a pending connect(), lost at its third message or its fourth.
asio::awaitable<void> loses_handshake(FakeConnectionPtr connection, Loss loss, Bytes broken) {
  if (loss != Loss::kBefore) {
    co_await connection->send(status_event({}));
    co_await connection->send(document_event(true));
    if (loss == Loss::kInRequest) co_await connection->receive_bytes(9);
    if (loss != Loss::kInRequest) co_await connection->receive_a<wire::SessionToken>();
  }
  Bytes answer = frame_of(session_reply(false));
  co_await cuts(connection, loss, std::move(answer), std::move(broken));
}

// Returns the request that was lost, if it came.
asio::awaitable<std::optional<wire::Request>> loses_work(FakeConnectionPtr connection, Work work,
                                                         Loss loss, Bytes broken) {
  if (work == Work::kCancel) co_await connection->receive_a<Start>();
  std::optional<wire::Request> request;
  Bytes answer;
  if (loss == Loss::kInRequest) {
    co_await connection->receive_bytes(9);
  } else if (loss != Loss::kBefore) {
    request.emplace(co_await connection->receive());
    std::vector<wire::Response> answers = answers_to(*request);
    if (work == Work::kReply) {  // it is sent, and only its reply is missing
      co_await connection->send(answers[0]);
      co_await settle();
    }
    answer = frame_of(answers.at(work == Work::kReply ? 1 : 0));
  }
  co_await cuts(connection, loss, std::move(answer), std::move(broken));
  co_return request;
}

// --- the second connection ---

Greeting greeting_of(Back back) {
  if (back == Back::kRestarted) return restarted();
  return back == Back::kResumed ? resumed() : Greeting{};
}

asio::awaitable<void> comes_back(World& world, Back back, bool has_reply,
                                 std::optional<wire::Request> lost, std::string& again) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet(greeting_of(back));
  if (has_reply) co_await connection->send(answers_to(*lost).at(1));
  while (true) {
    const wire::Request request = co_await connection->receive();
    if (std::holds_alternative<wire::ThinClose>(request)) co_return;
    const std::string word = word_of(request);
    again += (again.empty() ? "" : " ") + word;
    if (lost && word_of(*lost) == word) {
      EXPECT_NE(wire::query_id_of(request), wire::query_id_of(*lost));
      EXPECT_EQ(nameless(request), nameless(*lost));
    }
    for (wire::Response& answer : answers_to(request)) co_await connection->send(answer);
  }
}

asio::awaitable<void> loses(World& world, Work work, Loss loss, Back back, Bytes broken,
                            std::string& again) {
  std::optional<wire::Request> lost;
  if (work == Work::kConnect) {
    const FakeConnectionPtr first = co_await world.daemon.accept();
    co_await loses_handshake(first, loss, std::move(broken));
  } else {
    const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
    lost = co_await loses_work(first, work, loss, std::move(broken));
  }
  const bool has_reply = work == Work::kReply && back == Back::kResumed && loss != Loss::kAnswered;
  co_await comes_back(world, back, has_reply, std::move(lost), again);
}

// --- the caller ---

// The cancelled write must end as that, whatever happens to the cancel.
asio::awaitable<void> is_cancelled(World& world, std::uint8_t number) {
  Got got;
  co_await writes(world, number, got, kLong);
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kCancelled);
}
asio::awaitable<void> begins(World& world, std::shared_ptr<Subscription> events, Work work,
                             Loss loss, Gave& out) {
  if (loss == Loss::kBefore) co_await until<DisconnectedEvent>(events);
  co_await does(world, work, kNumber, kLong, out);
}
asio::awaitable<void> suffers(World& world, Work work, Loss loss, Gave& out) {
  const auto events = world.client.subscribe();
  if (work == Work::kConnect) {
    co_await does(world, work, kNumber, kLong, out);
    if (loss == Loss::kAnswered) co_await until<DisconnectedEvent>(events);
  } else {
    must(co_await world.client.connect());
    co_await until<ConnectedEvent>(events);
    if (work == Work::kCancel)
      co_await (is_cancelled(world, kNumber) && begins(world, events, work, loss, out));
    else
      co_await begins(world, events, work, loss, out);
  }
  co_await until<ConnectedEvent>(events);
  co_await settle();
  co_await world.client.close();
}

void expect_cell(Work work, Loss loss, Back back, const Bytes& broken, const Cell& cell) {
  World world;
  Gave out;
  std::string again;
  run_both(world.io, suffers(world, work, loss, out),
           loses(world, work, loss, back, broken, again));
  EXPECT_STREQ(name_of(out.gives), name_of(cell.gives)) << out.text;
  EXPECT_EQ(out.number, cell.gives == kAnswer ? kNumber : 0);
  EXPECT_EQ(again, cell.again);
}

class ThinHostileLoss : public ::testing::TestWithParam<Work> {};

TEST_P(ThinHostileLoss, OfTheConnection_GivesWhatTheTableSays) {
  std::size_t cells = 0;
  for (const LossRow& row : kLosses) {
    if (row.work != GetParam()) continue;
    for (const Loss loss : row.losses)
      for (const Back back : {Back::kRestarted, Back::kForgotten, Back::kResumed})
        for (const Bytes& broken : loss == Loss::kGarbage ? garbage() : std::vector<Bytes>(1)) {
          SCOPED_TRACE(std::string("loss ") + std::to_string(static_cast<int>(loss)) + ", back " +
                       std::to_string(static_cast<int>(back)) + ", garbage " + to_hex(broken));
          expect_cell(row.work, loss, back, broken, row.cells[static_cast<std::size_t>(back)]);
          ++cells;
        }
  }
  // A message that is sent was not lost before, and not in its request.
  const std::size_t losses = GetParam() == Work::kReply ? 3 : 5;
  EXPECT_EQ(cells, 3 * (losses + garbage().size()));
}

// --- connections that last ---

asio::awaitable<void> sends_all(FakeConnectionPtr connection, std::vector<wire::Response> frames,
                                std::size_t piece) {
  for (const wire::Response& frame : frames) {
    Bytes bytes = frame_of(frame);
    co_await connection->write_slowly(std::move(bytes), piece);
  }
}

asio::awaitable<void> replies_to(FakeConnectionPtr connection, wire::Request request, Fault fault) {
  if (fault == Fault::kSilent) co_return;
  const std::vector<wire::Response> answers = answers_to(request);
  const std::vector<wire::Response> nothing = noise(wire::query_id_of(request));
  const bool is_noisy = fault == Fault::kNoise;
  if (is_noisy) co_await sends_all(connection, nothing, 1'000'000);
  co_await sends_all(connection, answers, fault == Fault::kSplit ? 1 : 1'000'000);
  if (is_noisy) co_await sends_all(connection, answers, 1'000'000);
  if (is_noisy) co_await sends_all(connection, nothing, 1'000'000);
}

// What a handshake looks like under a fault; never complete for the silent daemon.
asio::awaitable<void> greets_badly(FakeConnectionPtr connection, Fault fault) {
  if (fault == Fault::kSilent) co_return;
  const std::vector<wire::Response> nothing =
      fault == Fault::kNoise ? noise(Bytes16{}) : std::vector<wire::Response>{};
  std::vector<wire::Response> first{status_event({}), document_event(true)};
  if (fault == Fault::kReordered) std::swap(first[0], first[1]);
  const std::size_t piece = fault == Fault::kSplit ? 1 : 1'000'000;
  // A session reply that comes too soon is nobody's.
  co_await sends_all(connection, nothing, piece);
  co_await sends_all(connection, std::move(first), piece);
  co_await connection->receive_a<wire::SessionToken>();
  Bytes last = frame_of(session_reply(false));
  co_await connection->write_slowly(std::move(last), piece);
  co_await sends_all(connection, nothing, piece);
}

// Serves one connection until the client says goodbye, and keeps the requests.
asio::awaitable<void> serves(World& world, Work work, Fault fault, std::string& requests) {
  const FakeConnectionPtr connection = co_await world.daemon.accept();
  if (work == Work::kConnect)
    co_await greets_badly(connection, fault);
  else
    co_await greet(connection, {});
  if (work == Work::kConnect && fault == Fault::kSilent)
    co_return co_await connection->receive_end();
  std::vector<wire::Request> held;
  while (true) {
    wire::Request request = co_await connection->receive();
    if (std::holds_alternative<wire::ThinClose>(request)) co_return;
    requests += (requests.empty() ? "" : " ") + word_of(request);
    // The write that will be cancelled has no other end.
    if (work == Work::kCancel && std::holds_alternative<Start>(request)) continue;
    if (work == Work::kReply && fault == Fault::kSilent)
      co_await connection->send(answers_to(request).at(0));
    if (fault != Fault::kReordered) {
      co_await replies_to(connection, std::move(request), fault);
      continue;
    }
    held.push_back(std::move(request));
    if (held.size() < 2) continue;
    // Also the two events of one message change places.
    for (const wire::Request* one : {&held[1], &held[0]}) {
      std::vector<wire::Response> answers = answers_to(*one);
      std::reverse(answers.begin(), answers.end());
      co_await sends_all(connection, std::move(answers), 1'000'000);
    }
  }
}

asio::awaitable<void> works(World& world, Work work, std::uint8_t number, Limit limit, Gave& out) {
  if (work == Work::kCancel)
    co_await (is_cancelled(world, number) && does(world, work, number, limit, out));
  else
    co_await does(world, work, number, limit, out);
}
asio::awaitable<void> works_once(World& world, Work work, Limit limit, Gave& out) {
  if (work != Work::kConnect) must(co_await world.client.connect());
  co_await works(world, work, kNumber, limit, out);
  co_await settle();
  co_await world.client.close();
}
asio::awaitable<void> works_twice(World& world, Work work, Gave& one, Gave& two) {
  if (work != Work::kConnect) must(co_await world.client.connect());
  co_await (works(world, work, kNumber, kLong, one) && works(world, work, kNumber + 1, kLong, two));
  co_await world.client.close();
}

class ThinHostileFault : public ::testing::TestWithParam<Work> {
 protected:
  static const FaultRow& row() {
    for (const FaultRow& row : kFaults)
      if (row.work == GetParam()) return row;
    throw std::runtime_error("no row");
  }
  static Gives expected(Fault fault) { return row().gives[static_cast<std::size_t>(fault)]; }
};

TEST_P(ThinHostileFault, ReorderedReplies_ReachTheirOwnCallers) {
  World world;
  Gave one, two;
  std::string requests;
  run_both(world.io, works_twice(world, GetParam(), one, two),
           serves(world, GetParam(), Fault::kReordered, requests));
  for (const Gave& out : {one, two})
    EXPECT_STREQ(name_of(out.gives), name_of(expected(Fault::kReordered))) << out.text;
  EXPECT_EQ(one.number, kNumber);
  EXPECT_EQ(two.number, kNumber + 1);
}

TEST_P(ThinHostileFault, SplitFramesAndNoise_DoNotMatter) {
  for (const Fault fault : {Fault::kSplit, Fault::kNoise}) {
    World world;
    Gave out;
    std::string requests;
    run_both(world.io, works_once(world, GetParam(), kLong, out),
             serves(world, GetParam(), fault, requests));
    EXPECT_STREQ(name_of(out.gives), name_of(expected(fault))) << out.text;
    EXPECT_EQ(out.number, kNumber);
  }
}

TEST_P(ThinHostileFault, SilentDaemon_GivesWhatTheTableSaysAtTheLimit) {
  World world;
  Gave out;
  std::string requests;
  run_both(world.io, works_once(world, GetParam(), milliseconds(30), out),
           serves(world, GetParam(), Fault::kSilent, requests));
  EXPECT_STREQ(name_of(out.gives), name_of(expected(Fault::kSilent))) << out.text;
  EXPECT_EQ(requests, row().requests);
}

// --- everything at once ---

// A cancel comes with the write that it ends.
constexpr Work kMixed[] = {Work::kLocal, Work::kBuilder, Work::kWrite, Work::kRead,
                           Work::kCopy,  Work::kMessage, Work::kReply, Work::kCancel};
constexpr std::size_t kMixedRequests = std::size(kMixed) + 1;

asio::awaitable<void> works_from(World& world, std::size_t first, std::vector<Gave>& out) {
  const auto number = static_cast<std::uint8_t>(first + 1);
  if (first + 1 < std::size(kMixed))
    co_await (works(world, kMixed[first], number, kLong, out[first]) &&
              works_from(world, first + 1, out));
  else
    co_await works(world, kMixed[first], number, kLong, out[first]);
}
asio::awaitable<void> works_at_everything(World& world, std::vector<Gave>& out) {
  must(co_await world.client.connect());
  co_await works_from(world, 0, out);
}
// Collects every request, and answers them in an order that begins at `shift`.
asio::awaitable<void> answers_in_turn(World& world, std::size_t shift, bool backwards) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  std::vector<wire::Response> answers;
  for (std::size_t i = 0; i < kMixedRequests; ++i) {
    const wire::Request request = co_await connection->receive();
    const auto* start = std::get_if<Start>(&request);
    // The write that is cancelled is never answered.
    if (start != nullptr && start->envelope_hash->at(0) == std::size(kMixed)) continue;
    for (wire::Response& answer : answers_to(request)) answers.push_back(std::move(answer));
  }
  if (backwards) std::reverse(answers.begin(), answers.end());
  std::rotate(answers.begin(), answers.begin() + static_cast<std::ptrdiff_t>(shift), answers.end());
  co_await sends_all(connection, std::move(answers), 1'000'000);
}

TEST(ThinHostile, AnswersInAnyTurn_ReachTheirOwnCallers) {
  constexpr std::size_t kAnswers = std::size(kMixed) + 2;  // a message has two
  for (const bool backwards : {false, true})
    for (std::size_t shift = 0; shift < kAnswers; ++shift) {
      World world;
      std::vector<Gave> out(std::size(kMixed));
      run_both(world.io, works_at_everything(world, out), answers_in_turn(world, shift, backwards));
      for (std::size_t i = 0; i < out.size(); ++i) {
        EXPECT_STREQ(name_of(out[i].gives), "answer") << name_of(kMixed[i]) << out[i].text;
        EXPECT_EQ(out[i].number, i + 1) << name_of(kMixed[i]);
      }
    }
}

std::string name_of_param(const ::testing::TestParamInfo<Work>& info) {
  return name_of(info.param);
}
INSTANTIATE_TEST_SUITE_P(All, ThinHostileLoss, ::testing::ValuesIn(kAllWork), name_of_param);
INSTANTIATE_TEST_SUITE_P(All, ThinHostileFault, ::testing::ValuesIn(kAllWork), name_of_param);

}  // namespace
}  // namespace taubenpost::thin

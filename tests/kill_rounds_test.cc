// Kill rounds: twenty jobs to three recipients, real processes, and SIGKILL at arbitrary moments.
//
// A local network loses requests and replies, delays packets and has its couriers restarted. In one
// test the sender is killed again and again, in the other the network; each before both behaviours
// of the daemon. Most moments are told by the sender's progress, the bytes that it has written to
// the log of its store, so that the rounds are the same on a slow machine; some come a few
// milliseconds after a start. In the end everything is there once, byte for byte. Time passes
// kTimeScale times as fast in all processes.
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "support/cli_fixture.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

struct Rounds {
  int kills;  // fewer where the jobs are done before, on a quick machine
  int kills_at_least;
  int kills_for_a_job;  // until one more is queued
  std::uint64_t bytes;  // that the sender writes from one kill to the next, at most
};
constexpr Rounds kUsual{100, 40, 8, 5'000};
constexpr Rounds kMany{200, 100, 16, 2'500};  // where TP_WHOLE_MATRIX is set, as in tools/nightly
constexpr int kJobs = 20;
constexpr int kQueuedAtFirst = 8;
constexpr const char* kTimeScale = "100";
constexpr std::size_t kBox = 1673;  // about one box of the network
const std::vector<std::string> kRecipients{"anna", "bert", "cleo"};

class KillRoundsTest : public CliTest, public ::testing::WithParamInterface<const char*> {
 protected:
  KillRoundsTest() { ::setenv("TP_TIME_SCALE", kTimeScale, /*overwrite=*/1); }
  ~KillRoundsTest() override { ::unsetenv("TP_TIME_SCALE"); }

  void SetUp() override {
    start_network();
    init("sender");
    for (const std::string& who : kRecipients) {
      init(who);
      connect("sender", who);
      fs::create_directory(path(who + "-files"));
    }
    while (queued_ < kQueuedAtFirst) queue_next();
  }

  void start_network() {
    network_ = std::make_unique<Program>(
        output_.path(), Arguments{"localnet", "--listen", "unix:" + path("network.sock"), "--data",
                                  path("network"), "--write-thin-config", path("thinclient.toml"),
                                  "--time-scale", kTimeScale, "--daemon", GetParam(), "--profile",
                                  "c", "--set", "request_loss=0.03", "--set", "reply_loss=0.03"});
    ASSERT_TRUE(network_->says("listening on")) << network_->wait().err;
  }
  void kill_network() {
    network_->send_signal(SIGKILL);
    network_->wait();
    start_network();
  }
  void start_sender() {
    mark_ = newest_log();
    sender_ = start_as("sender", {"serve", "--until-idle"});
  }
  // From 0 bytes (inside the letter) to 40 boxes; to one, two or all three recipients.
  static std::string content(int job) {
    constexpr double kBoxes[] = {0,  0.01, 0.5, 1, 1.01, 2,   3,  5,  8,   13,
                                 20, 0.7,  4,   6, 0.3,  9.5, 11, 16, 0.9, 40};
    std::string bytes(static_cast<std::size_t>(kBoxes[job] * kBox), '\0');
    std::minstd_rand random(static_cast<unsigned>(job + 1));
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  }
  static std::string name(int job) { return "file" + std::to_string(job); }
  static bool goes_to(int job, std::size_t recipient) {
    constexpr unsigned kSets[] = {0b111, 0b001, 0b110, 0b010, 0b101, 0b100, 0b011};
    return (kSets[job % 7] >> recipient & 1) != 0;
  }
  void queue_next() {
    if (queued_ == kJobs) return;
    const int job = queued_++;
    write_file(path(name(job)), content(job));
    Arguments arguments{"send", path(name(job))};
    for (std::size_t i = 0; i < kRecipients.size(); ++i)
      if (goes_to(job, i)) arguments.insert(arguments.end(), {"--to", kRecipients[i]});
    const Ended sent = run_as("sender", arguments);
    ASSERT_EQ(sent.status, 0) << sent.err;
  }
  void restart_a_courier() {
    const Ended restarted = run({"localnet", "ctl", "--data", path("network"), "restart-courier",
                                 std::to_string(below(3))});
    ASSERT_EQ(restarted.status, 0) << restarted.err;
  }

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  static void wait_ms(std::uint64_t ms) { ::poll(nullptr, 0, static_cast<int>(ms)); }

  // Number and size of the log that the sender's store writes to; every start begins a new one.
  using Log = std::pair<std::uint64_t, std::uint64_t>;
  Log newest_log() const {
    Log newest{0, 0};
    for (const auto& entry : fs::directory_iterator(path("sender/store.db"))) {
      std::error_code gone;
      if (entry.path().extension() != ".log") continue;
      const std::uint64_t size = entry.file_size(gone);
      if (!gone) newest = std::max(newest, {std::stoull(entry.path().stem()), size});
    }
    return newest;
  }
  // An arbitrary moment: when the sender has written some bytes since `mark_`, or has ended; now
  // and then after a few milliseconds.
  void wait_for_a_moment() {
    constexpr std::uint64_t kMs = 150;
    if (below(8) == 0) return wait_ms(below(kMs));
    const std::uint64_t bytes = below(rounds_.bytes);
    for (int i = 0; i < 30'000 && sender_->is_running(); ++i) {
      const Log log = newest_log();
      if (log.second >= (log.first == mark_.first ? mark_.second : 0) + bytes) return;
      wait_ms(2);
    }
    ASSERT_FALSE(sender_->is_running()) << "the sender makes no progress";
  }

  void finish_sending() {
    while (queued_ < kJobs) queue_next();
    start_sender();
    const Ended ended = sender_->wait();
    ASSERT_EQ(ended.status, 0) << ended.err;
    const Ended listed = run_as("sender", {"list", "--json"});
    std::istringstream lines(listed.out);
    int posted = 0;
    for (std::string line; std::getline(lines, line); ++posted)
      EXPECT_EQ(nlohmann::json::parse(line).at("state"), "posted") << line;
    EXPECT_EQ(posted, kJobs);
  }
  // Again and again, until nothing new is there: a lost packet may end a round early.
  void receive_all() {
    constexpr int kNothingNew = 9, kLater = 5;
    std::vector<std::string> waiting = kRecipients;
    for (int round = 0; !waiting.empty(); ++round) {
      ASSERT_LT(round, 10) << "letters without end";
      std::vector<std::unique_ptr<Program>> receivers;
      for (const std::string& who : waiting)
        receivers.push_back(start_as(who, {"receive", "--into", path(who + "-files")}));
      std::vector<std::string> more;
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        const Ended ended = receivers[i]->wait();
        if (ended.status == kNothingNew) continue;
        EXPECT_TRUE(ended.status == 0 || ended.status == kLater) << ended.status << ended.err;
        more.push_back(waiting[i]);
      }
      waiting = more;
    }
  }
  void expect_everything_once() const {
    for (std::size_t i = 0; i < kRecipients.size(); ++i) {
      std::set<std::string> expected, found;
      const std::string folder = path(kRecipients[i] + "-files");
      for (const auto& entry : fs::directory_iterator(folder))
        found.insert(entry.path().filename());
      for (int job = 0; job < kJobs; ++job) {
        if (!goes_to(job, i)) continue;
        expected.insert(name(job));
        EXPECT_TRUE(content_of(folder + "/" + name(job)) == content(job))
            << name(job) << " has other bytes at " << kRecipients[i];
      }
      EXPECT_EQ(found, expected) << "at " << kRecipients[i];
    }
  }
  void expect_no_conflict() {
    const Ended audit = run({"localnet", "ctl", "--data", path("network"), "audit", "--json"});
    ASSERT_EQ(audit.status, 0) << audit.err;
    EXPECT_EQ(nlohmann::json::parse(audit.out).at("conflicting_writes"), 0) << audit.out;
  }

  const Rounds rounds_ = std::getenv("TP_WHOLE_MATRIX") != nullptr ? kMany : kUsual;
  std::mt19937_64 random_{20};
  std::unique_ptr<Program> network_, sender_;
  Log mark_;
  int queued_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Daemon, KillRoundsTest, ::testing::Values("robust", "upstream"),
                         [](const auto& daemon) { return std::string(daemon.param); });

TEST_P(KillRoundsTest, SenderKilledAtAnyMoment_DeliversEverythingOnce) {
  int kills = 0;
  while (kills < rounds_.kills) {
    start_sender();
    wait_for_a_moment();
    sender_->send_signal(SIGKILL);
    const Ended ended = sender_->wait();
    if (HasFailure()) return;
    if (ended.status == 0) {
      if (queued_ == kJobs) break;
      queue_next();
      continue;
    }
    ASSERT_EQ(ended.status, 128 + SIGKILL) << ended.err;
    if (++kills % rounds_.kills_for_a_job == 0) queue_next();
    if (kills % 10 == 0) restart_a_courier();
  }
  EXPECT_GE(kills, rounds_.kills_at_least);
  finish_sending();
  receive_all();
  expect_everything_once();
  expect_no_conflict();
}

TEST_P(KillRoundsTest, NetworkKilledAtAnyMoment_DeliversEverythingOnce) {
  start_sender();
  int kills = 0;
  while (kills < rounds_.kills) {
    wait_for_a_moment();
    if (HasFailure()) return;
    if (!sender_->is_running()) {
      const Ended ended = sender_->wait();
      ASSERT_EQ(ended.status, 0) << ended.err;
      sender_.reset();
      if (queued_ == kJobs) break;
      queue_next();
      start_sender();
      continue;
    }
    mark_ = newest_log();
    kill_network();
    ++kills;
  }
  if (sender_ != nullptr) {
    const Ended ended = sender_->wait();
    ASSERT_EQ(ended.status, 0) << ended.err;
  }
  EXPECT_GE(kills, rounds_.kills_at_least);
  finish_sending();
  receive_all();
  expect_everything_once();
  expect_no_conflict();
}

}  // namespace
}  // namespace taubenpost

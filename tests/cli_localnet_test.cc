// taubenpost localnet: knobs at the start, and what can be asked while it runs.
#include <nlohmann/json.hpp>

#include "support/cli_fixture.h"
#include "support/places.h"
#include "support/transcript.h"

namespace taubenpost {
namespace {

using nlohmann::json;

class CliLocalnet : public CliNetworkTest {
 protected:
  Ended ctl(Arguments arguments) {
    arguments.insert(arguments.begin(), {"localnet", "ctl", "--data", path("network")});
    return run(std::move(arguments));
  }
  Arguments start(Arguments more) const {
    more.insert(more.begin(), {"localnet", "--listen", "unix:" + path("network.sock"), "--data",
                               path("network")});
    return more;
  }
};

TEST_F(CliLocalnet, FileThenOptions_SetTheKnobs) {
  write_file(path("knobs.toml"), "copy_poll = 70\nreply_loss = 0.5\n");
  Program network(output_.path(), start({"--knobs", path("knobs.toml"), "--set", "copy_poll=30",
                                         "--set", "storage_full=1"}));
  ASSERT_TRUE(network.says("listening on"));
  const Ended shown = ctl({"knobs", "--json"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  const json knobs = json::parse(shown.out);
  EXPECT_EQ(knobs["copy_poll"], 30);
  EXPECT_EQ(knobs["reply_loss"], 0.5);
  EXPECT_EQ(knobs["storage_full"], json::array({1}));
  network.send_signal(SIGTERM);
  EXPECT_EQ(network.wait().status, 0);
}

TEST_F(CliLocalnet, UnknownDaemon_IsRefusedBeforeAnythingIsMade) {
  expect_error(run(start({"--daemon", "real"})), 2, "there is no daemon real");
  EXPECT_FALSE(std::filesystem::exists(path("network")));
}

TEST_F(CliLocalnet, WrongKnobs_AreRefusedBeforeAnythingIsMade) {
  expect_error(run(start({"--set", "no_such=1"})), 2, "there is no knob no_such");
  expect_error(run(start({"--set", "reply_loss=2"})), 2, "knob reply_loss: 2 is not possible");
  write_file(path("knobs.toml"), "\nno_such = 1\n");
  expect_error(run(start({"--knobs", path("knobs.toml")})), 2, ":2: there is no knob no_such");
  expect_error(run(start({"--time-scale", "0"})), 2, "time scale 0 is not possible");
  expect_error(run(start({"--time-scale", "nan"})), 2, "time scale nan is not possible");
  EXPECT_FALSE(std::filesystem::exists(path("network")));
}

TEST_F(CliLocalnet, Profile_SetsTheRatesAndTheBoxSizeOfTheFolder) {
  expect_error(run(start({"--profile", "d"})), 2, "there is no profile d");
  {
    Program network(output_.path(), start({"--profile", "c", "--set", "hop_rate=0"}));
    ASSERT_TRUE(network.says("listening on"));
    const json knobs = json::parse(ctl({"knobs", "--json"}).out);
    EXPECT_EQ(knobs["slot_rate"], 0.02);
    EXPECT_EQ(knobs["hop_rate"], 0.0);
    network.send_signal(SIGTERM);
    EXPECT_EQ(network.wait().status, 0);
  }
  expect_error(run(start({"--profile", "fast"})), 2, "holds boxes of another size");
  Program again(output_.path(), start({"--profile", "b"}));
  EXPECT_TRUE(again.says("listening on"));
}

TEST_F(CliLocalnet, Size_IsThatOfTheOptionsAndGrowsWithTheFolder) {
  const auto network_of = [this](const char* replicas, const char* couriers) {
    return start(
        {"--replicas", replicas, "--couriers", couriers, "--write-thin-config", path("thin.toml")});
  };
  for (const auto& [replicas, couriers, what] :
       {std::tuple("1", "3", "1 replicas are not possible"),
        std::tuple("65", "3", "65 replicas are not possible"),
        std::tuple("5", "0", "0 couriers are not possible"),
        std::tuple("5", "17", "17 couriers are not possible")})
    expect_error(run(network_of(replicas, couriers)), 2, what);
  EXPECT_FALSE(std::filesystem::exists(path("network")));
  write_file(path("text"), "hello");
  const Arguments thin{"--thin-config", path("thin.toml")};
  const auto raw = [&](Arguments words) {
    words.insert(words.begin(), "raw");
    words.insert(words.end(), thin.begin(), thin.end());
    Program::Options options;
    options.stdin_path = path("text");
    return run(std::move(words), options);
  };
  {
    Program network(output_.path(), network_of("3", "1"));
    ASSERT_TRUE(network.says("listening on"));
    EXPECT_EQ(raw({"keypair", "--out", path("key"), "--reader", path("reader")}).status, 0);
    EXPECT_EQ(raw({"write", path("key")}).status, 0);
    EXPECT_EQ(json::parse(ctl({"audit", "--json"}).out)["replicas"].size(), 3U);
    network.send_signal(SIGTERM);
    EXPECT_EQ(network.wait().status, 0);
  }
  Program network(output_.path(), network_of("12", "4"));
  ASSERT_TRUE(network.says("listening on"));
  const Ended read = raw({"read", path("reader"), "--wait"});
  EXPECT_EQ(read.out, "hello") << read.err;
  EXPECT_EQ(ctl({"set", "replica_down=11", "courier_unlisted=3", "--json"}).out,
            "{\"replica_down\":[11],\"courier_unlisted\":[3]}\n");
  EXPECT_EQ(ctl({"restart-replica", "11"}).status, 0);
  EXPECT_EQ(ctl({"restart-courier", "3"}).status, 0);
  expect_error(ctl({"restart-replica", "12"}), 1,
               "there is no replica 12: the first is 0, the last 11",
               /*has_hint=*/false);
  const Ended pki = run({"pki", "--thin-config", path("thin.toml")});
  EXPECT_NE(pki.out.find("replica10, replica11\n"), std::string::npos) << pki.out;
  EXPECT_EQ(pki.out.find("servicenode4\n"), pki.out.rfind("servicenode4\n")) << "only echo";
  network.send_signal(SIGTERM);
  EXPECT_EQ(network.wait().status, 0);
  expect_error(run(network_of("5", "3")), 2, "holds boxes of 12 replicas");
}

TEST_F(CliLocalnet, RemoteAddress_NeedsTheOptionAndIsWarnedOf) {
  const Arguments words{"localnet", "--listen", "tcp:0.0.0.0:0", "--data", path("network")};
  const Ended refused = run(words);
  expect_error(refused, 7, "is not a loopback address");
  EXPECT_NE(refused.err.find("--allow-remote"), std::string::npos) << refused.err;
  Arguments allowed = words;
  allowed.push_back("--allow-remote");
  Program network(output_.path(), allowed);
  ASSERT_TRUE(network.says("listening on tcp:0.0.0.0:"));
  network.send_signal(SIGTERM);
  const Ended ended = network.wait();
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.err.rfind("warning: whoever can connect to tcp:0.0.0.0:", 0), 0U) << ended.err;
}

// docs/localnet.md: its commands do what it shows.
TEST_F(CliLocalnet, Guide_Happens) {
  const auto start_step = [this](const Step& step) {
    write_file(path("input"), step.input);
    Program::Options options;
    options.stdin_path = path("input");
    options.folder = folder_.path();
    EXPECT_EQ(step.words.at(0), "taubenpost");
    const Arguments arguments(step.words.begin() + 1, step.words.end());
    return std::make_unique<Program>(output_.path(), arguments, options);
  };
  EXPECT_GE(expect_transcripts(content_of(in_source("docs/localnet.md")), start_step), 15U);
}

TEST_F(CliLocalnet, RunningNetwork_IsChangedAndAsked) {
  start_network("network");
  const Ended set = ctl({"set", "replica_down=0,1", "temp_cleanup=real", "--json"});
  EXPECT_EQ(set.status, 0) << set.err;
  EXPECT_EQ(set.out, "{\"replica_down\":[0,1],\"temp_cleanup\":\"real\"}\n");
  expect_error(ctl({"set", "copy_poll=1", "replica_down=9"}), 1, "knob replica_down",
               /*has_hint=*/false);
  EXPECT_EQ(json::parse(ctl({"knobs", "--json"}).out)["replica_down"], json::array({0, 1}));
  EXPECT_EQ(ctl({"knobs", "storage_full", "--json"}).out, "{\"storage_full\":[]}\n");
  expect_error(ctl({"knobs", "no_such"}), 1, "there is no knob no_such", /*has_hint=*/false);
  EXPECT_EQ(ctl({"restart-courier", "2"}).status, 0);
  EXPECT_EQ(ctl({"restart-replica", "4"}).status, 0);
  expect_error(ctl({"restart-courier", "3"}), 1, "there is no courier 3", /*has_hint=*/false);
  expect_error(ctl({"restart-courier"}), 1, "expected restart-courier N", /*has_hint=*/false);
  expect_error(ctl({"dance"}), 1, "there is no command dance", /*has_hint=*/false);
  const json slow = json::parse(ctl({"profile", "b", "--json"}).out);
  EXPECT_EQ(slow["slot_rate"], 0.001);
  EXPECT_FALSE(slow.contains("replica_down"));
  EXPECT_EQ(ctl({"knobs", "replica_down", "--json"}).out, "{\"replica_down\":[0,1]}\n")
      << "faults stay";
  EXPECT_EQ(json::parse(ctl({"profile", "fast", "--json"}).out)["slot_rate"], 0.0);
  expect_error(ctl({"profile", "z"}), 1, "there is no profile z", /*has_hint=*/false);
  const Ended metrics = ctl({"metrics"});
  EXPECT_EQ(metrics.status, 0) << metrics.err;
  EXPECT_EQ(metrics.out.rfind("# HELP taubenpost_localnet_packets_total ", 0), 0U) << metrics.out;
  EXPECT_NE(metrics.out.find("\ntaubenpost_localnet_packets_total 0\n"), std::string::npos);
  const Ended stopped = ctl({"shutdown", "--json"});
  EXPECT_EQ(stopped.out, "{\"stopping\":true}\n") << stopped.err;
  EXPECT_EQ(network_->wait().status, 0);
  EXPECT_FALSE(std::filesystem::exists(path("network.sock")));
  expect_error(ctl({"audit"}), 4, "ctl.sock");
}

}  // namespace
}  // namespace taubenpost

// taubenpost raw, ping and pki against a local network, each command a process of its own.
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "support/cli_fixture.h"

namespace taubenpost {
namespace {

using nlohmann::json;

class CliRaw : public CliNetworkTest {
 protected:
  void SetUp() override { start_network("network"); }

  Arguments daemon(Arguments arguments) const {
    arguments.insert(arguments.end(), {"--thin-config", path("thinclient.toml")});
    return arguments;
  }
  Ended raw(Arguments arguments, const std::string& input = "") {
    write_file(path("input"), input);
    arguments.insert(arguments.begin(), "raw");
    Program::Options options;
    options.stdin_path = path("input");
    return run(daemon(std::move(arguments)), options);
  }
  void expect_done(const Ended& ended, const std::string& out) {
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(ended.out, out);
  }
  // NAME.key writes and reads, NAME.reader reads.
  void keypair(const std::string& name) {
    const Ended made =
        raw({"keypair", "--out", path(name + ".key"), "--reader", path(name + ".reader")});
    ASSERT_EQ(made.status, 0) << made.err;
  }
  // What reads find, one after the other, until nothing is left.
  std::vector<std::string> read_all(const std::string& key) {
    std::vector<std::string> found;
    while (true) {
      const Ended got = raw({"read", path(key)});
      if (got.err.find("nothing is in this box yet") != std::string::npos) return found;
      found.push_back(got.status == 0 ? got.out : first_line(got.err));
    }
  }
};

TEST_F(CliRaw, Keypair_MakesPrivateFilesAndNeverOverwrites) {
  keypair("a");
  for (const char* name : {"a.key", "a.reader"}) {
    struct stat facts{};
    ASSERT_EQ(::stat(path(name).c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600U);
  }
  const json writer = json::parse(content_of(path("a.key")));
  const json reader = json::parse(content_of(path("a.reader")));
  EXPECT_TRUE(writer.contains("write_cap"));
  EXPECT_FALSE(reader.contains("write_cap"));
  EXPECT_EQ(writer["read_cap"], reader["read_cap"]);
  const std::string before = content_of(path("a.key"));
  expect_error(raw({"keypair", "--out", path("a.key")}), 7, "exists already");
  EXPECT_EQ(content_of(path("a.key")), before);
}

TEST_F(CliRaw, SeedFile_GivesTheSameKeys) {
  write_file(path("seed"), std::string(32, 's'));
  ASSERT_EQ(raw({"keypair", "--out", path("a.key"), "--seed-file", path("seed")}).status, 0);
  ASSERT_EQ(raw({"keypair", "--out", path("b.key"), "--seed-file", path("seed")}).status, 0);
  EXPECT_EQ(content_of(path("a.key")), content_of(path("b.key")));
  write_file(path("seed"), "short");
  expect_error(raw({"keypair", "--out", path("c.key"), "--seed-file", path("seed")}), 2,
               "a seed has 32 bytes");
}

TEST_F(CliRaw, WriteReadTombstone_FollowTheKeyFile) {
  keypair("a");
  expect_error(raw({"read", path("a.reader")}), 4, "nothing is in this box yet");
  expect_done(raw({"write", path("a.key")}, "one"), "wrote 3 bytes\n");
  expect_done(raw({"write", path("a.key"), "--ack"}, "two"), "wrote 3 bytes\n");
  expect_done(raw({"read", path("a.reader"), "--keep"}), "one");
  EXPECT_EQ(read_all("a.reader"), (std::vector<std::string>{"one", "two"}));
  expect_done(raw({"tombstone", path("a.key"), "--from-first"}), "deleted 1 boxes\n");
  expect_error(raw({"read", path("a.reader"), "--from-first"}), 4, "the box was deleted");
  const Ended as_json = raw({"read", path("a.key"), "--from-first", "--json"});
  EXPECT_EQ(as_json.status, 4);
}

TEST_F(CliRaw, Write_RefusesWhatCannotBeWritten) {
  keypair("a");
  expect_error(raw({"write", path("a.key")}, ""), 2, "standard input is empty");
  expect_error(raw({"write", path("a.key")}, std::string(1550, 'x')), 2, "more than 1549 bytes");
  expect_error(raw({"write", path("a.reader")}, "x"), 2, "is a reader's key file");
  expect_error(raw({"write", path("nobody.key")}, "x"), 4, "no such file");
  write_file(path("damaged.key"), "{\"format\": \"taubenpost-raw-1\"}");
  expect_error(raw({"write", path("damaged.key")}, "x"), 1, "not a key file");
}

TEST_F(CliRaw, BoxThatIsTaken_IsToldAndTheKeyFileStays) {
  keypair("a");
  const std::string old_key = content_of(path("a.key"));
  expect_done(raw({"write", path("a.key")}, "one"), "wrote 3 bytes\n");
  write_file(path("copy.key"), old_key);
  expect_error(raw({"write", path("copy.key")}, "other"), 1, "the box holds something else");
  EXPECT_EQ(content_of(path("copy.key")), old_key);
}

TEST_F(CliRaw, Copy_WritesManyBoxesAtOnce) {
  keypair("a");
  const std::string payload(4000, 'p');
  const Ended copied = raw({"copy", path("a.key")}, payload);
  expect_done(copied, "copied 4000 bytes\n");
  EXPECT_EQ(copied.err.rfind("taubenpost: copying; hash of the command ", 0), 0U) << copied.err;
  std::string got;
  for (const std::string& piece : read_all("a.reader")) got += piece;
  EXPECT_EQ(got, payload);
  expect_done(raw({"write", path("a.key")}, "after"), "wrote 5 bytes\n");
  expect_done(raw({"read", path("a.reader")}), "after");
}

TEST_F(CliRaw, CopyMulti_WritesSeveralChannels) {
  keypair("a");
  keypair("b");
  write_file(path("for a"), "first");
  write_file(path("for b"), "second");
  expect_done(
      raw({"copy-multi", path("a.key") + "=" + path("for a"), path("b.key") + "=" + path("for b")}),
      "copied 11 bytes\n");
  EXPECT_EQ(read_all("a.reader"), std::vector<std::string>{"first"});
  EXPECT_EQ(read_all("b.reader"), std::vector<std::string>{"second"});
  expect_error(raw({"copy-multi", path("a.key")}), 2, "is not KEY=FILE");
}

TEST_F(CliRaw, CopyTombstone_DeletesARange) {
  keypair("a");
  expect_done(raw({"copy", path("a.key")}, std::string(4000, 'p')), "copied 4000 bytes\n");
  expect_done(raw({"copy-tombstone", path("a.key"), "--count", "2", "--from-first"}),
              "deleted 2 boxes\n");
  const std::vector<std::string> found = read_all("a.reader");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1], "taubenpost: the box was deleted");
  EXPECT_EQ(found[2], std::string(4000 - 2 * 1545, 'p'));
}

TEST_F(CliRaw, CopyOntoAnotherContent_NamesTheEnvelope) {
  keypair("a");
  const std::string old_key = content_of(path("a.key"));
  expect_done(raw({"write", path("a.key")}, "one"), "wrote 3 bytes\n");
  write_file(path("copy.key"), old_key);
  const Ended failed = raw({"copy", path("copy.key")}, "other");
  EXPECT_EQ(failed.status, 1);
  EXPECT_NE(failed.err.find("the courier gave up at envelope 1: replica 10"), std::string::npos)
      << failed.err;
}

TEST_F(CliRaw, WaitingRead_GetsTheBoxOrIsCancelledBySignal) {
  keypair("a");
  const Arguments waiting = daemon({"raw", "read", path("a.reader"), "--wait"});
  Program first(output_.path(), waiting);
  Program second(output_.path(), waiting);
  ASSERT_TRUE(first.warns("waiting; envelope hash "));
  ASSERT_TRUE(second.warns("waiting; envelope hash "));
  second.send_signal(SIGINT);
  EXPECT_EQ(second.wait().status, 130);
  expect_done(raw({"write", path("a.key")}, "at last"), "wrote 7 bytes\n");
  const Ended got = first.wait();
  EXPECT_EQ(got.status, 0) << got.err;
  EXPECT_EQ(got.out, "at last");
}

TEST_F(CliRaw, Cancel_TellsTheDaemon) {
  const std::string hash(64, 'a');
  expect_done(raw({"cancel", "--envelope-hash", hash}), "told the daemon\n");
  expect_done(raw({"cancel", "--copy-hash", hash}), "told the daemon\n");
  expect_error(raw({"cancel"}), 2, "cancel needs either");
  expect_error(raw({"cancel", "--copy-hash", "abc"}), 2, "is no hash");
}

TEST_F(CliRaw, Services_AreListedAndAnswer) {
  const Ended echoes = raw({"services", "echo"});
  EXPECT_EQ(echoes.status, 0) << echoes.err;
  EXPECT_EQ(echoes.out.rfind("echo\t+echo\tservicenode1\t", 0), 0U) << echoes.out;
  expect_error(raw({"services", "nothing"}), 4, "nobody offers nothing");
  const Ended reply = raw({"send", "echo"}, "hello");
  EXPECT_EQ(reply.status, 0) << reply.err;
  EXPECT_EQ(reply.out.substr(0, 5), "hello");
  expect_done(raw({"send", "echo", "--no-wait"}, "hello"), "sent\n");
  expect_error(raw({"send", "nothing"}, "x"), 4, "offers the service nothing");
}

TEST_F(CliRaw, Events_ShowTheDaemonGoingAway) {
  Program watching(output_.path(), daemon({"raw", "events", "--count", "3", "--json"}));
  ASSERT_TRUE(watching.says("\"status\""));
  stop_network();
  const Ended ended = watching.wait();
  EXPECT_EQ(ended.status, 0) << ended.err;
  std::istringstream lines(ended.out);
  std::vector<std::string> events;
  for (std::string line; std::getline(lines, line);)
    events.push_back(json::parse(line)["event"].get<std::string>());
  EXPECT_EQ(events, (std::vector<std::string>{"status", "shutdown", "disconnected"}));
}

TEST_F(CliRaw, Ping_MeasuresAndCounts) {
  const Ended ended = run(daemon({"ping", "--count", "2"}));
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(ended.out.rfind("reply 1 after ", 0), 0U) << ended.out;
  EXPECT_NE(ended.out.find("2 sent, 2 answered, min/avg/max "), std::string::npos) << ended.out;
  expect_error(run(daemon({"ping", "--service", "nothing"})), 4, "offers the service nothing");
}

TEST_F(CliRaw, Pki_ShowsTheNetwork) {
  const Ended shown = run(daemon({"pki"}));
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_NE(shown.out.find("couriers  servicenode1, servicenode2, servicenode3\n"),
            std::string::npos)
      << shown.out;
  const Ended as_json = run(daemon({"pki", "--json", "--save", path("document")}));
  const json object = json::parse(as_json.out);
  EXPECT_EQ(object["box_max"], 1549);
  EXPECT_EQ(object["services"].size(), 6U);
  EXPECT_EQ(object["replicas"].size(), 5U);
  EXPECT_GT(content_of(path("document")).size(), 1000U);
  expect_error(run(daemon({"pki", "--epoch", "1"})), 4, "service unavailable");
}

TEST_F(CliRaw, WithoutADaemon_EveryCommandSaysSo) {
  stop_network();
  for (const Arguments& arguments :
       {Arguments{"ping"}, Arguments{"pki"}, Arguments{"raw", "services"},
        Arguments{"raw", "keypair", "--out", path("x.key")}}) {
    Arguments limited = daemon(arguments);
    limited.insert(limited.end(), {"--timeout", "1"});
    expect_error(run(limited), 13, "");
  }
  expect_error(run({"--state-dir", path("nowhere"), "ping"}), 2, "no daemon is named");
}

}  // namespace
}  // namespace taubenpost

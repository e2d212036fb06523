// taubenpost raw, ping and pki against a local network, each command a process of its own.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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
  // A command whose input is `input`, still running.
  std::unique_ptr<Program> start(Arguments arguments, const std::string& input = "") {
    write_file(path("input"), input);
    Program::Options options;
    options.stdin_path = path("input");
    return std::make_unique<Program>(output_.path(), daemon(std::move(arguments)), options);
  }
  json ctl(Arguments arguments) {
    arguments.insert(arguments.begin(), {"localnet", "ctl", "--data", path("network"), "--json"});
    const Ended ended = run(std::move(arguments));
    EXPECT_EQ(ended.status, 0) << ended.err;
    return json::parse(ended.out, nullptr, false);
  }
  // Ended by the signal, and says so.
  static void expect_stopped(Program& program, int number, const std::string& name) {
    program.send_signal(number);
    const Ended ended = program.wait();
    EXPECT_EQ(ended.status, 128 + number) << ended.err;
    EXPECT_NE(ended.err.find("taubenpost: stopped by " + name + "\n"), std::string::npos)
        << ended.err;
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
}

TEST_F(CliRaw, Tombstone_FailsTheReadAndIsPassed) {
  keypair("a");
  expect_done(raw({"tombstone", path("a.key")}), "deleted 1 boxes\n");
  expect_done(raw({"write", path("a.key")}, "after"), "wrote 5 bytes\n");
  expect_error(raw({"read", path("a.reader"), "--keep"}), 1, "the box was deleted by its sender");
  const Ended as_json = raw({"read", path("a.reader"), "--json"});
  EXPECT_EQ(as_json.status, 1);
  const json told = json::parse(as_json.out);
  EXPECT_EQ(told["code"], 4);
  EXPECT_EQ(told["exit"], 1);
  expect_done(raw({"read", path("a.reader"), "--wait"}), "after");
  expect_error(raw({"read", path("a.reader"), "--from-first", "--wait"}), 1, "by its sender");
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
  EXPECT_EQ(found[1], "taubenpost: the box was deleted by its sender");
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

TEST_F(CliRaw, WaitingRead_GetsTheBox) {
  keypair("a");
  const auto waiting = start({"raw", "read", path("a.reader"), "--wait"});
  ASSERT_TRUE(waiting->warns("waiting"));
  expect_done(raw({"write", path("a.key")}, "at last"), "wrote 7 bytes\n");
  const Ended got = waiting->wait();
  EXPECT_EQ(got.status, 0) << got.err;
  EXPECT_EQ(got.out, "at last");
  expect_error(raw({"read", path("a.reader")}), 4, "nothing is in this box yet");
}

TEST_F(CliRaw, WaitingRead_AsksWithNewEnvelopes) {
  keypair("a");
  const auto waiting = start({"raw", "read", path("a.reader"), "--wait"});
  int built = 0;
  while (built < 3 && waiting->is_running()) built = ctl({"audit"}).value("envelopes_built", 0);
  EXPECT_GE(built, 3);
  expect_stopped(*waiting, SIGINT, "SIGINT");
}

TEST_F(CliRaw, WaitingRead_EndsAtItsDeadline) {
  keypair("a");
  expect_error(raw({"read", path("a.reader"), "--wait", "--timeout", "1"}), 4, "waiting");
  EXPECT_GE(ctl({"audit"}).value("envelopes_built", 0), 2);
}

TEST_F(CliRaw, KeyFileInUse_RefusesEverySecondCommandThatMovesIt) {
  keypair("a");
  keypair("b");
  const auto waiting = start({"raw", "read", path("a.key"), "--wait"});
  ASSERT_TRUE(waiting->warns("waiting"));
  write_file(path("content"), "x");
  for (const Arguments& second :
       {Arguments{"write", path("a.key")}, Arguments{"read", path("a.key")},
        Arguments{"tombstone", path("a.key")}, Arguments{"copy", path("a.key")},
        Arguments{"copy-tombstone", path("a.key")},
        Arguments{"copy-multi", path("b.key") + "=" + path("content"),
                  path("a.key") + "=" + path("content")}})
    expect_error(raw(second, "x"), 11, path("a.key") + ": another command is using it");
  expect_error(raw({"read", path("a.key"), "--keep"}), 4, "nothing is in this box yet");
  expect_stopped(*waiting, SIGTERM, "SIGTERM");
  expect_done(raw({"write", path("a.key")}, "x"), "wrote 1 bytes\n");
  expect_error(raw({"copy-multi", path("b.key") + "=" + path("content"),
                    path("b.key") + "=" + path("content")}),
               11, path("b.key"));
}

TEST_F(CliRaw, KeyFileThatMovedOn_IsStillInUse) {
  keypair("a");
  const std::string before = content_of(path("a.key"));
  const auto deleting = start({"raw", "tombstone", path("a.key"), "--count", "1000"});
  while (content_of(path("a.key")) == before && deleting->is_running()) continue;
  expect_error(raw({"write", path("a.key")}, "x"), 11, "another command is using it");
  expect_stopped(*deleting, SIGTERM, "SIGTERM");
}

TEST_F(CliRaw, WritersAtTheSameTime_UseEachBoxOnce) {
  keypair("a");
  std::vector<std::unique_ptr<Program>> writers;
  for (int i = 0; i < 4; ++i) writers.push_back(start({"raw", "write", path("a.key")}, "x"));
  std::size_t written = 0;
  for (const auto& writer : writers) {
    const Ended ended = writer->wait();
    if (ended.status == 0)
      ++written;
    else
      EXPECT_EQ(ended.status, 11) << ended.err;
  }
  EXPECT_GE(written, 1U);
  EXPECT_EQ(read_all("a.reader").size(), written);
}

TEST_F(CliRaw, KeyFileBehindALink_MovesOnWhereItIs) {
  keypair("a");
  std::filesystem::create_symlink(path("a.key"), path("link.key"));
  expect_done(raw({"write", path("link.key")}, "one"), "wrote 3 bytes\n");
  expect_done(raw({"write", path("a.key")}, "two"), "wrote 3 bytes\n");
  EXPECT_TRUE(std::filesystem::is_symlink(path("link.key")));
  EXPECT_EQ(read_all("a.reader"), (std::vector<std::string>{"one", "two"}));
}

// A daemon that takes connections and says nothing.
class SilentDaemon {
 public:
  explicit SilentDaemon(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
  }
  ~SilentDaemon() { ::close(listener_); }
  // Whether somebody dials within a minute. The connection stays open.
  bool is_dialled() const {
    pollfd ready{listener_, POLLIN, 0};
    return ::poll(&ready, 1, 60'000) == 1 && ::accept(listener_, nullptr, nullptr) >= 0;
  }

 private:
  int listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

TEST_F(CliRaw, Signal_EndsEveryCommandThatWaitsForTheDaemon) {
  keypair("a");
  keypair("b");
  stop_network();
  write_file(path("thinclient.toml"), "[Dial.Unix]\nAddress = \"" + path("silent.sock") + "\"\n");
  const SilentDaemon silent(path("silent.sock"));
  int number = SIGINT;
  for (const Arguments& arguments : {Arguments{"ping"},
                                     {"pki"},
                                     {"raw", "keypair", "--out", path("c.key")},
                                     {"raw", "write", path("a.key")},
                                     {"raw", "read", path("a.key")},
                                     {"raw", "tombstone", path("a.key")},
                                     {"raw", "copy", path("a.key")},
                                     {"raw", "copy-multi", path("a.key") + "=" + path("input")},
                                     {"raw", "copy-tombstone", path("a.key")},
                                     {"raw", "cancel", "--copy-hash", std::string(64, 'a')},
                                     {"raw", "services"},
                                     {"raw", "send", "echo"},
                                     {"raw", "events"}}) {
    SCOPED_TRACE(arguments.back());
    const auto program = start(arguments, "x");
    ASSERT_TRUE(silent.is_dialled());
    expect_stopped(*program, number, number == SIGINT ? "SIGINT" : "SIGTERM");
    number = number == SIGINT ? SIGTERM : SIGINT;
  }
}

TEST_F(CliRaw, Signal_CancelsTheWriteAtTheDaemon) {
  keypair("a");
  const std::string before = content_of(path("a.key"));
  ctl({"set", "courier_down=0,1,2", "retransmit=20"});
  const auto writing = start({"raw", "write", path("a.key")}, "x");
  while (ctl({"audit"}).value("retransmissions", 0) == 0 && writing->is_running()) continue;
  expect_stopped(*writing, SIGTERM, "SIGTERM");
  const json packets = ctl({"audit"})["packets"];
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ctl({"audit"})["packets"], packets);
  EXPECT_EQ(content_of(path("a.key")), before);
}

TEST_F(CliRaw, Signal_EndsPingAndEvents) {
  const auto pinging = start({"ping", "--count", "1000000"});
  ASSERT_TRUE(pinging->says("reply 1 after"));
  expect_stopped(*pinging, SIGINT, "SIGINT");
  const auto watching = start({"raw", "events"});
  ASSERT_TRUE(watching->says("gateway"));
  expect_stopped(*watching, SIGTERM, "SIGTERM");
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

TEST_F(CliRaw, EventsOfAQuietNetwork_EndAtTheTimeLimit) {
  const Ended ended = raw({"events", "--count", "2", "--timeout", "1"});
  EXPECT_NE(ended.out.find("gateway"), std::string::npos) << ended.out;
  EXPECT_EQ(ended.status, 5);
  EXPECT_NE(ended.err.find("no event in time"), std::string::npos) << ended.err;
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

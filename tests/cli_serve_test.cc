// Transcripts of the service with channels that it receives by itself.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "support/cli_fixture.h"

namespace taubenpost {
namespace {

using nlohmann::json;

class CliServeTest : public CliNetworkTest {
 protected:
  void SetUp() override {
    start_network("network");
    init("alice");
    ::mkdir(path("in").c_str(), 0755);
  }
  // A sender with a channel to Alice.
  void sender(const std::string& name) {
    init(name);
    const std::string invitation = path(name + ".invite");
    ASSERT_EQ(run_as(name, {"channel", "new", "alice", "--invite-file", invitation}).status, 0);
    ASSERT_EQ(run_as("alice", {"channel", "import", name, "--invite-file", invitation}).status, 0);
  }
  void send(const std::string& from, const std::string& name) {
    write_file(path(name), "content of " + name);
    const Ended sent = run_as(from, {"send", path(name), "--to", "alice", "--wait"});
    ASSERT_EQ(sent.status, 0) << sent.err;
  }
  Ended set(const std::string& name, Arguments more) {
    Arguments all{"channel", "set", name};
    all.insert(all.end(), more.begin(), more.end());
    return run_as("alice", all);
  }
  Ended serve() { return run_as("alice", {"serve", "--until-idle"}); }
  bool exists(const std::string& name) { return std::filesystem::exists(path(name)); }
};

TEST_F(CliServeTest, ChannelsWithAFolder_AreReceivedAndReported) {
  for (const char* name : {"anna", "ben", "carl"}) sender(name);
  ::mkdir(path("in/ben").c_str(), 0755);
  const std::string program = path("program");
  write_file(program,
             "#!/bin/sh\necho \"$TAUBENPOST_RECEIVED_CHANNEL $1\" >> '" + path("runs") + "'\n");
  ::chmod(program.c_str(), 0700);
  ASSERT_EQ(set("anna", {"--into", path("in"), "--on-received", program}).status, 0);
  ASSERT_EQ(set("ben", {"--into", path("in/ben")}).status, 0);
  send("anna", "a");
  send("ben", "b");
  send("carl", "c");

  const Ended served = serve();
  EXPECT_EQ(served.status, 0) << served.err;
  EXPECT_EQ(served.err, "");
  EXPECT_EQ(content_of(path("in/a")), "content of a");
  EXPECT_EQ(content_of(path("in/ben/b")), "content of b");
  EXPECT_FALSE(exists("in/c")) << "its channel has no folder";
  EXPECT_EQ(content_of(path("runs")), "anna " + path("in/a") + "\n");
  const Ended again = serve();
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out, "");

  // 'receive' takes the folder of the channel, unless it is told another one.
  send("ben", "b2");
  send("carl", "c2");
  ::mkdir(path("elsewhere").c_str(), 0755);
  EXPECT_EQ(run_as("alice", {"receive", "--from", "ben"}).status, 0);
  EXPECT_TRUE(exists("in/ben/b2"));
  EXPECT_EQ(run_as("alice", {"receive", "--into", path("elsewhere")}).status, 0);
  EXPECT_TRUE(exists("elsewhere/c") && exists("elsewhere/c2"));
}

TEST_F(CliServeTest, FolderThatIsMissing_IsSaidAndNothingIsLost) {
  sender("anna");
  ASSERT_EQ(set("anna", {"--into", path("in")}).status, 0);
  send("anna", "a");
  std::filesystem::remove(path("in"));
  const Ended served = serve();
  EXPECT_EQ(served.status, 6) << served.err;
  EXPECT_NE(served.err.find("channel anna: " + path("in") + " is missing"), std::string::npos)
      << served.err;
  ::mkdir(path("in").c_str(), 0755);
  EXPECT_EQ(serve().status, 0);
  EXPECT_EQ(content_of(path("in/a")), "content of a");
}

TEST_F(CliServeTest, RulesOfTheChannel_Hold) {
  sender("anna");
  ASSERT_EQ(set("anna", {"--into", path("in"), "--accept", "ask"}).status, 0);
  send("anna", "a");
  Ended served = serve();
  EXPECT_EQ(served.status, 0) << served.err;
  EXPECT_NE(served.err.find("1 transfers wait for your decision"), std::string::npos) << served.err;
  EXPECT_FALSE(exists("in/a"));
  const std::string id = run_as("alice", {"inbox", "list"}).out.substr(0, 26);
  ASSERT_EQ(run_as("alice", {"inbox", "accept", id}).status, 0);
  served = serve();
  EXPECT_EQ(served.status, 0) << served.err;
  EXPECT_TRUE(exists("in/a")) << "accepted into the folder of its channel";
}

TEST_F(CliServeTest, Delivery_IsSetShownAndEnded) {
  sender("anna");
  expect_error(set("anna", {"--unpack"}), 2, "--into");
  expect_error(set("anna", {"--into", path("nowhere")}), 4, "no such folder");
  expect_error(set("anna", {"--into", path("in"), "--on-received", path("nothing")}), 2, "nothing");
  const Ended done = set("anna", {"--into", path("in"), "--unpack", "--if-exists", "replace"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_NE(done.out.find("\ninto: " + path("in") + ", unpacked\nif exists: replace\n"),
            std::string::npos)
      << done.out;
  const auto shown = [&] {
    return json::parse(run_as("alice", {"channel", "show", "anna", "--json"}).out, nullptr, false);
  };
  EXPECT_EQ(shown()["into"], path("in"));
  EXPECT_EQ(shown()["unpack"], true);
  EXPECT_EQ(shown()["if_exists"], "replace");
  EXPECT_TRUE(shown()["on_received"].is_null());
  EXPECT_EQ(set("anna", {"--max-size", "5"}).status, 0);
  EXPECT_EQ(shown()["into"], path("in")) << "it stays";
  EXPECT_EQ(set("anna", {"--no-into"}).status, 0);
  EXPECT_TRUE(shown()["into"].is_null());
}

}  // namespace
}  // namespace taubenpost

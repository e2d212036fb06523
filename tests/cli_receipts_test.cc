// Transcripts of receipts: who asks for them, who sends them, and where they are told.
#include <nlohmann/json.hpp>

#include "support/cli_fixture.h"

namespace taubenpost {
namespace {

using nlohmann::json;

class CliReceiptsTest : public CliNetworkTest {
 protected:
  void SetUp() override {
    start_network("network");
    init("sender");
    init("alice");
    ::mkdir(path("inbox").c_str(), 0755);
    write_file(path("file"), "content");
  }
  Ended new_channel(Arguments more = {"--receipts"}) {
    Arguments all{"channel", "new", "alice", "--invite-file", path("alice.invite")};
    all.insert(all.end(), more.begin(), more.end());
    return run_as("sender", all);
  }
  Ended import(Arguments more = {"--receipts"}) {
    Arguments all{"channel", "import", "sender", "--invite-file", path("alice.invite")};
    all.insert(all.end(), more.begin(), more.end());
    return run_as("alice", all);
  }
  // The id of a job that is posted.
  std::string send() {
    const Ended sent = run_as("sender", {"send", path("file"), "--to", "alice", "--wait"});
    EXPECT_EQ(sent.status, 0) << sent.err;
    return sent.out.substr(0, 26);
  }
  void receive() {
    const Ended received = run_as("alice", {"receive", "--into", path("inbox")});
    EXPECT_EQ(received.status, 0) << received.err;
    EXPECT_EQ(received.err, "");
  }
  json object(const std::string& who, Arguments arguments) {
    arguments.push_back("--json");
    const Ended ended = run_as(who, arguments);
    EXPECT_EQ(ended.status, 0) << ended.err;
    return json::parse(ended.out, nullptr, false);
  }
};

TEST_F(CliReceiptsTest, BothSidesEnableThem_SenderIsTold) {
  EXPECT_EQ(new_channel().status, 0);
  const Ended imported = import();
  EXPECT_EQ(imported.status, 0);
  EXPECT_EQ(imported.err, "");
  const std::string id = send();
  Ended served = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 0) << served.err;
  EXPECT_EQ(served.out, "") << "nobody has received anything yet";
  receive();

  served = run_as("sender", {"serve", "--until-idle", "--json"});
  EXPECT_EQ(served.status, 0) << served.err;
  const json told = json::parse(served.out, nullptr, false);
  EXPECT_EQ(told["type"], "receipt");
  EXPECT_EQ(told["job"], id);
  EXPECT_EQ(told["name"], "file");
  EXPECT_EQ(told["channel"], "alice");
  const json job = object("sender", {"show", id});
  EXPECT_EQ(job["state"], "posted");
  EXPECT_EQ(job["recipients"][0]["received"], told["received"]);
  EXPECT_GE(told["received"], job["finished"]);
  const Ended listed = run_as("sender", {"list"});
  EXPECT_EQ(listed.out.rfind(id + " posted file -> alice (received 20", 0), 0U) << listed.out;
  EXPECT_NE(run_as("sender", {"show", id}).out.find(", received 20"), std::string::npos);
  EXPECT_EQ(run_as("sender", {"serve", "--until-idle"}).out, "") << "it is told once";
}

TEST_F(CliReceiptsTest, Receive_TellsASenderToo) {
  new_channel();
  import();
  const std::string id = send();
  receive();
  const Ended told = run_as("sender", {"receive"});
  EXPECT_EQ(told.status, 0) << told.err;
  EXPECT_EQ(told.out.rfind(id + " received file -> alice 20", 0), 0U) << told.out;
  expect_error(run_as("sender", {"receive"}), 9, "nothing new", /*has_hint=*/false);
}

TEST_F(CliReceiptsTest, RecipientWhoSaysNothing_SendsNone) {
  new_channel();
  const Ended imported = import({});
  EXPECT_EQ(imported.status, 0);
  EXPECT_NE(imported.err.find("none are sent"), std::string::npos) << imported.err;
  EXPECT_TRUE(object("alice", {"channel", "show", "sender"})["receipts"].is_null());
  send();
  receive();
  EXPECT_EQ(run_as("sender", {"serve", "--until-idle"}).out, "");

  // Another time they may think otherwise, and again.
  EXPECT_EQ(import().status, 0);
  EXPECT_EQ(object("alice", {"channel", "show", "sender"})["receipts"]["state"], "ready");
  const std::string second = send();
  receive();
  const Ended told = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(told.out.rfind(second + " received", 0), 0U) << told.out;
  EXPECT_EQ(run_as("alice", {"channel", "set", "sender", "--no-receipts"}).status, 0);
  send();
  receive();
  EXPECT_EQ(run_as("sender", {"serve", "--until-idle"}).out, "");
  expect_error(run_as("alice", {"channel", "set", "sender", "--no-receipts"}), 9, "no receipts",
               /*has_hint=*/false);
}

TEST_F(CliReceiptsTest, InvitationWithoutThem_CantBeImportedWithThem) {
  EXPECT_EQ(new_channel({}).status, 0);
  expect_error(import(), 2, "no receipts");
  EXPECT_EQ(run_as("alice", {"channel", "list"}).out, "");
  expect_error(new_channel(), 1, "without receipts");
  expect_error(run_as("sender", {"channel", "new", "bert", "--inline", "--receipts"}), 2, "inline");
}

TEST_F(CliReceiptsTest, ChannelsOfReceipts_AreSeenUnderTheirOwn) {
  new_channel();
  import();
  EXPECT_EQ(run_as("sender", {"channel", "list"}).out.rfind("alice\toutgoing\t", 0), 0U);
  const std::string listed = run_as("sender", {"channel", "list"}).out;
  EXPECT_EQ(listed.find('\n'), listed.size() - 1) << "one line: " << listed;
  expect_error(run_as("alice", {"send", path("file"), "--to", "sender/receipts"}), 4, "no channel");
  EXPECT_NE(run_as("alice", {"channel", "show", "sender"}).out.find("\nreceipts: ready, at pos"),
            std::string::npos);
  EXPECT_EQ(run_as("sender", {"fsck"}).status, 0);
  EXPECT_EQ(run_as("alice", {"fsck"}).status, 0);
}

TEST_F(CliReceiptsTest, ReceiptThatIsNotOutYet_IsNoJobForItsUser) {
  new_channel();
  import();
  send();
  const Ended received =
      run_as("alice", {"receive", "-o", path("inbox/file")});  // it runs no jobs that send
  EXPECT_EQ(received.status, 0) << received.err;
  const Ended listed = run_as("alice", {"list"});
  EXPECT_EQ(listed.out.find("receipt"), std::string::npos) << listed.out;
}

}  // namespace
}  // namespace taubenpost

// Where received files go, as its user says: transcripts of retry, -o, --verify-only and purge.
#include <nlohmann/json.hpp>

#include "support/cli_fixture.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

// Without a network: whoever would send a packet ends with 13.
class CliReceivePlaceTest : public CliTest {
 protected:
  void SetUp() override {
    init("sender");
    init("alice");
    connect("sender", "alice");
  }
};

TEST_F(CliReceivePlaceTest, OutputThatCanNotBe_IsRefusedBeforeAnyPacket) {
  write_file(path("file"), "old");
  fs::create_directory(path("folder"));
  fs::create_symlink(path("file"), path("link"));
  const auto expect_refused = [this](const std::string& output, int status,
                                     const std::string& what) {
    expect_error(run_as("alice", {"receive", "-o", output, "--if-exists", "replace"}), status,
                 what);
  };
  expect_refused(path("folder"), 7, "is no regular file");
  expect_refused(path("folder/"), 7, "is no regular file");
  expect_refused(path("link"), 7, "is no regular file");
  expect_refused("/dev/null", 7, "is no regular file");
  expect_refused(path("missing/file"), 4, "no such folder");
  expect_refused(path("file/file"), 2, "is not a folder");
  expect_error(run_as("alice", {"receive", "-o", path("file")}), 7, "exists already");
}

TEST_F(CliReceivePlaceTest, Purge_RemovesWhatNobodyWillWriteOutAnyMore) {
  fs::create_directory(path("alice/output"));
  write_file(path("alice/output/.taubenpost-aaaaaaaaaaaaaaaaaaaaaaaaaa.output"), "left");
  write_file(path("alice/output/mine"), "not ours");
  const Ended purged = run_as("alice", {"purge", "--json"});
  EXPECT_EQ(purged.status, 0) << purged.err;
  EXPECT_EQ(nlohmann::json::parse(purged.out)["outputs"], 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(path("alice/output")), {}), 1);
}

TEST_F(CliReceivePlaceTest, PlaceOfASendJob_IsAMistake) {
  write_file(path("file"), "x");
  const Ended sent = run_as("sender", {"send", path("file"), "--to", "alice"});
  ASSERT_EQ(sent.status, 0) << sent.err;
  expect_error(run_as("sender", {"retry", sent.out.substr(0, 26), "--into", path("")}), 2,
               "is not received but sent");
}

class CliReceiveTest : public CliNetworkTest {
 protected:
  void SetUp() override {
    start_network("network");
    init("sender");
    init("alice");
    connect("sender", "alice");
    fs::create_directory(path("in"));
    fs::create_directory(path("other"));
  }
  void send(const std::string& name, const std::string& content, const std::string& note = "") {
    write_file(path(name), content);
    const Ended sent =
        run_as("sender", {"send", path(name), "--to", "alice", "--wait", "--note", note});
    ASSERT_EQ(sent.status, 0) << sent.err;
  }
  std::string job_that_failed() {
    const Ended listed = run_as("alice", {"list"});
    const std::size_t at = listed.out.find(" failed ");
    return at == std::string::npos ? "" : listed.out.substr(at - 26, 26);
  }
};

TEST_F(CliReceiveTest, FileThatWasKeptOut_IsReceivedElsewhereByARetry) {
  write_file(path("in/report"), "old");
  send("report", "new", "for\x1b you");
  const Ended failed = run_as("alice", {"receive", "--into", path("in"), "--if-exists", "fail"});
  EXPECT_EQ(failed.status, 1) << failed.err;
  EXPECT_NE(failed.err.find("has something of that name already"), std::string::npos);
  const std::string id = job_that_failed();
  expect_error(run_as("alice", {"retry", id, "-o", path("in/report")}), 7, "exists already");
  const Ended again = run_as("alice", {"retry", id, "--into", path("other")});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out, id + " waiting report <- sender\n");
  expect_error(run_as("alice", {"retry", id}), 9, "has not failed");
  const Ended received = run_as("alice", {"receive", "--into", path("in")});
  EXPECT_EQ(received.status, 0) << received.err;
  EXPECT_EQ(received.out, path("other/report") + "\t3\tsender\tnote: for\\x1b you\n");
  EXPECT_EQ(content_of(path("other/report")), "new");
  EXPECT_EQ(content_of(path("in/report")), "old");
  expect_error(run_as("alice", {"retry", id}), 9, "is placed already", /*has_hint=*/false);
  const Ended shown = run_as("alice", {"show", id});
  EXPECT_NE(shown.out.find("note: for\\x1b you\n"), std::string::npos) << shown.out;
}

TEST_F(CliReceiveTest, WhatWasVerified_GoesWhereTheNextReceiveSays) {
  send("report", std::string(20'000, 'r'));
  EXPECT_EQ(run_as("alice", {"receive", "--verify-only", "--into", path("in")}).status, 0);
  const Ended listed = run_as("alice", {"list", "--json"});
  EXPECT_EQ(nlohmann::json::parse(listed.out)["state"], "verified");
  EXPECT_EQ(run_as("alice", {"serve", "--until-idle"}).status, 0);
  EXPECT_FALSE(fs::exists(path("in/report"))) << "nobody said where to";
  const Ended received = run_as("alice", {"receive", "--into", path("other")});
  EXPECT_EQ(received.status, 0) << received.err;
  EXPECT_EQ(content_of(path("other/report")), std::string(20'000, 'r'));
  EXPECT_TRUE(fs::is_empty(path("in"))) << "its part file went along";
}

TEST_F(CliReceiveTest, Versions_ReplaceEachOtherInTheirOrder) {
  for (const char* version : {"one", "two", "three"}) send("report", version);
  const Ended received =
      run_as("alice", {"receive", "--into", path("in"), "--if-exists", "replace"});
  EXPECT_EQ(received.status, 0) << received.err;
  EXPECT_EQ(content_of(path("in/report")), "three");
}

}  // namespace
}  // namespace taubenpost

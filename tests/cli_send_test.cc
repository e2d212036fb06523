// Transcripts of send with bad input: one line, a hint, the exit status, and nothing queued.
#include <sys/socket.h>
#include <sys/un.h>

#include "support/cli_fixture.h"

namespace taubenpost {
namespace {

constexpr uid_t kNobody = 65534;

class CliSendTest : public CliTest {
 protected:
  void SetUp() override {
    init("sender");
    init("alice");
    connect("sender", "alice");
    write_file(path("report.pdf"), "a report");
  }
  Ended send(Arguments arguments) {
    arguments.insert(arguments.begin(), "send");
    return run_as("sender", std::move(arguments));
  }
  void expect_nothing_queued() { EXPECT_EQ(run_as("sender", {"list"}).out, ""); }
};

TEST_F(CliSendTest, Queued_IsListedAndShown) {
  const Ended sent = send({path("report.pdf"), "--to", "alice", "--note", "as promised"});
  EXPECT_EQ(sent.status, 0) << sent.err;
  EXPECT_NE(sent.out.find(" queued report.pdf -> alice\n"), std::string::npos) << sent.out;
  EXPECT_EQ(run_as("sender", {"list"}).out, sent.out);
  const Ended shown = run_as("sender", {"show", sent.out.substr(0, 6)});
  EXPECT_EQ(shown.status, 0);
  EXPECT_NE(shown.out.find("state: queued\n"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("to alice: pending\n"), std::string::npos) << shown.out;
}

TEST_F(CliSendTest, ChoicesAboutTheNetwork_AreKeptAndShown) {
  const std::string usual = send({path("report.pdf"), "--to", "alice"}).out.substr(0, 26);
  const std::string shown = run_as("sender", {"show", usual}).out;
  EXPECT_NE(shown.find("transport: copy\ncommit: copy\n"), std::string::npos) << shown;
  const Ended sent = send({path("report.pdf"), "--to", "alice", "--window", "1", "--commit",
                           "direct", "--transport", "direct", "--expire", "90m", "--json"});
  EXPECT_EQ(sent.status, 0) << sent.err;
  EXPECT_NE(sent.out.find("\"window\":1,\"transport\":\"direct\",\"commit\":\"direct\",\"separate_"
                          "bodies\":false,\"expire\":5400"),
            std::string::npos)
      << sent.out;
  const Ended chosen = send(
      {path("report.pdf"), "--to", "alice", "--transport", "auto", "--separate-bodies", "--json"});
  EXPECT_NE(chosen.out.find("\"transport\":\"auto\",\"commit\":\"copy\",\"separate_bodies\":true"),
            std::string::npos)
      << chosen.out;
  expect_error(send({path("report.pdf"), "--to", "alice", "--window", "17"}), 2, "--window");
  expect_error(send({path("report.pdf"), "--to", "alice", "--window", "0"}), 2, "--window");
  expect_error(send({path("report.pdf"), "--to", "alice", "--commit", "auto"}), 2, "--commit");
  expect_error(send({path("report.pdf"), "--to", "alice", "--expire", "90"}), 2, "--expire");
  expect_error(send({path("report.pdf"), "--to", "alice", "--expire", "31d"}), 2, "--expire");
}

TEST_F(CliSendTest, CancelledJob_IsNeverSent) {
  const std::string id = send({path("report.pdf"), "--to", "alice"}).out.substr(0, 26);
  const Ended cancelled = run_as("sender", {"cancel", id});
  EXPECT_EQ(cancelled.status, 0) << cancelled.err;
  EXPECT_EQ(cancelled.out, id + " cancelled report.pdf -> alice\n");
  expect_error(run_as("sender", {"cancel", id}), 9, "at its end already", /*has_hint=*/false);
  // Without a daemon this would fail if there were anything to do.
  EXPECT_EQ(run_as("sender", {"serve", "--until-idle"}).status, 0);
  expect_error(run_as("sender", {"cancel", "aaaaaa"}), 4, "aaaaaa");
}

TEST_F(CliSendTest, PausedJob_IsShownAndLeftAlone) {
  const std::string id = send({path("report.pdf"), "--to", "alice"}).out.substr(0, 26);
  const Ended paused = run_as("sender", {"pause", id});
  EXPECT_EQ(paused.status, 0) << paused.err;
  EXPECT_EQ(paused.out, id + " queued,paused report.pdf -> alice\n");
  EXPECT_EQ(run_as("sender", {"list"}).out, paused.out);
  const std::string shown = run_as("sender", {"show", id}).out;
  EXPECT_NE(shown.find("paused: true\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find(": paused\n"), std::string::npos) << shown;
  expect_error(run_as("sender", {"pause", id}), 9, "paused already", /*has_hint=*/false);
  // Without a daemon this would fail if there were anything to do.
  const Ended served = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 6);
  EXPECT_EQ(served.err, "taubenpost: job " + id.substr(0, 8) + " is not finished: paused\n");
  const Ended resumed = run_as("sender", {"resume", id});
  EXPECT_EQ(resumed.out, id + " queued report.pdf -> alice\n");
  expect_error(run_as("sender", {"resume", id}), 9, "not paused", /*has_hint=*/false);
  EXPECT_EQ(run_as("sender", {"cancel", id}).status, 0);
  expect_error(run_as("sender", {"pause", id}), 9, "at its end already", /*has_hint=*/false);
}

TEST_F(CliSendTest, QueuedJob_IsNeitherTriedAgainNorShared) {
  const std::string id = send({path("report.pdf"), "--to", "alice"}).out.substr(0, 26);
  expect_error(run_as("sender", {"retry", id}), 9, "on its way", /*has_hint=*/false);
  expect_error(run_as("sender", {"retry", id, "--restart"}), 9, "on its way", /*has_hint=*/false);
  expect_error(run_as("sender", {"share", id, "--to", "alice"}), 7, "not posted yet");
  expect_error(run_as("sender", {"retry", "aaaaaa"}), 4, "aaaaaa");
}

TEST_F(CliSendTest, Priority_IsShownAndChanged) {
  const std::string id =
      send({path("report.pdf"), "--to", "alice", "--priority", "-3"}).out.substr(0, 26);
  const std::string shown = run_as("sender", {"show", id}).out;
  EXPECT_NE(shown.find("priority: -3\n"), std::string::npos) << shown;
  EXPECT_EQ(run_as("sender", {"priority", id, "-9"}).out, id + " queued report.pdf -> alice\n");
  const std::string json = run_as("sender", {"--json", "priority", id, "9"}).out;
  EXPECT_NE(json.find("\"priority\":9"), std::string::npos) << json;
  expect_error(run_as("sender", {"priority", id, "9"}), 9, "already", /*has_hint=*/false);
  expect_error(run_as("sender", {"priority", id, "10"}), 2, "no priority");
  expect_error(send({path("report.pdf"), "--to", "alice", "--priority", "-10"}), 2, "no priority");
}

TEST_F(CliSendTest, NotBefore_IsLeftToALaterRunThatIsNamed) {
  const std::string id = send({path("report.pdf"), "--to", "alice", "--not-before",
                               "2100-02-03T05:05:06+01:00", "--deadline", "2100-02-04T00:00:00Z"})
                             .out.substr(0, 26);
  const std::string shown = run_as("sender", {"show", id}).out;
  EXPECT_NE(shown.find("not_before: 2100-02-03 04:05:06 UTC\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("deadline: 2100-02-04 00:00:00 UTC\n"), std::string::npos) << shown;
  // Without a daemon this would fail if there were anything to do.
  const Ended served = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 6);
  EXPECT_EQ(served.err,
            "taubenpost: job " + id.substr(0, 8) + " begins at 2100-02-03 04:05:06 UTC\n");
  expect_error(send({path("report.pdf"), "--to", "alice", "--not-before", "soon"}), 2,
               "--not-before: soon: is no time");
  expect_error(send({path("report.pdf"), "--to", "alice", "--deadline", "+0s"}), 2, "the deadline");
}

TEST_F(CliSendTest, IdempotencyKey_IsOneJob) {
  const Arguments once{path("report.pdf"), "--to", "alice", "--idempotency-key", "day 7"};
  const Ended first = send(once);
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.err, "");
  const Ended again = send(once);
  EXPECT_EQ(again.status, 0);
  EXPECT_EQ(again.out, first.out);
  EXPECT_EQ(again.err, "taubenpost: the idempotency key day 7 has this job already\n");
  EXPECT_EQ(run_as("sender", {"list"}).out, first.out);
  Arguments other = once;
  other.insert(other.end(), {"--note", "new"});
  expect_error(send(other), 7, first.out.substr(0, 26));
  const Ended json = run_as("sender", {"--json", "send", path("report.pdf"), "--to", "alice",
                                       "--idempotency-key", "day 7"});
  EXPECT_NE(json.out.find("\"existing\":true"), std::string::npos) << json.out;
  EXPECT_NE(json.out.find("\"idempotency_key\":\"day 7\""), std::string::npos) << json.out;
  for (const std::string& key : {std::string(256, 'x'), std::string()})
    EXPECT_EQ(send({path("report.pdf"), "--to", "alice", "--idempotency-key", key}).status, 2);
  EXPECT_EQ(run_as("sender", {"cancel", first.out.substr(0, 26)}).status, 0);
  EXPECT_EQ(send(once).status, 1) << "nothing goes on by itself";
}

TEST_F(CliSendTest, MissingFile_IsNotFound) {
  expect_error(send({path("report.txt"), "--to", "alice"}), 4, "report.txt");
  expect_nothing_queued();
}

TEST_F(CliSendTest, FileBelowAFile_IsNotFound) {
  expect_error(send({path("report.pdf/page1"), "--to", "alice"}), 4, "page1");
  expect_nothing_queued();
}

TEST_F(CliSendTest, UnreadableFile_IsNamed) {
  // As root every file can be read: the program runs as somebody else then.
  const bool is_root = ::geteuid() == 0;
  Program::Options as_user;
  if (is_root) as_user.user = kNobody;
  write_file(path("secret.pdf"), "not for you");
  ::chmod(path("secret.pdf").c_str(), 0);
  if (is_root) {
    ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
    ASSERT_EQ(::chmod(output_.path().c_str(), 0777), 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path("sender")))
      ASSERT_EQ(::chown(entry.path().c_str(), kNobody, kNobody), 0);
    ASSERT_EQ(::chown(path("sender").c_str(), kNobody, kNobody), 0);
  }
  const Ended ended = run_as("sender", {"send", path("secret.pdf"), "--to", "alice"}, as_user);
  if (ended.status == 127) GTEST_SKIP() << "this build can't be run by another user";
  expect_error(ended, 1, "secret.pdf");
  EXPECT_EQ(run_as("sender", {"list"}, as_user).out, "");
}

TEST_F(CliSendTest, FolderAndSeveralSources_AreOneTransfer) {
  ::mkdir(path("photos").c_str(), 0755);
  for (const Arguments& sources :
       {Arguments{path("photos")}, Arguments{path("photos/")}, Arguments{path("photos/.")},
        Arguments{path("photos"), path("report.pdf")}}) {
    Arguments command = sources;
    command.insert(command.end(), {"--to", "alice"});
    const Ended sent = send(command);
    EXPECT_EQ(sent.status, 0) << sent.err;
    EXPECT_NE(sent.out.find(" queued photos -> alice\n"), std::string::npos) << sent.out;
  }
  const Ended named =
      send({path("photos"), path("report.pdf"), "--name", "for you", "--to", "alice"});
  EXPECT_NE(named.out.find(" queued for you -> alice\n"), std::string::npos) << named.out;
}

TEST_F(CliSendTest, InlineChannels_AreNotMixedWithOthers) {
  for (const char* name : {"bob", "carl"})
    EXPECT_EQ(run_as("sender", {"channel", "new", name, "--inline"}).status, 0);
  expect_error(send({path("report.pdf"), "--to", "bob", "--to", "alice"}), 2,
               "of channels bob and alice one is inline");
  expect_nothing_queued();
  const Ended sent = send({path("report.pdf"), "--to", "bob", "--to", "carl"});
  EXPECT_NE(sent.out.find(" queued report.pdf -> bob, carl\n"), std::string::npos) << sent.err;
}

TEST_F(CliSendTest, WhatNoArchiveHolds_IsRefusedByItsPath) {
  ::mkdir(path("photos").c_str(), 0755);
  ASSERT_EQ(::symlink("/etc/passwd", path("photos/link").c_str()), 0);
  expect_error(send({path("photos"), "--to", "alice"}), 2, "photos/link");
  expect_error(send({path("photos/link"), path("photos/link"), "--to", "alice"}), 2, "link");
  expect_error(send({path("report.pdf"), path("none"), "--to", "alice"}), 4, "none");
  expect_error(send({path("report.pdf"), "--name", "../x", "--to", "alice"}), 2, "../x");
  expect_nothing_queued();
}

TEST_F(CliSendTest, Device_IsNoSource) {
  EXPECT_NE(send({"/dev/zero", "--to", "alice"}).status, 0);
  expect_nothing_queued();
}

TEST_F(CliSendTest, UnknownRecipient_IsNotFound) {
  expect_error(send({path("report.pdf"), "--to", "alice", "--to", "carol"}), 4, "carol");
  expect_nothing_queued();
}

TEST_F(CliSendTest, RecipientTwice_IsUsage) {
  EXPECT_EQ(send({path("report.pdf"), "--to", "alice", "--to", "alice"}).status, 2);
  expect_nothing_queued();
}

TEST_F(CliSendTest, IncomingChannel_IsNoRecipient) {
  expect_error(run_as("alice", {"send", path("report.pdf"), "--to", "sender"}), 2, "for receiving");
  EXPECT_EQ(run_as("alice", {"list"}).out, "");
}

TEST_F(CliSendTest, NoRecipient_IsUsage) {
  EXPECT_EQ(send({path("report.pdf")}).status, 2);
  expect_nothing_queued();
}

TEST_F(CliSendTest, LongNote_IsUsage) {
  EXPECT_EQ(send({path("report.pdf"), "--to", "alice", "--note", std::string(513, 'x')}).status, 2);
  expect_nothing_queued();
}

TEST_F(CliSendTest, NameForATerminal_IsEscaped) {
  const Ended ended = send({path("evil\x1b[2Jname"), "--to", "alice"});
  EXPECT_NE(ended.status, 0);
  EXPECT_EQ(ended.err.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace taubenpost

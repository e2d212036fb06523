// Transcripts of whole transfers, each part a process of its own, and of what can go wrong.
#include <sys/mount.h>

#include <nlohmann/json.hpp>
#include <random>

#include "support/cli_fixture.h"

namespace taubenpost {
namespace {

std::string bytes_of(std::size_t size) {
  std::mt19937 random(42);  // the same in every run
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

class CliTransferTest : public CliNetworkTest {
 protected:
  void SetUp() override {
    start_network("network");
    init("sender");
    init("alice");
    connect("sender", "alice");
    ::mkdir(path("inbox").c_str(), 0755);
  }
  Ended receive() { return run_as("alice", {"receive", "--into", path("inbox")}); }
  nlohmann::json only_job(const std::string& who) {
    const Ended listed = run_as(who, {"list", "--json"});
    EXPECT_EQ(listed.status, 0) << listed.err;
    return nlohmann::json::parse(listed.out, nullptr, false);
  }
  void expect_received(const std::string& name, const std::string& content) {
    const Ended received = receive();
    EXPECT_EQ(received.status, 0) << received.err;
    EXPECT_EQ(received.out,
              path("inbox/" + name) + "\t" + std::to_string(content.size()) + "\tsender\n");
    EXPECT_TRUE(content_of(path("inbox/" + name)) == content);
  }
};

// With both daemons: the whole way, and all that meets a lost connection.
class CliBothDaemonsTest : public CliTransferTest,
                           public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    daemon_ = GetParam();
    CliTransferTest::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(Daemon, CliBothDaemonsTest, ::testing::Values("robust", "upstream"),
                         [](const auto& daemon) { return std::string(daemon.param); });

TEST_P(CliBothDaemonsTest, SendAndReceive_SameBytes) {
  const std::string content = bytes_of(40'000);
  write_file(path("report of März.pdf"), content);
  const Ended sent =
      run_as("sender", {"send", path("report of März.pdf"), "--to", "alice", "--wait"});
  EXPECT_EQ(sent.status, 0) << sent.err;
  EXPECT_NE(sent.out.find(" posted report of März.pdf -> alice\n"), std::string::npos) << sent.out;
  EXPECT_EQ(sent.err, "");
  expect_received("report of März.pdf", content);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("inbox")), {}), 1);

  expect_error(receive(), 9, "nothing new", /*has_hint=*/false);
  const nlohmann::json job = only_job("sender");
  EXPECT_EQ(job["type"], "send_job");
  EXPECT_EQ(job["state"], "posted");
  EXPECT_EQ(job["boxes"], 26);
  EXPECT_EQ(job["boxes_done"], 26);
  EXPECT_EQ(job["recipients"][0]["state"], "posted");
  const nlohmann::json placed = only_job("alice");
  EXPECT_EQ(placed["type"], "receive_job");
  EXPECT_EQ(placed["state"], "placed");
  EXPECT_EQ(placed["path"], path("inbox/report of März.pdf"));
}

TEST_P(CliBothDaemonsTest, Folder_IsSentAndUnpacked) {
  std::filesystem::create_directories(path("photos/summer"));
  const std::string content = bytes_of(20'000);
  write_file(path("photos/summer/a.jpg"), content);
  write_file(path("note.txt"), "look");
  const Ended sent = run_as("sender", {"send", path("photos/"), "--to", "alice", "--wait"});
  EXPECT_EQ(sent.status, 0) << sent.err;
  EXPECT_EQ(only_job("sender")["kind"], "tar");
  const Ended several = run_as("sender", {"send", path("photos"), path("note.txt"), "--name",
                                          "for you", "--to", "alice", "--wait"});
  EXPECT_EQ(several.status, 0) << several.err;
  const Ended received = run_as("alice", {"receive", "--unpack", "--into", path("inbox")});
  EXPECT_EQ(received.status, 0) << received.err;
  EXPECT_EQ(received.err, "");
  EXPECT_NE(received.out.find(path("inbox/photos") + "\t"), std::string::npos) << received.out;
  EXPECT_TRUE(content_of(path("inbox/photos/summer/a.jpg")) == content);
  EXPECT_TRUE(content_of(path("inbox/for you/photos/summer/a.jpg")) == content);
  EXPECT_EQ(content_of(path("inbox/for you/note.txt")), "look");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("inbox")), {}), 2);
}

TEST_P(CliBothDaemonsTest, FolderThatIsNotUnpacked_IsATar) {
  std::filesystem::create_directories(path("photos"));
  write_file(path("photos/a"), "a");
  ASSERT_EQ(run_as("sender", {"send", path("photos"), "--to", "alice", "--wait"}).status, 0);
  EXPECT_EQ(receive().status, 0);
  EXPECT_TRUE(std::filesystem::is_regular_file(path("inbox/photos.tar")));
}

TEST_P(CliBothDaemonsTest, RetractedTransfer_IsFoundByNobodyAnyMore) {
  init("bert");
  connect("sender", "bert");
  ::mkdir(path("other inbox").c_str(), 0755);
  const std::string content = bytes_of(20'000);
  write_file(path("large"), content);
  const Ended sent =
      run_as("sender", {"send", path("large"), "--to", "alice", "--to", "bert", "--wait"});
  ASSERT_EQ(sent.status, 0) << sent.err;
  const std::string id = sent.out.substr(0, 26);
  expect_received("large", content);  // by Alice, who keeps it

  const Ended asked = run_as("sender", {"retract", id});
  EXPECT_EQ(asked.status, 0) << asked.err;
  EXPECT_EQ(asked.out, id + " posted,retracting large -> alice, bert\n" +
                           "may have been seen by: alice, bert\n");
  expect_error(run_as("sender", {"retract", id}), 9, "being retracted already");
  const Ended served = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 0) << served.err;
  EXPECT_EQ(served.out.rfind(id + " posted,retracted large -> alice, bert\n", 0), 0U) << served.out;
  const nlohmann::json job = only_job("sender");
  EXPECT_EQ(job["retract"]["state"], "retracted");
  EXPECT_EQ(job["retract"]["boxes_done"], 13);
  EXPECT_EQ(job["retract"]["may_have_seen"], (nlohmann::json{"alice", "bert"}));
  EXPECT_EQ(job["recipients"][1]["state"], "retracted");
  expect_error(run_as("sender", {"retract", id}), 9, "retracted already", /*has_hint=*/false);

  const Ended late = run_as("bert", {"receive", "--into", path("other inbox")});
  EXPECT_EQ(late.status, 9) << late.err;
  EXPECT_NE(late.err.find("1 transfers were retracted by their sender"), std::string::npos)
      << late.err;
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("other inbox")), {}), 0);
}

#ifdef TP_FAILPOINTS
TEST_F(CliTransferTest, RetractedWhileItIsFetched_FailsAndSaysWhy) {
  write_file(path("large"), bytes_of(20'000));
  const Ended sent = run_as("sender", {"send", path("large"), "--to", "alice", "--wait"});
  ASSERT_EQ(sent.status, 0) << sent.err;
  ::setenv("TP_FAILPOINT", "receive.poll.committed:1", /*overwrite=*/1);
  EXPECT_EQ(receive().status, 128 + SIGKILL);  // Alice has found the letter, and no more
  ::unsetenv("TP_FAILPOINT");
  ASSERT_EQ(run_as("sender", {"retract", sent.out.substr(0, 26)}).status, 0);
  ASSERT_EQ(run_as("sender", {"serve", "--until-idle"}).status, 0);
  const Ended received = receive();
  EXPECT_EQ(received.status, 1) << received.err;
  EXPECT_EQ(received.out, "");
  EXPECT_NE(received.err.find("(large from sender) failed: retracted by sender"), std::string::npos)
      << received.err;
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("inbox")), {}), 0);
}
#endif

TEST_F(CliTransferTest, RetractedDirectly_IsTheSame) {
  write_file(path("small"), "small");
  const Ended sent = run_as("sender", {"send", path("small"), "--to", "alice", "--wait"});
  ASSERT_EQ(sent.status, 0) << sent.err;
  ASSERT_EQ(run_as("sender", {"retract", sent.out.substr(0, 6), "--direct"}).status, 0);
  const Ended served = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 0) << served.err;
  EXPECT_EQ(only_job("sender")["retract"]["way"], "direct");
  EXPECT_EQ(receive().status, 9);
}

TEST_F(CliTransferTest, CancelOfAPostedJob_RetractsIt) {
  write_file(path("small"), "small");
  const Ended sent = run_as("sender", {"send", path("small"), "--to", "alice", "--wait"});
  ASSERT_EQ(sent.status, 0) << sent.err;
  const Ended cancelled = run_as("sender", {"cancel", sent.out.substr(0, 6)});
  EXPECT_EQ(cancelled.status, 0) << cancelled.err;
  EXPECT_NE(cancelled.out.find(" posted,retracting small"), std::string::npos) << cancelled.out;
}

TEST_F(CliTransferTest, ChangedSource_IsSentAnew) {
  write_file(path("report"), "first");
  const Ended sent = run_as("sender", {"send", path("report"), "--to", "alice"});
  ASSERT_EQ(sent.status, 0) << sent.err;
  const std::string id = sent.out.substr(0, 26);
  write_file(path("report"), "the second version");
  EXPECT_EQ(run_as("sender", {"serve", "--until-idle"}).status, 1);
  const Ended refused = run_as("sender", {"retry", id});
  expect_error(refused, 7, "changed since it was queued");
  EXPECT_NE(refused.err.find("retry --restart"), std::string::npos) << refused.err;
  const Ended anew = run_as("sender", {"retry", id, "--restart"});
  EXPECT_EQ(anew.status, 0) << anew.err;
  EXPECT_EQ(anew.out.substr(26), " queued report -> alice\n");
  EXPECT_NE(anew.out.substr(0, 26), id);
  expect_error(run_as("sender", {"retry", id}), 9, "cancelled", /*has_hint=*/false);
  EXPECT_EQ(run_as("sender", {"serve", "--until-idle"}).status, 0);
  expect_received("report", "the second version");
}

TEST_F(CliTransferTest, PostedJob_IsSharedWithOneMore) {
  init("bob");
  connect("sender", "bob");
  const std::string content = bytes_of(5'000);
  write_file(path("report"), content);
  const Ended sent = run_as("sender", {"send", path("report"), "--to", "alice", "--wait"});
  ASSERT_EQ(sent.status, 0) << sent.err;
  const std::string id = sent.out.substr(0, 26);
  std::filesystem::remove(path("report"));
  const Ended shared = run_as("sender", {"share", id, "--to", "bob"});
  EXPECT_EQ(shared.status, 0) << shared.err;
  EXPECT_EQ(shared.out, id + " committing report -> alice, bob\n");
  const Ended served = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 0) << served.err;
  expect_error(run_as("sender", {"share", id, "--to", "bob"}), 7, "bob is a recipient");
  expect_received("report", content);
  write_file(path("report"), "an old version");
  const Ended received = run_as("bob", {"receive", "--into", path(""), "--if-exists", "replace"});
  EXPECT_EQ(received.status, 0) << received.err;
  EXPECT_TRUE(content_of(path("report")) == content);
}

TEST_F(CliTransferTest, ChannelThatAsks_WaitsForItsUser) {
  const Ended set =
      run_as("alice", {"channel", "set", "sender", "--accept", "ask", "--max-size", "2MiB"});
  EXPECT_EQ(set.status, 0) << set.err;
  EXPECT_EQ(set.out, "channel sender\naccept: ask\nmax size: 2097152\nmax pending: 100\n");
  EXPECT_EQ(run_as("alice", {"channel", "set", "sender", "--max-size", "-1"}).status, 2);
  for (const char* name : {"first", "second"}) {
    write_file(path(name), name);
    const Ended sent = run_as("sender", {"send", path(name), "--to", "alice", "--wait"});
    ASSERT_EQ(sent.status, 0) << sent.err;
  }
  const Ended waits = receive();
  EXPECT_EQ(waits.status, 9) << waits.err;
  EXPECT_NE(waits.err.find("2 transfers wait for your decision"), std::string::npos) << waits.err;
  EXPECT_NE(waits.err.find("nothing was received"), std::string::npos) << waits.err;
  const Ended listed = run_as("alice", {"inbox", "list"});
  EXPECT_EQ(listed.status, 0) << listed.err;
  const std::string line = first_line(listed.out);
  const std::string id = line.substr(0, 26);
  EXPECT_EQ(line, id + " waiting first (5 bytes) <- sender: it waits for your decision");
  const std::string second = listed.out.substr(line.size() + 1, 26);

  const Ended accepted = run_as("alice", {"inbox", "accept", id, "--into", path("inbox")});
  EXPECT_EQ(accepted.status, 0) << accepted.err;
  EXPECT_EQ(accepted.out, id + " waiting first <- sender\n");
  expect_error(run_as("alice", {"inbox", "accept", id}), 9, "it has become a job already: " + id);
  const Ended discarded = run_as("alice", {"inbox", "discard", second});
  EXPECT_EQ(discarded.status, 0) << discarded.err;
  EXPECT_EQ(discarded.out.rfind(second + " discarded second (6 bytes) ", 0), 0U) << discarded.out;
  expect_received("first", "first");
  EXPECT_EQ(run_as("alice", {"inbox", "list"}).out, "");

  // Back to the first position: nothing is received twice.
  const nlohmann::json channel =
      nlohmann::json::parse(run_as("alice", {"channel", "show", "sender", "--json"}).out);
  EXPECT_EQ(channel["accept"], "ask");
  const std::uint64_t next = channel["position"];
  const Ended sought = run_as("alice", {"channel", "seek", "sender", std::to_string(next - 2)});
  EXPECT_EQ(sought.status, 0) << sought.err;
  EXPECT_EQ(receive().status, 9);
  expect_error(run_as("sender", {"channel", "seek", "alice", "1"}), 7, "is for sending");
}

TEST_F(CliTransferTest, OneTransfer_IsVerifiedAndThenGoesWhereItIsWanted) {
  const std::string content = bytes_of(3'000);
  write_file(path("report"), content);
  ASSERT_EQ(run_as("sender", {"send", path("report"), "--to", "alice", "--wait"}).status, 0);
  const Ended verified = run_as("alice", {"receive", "--verify-only", "--into", path("inbox")});
  EXPECT_EQ(verified.status, 0) << verified.err;
  EXPECT_EQ(verified.out, "verified\treport\t3000\tsender\n");
  EXPECT_FALSE(std::filesystem::exists(path("inbox/report")));
  const Ended poured = run_as("alice", {"receive", "-o", "-"});
  EXPECT_EQ(poured.status, 0) << poured.err;
  EXPECT_TRUE(poured.out == content);
  EXPECT_TRUE(std::filesystem::is_empty(path("alice/output")));
  EXPECT_TRUE(std::filesystem::is_empty(path("inbox")));
  expect_error(run_as("alice", {"receive", "-o", "-"}), 9, "nothing new", /*has_hint=*/false);

  for (const char* name : {"first", "second"}) {
    write_file(path(name), name);
    ASSERT_EQ(run_as("sender", {"send", path(name), "--to", "alice", "--wait"}).status, 0);
  }
  const std::string file = path("inbox/file");
  expect_error(run_as("alice", {"receive", "-o", file}), 7, "2 transfers could be meant");
  const std::string id = run_as("alice", {"inbox", "list"}).out.substr(0, 26);
  write_file(file, "old");
  expect_error(run_as("alice", {"receive", "-o", file, id}), 7, "exists already");
  const Ended saved = run_as("alice", {"receive", "-o", file, id, "--if-exists", "replace"});
  EXPECT_EQ(saved.status, 0) << saved.err;
  EXPECT_EQ(content_of(file), "first");
  expect_received("second", "second");
}

TEST_F(CliTransferTest, Follow_PlacesWhatArrivesRunsAProgramAndStopsAtASignal) {
  const std::string program = path("program"), seen = path("seen");
  write_file(program, "");  // nothing that can be started
  ::chmod(program.c_str(), 0755);
  write_file(path("early"), "early");
  ASSERT_EQ(run_as("sender", {"send", path("early"), "--to", "alice", "--wait"}).status, 0);
  const Ended received =
      run_as("alice", {"receive", "--into", path("inbox"), "--on-received", program});
  EXPECT_EQ(received.status, 0) << received.err;
  EXPECT_NE(received.err.find("could not be started"), std::string::npos) << received.err;

  write_file(program,
             "#!/bin/sh\nprintf '%s %s %s\\n' \"$#\" \"$1\" \"$TAUBENPOST_RECEIVED_NAME\" >>'" +
                 seen + "'\nexit 3\n");
  write_file(path("$(late)"), "late");
  ASSERT_EQ(run_as("sender", {"send", path("$(late)"), "--to", "alice", "--wait"}).status, 0);
  const auto following =
      start_as("alice", {"receive", "--follow", "--into", path("inbox"), "--on-received", program});
  ASSERT_TRUE(following->says(path("inbox/$(late)"))) << following->wait().err;
  ASSERT_TRUE(following->warns(path("inbox/$(late)") + " is placed; its program " + program +
                               " ended with status 3"));
  const auto begin = std::chrono::steady_clock::now();
  following->send_signal(SIGTERM);
  const Ended ended = following->wait();
  EXPECT_EQ(ended.status, 143);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_EQ(content_of(seen),
            "1 " + path("inbox/early") + " early\n1 " + path("inbox/$(late)") + " $(late)\n")
      << "that of the first run is made up for";
}

// A copy of the sender has used Alice's next positions, more than are looked through at once.
TEST_F(CliTransferTest, OneRecipientOfTwoFails_IsPartialUntilItIsTriedAgain) {
  init("bob");
  connect("sender", "bob");
  std::filesystem::copy(path("sender"), path("copy"), std::filesystem::copy_options::recursive);
  write_file(path("other"), "other");
  for (int i = 0; i < 17; ++i)
    ASSERT_EQ(run_as("copy", {"send", path("other"), "--to", "alice"}).status, 0);
  ASSERT_EQ(run_as("copy", {"serve", "--until-idle"}).status, 0);
  write_file(path("report"), "report");
  const Ended sent = run_as("sender", {"send", path("report"), "--to", "alice", "--to", "bob"});
  const std::string id = sent.out.substr(0, 26);
  const Ended partly = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(partly.status, 3) << partly.err;
  EXPECT_NE(partly.err.find("not delivered to alice"), std::string::npos) << partly.err;
  EXPECT_EQ(partly.err.find("not delivered to bob"), std::string::npos) << partly.err;
  const Ended retried = run_as("sender", {"retry", id});
  EXPECT_EQ(retried.status, 0) << retried.err;
  EXPECT_EQ(retried.out, id + " committing report -> alice, bob\n");
  const Ended served = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 0) << served.err;
  EXPECT_EQ(served.out, id + " posted report -> alice, bob\n");
}

TEST_F(CliTransferTest, Audit_CountsPackets) {
  write_file(path("small"), "small");
  ASSERT_EQ(run_as("sender", {"send", path("small"), "--to", "alice", "--wait"}).status, 0);
  const Ended audit = run({"localnet", "ctl", "--data", path("network"), "audit", "--json"});
  EXPECT_EQ(audit.status, 0) << audit.err;
  const auto counters = nlohmann::json::parse(audit.out);
  EXPECT_GT(counters["packets"], 0);
  EXPECT_EQ(counters["conflicting_writes"], 0);
}

TEST_F(CliTransferTest, ReceiveFromOneChannel_LeavesTheOthers) {
  init("carol");
  const Ended made =
      run_as("carol", {"channel", "new", "alice", "--invite-file", path("carol.invite")});
  ASSERT_EQ(made.status, 0) << made.err;
  ASSERT_EQ(
      run_as("alice", {"channel", "import", "carol", "--invite-file", path("carol.invite")}).status,
      0);
  write_file(path("one"), "of sender");
  write_file(path("two"), "of carol");
  ASSERT_EQ(run_as("sender", {"send", path("one"), "--to", "alice", "--wait"}).status, 0);
  ASSERT_EQ(run_as("carol", {"send", path("two"), "--to", "alice", "--wait"}).status, 0);
  const Ended first = run_as("alice", {"receive", "--from", "carol", "--into", path("inbox")});
  EXPECT_EQ(first.out, path("inbox/two") + "\t8\tcarol\n") << first.err;
  expect_received("one", "of sender");
}

TEST_P(CliBothDaemonsTest, NetworkNotRunning_JobStaysQueuedAndIsDeliveredLater) {
  stop_network();
  const std::string content = bytes_of(5'000);
  write_file(path("report.pdf"), content);
  const Ended sent = run_as("sender", {"send", path("report.pdf"), "--to", "alice", "--wait"});
  EXPECT_EQ(sent.status, 13);
  EXPECT_NE(sent.out.find(" queued "), std::string::npos);
  EXPECT_EQ(sent.err.rfind("taubenpost: ", 0), 0U);
  EXPECT_NE(sent.err.find("\nhint: "), std::string::npos) << sent.err;
  EXPECT_EQ(only_job("sender")["state"], "queued");

  start_network("network");
  const Ended served = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 0) << served.err;
  EXPECT_NE(served.out.find(" posted report.pdf -> alice\n"), std::string::npos);
  expect_received("report.pdf", content);
}

TEST_F(CliTransferTest, OtherNetwork_NothingIsSentAndTheJobStays) {
  write_file(path("first"), "first");
  ASSERT_EQ(run_as("sender", {"send", path("first"), "--to", "alice", "--wait"}).status, 0);
  expect_received("first", "first");
  stop_network();
  start_network("another");
  write_file(path("second"), "second");
  const Ended sent = run_as("sender", {"send", path("second"), "--to", "alice", "--wait"});
  EXPECT_EQ(sent.status, 7);
  EXPECT_NE(first_line(sent.err).find("another network"), std::string::npos) << sent.err;
  const Ended audit = run({"localnet", "ctl", "--data", path("another"), "audit", "--json"});
  EXPECT_EQ(nlohmann::json::parse(audit.out)["packets"], 0);
  expect_error(receive(), 7, "another network");

  stop_network();
  start_network("network");
  EXPECT_EQ(run_as("sender", {"serve", "--until-idle"}).status, 0);
  expect_received("second", "second");
}

TEST_F(CliTransferTest, SourceChangedWhileQueued_FailsAndNothingIsFound) {
  write_file(path("report.pdf"), bytes_of(5'000));
  ASSERT_EQ(run_as("sender", {"send", path("report.pdf"), "--to", "alice"}).status, 0);
  write_file(path("report.pdf"), bytes_of(6'000));
  const Ended served = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 1);
  EXPECT_NE(served.err.find("changed"), std::string::npos) << served.err;
  const nlohmann::json job = only_job("sender");
  EXPECT_EQ(job["state"], "failed");
  EXPECT_EQ(job["error"]["code"], static_cast<int>(5));
  EXPECT_EQ(receive().status, 9);
}

TEST_F(CliTransferTest, TargetExists_KeepsBoth) {
  write_file(path("report.pdf"), "new");
  write_file(path("inbox/report.pdf"), "old");
  ASSERT_EQ(run_as("sender", {"send", path("report.pdf"), "--to", "alice", "--wait"}).status, 0);
  const Ended received = receive();
  EXPECT_EQ(received.status, 0) << received.err;
  EXPECT_EQ(content_of(path("inbox/report.pdf")), "old");
  EXPECT_EQ(content_of(path("inbox/report (2).pdf")), "new");
}

TEST_P(CliBothDaemonsTest, StoppedBySignal_GoesOnLater) {
  const std::string content = bytes_of(200'000);
  write_file(path("large"), content);
  for (const auto& [number, status] : {std::pair{SIGTERM, 143}, std::pair{SIGINT, 130}}) {
    const CliTest::Arguments command =
        number == SIGTERM ? CliTest::Arguments{"send", path("large"), "--to", "alice", "--wait"}
                          : CliTest::Arguments{"serve", "--until-idle"};
    const auto sender = start_as("sender", command);
    // The sender is connected once the network has seen a packet more.
    const auto packets = [&] {
      const Ended audit = run({"localnet", "ctl", "--data", path("network"), "audit", "--json"});
      return nlohmann::json::parse(audit.out)["packets"].get<int>();
    };
    for (const int before = packets(); packets() == before && sender->is_running();) {
    }
    sender->send_signal(number);
    const Ended ended = sender->wait();
    EXPECT_EQ(ended.status, status) << ended.err;
    EXPECT_NE(ended.err.find("stopped by"), std::string::npos) << ended.err;
  }
  EXPECT_NE(only_job("sender")["state"], "posted");
  EXPECT_EQ(run_as("sender", {"serve", "--until-idle"}).status, 0);
  // No element counted as written that was only about to be: a courier would have missed it.
  const Ended audit = run({"localnet", "ctl", "--data", path("network"), "audit", "--json"});
  EXPECT_TRUE(nlohmann::json::parse(audit.out)["copies_failed"].empty()) << audit.out;
  expect_received("large", content);
}

// A state directory on a file system of its own that is nearly full.
class CliDiskFullTest : public CliTransferTest {
 protected:
  void TearDown() override { ::umount(path("small").c_str()); }
};

TEST_F(CliDiskFullTest, StateDirectoryFull_JobsStayAndAreDeliveredLater) {
  ::mkdir(path("small").c_str(), 0700);
  if (::mount("none", path("small").c_str(), "tmpfs", 0, "size=64m") != 0)
    GTEST_SKIP() << "a small file system needs root: the full disk is NOT tested";
  init("small/sender");
  const Ended made =
      run_as("small/sender", {"channel", "new", "alice", "--invite-file", path("small.invite")});
  ASSERT_EQ(made.status, 0) << made.err;
  ASSERT_EQ(
      run_as("alice", {"channel", "import", "small", "--invite-file", path("small.invite")}).status,
      0);
  const std::string content = bytes_of(300'000);
  write_file(path("large"), content);
  ASSERT_EQ(run_as("small/sender", {"send", path("large"), "--to", "alice"}).status, 0);
  write_file(path("small/ballast"), std::string(64 << 20, 'x'));  // as much as there is room for

  const Ended served = run_as("small/sender", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 8) << served.err;
  EXPECT_EQ(served.err.rfind("taubenpost: ", 0), 0U) << served.err;
  EXPECT_NE(served.err.find("\nhint: "), std::string::npos) << served.err;
  const Ended refused = run_as("small/sender", {"send", path("large"), "--to", "alice"});
  EXPECT_EQ(refused.status, 8) << refused.err;
  EXPECT_EQ(refused.out, "");

  ::unlink(path("small/ballast").c_str());
  const nlohmann::json job = only_job("small/sender");
  EXPECT_NE(job["state"], "failed");
  EXPECT_EQ(run_as("small/sender", {"serve", "--until-idle"}).status, 0);
  const Ended received = run_as("alice", {"receive", "--into", path("inbox")});
  EXPECT_EQ(received.status, 0) << received.err;
  EXPECT_TRUE(content_of(path("inbox/large")) == content);
}

}  // namespace
}  // namespace taubenpost

// Transcripts of the commands about the store itself: fsck, backup, and what a restored one does.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "support/cli_fixture.h"
#include "support/store_dir.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

class CliStoreTest : public CliTest {
 protected:
  // A sender with a channel and a job that waits.
  void SetUp() override {
    init("sender");
    init("anna");
    connect("sender", "anna");
    write_file(path("file"), "content");
    ASSERT_EQ(run_as("sender", {"send", path("file"), "--to", "anna"}).status, 0);
  }
  // `backup` becomes the state directory `who`.
  void restore(const std::string& backup, const std::string& who) {
    fs::copy(path(backup), path(who), fs::copy_options::recursive);
    if (!fs::exists(path(who + "/store.key")))
      fs::copy(path("sender/store.key"), path(who + "/store.key"));
  }
  std::vector<std::string> names_in(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path(folder)))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
};

using Names = std::vector<std::string>;

TEST_F(CliStoreTest, FsckOfASoundStore_IsClean) {
  const Ended ended = run_as("sender", {"fsck"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(ended.out, "7 rows of 1 jobs and 1 channels, 0 slices of spools: clean\n");
  EXPECT_EQ(ended.err, "");
}

TEST_F(CliStoreTest, FsckOfADamagedStore_NamesEachFindingAndWhatToDo) {
  for (const Family family : {Family::kChannels, Family::kJournal})
    edit_rows(path("sender/store.db"), family,
              [](const std::string&, std::string& value) { value.back() ^= 1; });
  const Ended ended = run_as("sender", {"fsck"});
  EXPECT_EQ(ended.status, 10);
  EXPECT_EQ(ended.err, "");
  EXPECT_EQ(ended.out.rfind("channels row ", 0), 0U) << ended.out;
  EXPECT_NE(ended.out.find("make a new channel\njournal row "), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find(": 2 findings\n"), std::string::npos) << ended.out;

  const Ended again = run_as("sender", {"--json", "fsck"});
  EXPECT_EQ(again.status, 10);
  std::istringstream lines(again.out);
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(objects.size(), 3U);
  EXPECT_EQ(objects[0]["type"], "finding");
  EXPECT_FALSE(objects[0]["advice"].get<std::string>().empty());
  EXPECT_EQ(objects[2]["type"], "fsck");
  EXPECT_EQ(objects[2]["findings"], 2);
}

TEST_F(CliStoreTest, Fsck_OpensWhatOtherCommandsOpen) {
  expect_error(run_as("nowhere", {"fsck"}), 10, "no store here");
  expect_error(run_as("sender", {"fsck", "--key-file", path("file")}), 12, "key file");
  const auto held =
      RocksStore::open(path("sender"), KeyFile{RocksStore::default_key_file(path("sender"))});
  ASSERT_TRUE(held);
  expect_error(run_as("sender", {"fsck"}), 11, "in use by process ");
}

TEST_F(CliStoreTest, Backup_HoldsNeitherKeyNorIncarnation) {
  const Ended made = run_as("sender", {"backup", path("copy")});
  EXPECT_EQ(made.status, 0) << made.err;
  EXPECT_NE(made.err.find("keep a copy of " + path("sender/store.key")), std::string::npos);
  EXPECT_EQ(names_in("copy"), (Names{"config.toml", "store.db"}));
  struct stat info{};
  ASSERT_EQ(::stat(path("copy").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700U);
  // It is checked where it lies.
  const Ended checked = run_as("copy", {"fsck", "--key-file", path("sender/store.key")});
  EXPECT_EQ(checked.status, 0) << checked.out << checked.err;
  EXPECT_EQ(run_as("sender", {"list"}).status, 0);
}

TEST_F(CliStoreTest, BackupWithKey_SaysSo) {
  const Ended made = run_as("sender", {"backup", "--with-key", path("copy"), "--json"});
  EXPECT_EQ(made.status, 0) << made.err;
  EXPECT_NE(made.err.find("the store key is in it"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(made.out)["with_key"], true);
  EXPECT_EQ(content_of(path("copy/store.key")), content_of(path("sender/store.key")));
  EXPECT_EQ(run_as("copy", {"fsck"}).status, 0);
}

TEST_F(CliStoreTest, BackupOverSomething_IsRefused) {
  write_file(path("thesis"), "years of work");
  expect_error(run_as("sender", {"backup", path("thesis")}), 7, "exists already");
  EXPECT_EQ(content_of(path("thesis")), "years of work");
  expect_error(run_as("sender", {"backup", path("sender/copy")}), 7, "inside");
  fs::create_directory_symlink(path("sender"), path("elsewhere"));
  expect_error(run_as("sender", {"backup", path("elsewhere/copy")}), 7, "inside");
  expect_error(run_as("sender", {"backup", ""}), 2, "is empty");
  expect_error(run_as("sender", {"backup", path("no/copy")}), 4, "no/");
  EXPECT_FALSE(fs::exists(path("sender/copy")));
}

TEST_F(CliStoreTest, BackupOfADamagedCopy_IsNotMade) {
  fs::remove(path("sender/config.toml"));
  EXPECT_NE(run_as("sender", {"backup", path("copy")}).status, 0);
  for (const auto& entry : fs::directory_iterator(path("")))
    EXPECT_EQ(entry.path().filename().string().find("copy"), std::string::npos);
}

#ifdef TP_FAILPOINTS
TEST_F(CliStoreTest, BackupThatIsKilled_IsCompleteOrAbsent) {
  for (const char* at : {"backup.copied", "backup.placed"}) {
    SCOPED_TRACE(at);
    setenv("TP_FAILPOINT", (std::string(at) + ":1").c_str(), 1);
    const Ended killed = run_as("sender", {"backup", path("copy")});
    unsetenv("TP_FAILPOINT");
    EXPECT_EQ(killed.status, 128 + SIGKILL);
    const bool placed = std::string(at) == "backup.placed";
    EXPECT_EQ(fs::exists(path("copy")), placed);
    EXPECT_EQ(run_as("sender", {"backup", path("copy")}).status, placed ? 7 : 0);
    EXPECT_EQ(run_as("copy", {"fsck", "--key-file", path("sender/store.key")}).status, 0);
    EXPECT_FALSE(fs::exists(path(".copy.taubenpost-backup")));
    fs::remove_all(path("copy"));
  }
}
#endif

// ---- restored ----

class CliRestoredTest : public CliNetworkTest {
 protected:
  // "again" is restored from a copy that does not know of the second of two letters, and has a
  // third one to send.
  void SetUp() override {
    start_network("network");
    init("sender");
    init("anna");
    connect("sender", "anna");
    send("first");
    ASSERT_EQ(run_as("sender", {"backup", path("again")}).status, 0);
    send("second");
    fs::copy(path("sender/store.key"), path("again/store.key"));
    write_file(path("third"), "third");
  }
  void send(const std::string& name) {
    write_file(path(name), name);
    const Ended sent = run_as("sender", {"send", path(name), "--to", "anna", "--wait"});
    ASSERT_EQ(sent.status, 0) << sent.err;
  }
  // A minute of waiting takes three seconds.
  Ended run_fast(const std::string& who, Arguments arguments, const std::string& kill_at = {}) {
    setenv("TP_TIME_SCALE", "20", 1);
    if (!kill_at.empty()) setenv("TP_FAILPOINT", (kill_at + ":1").c_str(), 1);
    const Ended ended = run_as(who, std::move(arguments));
    unsetenv("TP_TIME_SCALE");
    unsetenv("TP_FAILPOINT");
    return ended;
  }
  void expect_received() {
    fs::create_directory(path("in"));
    const Ended received = run_as("anna", {"receive", "--into", path("in")});
    EXPECT_EQ(received.status, 0) << received.err;
    for (const char* name : {"first", "second", "third"})
      EXPECT_EQ(content_of(path(std::string("in/") + name)), name);
  }
};

#ifdef TP_FAILPOINTS
TEST_F(CliRestoredTest, RestoredSender_GoesOnAfterAResync) {
  const Ended listed = run_as("again", {"channel", "list"});
  EXPECT_EQ(listed.status, 0) << listed.err;
  EXPECT_NE(listed.err.find("restored from a copy"), std::string::npos) << listed.err;
  EXPECT_NE(listed.out.find("\tunsynchronised\n"), std::string::npos) << listed.out;
  const Ended queued = run_as("again", {"send", path("third"), "--to", "anna"});
  EXPECT_EQ(queued.status, 0) << queued.err;
  EXPECT_EQ(queued.err, "") << "it is said once";
  EXPECT_NE(queued.out.find(" queued,blocked third"), std::string::npos) << queued.out;
  const Ended served = run_as("again", {"serve", "--until-idle"});
  EXPECT_EQ(served.status, 6);
  EXPECT_NE(served.err.find("channel anna is not synchronised"), std::string::npos) << served.err;

  const Ended synchronised = run_fast("again", {"channel", "resync", "anna"});
  EXPECT_EQ(synchronised.status, 0) << synchronised.err;
  EXPECT_NE(synchronised.out.find(", 1 positions were used"), std::string::npos);
  EXPECT_EQ(run_as("again", {"channel", "resync", "anna"}).status, 9);
  EXPECT_NE(run_as("again", {"channel", "show", "anna"}).out.find("\nstate: ready\n"),
            std::string::npos);
  EXPECT_EQ(run_as("again", {"serve", "--until-idle"}).status, 0);
  EXPECT_EQ(run_as("again", {"fsck"}).status, 0);
  expect_received();
}

TEST_F(CliRestoredTest, RestoredSenderKilledAtEachStep_GoesOnAllTheSame) {
  EXPECT_EQ(run_fast("again", {"list"}, "store.restored.marked").status, 128 + SIGKILL);
  const Ended listed = run_as("again", {"list"});
  EXPECT_NE(listed.err.find("restored from a copy"), std::string::npos) << listed.err;
  ASSERT_EQ(run_as("again", {"send", path("third"), "--to", "anna"}).status, 0);
  for (const char* at : {"resync.before_commit", "resync.committed"}) {
    SCOPED_TRACE(at);
    const Ended killed = run_fast("again", {"channel", "resync", "anna"}, at);
    EXPECT_EQ(killed.status, 128 + SIGKILL) << killed.err;
  }
  EXPECT_EQ(run_as("again", {"channel", "resync", "anna"}).status, 9) << "the last one was whole";
  EXPECT_EQ(run_as("again", {"serve", "--until-idle"}).status, 0);
  expect_received();
}
#endif

// ---- purge ----

TEST_F(CliStoreTest, Purge_ForgetsWhatEndedLongAgo) {
  const std::string id = run_as("sender", {"list"}).out.substr(0, 26);
  ASSERT_EQ(run_as("sender", {"cancel", id}).status, 0);
  EXPECT_EQ(run_as("sender", {"purge"}).out, "forgot 0 jobs and 0 old letters\n");
  EXPECT_EQ(run_as("sender", {"show", id}).status, 0);
  const Ended purged = run_as("sender", {"purge", "--older-than", "0"});
  EXPECT_EQ(purged.status, 0) << purged.err;
  EXPECT_EQ(purged.out, "forgot 1 jobs and 0 old letters\n");
  EXPECT_EQ(run_as("sender", {"list"}).out, "");
  EXPECT_EQ(run_as("sender", {"fsck"}).status, 0);
  expect_error(run_as("sender", {"purge", "--older-than", "-1"}), 2, "--older-than");
}

}  // namespace
}  // namespace taubenpost

// Transcripts of the commands that need no network: init, channel, list, show, and bad state.
#include <map>
#include <nlohmann/json.hpp>

#include "bacap/capability.h"
#include "store/rocks_store.h"
#include "support/cli_fixture.h"

namespace taubenpost {
namespace {

using CliStateTest = CliTest;

mode_t mode_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? (info.st_mode & 07777) : 0;
}

TEST_F(CliStateTest, Version_IsPrinted) {
  const Ended ended = run({"version"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.out.rfind("taubenpost ", 0), 0U);
  EXPECT_EQ(ended.err, "");
  for (const Arguments& command : {Arguments{"version"}, Arguments{"version", "--json"}}) {
    Arguments as_option = command;
    as_option.front() = "--version";
    EXPECT_EQ(run(as_option).status, 0);
    EXPECT_EQ(run(as_option).out, run(command).out);
  }
}

TEST_F(CliStateTest, UnknownCommand_IsUsage) {
  const Ended ended = run({"teleport"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err.rfind("taubenpost: ", 0), 0U);
}

TEST_F(CliStateTest, Help_IsAResult) {
  const Ended ended = run({"--help"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_NE(ended.out.find("receive"), std::string::npos);
}

TEST_F(CliStateTest, Init_MakesAPrivateFolder) {
  init("sender");
  EXPECT_EQ(mode_of(path("sender")), 0700U);
  EXPECT_EQ(mode_of(path("sender/store.key")), 0600U);
  EXPECT_NE(content_of(path("sender/config.toml")).find(path("thinclient.toml")),
            std::string::npos);
}

TEST_F(CliStateTest, InitAgain_SaysSoAndSucceeds) {
  init("sender");
  const Ended again = run_as("sender", {"init", "--thin-config", path("thinclient.toml")});
  EXPECT_EQ(again.status, 0);
  EXPECT_NE(again.out.find("is initialised already"), std::string::npos);
}

TEST_F(CliStateTest, InitWithAnotherConfiguration_IsRefused) {
  init("sender");
  write_file(path("other.toml"), "[Dial.Unix]\nAddress = \"/nowhere\"\n");
  const std::string before = content_of(path("sender/config.toml"));
  expect_error(run_as("sender", {"init", "--thin-config", path("other.toml")}), 7,
               "another daemon configuration");
  EXPECT_EQ(content_of(path("sender/config.toml")), before);
}

TEST_F(CliStateTest, InitInForeignFolder_IsRefusedAndChangesNothing) {
  init("sender");
  ::mkdir(path("photos").c_str(), 0755);
  write_file(path("photos/cat.jpg"), "meow");
  expect_error(run_as("photos", {"init", "--thin-config", path("thinclient.toml")}), 7, "cat.jpg");
  EXPECT_EQ(mode_of(path("photos")), 0755U);
  EXPECT_EQ(mode_of(path("photos/config.toml")), 0U);
}

TEST_F(CliStateTest, InitWithoutDaemonConfiguration_IsNotFound) {
  expect_error(run_as("sender", {"init", "--thin-config", path("missing.toml")}), 4,
               "missing.toml");
  EXPECT_EQ(mode_of(path("sender")), 0U);
}

TEST_F(CliStateTest, InitAfterKillBeforeTheStore_Completes) {
  init("sender");
  // What is there before the store is published.
  ::mkdir(path("half").c_str(), 0700);
  std::filesystem::copy(path("sender/config.toml"), path("half/config.toml"));
  std::filesystem::copy(path("sender/store.key"), path("half/store.key"));
  init("half");
  EXPECT_EQ(run_as("half", {"list"}).status, 0);
}

TEST_F(CliStateTest, MissingStateDirectory_IsReported) {
  expect_error(run_as("nowhere", {"list"}), 10, "no store here");
  EXPECT_EQ(mode_of(path("nowhere")), 0U);
}

TEST_F(CliStateTest, ForeignStateDirectory_IsReported) {
  ::mkdir(path("photos").c_str(), 0755);
  write_file(path("photos/cat.jpg"), "meow");
  expect_error(run_as("photos", {"list"}), 10, "no store here");
}

TEST_F(CliStateTest, WrongConfiguration_IsNamedWithFileLineAndKey) {
  init("sender");
  const std::string file = path("sender/config.toml");
  const std::string good = content_of(file);
  for (const auto& [text, what] : std::map<std::string, std::string>{
           {good + "thin_confg = \"/x\"\n", ":3: unknown key thin_confg"},
           {"thin_config = 5\n", ":1: thin_config must be a string"},
           {"\nthin_config = \"x\"\n", ":2: thin_config must be an absolute path"},
           {"# nothing\n", ":1: thin_config is missing"},
           {"thin_config =\n", ":1: "},
           {std::string(70'000, '#'), ": not a file of at most 64 KiB"}}) {
    write_file(file, text);
    for (const Arguments& command : {Arguments{"list"}, Arguments{"pki"}}) {
      const Ended ended = run_as("sender", command);
      expect_error(ended, 2, file + what);
      EXPECT_EQ(ended.err.find("--help"), std::string::npos) << ended.err;
    }
  }
}

TEST_F(CliStateTest, WrongDaemonConfiguration_IsNamedWithFileLineAndKey) {
  init("sender");
  const std::string file = path("thinclient.toml");
  for (const auto& [text, what] : std::map<std::string, std::string>{
           {"[Dial.Unix]\nAddres = \"@a\"\n", ":2: unknown key Dial.Unix.Addres"},
           {"[Dial.Tcp]\nAddress = \"nowhere\"\n", ":2: Dial.Tcp.Address: not host:port"},
           {"[Dial.Unix]\nAddress = \n", ":2: "},
           {std::string(70'000, '#'), ": larger than 64 KiB"}}) {
    write_file(file, text);
    for (const Arguments& command : {Arguments{"init", "--thin-config", file}, Arguments{"pki"},
                                     Arguments{"pki", "--thin-config", file}}) {
      const Ended ended = run_as("sender", command);
      expect_error(ended, 2, file + what);
      EXPECT_EQ(ended.err.find("--help"), std::string::npos) << ended.err;
    }
  }
}

TEST_F(CliStateTest, LockedStore_IsReported) {
  init("sender");
  const auto held =
      RocksStore::open(path("sender"), KeyFile{RocksStore::default_key_file(path("sender"))});
  ASSERT_TRUE(held) << held.error().what;
  expect_error(run_as("sender", {"list"}), 11, "sender");
}

TEST_F(CliStateTest, ForeignKeyFile_CannotUnlock) {
  init("sender");
  write_file(path("sender/store.key"), std::string(32, 'x'));
  expect_error(run_as("sender", {"list"}), 12, "store.key");
}

TEST_F(CliStateTest, NewChannel_WritesAPrivateInvitation) {
  init("sender");
  const Ended made =
      run_as("sender", {"channel", "new", "alice", "--invite-file", path("alice.invite")});
  EXPECT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(mode_of(path("alice.invite")), 0600U);
  const std::string invitation = content_of(path("alice.invite"));
  EXPECT_EQ(invitation.rfind("tp1", 0), 0U);
  // The secret is in the file and nowhere else.
  EXPECT_EQ(made.out.find(invitation.substr(0, 40)), std::string::npos);
  EXPECT_EQ(run_as("sender", {"channel", "list"}).out.rfind("alice\toutgoing\t", 0), 0U);
}

TEST_F(CliStateTest, NewChannelAgain_WritesTheSameInvitation) {
  init("sender");
  const CliTest::Arguments command{"channel", "new", "alice", "--invite-file",
                                   path("alice.invite")};
  ASSERT_EQ(run_as("sender", command).status, 0);
  const std::string first = content_of(path("alice.invite"));
  const std::string channels = run_as("sender", {"channel", "list"}).out;
  EXPECT_EQ(run_as("sender", command).status, 0);
  EXPECT_EQ(content_of(path("alice.invite")), first);
  // As after a kill between the channel and its file.
  ::unlink(path("alice.invite").c_str());
  EXPECT_EQ(run_as("sender", command).status, 0);
  EXPECT_EQ(content_of(path("alice.invite")), first);
  EXPECT_EQ(run_as("sender", {"channel", "list"}).out, channels);
}

TEST_F(CliStateTest, InvitationWouldOverwrite_IsRefusedAndNoChannelIsMade) {
  init("sender");
  write_file(path("thesis.txt"), "years of work");
  expect_error(run_as("sender", {"channel", "new", "alice", "--invite-file", path("thesis.txt")}),
               7, "exists already");
  EXPECT_EQ(content_of(path("thesis.txt")), "years of work");
  EXPECT_EQ(run_as("sender", {"channel", "list"}).out, "");
}

TEST_F(CliStateTest, InvitationFolderMissing_NoChannelIsMade) {
  init("sender");
  const Ended ended =
      run_as("sender", {"channel", "new", "alice", "--invite-file", path("no/alice.invite")});
  EXPECT_EQ(ended.status, 4);
  EXPECT_EQ(run_as("sender", {"channel", "list"}).out, "");
}

TEST_F(CliStateTest, BadChannelName_LeavesNoFile) {
  init("sender");
  expect_error(run_as("sender", {"channel", "new", "../x", "--invite-file", path("x.invite")}), 2,
               "channel name");
  EXPECT_FALSE(std::filesystem::exists(path("x.invite")));
  EXPECT_FALSE(std::filesystem::exists(path("x.invite.new")));
}

TEST_F(CliStateTest, Import_FromStandardInput) {
  init("sender");
  init("alice");
  ASSERT_EQ(
      run_as("sender", {"channel", "new", "alice", "--invite-file", path("alice.invite")}).status,
      0);
  Program::Options options;
  options.stdin_path = path("alice.invite");
  const Ended imported =
      run_as("alice", {"channel", "import", "sender", "--invite-file", "-"}, options);
  EXPECT_EQ(imported.status, 0) << imported.err;
  EXPECT_EQ(run_as("alice", {"channel", "list"}).out.rfind("sender\tincoming\t", 0), 0U);
  const Ended again =
      run_as("alice", {"channel", "import", "sender", "--invite-file", "-"}, options);
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find("imported already"), std::string::npos);
}

TEST_F(CliStateTest, DamagedInvitation_ImportsNothing) {
  init("sender");
  init("alice");
  ASSERT_EQ(
      run_as("sender", {"channel", "new", "alice", "--invite-file", path("alice.invite")}).status,
      0);
  std::string damaged = content_of(path("alice.invite"));
  damaged[60] = damaged[60] == 'a' ? 'b' : 'a';
  write_file(path("damaged"), damaged);
  write_file(path("cut"), damaged.substr(0, 100));
  write_file(path("empty"), "");
  write_file(path("large"), std::string(10'000, 'a'));
  for (const char* name : {"damaged", "cut", "empty", "large"})
    expect_error(run_as("alice", {"channel", "import", "sender", "--invite-file", path(name)}), 1,
                 name);
  expect_error(run_as("alice", {"channel", "import", "sender", "--invite-file", path("none")}), 4,
               "none");
  EXPECT_EQ(run_as("alice", {"channel", "list"}).out, "");
}

TEST_F(CliStateTest, ForeignKeys_AreImportedAsTheyAreExchanged) {
  init("alice");
  const bacap::WriteCap writer = bacap::WriteCap::from_seed(Bytes32{1});
  const std::string read_cap = to_base64(writer.read_cap().view());
  const std::string index = to_base64(writer.index().next()->bytes());
  write_file(path("keys"), read_cap + "\n" + index + "\n");
  const Arguments command{"channel", "import", "bob", "--foreign-file", path("keys")};
  const Ended imported = run_as("alice", command);
  EXPECT_EQ(imported.status, 0) << imported.err;
  EXPECT_EQ(imported.out.find(read_cap.substr(0, 20)), std::string::npos);
  EXPECT_EQ(run_as("alice", {"channel", "list"}).out,
            "bob\tincoming\t" + std::to_string(writer.index().counter() + 1) + "\n");
  EXPECT_NE(run_as("alice", command).out.find("imported already"), std::string::npos);
  write_file(path("half"), read_cap + "\n");
  expect_error(run_as("alice", {"channel", "import", "carl", "--foreign-file", path("half")}), 1,
               "there is no index");
  expect_error(run_as("alice", {"channel", "import", "carl"}), 2, "");
  expect_error(run_as("alice", {"channel", "import", "carl", "--foreign-file", path("keys"),
                                "--invite-file", path("keys")}),
               2, "");
}

TEST_F(CliStateTest, InlineChannel_WritesWhatPigeonholeCpNeeds) {
  init("sender");
  expect_error(run_as("sender", {"channel", "new", "bob"}), 2, "--invite-file is required");
  EXPECT_EQ(run_as("sender", {"channel", "new", "bob", "--inline"}).out, "channel bob: made\n");
  expect_error(run_as("sender", {"channel", "new", "bob", "--invite-file", path("bob")}), 1,
               "of the other kind");
  const Arguments show{"--json", "channel", "show", "bob", "--foreign-file", path("keys")};
  const auto shown = nlohmann::json::parse(run_as("sender", show).out);
  EXPECT_EQ(shown["layout"], "inline");
  EXPECT_EQ(mode_of(path("keys")), 0600U);
  const std::string keys = content_of(path("keys"));
  EXPECT_NE(keys.find("\n" + shown["index"].get<std::string>() + "\n"), std::string::npos);
  const Arguments again{"channel", "show", "bob", "--foreign-file", path("keys")};
  expect_error(run_as("sender", again), 7, "exists already");
  // It is what 'channel import' takes.
  init("bob");
  const Arguments import{"channel", "import", "sender", "--foreign-file", path("keys")};
  EXPECT_EQ(run_as("bob", import).status, 0);
  EXPECT_EQ(run_as("bob", {"channel", "list"}).out,
            "sender\tincoming\t" + shown["position"].dump() + "\n");
  expect_error(run_as("bob", {"channel", "show", "sender", "--foreign-file", path("other")}), 2,
               "can't be read by other programs");
}

TEST_F(CliStateTest, Show_WantsSixCharacters) {
  init("sender");
  expect_error(run_as("sender", {"show", "abcde"}), 2, "too short");
  expect_error(run_as("sender", {"show", "abcdef"}), 4, "no job");
}

TEST_F(CliStateTest, JsonError_IsAnObjectToo) {
  init("sender");
  const Ended ended = run_as("sender", {"--json", "show", "abcdef"});
  EXPECT_EQ(ended.status, 4);
  const auto object = nlohmann::json::parse(ended.out);
  EXPECT_EQ(object["schema"], 1);
  EXPECT_EQ(object["type"], "error");
  EXPECT_EQ(object["exit"], 4);
  EXPECT_EQ(object["code"], static_cast<int>(Errc::kNotFound));
}

TEST_F(CliStateTest, ServeWithoutUntilIdle_IsRefusedForNow) {
  init("sender");
  expect_error(run_as("sender", {"serve"}), 2, "not possible yet");
}

TEST_F(CliStateTest, ServeWithNothingToDo_NeedsNoDaemon) {
  init("sender");
  const Ended ended = run_as("sender", {"serve", "--until-idle"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(ended.out + ended.err, "");
}

TEST_F(CliStateTest, ReceiveWithoutChannel_IsNotFound) {
  init("alice");
  expect_error(run_as("alice", {"receive", "--into", path("")}), 4, "no channel");
  expect_error(run_as("alice", {"receive", "--into", path("missing")}), 4, "missing");
}

}  // namespace
}  // namespace taubenpost

// Transcripts of the ways to unlock a store: key files, passphrases, credentials, `key`.
#include <nlohmann/json.hpp>

#include "support/cli_fixture.h"

namespace taubenpost {
namespace {

constexpr const char* kSecret = "correct horse battery staple";

class CliKeyTest : public CliTest {
 protected:
  void SetUp() override {
    write_file(path("thinclient.toml"), "[Dial.Unix]\nAddress = \"@nobody\"\n");
    write_private("passphrase", std::string(kSecret) + "\n");
  }
  void write_private(const std::string& name, const std::string& content, mode_t mode = 0600) {
    write_file(path(name), content);
    ASSERT_EQ(::chmod(path(name).c_str(), mode), 0);
  }
  Ended init_with(const std::string& who, Arguments options) {
    options.insert(options.begin(), {"init", "--thin-config", path("thinclient.toml")});
    return run_as(who, options);
  }
  // With variables in the environment, "NAME=VALUE" each.
  Ended run_with(Arguments variables, const std::string& who, const Arguments& arguments) {
    variables.insert(variables.end(), {program_path(), "--state-dir", path(who)});
    variables.insert(variables.end(), arguments.begin(), arguments.end());
    return run(std::move(variables), Program::Options{.program = "/usr/bin/env"});
  }
};

TEST_F(CliKeyTest, InitWithAPassphraseFile_NeedsNoKeyAndNoOptionAfterwards) {
  const Ended made = init_with("sender", {"--passphrase-file", path("passphrase")});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_NE(::access(path("sender/store.key").c_str(), F_OK), 0);
  EXPECT_EQ(content_of(path("sender/config.toml")).find(kSecret), std::string::npos);
  EXPECT_EQ(run_as("sender", {"list"}).status, 0);
  EXPECT_EQ(run_as("sender", {"fsck"}).status, 0);
  EXPECT_EQ(run_as("sender", {"key", "list"}).out, "0\tpassphrase\n");
  // A file that is gone, or that others may read.
  ASSERT_EQ(::chmod(path("passphrase").c_str(), 0640), 0);
  expect_error(run_as("sender", {"list"}), 12, "others may read it");
  ::unlink(path("passphrase").c_str());
  expect_error(run_as("sender", {"list"}), 12, "no such file");
}

TEST_F(CliKeyTest, WrongPassphrase_CannotUnlockAndIsNotShown) {
  ASSERT_EQ(init_with("sender", {"--passphrase-file", path("passphrase")}).status, 0);
  write_private("wrong", "incorrect-horse");
  const Ended refused = run_as("sender", {"--passphrase-file", path("wrong"), "list"});
  expect_error(refused, 12, "the passphrase does not open");
  EXPECT_EQ(refused.err.find("incorrect-horse"), std::string::npos);
}

TEST_F(CliKeyTest, PassphraseByDescriptorAndCommand_AreTheSameAsByFile) {
  ASSERT_EQ(init_with("sender", {"--passphrase-file", path("passphrase")}).status, 0);
  const Ended by_descriptor = run_as("sender", {"list", "--passphrase-fd", "0"},
                                     Program::Options{.stdin_path = path("passphrase")});
  EXPECT_EQ(by_descriptor.status, 0) << by_descriptor.err;
  write_private("ask", "#!/bin/sh\necho '" + std::string(kSecret) + "'\n", 0700);
  EXPECT_EQ(run_as("sender", {"list", "--passphrase-command", path("ask")}).status, 0);
  write_private("refuse", "#!/bin/sh\necho '" + std::string(kSecret) + "'; exit 3\n", 0700);
  expect_error(run_as("sender", {"list", "--passphrase-command", path("refuse")}), 12,
               "ended with status 3");
  write_private("endless", "#!/bin/sh\nyes\n", 0700);
  expect_error(run_as("sender", {"list", "--passphrase-command", path("endless")}), 12, "ended");
  expect_error(run_as("sender", {"list", "--passphrase-command", path("missing")}), 12, "missing");
  expect_error(run_as("sender", {"list", "--passphrase-fd", "0"}), 12, "empty");
  expect_error(run_as("sender", {"list", "--passphrase-fd", "99"}), 12, "descriptor 99");
}

TEST_F(CliKeyTest, SeveralWaysAtOnce_AreRefused) {
  ASSERT_EQ(init_with("sender", {}).status, 0);
  expect_error(run_as("sender", {"list", "--key-file", path("sender/store.key"),
                                 "--passphrase-file", path("passphrase")}),
               2, "give one of them");
  expect_error(run_as("sender", {"list", "--key-file", ""}), 2, "--key-file: is empty");
  write_file(path("sender/config.toml"), content_of(path("sender/config.toml")) +
                                             "key_file = \"/a\"\npassphrase_file = \"/b\"\n");
  expect_error(run_as("sender", {"list"}), 2, "only one can be given");
}

TEST_F(CliKeyTest, KeyFileElsewhere_IsMadeAndRemembered) {
  ASSERT_EQ(init_with("sender", {"--key-file", path("usb.key")}).status, 0);
  EXPECT_NE(::access(path("sender/store.key").c_str(), F_OK), 0);
  struct stat info{};
  ASSERT_EQ(::stat(path("usb.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(run_as("sender", {"list"}).status, 0);
  // The same again is harmless; another way is not what it was made with.
  EXPECT_EQ(init_with("sender", {"--key-file", path("usb.key")}).status, 0);
  expect_error(init_with("sender", {"--passphrase-file", path("passphrase")}), 7,
               "unlocked otherwise");
  expect_error(run_as("sender", {"backup", path("copy"), "--with-key"}), 2, "--with-key");
  const Ended copied = run_as("sender", {"backup", path("copy")});
  EXPECT_EQ(copied.status, 0) << copied.err;
  EXPECT_NE(copied.err.find(path("usb.key")), std::string::npos);
}

TEST_F(CliKeyTest, EnvironmentAndCredential_UnlockWhereNoOptionDoes) {
  ASSERT_EQ(init_with("sender", {}).status, 0);
  ASSERT_EQ(::mkdir(path("credentials").c_str(), 0700), 0);
  ASSERT_EQ(::rename(path("sender/store.key").c_str(), path("credentials/taubenpost.key").c_str()),
            0);
  expect_error(run_as("sender", {"list"}), 12, "store.key: no such file");
  EXPECT_EQ(run_with({"CREDENTIALS_DIRECTORY=" + path("credentials")}, "sender", {"list"}).status,
            0);
  EXPECT_EQ(
      run_with({"TAUBENPOST_KEY_FILE=" + path("credentials/taubenpost.key")}, "sender", {"list"})
          .status,
      0);
}

TEST_F(CliKeyTest, AddAndRemove_ChangeWhatUnlocks) {
  ASSERT_EQ(init_with("sender", {}).status, 0);
  const Ended added =
      run_as("sender", {"key", "add", "--new-passphrase-file", path("passphrase"), "--json"});
  ASSERT_EQ(added.status, 0) << added.err;
  EXPECT_EQ(nlohmann::json::parse(added.out)["slot"], 1);
  EXPECT_EQ(nlohmann::json::parse(added.out)["kind"], "passphrase");
  EXPECT_EQ(run_as("sender", {"key", "list"}).out, "0\tkey file\n1\tpassphrase\n");
  const Ended removed = run_as("sender", {"key", "remove", "0"});
  EXPECT_EQ(removed.status, 0) << removed.err;
  EXPECT_EQ(removed.out, "0\tkey file\tremoved\n");
  expect_error(run_as("sender", {"list"}), 12, "does not open");
  const Arguments unlock{"--passphrase-file", path("passphrase")};
  const auto with = [&](Arguments arguments) {
    arguments.insert(arguments.end(), unlock.begin(), unlock.end());
    return run_as("sender", arguments);
  };
  EXPECT_EQ(with({"list"}).status, 0);
  expect_error(with({"key", "remove", "1"}), 7, "nothing would open the store");
  expect_error(with({"key", "remove", "0"}), 4, "no key slot has the number 0");
  expect_error(with({"key", "add"}), 2, "give one of them");
}

TEST_F(CliKeyTest, FileThatIsNoKey_IsNotAddedAndKept) {
  ASSERT_EQ(init_with("sender", {}).status, 0);
  write_private("diary", "dear diary");
  expect_error(run_as("sender", {"key", "add", "--new-key-file", path("diary")}), 12,
               "not 32 bytes");
  EXPECT_EQ(content_of(path("diary")), "dear diary");
  EXPECT_EQ(run_as("sender", {"key", "list"}).out, "0\tkey file\n");
}

}  // namespace
}  // namespace taubenpost

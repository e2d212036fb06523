// Transcripts of what can be sent beside a file that is copied first: standard input, a file in
// place, and what becomes smaller on its way.
#include <nlohmann/json.hpp>

#include "support/cli_fixture.h"
#include "support/contents.h"

namespace taubenpost {
namespace {

std::string text_of(const Bytes& bytes) { return std::string(as_text(bytes)); }

class CliSourcesTest : public CliNetworkTest {
 protected:
  void SetUp() override {
    init("sender");
    init("alice");
    connect("sender", "alice");
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  }
  static Arguments piped(Arguments more = {}) {
    more.insert(more.begin(), {"send", "-", "--name", "piped.tar", "--to", "alice"});
    return more;
  }
  Program::Options from(const std::string& file) {
    Program::Options options;
    options.stdin_path = file.empty() ? "" : path(file);
    return options;
  }
  void expect_nothing_queued() {
    EXPECT_EQ(run_as("sender", {"list"}).out, "");
    const std::string spool = path("sender/spool");
    EXPECT_TRUE(!std::filesystem::exists(spool) || std::filesystem::is_empty(spool));
  }
  // Waits until this much is in the spool; false after a minute.
  bool spooled(std::uintmax_t size) {
    for (int i = 0; i < 6'000; ++i, ::poll(nullptr, 0, 10)) {
      std::error_code ignored;
      for (const auto& entry : std::filesystem::directory_iterator(path("sender/spool"), ignored))
        if (entry.file_size(ignored) >= size) return true;
    }
    return false;
  }
  static void write_all(int fd, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t n = ::write(fd, text.data() + at, text.size() - at);
      ASSERT_GT(n, 0);
      at += static_cast<std::size_t>(n);
    }
  }
};

TEST_F(CliSourcesTest, StandardInput_IsQueuedWhenItHasEnded) {
  const auto sending = start_as("sender", piped({"--json"}), from("pipe"));
  const int writer = ::open(path("pipe").c_str(), O_WRONLY | O_CLOEXEC);
  write_all(writer, text_of(incompressible(2'000'000)));  // the first MiB is looked at as one
  EXPECT_TRUE(spooled(1'000'000));
  EXPECT_TRUE(sending->is_running());
  write_all(writer, "the end");
  ::close(writer);
  const Ended sent = sending->wait();
  ASSERT_EQ(sent.status, 0) << sent.err;
  const nlohmann::json job = nlohmann::json::parse(sent.out);
  EXPECT_EQ(job["state"], "queued");
  EXPECT_EQ(job["source"], "-");
  EXPECT_EQ(job["source_kind"], "stdin");
  EXPECT_EQ(job["name"], "piped.tar");
  EXPECT_EQ(job["size"], 2'000'007);
  EXPECT_EQ(job["encoding"], "none");
  EXPECT_EQ(run_as("sender", {"fsck"}).status, 0);
}

TEST_F(CliSourcesTest, StandardInputThatIsAFile_OrNothing_IsQueuedToo) {
  write_file(path("list"), text_of(compressible(50'000)));
  const Ended sent = run_as("sender", piped({"--json"}), from("list"));
  ASSERT_EQ(sent.status, 0) << sent.err;
  const nlohmann::json job = nlohmann::json::parse(sent.out);
  EXPECT_EQ(job["size"], 50'000);
  EXPECT_EQ(job["encoding"], "zstd");
  EXPECT_LT(job["encoded_size"], 25'000);
  const Ended empty = run_as("sender", piped({"--json"}));
  ASSERT_EQ(empty.status, 0) << empty.err;
  EXPECT_EQ(nlohmann::json::parse(empty.out)["size"], 0);
}

TEST_F(CliSourcesTest, SignalWhileItReads_LeavesNothing) {
  for (const int number : {SIGINT, SIGTERM}) {
    const auto sending = start_as("sender", piped(), from("pipe"));
    const int writer = ::open(path("pipe").c_str(), O_WRONLY | O_CLOEXEC);
    write_all(writer, text_of(incompressible(2'000'000)));
    EXPECT_TRUE(spooled(1'000'000));
    sending->send_signal(number);
    const Ended ended = sending->wait();
    EXPECT_EQ(ended.status, 128 + number) << ended.err;
    EXPECT_EQ(ended.out, "");
    ::close(writer);
    expect_nothing_queued();
  }
}

TEST_F(CliSourcesTest, WhatCannotBeSentSo_IsRefused) {
  write_file(path("file"), "content");
  expect_error(run_as("sender", {"send", "-", "--to", "alice"}), 2, "has no name");
  expect_error(run_as("sender", piped({path("file")})), 2, "by itself");
  expect_error(run_as("sender", piped({"--in-place"})), 2, "in place");
  expect_error(run_as("sender", piped(), from("")), 2, "closed");
  std::filesystem::create_directory(path("folder"));
  expect_error(run_as("sender", {"send", "--in-place", path("folder"), "--to", "alice"}), 2,
               "in place");
  expect_error(
      run_as("sender", {"send", "--in-place", path("file"), path("pipe"), "--to", "alice"}), 2,
      "pipe");
  expect_nothing_queued();
}

TEST_F(CliSourcesTest, EachKind_ArrivesAsItWas) {
  start_network("network");
  ::mkdir(path("inbox").c_str(), 0755);
  const std::string list = text_of(compressible(40'000)), noise = text_of(incompressible(20'000));
  write_file(path("list"), list);
  write_file(path("noise"), noise);
  ASSERT_EQ(run_as("sender", {"send", path("list"), "--to", "alice"}).status, 0);
  ASSERT_EQ(run_as("sender", {"send", "--in-place", path("noise"), "--to", "alice"}).status, 0);
  ASSERT_EQ(run_as("sender", piped(), from("list")).status, 0);
  const Ended served = run_as("sender", {"serve", "--until-idle"});
  ASSERT_EQ(served.status, 0) << served.err;
  const Ended received = run_as("alice", {"receive", "--into", path("inbox"), "--json"});
  ASSERT_EQ(received.status, 0) << received.err;
  EXPECT_TRUE(content_of(path("inbox/list")) == list);
  EXPECT_TRUE(content_of(path("inbox/piped.tar")) == list);
  EXPECT_TRUE(content_of(path("inbox/noise")) == noise);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path("inbox")), {}), 3);
  EXPECT_NE(received.out.find("\"size\":40000"), std::string::npos) << received.out;
  EXPECT_TRUE(std::filesystem::is_empty(path("sender/spool")));
}

}  // namespace
}  // namespace taubenpost

// Programs that are run without a shell: their environment, and how they are ended. Time is
// virtual.
#include "app/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "support/temp_folder.h"
#include "support/virtual_clock.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;
using std::chrono::seconds;

class ChildProcessTest : public testing::Test {
 protected:
  std::string program(const std::string& script) const {
    const std::string path = folder / "program";
    write_file(path, "#!/bin/sh\n" + script + "\n");
    ::chmod(path.c_str(), 0755);
    return path;
  }
  ChildProcess start(const std::string& script, std::vector<std::string> variables = {}) const {
    Result<ChildProcess> child = ChildProcess::start(program(script), {}, std::move(variables));
    TP_CHECK(child);
    return std::move(child).value();
  }
  static asio::awaitable<void> keep(ChildProcessTest* self, ChildProcess* child,
                                    ChildLimits limits) {
    self->end = co_await wait_for(self->clock, *child, limits, [self] { ++self->notices; });
  }
  std::string wait(ChildProcess child, ChildLimits limits = {}) {
    asio::io_context io(1);
    end.reset();
    asio::co_spawn(io, keep(this, &child, limits), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
    TP_CHECK(clock.run(io, [this] { return end.has_value(); }));
    return *end;
  }
  // A pipe that programs of a test hold open, and whether nobody does any more.
  int open_pipe() const {
    TP_CHECK(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    return ::open((folder / "pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  }
  // Reads what is there; then waits for the end of all writers.
  static std::string read_to_end(int fd) {
    std::string text;
    for (;;) {
      pollfd asked{fd, POLLIN, 0};
      if (::poll(&asked, 1, 10'000) != 1) return "still open";
      char piece[64];
      const ssize_t got = ::read(fd, piece, sizeof piece);
      if (got <= 0) return text;
      text.append(piece, static_cast<std::size_t>(got));
    }
  }

  TempFolder folder;
  VirtualClock clock;
  std::optional<std::string> end;
  int notices = 0;
};

TEST_F(ChildProcessTest, End_IsToldAsItWas) {
  ChildLimits never;
  never.notice = never.end = seconds(0);
  EXPECT_EQ(wait(start("exit 0"), never), "");
  EXPECT_EQ(wait(start("exit 3"), never), "ended with status 3");
  EXPECT_EQ(wait(start("kill -9 $$"), never), "ended by a signal");
}

TEST_F(ChildProcessTest, InheritedVariableOfTheSameName_IsReplaced) {
  ::setenv("TP_CHILD_A", "inherited", 1);
  ::setenv("TP_CHILD_AB", "kept", 1);
  ChildLimits never;
  never.end = seconds(0);
  const std::string out = folder / "out";
  wait(start("env | grep ^TP_CHILD_ | sort >'" + out + "'", {"TP_CHILD_A=ours"}), never);
  EXPECT_EQ(content_of(out), "TP_CHILD_A=ours\nTP_CHILD_AB=kept\n");
}

TEST_F(ChildProcessTest, OneThatTakesTooLong_IsEndedWithAllThatItStarted) {
  const int fd = open_pipe();
  ChildProcess child = start("exec 3>'" + (folder / "pipe") + "'\nsleep 1000 &\necho up >&3\nwait");
  pollfd up{fd, POLLIN, 0};
  ASSERT_EQ(::poll(&up, 1, 10'000), 1);
  ChildLimits limits;
  limits.end = seconds(60);
  EXPECT_EQ(wait(std::move(child), limits), "was ended after 60 s");
  EXPECT_EQ(notices, 1);
  EXPECT_EQ(read_to_end(fd), "up\n");
  ::close(fd);
}

TEST_F(ChildProcessTest, OneThatDoesNotListen_IsKilled) {
  const int fd = open_pipe();
  ChildProcess child = start("trap '' TERM\nexec 3>'" + (folder / "pipe") +
                             "'\necho up >&3\nwhile :; do sleep 1000; done");
  pollfd up{fd, POLLIN, 0};
  ASSERT_EQ(::poll(&up, 1, 10'000), 1);
  ChildLimits limits;
  limits.end = seconds(1);
  EXPECT_EQ(wait(std::move(child), limits), "was ended after 1 s");
  EXPECT_EQ(notices, 0);
  EXPECT_EQ(read_to_end(fd), "up\n");
  ::close(fd);
}

TEST_F(ChildProcessTest, OneThatNobodyWaitsForAnyMore_IsAskedToEnd) {
  const int fd = open_pipe();
  {
    const ChildProcess child =
        start("exec 3>'" + (folder / "pipe") + "'\necho up >&3\nexec sleep 1000");
    pollfd up{fd, POLLIN, 0};
    ASSERT_EQ(::poll(&up, 1, 10'000), 1);
  }
  EXPECT_EQ(read_to_end(fd), "up\n");
  ::close(fd);
}

}  // namespace
}  // namespace taubenpost

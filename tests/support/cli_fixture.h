// A folder with state directories, and the program run on them.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "support/program.h"

namespace taubenpost {

// Two lines are expected of every error: what, and a hint where there is one.
inline std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

class CliTest : public ::testing::Test {
 protected:
  using Arguments = std::vector<std::string>;

  std::string path(const std::string& name) const { return folder_ / name; }
  Ended run(Arguments arguments, const Program::Options& options = {}) {
    return Program(output_.path(), std::move(arguments), options).wait();
  }
  // With the state directory `who`.
  Ended run_as(const std::string& who, Arguments arguments, const Program::Options& options = {}) {
    arguments.insert(arguments.begin(), {"--state-dir", path(who)});
    return run(std::move(arguments), options);
  }
  std::unique_ptr<Program> start_as(const std::string& who, Arguments arguments,
                                    const Program::Options& options = {}) {
    arguments.insert(arguments.begin(), {"--state-dir", path(who)});
    return std::make_unique<Program>(output_.path(), std::move(arguments), options);
  }
  void init(const std::string& who) {
    if (::access(path("thinclient.toml").c_str(), F_OK) != 0)
      write_file(path("thinclient.toml"),
                 "[Dial.Unix]\nAddress = \"" + path("network.sock") + "\"\n");
    const Ended made = run_as(who, {"init", "--thin-config", path("thinclient.toml")});
    ASSERT_EQ(made.status, 0) << made.err;
  }
  // A channel `to` of `from`'s, imported by `to` under the name `from`.
  void connect(const std::string& from, const std::string& to) {
    const Ended made = run_as(from, {"channel", "new", to, "--invite-file", path(to + ".invite")});
    ASSERT_EQ(made.status, 0) << made.err;
    const Ended imported =
        run_as(to, {"channel", "import", from, "--invite-file", path(to + ".invite")});
    ASSERT_EQ(imported.status, 0) << imported.err;
  }
  // The error is one line that says `what`, then a hint; nothing was printed as a result.
  static void expect_error(const Ended& ended, int status, const std::string& what,
                           bool has_hint = true) {
    EXPECT_EQ(ended.status, status);
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(ended.err.rfind("taubenpost: ", 0), 0U) << ended.err;
    EXPECT_NE(first_line(ended.err).find(what), std::string::npos) << ended.err;
    EXPECT_EQ(ended.err.find("\nhint: ") != std::string::npos, has_hint) << ended.err;
  }

  TempFolder folder_;
  TempFolder output_;
};

// With a local network as a process of its own.
class CliNetworkTest : public CliTest {
 protected:
  // `name` is its data folder; all listen at the same socket.
  void start_network(const std::string& name) {
    network_ = std::make_unique<Program>(
        output_.path(), Arguments{"localnet", "--listen", "unix:" + path("network.sock"), "--data",
                                  path(name), "--write-thin-config", path("thinclient.toml"),
                                  "--daemon", daemon_, "--set", "copy_poll=50"});
    ASSERT_TRUE(network_->says("listening on")) << network_->wait().err;
  }
  void stop_network() {
    network_->send_signal(SIGTERM);
    const Ended ended = network_->wait();
    network_.reset();
    EXPECT_EQ(ended.status, 0) << ended.err;
  }

  std::string daemon_ = "robust";
  std::unique_ptr<Program> network_;
};

}  // namespace taubenpost

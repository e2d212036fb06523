// The built program as a test sees it: arguments in, output and exit status out.
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "support/places.h"
#include "support/temp_folder.h"

namespace taubenpost {

struct Ended {
  int status = -1;  // exit status; 128 + signal where a signal ended it
  std::string out, err;
};

// A running program. Its output goes to files of `folder`, so that it never waits for the test.
class Program {
 public:
  struct Options {
    std::string stdin_path = "/dev/null";  // empty: it is closed
    uid_t user = 0;                        // runs as this user; 0: as the test itself
    std::string program = program_path();
    std::string folder = ".";  // the working directory
  };
  Program(const std::string& folder, std::vector<std::string> arguments)
      : Program(folder, std::move(arguments), Options{}) {}
  Program(const std::string& folder, std::vector<std::string> arguments, const Options& options) {
    static int runs = 0;
    const std::string base = folder + "/run" + std::to_string(++runs);
    out_ = base + ".out";
    err_ = base + ".err";
    arguments.insert(arguments.begin(), options.program);
    pid_ = ::fork();
    if (pid_ == 0) exec(arguments, options);
  }
  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void send_signal(int number) const { ::kill(pid_, number); }
  std::string out() const { return content_of(out_); }
  bool is_running() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
  }
  Ended wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content_of(out_),
            content_of(err_)};
  }
  // Waits until the output holds `text`; false if the program ended, or is silent for a minute.
  bool says(const std::string& text) const { return appears(out_, text); }
  // The same for its standard error.
  bool warns(const std::string& text) const { return appears(err_, text); }

 private:
  bool appears(const std::string& file, const std::string& text) const {
    for (int i = 0; i < 6000; ++i) {
      const bool ended = !is_running();
      if (content_of(file).find(text) != std::string::npos) return true;
      if (ended) return false;
      ::poll(nullptr, 0, 10);
    }
    return false;
  }
  [[noreturn]] void exec(std::vector<std::string>& arguments, const Options& options) const {
    if (options.stdin_path.empty()) ::close(STDIN_FILENO);
    if (!options.stdin_path.empty()) redirect(options.stdin_path, O_RDONLY, STDIN_FILENO);
    redirect(out_, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    redirect(err_, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    for (const char* name :
         {"TAUBENPOST_STATE_DIR", "TAUBENPOST_JSON", "TAUBENPOST_INTO", "TAUBENPOST_IF_EXISTS",
          "TAUBENPOST_UNPACK", "TAUBENPOST_ON_RECEIVED", "TAUBENPOST_THIN_CONFIG",
          "TAUBENPOST_KEY_FILE", "TAUBENPOST_PASSPHRASE_FILE", "TAUBENPOST_PASSPHRASE_COMMAND",
          "TAUBENPOST_PASSPHRASE_FD", "CREDENTIALS_DIRECTORY"})
      ::unsetenv(name);
    if (options.user != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(options.user) != 0 ||
                              ::setuid(options.user) != 0))
      ::_exit(126);
    if (::chdir(options.folder.c_str()) != 0) ::_exit(124);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  static void redirect(const std::string& path, int flags, int descriptor) {
    const int fd = ::open(path.c_str(), flags, 0644);
    if (fd < 0 || ::dup2(fd, descriptor) < 0) ::_exit(125);
    ::close(fd);
  }

  std::string out_, err_;
  pid_t pid_ = -1;
};

}  // namespace taubenpost

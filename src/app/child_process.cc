#include "app/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/bytes.h"
#include "base/check.h"

namespace taubenpost {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::string& path,
                                         std::vector<std::string> arguments,
                                         std::vector<std::string> variables) {
  arguments.insert(arguments.begin(), path);
  for (char** one = environ; *one != nullptr; ++one) variables.emplace_back(*one);
  std::vector<char*> argv = pointers(arguments);
  std::vector<char*> environment = pointers(variables);
  posix_spawn_file_actions_t actions;
  TP_CHECK(::posix_spawn_file_actions_init(&actions) == 0);
  TP_CHECK(::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ==
           0);
  TP_CHECK(::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO) == 0);
  TP_CHECK(::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1) == 0);
  pid_t child = 0;
  const int failed =
      ::posix_spawn(&child, path.c_str(), &actions, nullptr, argv.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    return error(Errc::kIo, printable(path, 4096) + ": " + std::generic_category().message(failed));
  return ChildProcess(child);
}

std::optional<std::string> ChildProcess::ended() const {
  int status = 0;
  const pid_t found = ::waitpid(id_, &status, WNOHANG);
  if (found == 0 || (found < 0 && errno == EINTR)) return std::nullopt;
  if (found == id_ && WIFEXITED(status)) {
    if (WEXITSTATUS(status) == 0) return std::string();
    return "ended with status " + std::to_string(WEXITSTATUS(status));
  }
  return std::string("ended by a signal");
}

Status can_be_run(const std::string& path) {
  std::error_code code;
  if (std::filesystem::is_regular_file(path, code) && ::access(path.c_str(), X_OK) == 0)
    return ok();
  return error(Errc::kUsage, printable(path, 4096) + ": is no program that you may run",
               "name a program file; a shell's command line goes into a script");
}

}  // namespace taubenpost

#include "app/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string_view>
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

constexpr std::chrono::milliseconds kLook{20};

bool has_name_of(std::string_view variable, const std::vector<std::string>& others) {
  const std::string_view name = variable.substr(0, variable.find('=') + 1);
  return std::ranges::any_of(others, [&](const std::string& o) { return o.starts_with(name); });
}

// What was inherited, but for what `own` says.
std::vector<std::string> environment_with(std::vector<std::string> own) {
  std::vector<std::string> all = own;
  for (char** one = environ; *one != nullptr; ++one)
    if (!has_name_of(*one, own)) all.emplace_back(*one);
  return all;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::string& path,
                                         std::vector<std::string> arguments,
                                         std::vector<std::string> variables) {
  arguments.insert(arguments.begin(), path);
  variables = environment_with(std::move(variables));
  std::vector<char*> argv = pointers(arguments);
  std::vector<char*> environment = pointers(variables);
  posix_spawn_file_actions_t actions;
  TP_CHECK(::posix_spawn_file_actions_init(&actions) == 0);
  TP_CHECK(::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ==
           0);
  TP_CHECK(::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO) == 0);
  TP_CHECK(::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1) == 0);
  posix_spawnattr_t attributes;
  TP_CHECK(::posix_spawnattr_init(&attributes) == 0);
  TP_CHECK(::posix_spawnattr_setpgroup(&attributes, 0) == 0);
  TP_CHECK(::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP) == 0);
  pid_t child = 0;
  const int failed =
      ::posix_spawn(&child, path.c_str(), &actions, &attributes, argv.data(), environment.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    return error(Errc::kIo, printable(path, 4096) + ": " + std::generic_category().message(failed));
  return ChildProcess(child);
}

ChildProcess::~ChildProcess() {
  if (id_ != 0) signal(SIGTERM);
}

bool ChildProcess::is_running() const {
  siginfo_t info{};
  const int asked = ::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOHANG | WNOWAIT);
  return asked == 0 && info.si_pid == 0;
}

// As long as the leader was not waited for, its number is nobody else's.
void ChildProcess::signal(int number) const { ::kill(-id_, number); }

std::optional<std::string> ChildProcess::ended() {
  int status = 0;
  const pid_t found = ::waitpid(id_, &status, WNOHANG);
  if (found == 0 || (found < 0 && errno == EINTR)) return std::nullopt;
  const bool is_known = found == std::exchange(id_, 0);
  if (is_known && WIFEXITED(status)) {
    if (WEXITSTATUS(status) == 0) return std::string();
    return "ended with status " + std::to_string(WEXITSTATUS(status));
  }
  return std::string("ended by a signal");
}

boost::asio::awaitable<std::string> wait_for(ports::Clock& clock, ChildProcess& child,
                                             ChildLimits limits, std::function<void()> notice) {
  using std::chrono::milliseconds;
  const std::uint64_t begin = clock.monotonic_ms();
  const auto is_past = [&](std::chrono::seconds limit) {
    return milliseconds(clock.monotonic_ms() - begin) >= limit;
  };
  bool is_told = false;
  while (child.is_running() && (limits.end.count() == 0 || !is_past(limits.end))) {
    if (!is_told && is_past(limits.notice)) notice();
    is_told = is_told || is_past(limits.notice);
    co_await clock.sleep(kLook);
  }
  const bool is_late = child.is_running();
  if (is_late) {
    child.signal(SIGTERM);
    while (child.is_running() && !is_past(limits.end + limits.grace)) co_await clock.sleep(kLook);
    child.signal(SIGKILL);
  }
  std::optional<std::string> end = child.ended();
  for (; !end; end = child.ended()) co_await clock.sleep(kLook);
  if (is_late) co_return "was ended after " + std::to_string(limits.end.count()) + " s";
  co_return std::move(*end);
}

Status can_be_run(const std::string& path) {
  std::error_code code;
  if (std::filesystem::is_regular_file(path, code) && ::access(path.c_str(), X_OK) == 0)
    return ok();
  return error(Errc::kUsage, printable(path, 4096) + ": is no program that you may run",
               "name a program file; a shell's command line goes into a script");
}

}  // namespace taubenpost

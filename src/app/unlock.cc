#include "app/unlock.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "store/durable_file.h"
#include "store/rocks_store.h"

namespace taubenpost {
namespace {

constexpr std::size_t kPassphraseMax = 1024;
// The file below $CREDENTIALS_DIRECTORY (systemd.exec, LoadCredential=) that is taken for a key
// file.
constexpr const char* kCredential = "taubenpost.key";

Error cannot_unlock(const std::string& what, std::string hint = {}) {
  return error(Errc::kCannotUnlock, what, std::move(hint));
}
Error cannot_unlock(const std::string& where, int number) {
  return cannot_unlock(where + ": " + std::generic_category().message(number));
}

Result<KeySource> passphrase(SecretBytes text, const std::string& where) {
  Bytes& bytes = text.writable();
  if (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
  if (bytes.empty()) return cannot_unlock(where + ": the passphrase is empty");
  if (bytes.size() > kPassphraseMax)
    return cannot_unlock(
        where + ": longer than " + std::to_string(kPassphraseMax) + " bytes: no passphrase",
        "is it the file or program that was meant?");
  return KeySource(Passphrase{std::move(text)});
}

Result<KeySource> passphrase_of_file(const std::string& path) {
  const std::string where = "passphrase file " + printable(path, 4096);
  Result<SmallFile> file = read_small_file(path, kPassphraseMax + 1);
  if (!file && file.error().code == Errc::kNotFound) return cannot_unlock(where + ": no such file");
  if (!file) return cannot_unlock(where + ": " + printable(file.error().what, 4096));
  if (!file->owner_only)
    return cannot_unlock(where + ": others may read it", "chmod 600 " + printable(path, 4096));
  return passphrase(std::move(file->content), where);
}

// To the end, or to one byte more than a passphrase with its line feed may have.
Result<KeySource> passphrase_of_descriptor(int descriptor, const std::string& where) {
  SecretBytes text{Bytes(kPassphraseMax + 2)};
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(descriptor, text.writable().data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_unlock(where, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.writable().resize(size);
  return passphrase(std::move(text), where);
}

// Asks the user where it wants to: standard input and error are ours.
Result<KeySource> passphrase_of_command(const std::string& path) {
  const std::string where = "passphrase command " + printable(path, 4096);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return cannot_unlock(where, errno);
  posix_spawn_file_actions_t actions;
  TP_CHECK(::posix_spawn_file_actions_init(&actions) == 0);
  TP_CHECK(::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0);
  std::string name = path;
  char* const argv[] = {name.data(), nullptr};
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, path.c_str(), &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    return cannot_unlock(where, failed);
  }
  Result<KeySource> source = passphrase_of_descriptor(ends[0], where);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return cannot_unlock(
        where + ": ended " +
            (WIFEXITED(status) ? "with status " + std::to_string(WEXITSTATUS(status))
                               : "by a signal"),
        "nothing was unlocked");
  return source;
}

std::optional<std::string> credential() {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || folder[0] != '/') return std::nullopt;
  std::string path = std::string(folder) + "/" + kCredential;
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return std::nullopt;
  return path;
}

}  // namespace

Result<KeySource> key_source(const KeyOptions& given) {
  if (given.ways() != 1)
    return error(Errc::kUsage, "key file and passphrase: give one of them, in one way",
                 "'Unlocking the store' in docs/cli.md lists the ways");
  if (!given.passphrase_file.empty()) return passphrase_of_file(given.passphrase_file);
  if (!given.passphrase_command.empty()) return passphrase_of_command(given.passphrase_command);
  if (given.passphrase_fd)
    return passphrase_of_descriptor(*given.passphrase_fd,
                                    "descriptor " + std::to_string(*given.passphrase_fd));
  return KeySource(KeyFile{given.key_file});
}

Result<KeySource> key_source(const KeyOptions& given, const KeyOptions& configured,
                             const std::string& state_dir) {
  if (given.ways() > 0) return key_source(given);
  if (configured.ways() > 0) return key_source(configured);
  if (const std::optional<std::string> path = credential()) return KeySource(KeyFile{*path});
  return KeySource(KeyFile{RocksStore::default_key_file(state_dir)});
}

}  // namespace taubenpost

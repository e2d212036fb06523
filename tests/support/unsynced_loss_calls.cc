// Makes the files that a store is made of (key, incarnation, the renamed database) lose what was
// not synced when a failpoint kills the process.
//
// Linked into a test with --wrap for the calls below, so that the code under test is unchanged.
// Every creation, write and rename leaves its undo until the file, or its folder, is synced. Calls
// inside shared libraries are not seen: RocksDB's own files are the matter of UnsyncedLossFs. With
// TP_KEEP_UNSYNCED in the environment nothing is undone.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/failpoint.h"

namespace {

namespace fs = std::filesystem;

struct Undo {
  std::string key;  // the file or folder whose sync makes the step durable
  std::function<void()> apply;
};

struct Undos {
  std::mutex mutex;
  std::vector<Undo> list;

  Undos() {
    if (std::getenv("TP_KEEP_UNSYNCED") != nullptr) return;
    taubenpost::on_failpoint_kill([this] {
      mutex.lock();  // nobody does another step before the process is gone
      for (auto undo = list.rbegin(); undo != list.rend(); ++undo) undo->apply();
    });
  }
};

Undos& undos() {
  static Undos all;
  return all;
}

// A folder is known by its path, a file by its inode: it may be renamed before it is synced.
std::string key_of(int descriptor) {
  struct stat info{};
  ::fstat(descriptor, &info);
  if (S_ISREG(info.st_mode)) return "file " + std::to_string(info.st_ino);
  std::error_code ignored;
  return fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor), ignored).string();
}

std::string folder_of(const std::string& path) { return fs::path(path).parent_path().string(); }

}  // namespace

extern "C" {

int __real_open(const char* path, int flags, ...);
ssize_t __real_write(int descriptor, const void* data, size_t size);
int __real_fsync(int descriptor);
int __real_rename(const char* from, const char* to);

int __wrap_open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  const std::lock_guard lock(undos().mutex);
  const bool is_new = (flags & O_CREAT) != 0 && ::access(path, F_OK) != 0;
  const int descriptor = __real_open(path, flags, mode);
  if (is_new && descriptor >= 0) {
    const std::string created = path;
    undos().list.push_back({folder_of(created), [created] { ::unlink(created.c_str()); }});
  }
  return descriptor;
}

ssize_t __wrap_write(int descriptor, const void* data, size_t size) {
  const std::lock_guard lock(undos().mutex);
  struct stat before{};
  ::fstat(descriptor, &before);
  const ssize_t written = __real_write(descriptor, data, size);
  if (written > 0 && S_ISREG(before.st_mode)) {
    const int copy = ::dup(descriptor);
    const off_t old_size = before.st_size;
    undos().list.push_back({key_of(descriptor), [copy, old_size] {
                              if (::ftruncate(copy, old_size) != 0) std::abort();
                            }});
  }
  return written;
}

int __wrap_fsync(int descriptor) {
  const std::lock_guard lock(undos().mutex);
  const std::string key = key_of(descriptor);
  const int result = __real_fsync(descriptor);
  if (result == 0) std::erase_if(undos().list, [&](const Undo& undo) { return undo.key == key; });
  return result;
}

int __wrap_rename(const char* from, const char* to) {
  const std::lock_guard lock(undos().mutex);
  const int result = __real_rename(from, to);
  if (result == 0) {
    const std::string source = from, target = to;
    undos().list.push_back(
        {folder_of(target), [source, target] { __real_rename(target.c_str(), source.c_str()); }});
  }
  return result;
}

}  // extern "C"

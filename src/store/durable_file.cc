#include "store/durable_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

Error system_failure(std::string_view operation, const fs::path& path, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return error(full ? Errc::kDiskFull : Errc::kStoreIo,
               "store." + std::string(operation) + ": " + path.string() + ": " +
                   std::generic_category().message(number));
}

// Closes what it holds; a descriptor that was written to is synced first, so a close can't lose.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

Status sync_folder(const fs::path& folder) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return system_failure("sync", folder, errno);
  return ok();
}

fs::path folder_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

fs::path new_name(const fs::path& path) {
  fs::path result = path;
  result += ".new";
  return result;
}

// Who holds RocksDB's lock, another process than this one; 0 where nobody is known to.
pid_t writer_of(const fs::path& lock_file) {
  const Descriptor fd(::open(lock_file.c_str(), O_RDONLY | O_CLOEXEC));
  struct flock asked{};
  asked.l_type = F_WRLCK;
  asked.l_whence = SEEK_SET;
  if (fd.get() < 0 || ::fcntl(fd.get(), F_GETLK, &asked) != 0 || asked.l_type == F_UNLCK) return 0;
  return asked.l_pid;
}

}  // namespace

Status make_private_folder(const fs::path& folder) {
  std::error_code code;
  if (fs::is_directory(folder, code)) return ok();
  const fs::path parent = folder_of(folder);
  fs::create_directories(parent, code);
  if (code) return system_failure("mkdir", parent, code.value());
  if (::mkdir(folder.c_str(), 0700) != 0) return system_failure("mkdir", folder, errno);
  return sync_folder(parent);
}

Status write_new_file(const fs::path& path, ByteView content) {
  const fs::path target = new_name(path);
  // A leftover of a killed run may have other permissions.
  if (::unlink(target.c_str()) != 0 && errno != ENOENT)
    return system_failure("write", target, errno);
  const Descriptor fd(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd.get() < 0) return system_failure("write", target, errno);
  while (!content.empty()) {
    const ssize_t written = ::write(fd.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_failure("write", target, errno);
    content = content.subspan(static_cast<std::size_t>(written));
  }
  if (::fsync(fd.get()) != 0) return system_failure("sync", target, errno);
  return ok();
}

Status rename_new_file(const fs::path& path) { return durable_rename(new_name(path), path); }

Status durable_rename(const fs::path& source, const fs::path& target) {
  if (::rename(source.c_str(), target.c_str()) != 0) return system_failure("rename", target, errno);
  return sync_folder(folder_of(target));
}

Result<SmallFile> read_small_file(const fs::path& path, std::size_t limit) {
  // Not blocking: the path may name a pipe that nobody writes to.
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) {
    if (errno == ENOENT) return error(Errc::kNotFound, "no such file: " + path.string());
    return system_failure("read", path, errno);
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return system_failure("read", path, errno);
  if (!S_ISREG(info.st_mode) || static_cast<std::uint64_t>(info.st_size) > limit)
    return error(Errc::kInvalid,
                 "not a file of at most " + std::to_string(limit) + " bytes: " + path.string());
  SmallFile file;
  file.owner_only = (info.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  Bytes content(static_cast<std::size_t>(info.st_size));
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(fd.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("read", path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  file.content = SecretBytes(std::move(content));
  return file;
}

Result<FolderLock> FolderLock::take(const fs::path& folder, std::string_view operation) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_failure("lock", folder, errno);
  FolderLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return system_failure("lock", folder, errno);
  const pid_t holder = writer_of(folder / "LOCK");
  return error(Errc::kLocked,
               std::string(operation) + ": " + folder.string() + ": in use by " +
                   (holder > 0 ? "process " + std::to_string(holder) : "a process"),
               "wait until the other taubenpost process has ended, or stop it");
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

}  // namespace taubenpost

#include "files/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace taubenpost {
namespace {

template <class Call>
auto repeat_interrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result == -1 && errno == EINTR);
  return result;
}

Status done(int result, const char* operation, const std::string& path) {
  if (result != 0) return file_error(operation, path, errno);
  return ok();
}

FileFacts facts_of(const struct stat& st) {
  constexpr std::int64_t kNs = 1'000'000'000;
  return FileFacts{static_cast<std::uint64_t>(st.st_dev),
                   static_cast<std::uint64_t>(st.st_ino),
                   static_cast<std::uint64_t>(st.st_size),
                   st.st_mtim.tv_sec * kNs + st.st_mtim.tv_nsec,
                   st.st_ctim.tv_sec * kNs + st.st_ctim.tv_nsec,
                   static_cast<std::uint32_t>(st.st_mode & 07777),
                   S_ISREG(st.st_mode),
                   S_ISDIR(st.st_mode)};
}

int flags_of(OpenHow how) {
  switch (how) {
    case OpenHow::kRead:
      return O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    case OpenHow::kReadWrite:
      return O_RDWR | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC;
    case OpenHow::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    case OpenHow::kCreateEmpty:
      return O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  }
  TP_CHECK(false);
  return 0;
}

}  // namespace

Error file_error(const char* operation, const std::string& path, int number) {
  std::string what = std::string(operation) + ": " + path + ": " + std::strerror(number);
  if (number == ENOSPC || number == EDQUOT || number == EFBIG)
    return error(Errc::kDiskFull, std::move(what), "free some space there and run again");
  if (number == ENOENT || number == ENOTDIR) return error(Errc::kNotFound, std::move(what));
  return error(Errc::kIo, std::move(what));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  TP_CHECK(slash != std::string::npos);
  return slash == 0 ? "/" : path.substr(0, slash);
}

FileHandle::~FileHandle() {
  // What had to be durable was synced; closing has nothing left to report.
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileHandle::FileHandle(FileHandle&& other) noexcept
    : descriptor_(other.descriptor_), path_(std::move(other.path_)) {
  other.descriptor_ = -1;
}

Result<FileHandle> Disk::open(const std::string& path, OpenHow how) {
  const int fd = repeat_interrupted([&] { return ::open(path.c_str(), flags_of(how), 0600); });
  if (fd < 0) return file_error("open", path, errno);
  return FileHandle(fd, path);
}

Status Disk::write_at(const FileHandle& file, std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = repeat_interrupted([&] {
      return ::pwrite(file.descriptor(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    if (n < 0) return file_error("write", file.path(), errno);
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return ok();
}

Result<Bytes> Disk::read_at(const FileHandle& file, std::uint64_t offset, std::size_t length) {
  Bytes out(length);
  std::size_t have = 0;
  while (have < length) {
    const ssize_t n = repeat_interrupted([&] {
      return ::pread(file.descriptor(), out.data() + have, length - have,
                     static_cast<off_t>(offset + have));
    });
    if (n < 0) return file_error("read", file.path(), errno);
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  out.resize(have);
  return out;
}

Status Disk::sync(const FileHandle& file) {
  return done(repeat_interrupted([&] { return ::fsync(file.descriptor()); }), "sync", file.path());
}

Result<FileFacts> Disk::facts(const FileHandle& file) {
  struct stat st{};
  if (::fstat(file.descriptor(), &st) != 0) return file_error("stat", file.path(), errno);
  return facts_of(st);
}

Result<FileFacts> Disk::facts(const std::string& path, Links links) {
  struct stat st{};
  const int flags = links == Links::kKeep ? AT_SYMLINK_NOFOLLOW : 0;
  if (::fstatat(AT_FDCWD, path.c_str(), &st, flags) != 0) return file_error("stat", path, errno);
  return facts_of(st);
}

Status Disk::set_mode(const FileHandle& file, std::uint32_t mode) {
  return done(::fchmod(file.descriptor(), static_cast<mode_t>(mode)), "set mode", file.path());
}

Status Disk::set_mode(const std::string& path, std::uint32_t mode) {
  return done(::chmod(path.c_str(), static_cast<mode_t>(mode)), "set mode", path);
}

Status Disk::set_mtime(const FileHandle& file, std::int64_t seconds) {
  timespec times[2]{};
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = static_cast<time_t>(seconds);
  return done(::futimens(file.descriptor(), times), "set time", file.path());
}

Result<bool> Disk::rename_no_replace(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
  if (errno != EINVAL && errno != ENOSYS) return file_error("rename", to, errno);
  // Network file systems lack the flag; a link never replaces either.
  if (::link(from.c_str(), to.c_str()) != 0) {
    if (errno == EEXIST) return false;
    return file_error("link", to, errno);
  }
  if (::unlink(from.c_str()) != 0) return file_error("remove", from, errno);
  return true;
}

Status Disk::rename_over(const std::string& from, const std::string& to) {
  return done(::rename(from.c_str(), to.c_str()), "rename", to);
}

Result<bool> Disk::unlink(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return file_error("remove", path, errno);
}

Status Disk::make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return ok();
  return file_error("make folder", path, errno);
}

Status Disk::sync_folder(const std::string& path) {
  const int fd =
      repeat_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return file_error("open folder", path, errno);
  const FileHandle folder(fd, path);
  return done(repeat_interrupted([&] { return ::fsync(fd); }), "sync folder", path);
}

Result<std::vector<std::string>> Disk::names(const std::string& folder) {
  std::error_code failed;
  std::vector<std::string> found;
  std::filesystem::directory_iterator entry(folder, failed);
  while (!failed && entry != std::filesystem::directory_iterator()) {
    found.push_back(entry->path().filename().string());
    entry.increment(failed);
  }
  if (failed) return file_error("list", folder, failed.value());
  return found;
}

Result<std::uint64_t> Disk::free_space(const std::string& folder) {
  struct statvfs st{};
  if (::statvfs(folder.c_str(), &st) != 0) return file_error("stat file system", folder, errno);
  return static_cast<std::uint64_t>(st.f_bavail) * st.f_frsize;
}

}  // namespace taubenpost

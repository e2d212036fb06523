// Disk: the one seam between this program's files and the operating system.
//
// Paths are absolute. Blocking calls. Content and names are durable only after sync() of the file
// and sync_folder() of its folder; a test replaces this class by one that loses the rest when the
// process is killed. Errors name operation and path: kDiskFull (no space, quota, size limit),
// kNotFound (no such file or folder), kIo (everything else).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace taubenpost {

// An open file; closed when it dies. `path` is the one it was opened with.
class FileHandle {
 public:
  FileHandle(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~FileHandle();
  FileHandle(FileHandle&& other) noexcept;
  FileHandle& operator=(FileHandle&&) = delete;

  int descriptor() const { return descriptor_; }
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

// What the file system says about a file.
struct FileFacts {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  std::uint32_t mode = 0;  // permission bits
  bool regular = false, folder = false;
};

enum class OpenHow : std::uint8_t {
  kRead,         // follows symbolic links; never waits for a pipe
  kReadWrite,    // must exist; no symbolic link
  kCreateNew,    // 0600, must not exist
  kCreateEmpty,  // 0600, an earlier content is dropped; no symbolic link
};
enum class Links : std::uint8_t { kFollow, kKeep };

class Disk {
 public:
  Disk() = default;
  virtual ~Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  virtual Result<FileHandle> open(const std::string& path, OpenHow how);
  virtual Status write_at(const FileHandle& file, std::uint64_t offset, ByteView bytes);
  // Fewer bytes than `length` only at the end of the file.
  virtual Result<Bytes> read_at(const FileHandle& file, std::uint64_t offset, std::size_t length);
  virtual Status sync(const FileHandle& file);
  virtual Result<FileFacts> facts(const FileHandle& file);
  virtual Result<FileFacts> facts(const std::string& path, Links links);
  virtual Status set_mode(const FileHandle& file, std::uint32_t mode);
  virtual Status set_mtime(const FileHandle& file, std::int64_t seconds);
  virtual Status set_mode(const std::string& path, std::uint32_t mode);

  // False, and nothing done, if `to` exists.
  virtual Result<bool> rename_no_replace(const std::string& from, const std::string& to);
  // What is at `to` goes in the same step.
  virtual Status rename_over(const std::string& from, const std::string& to);
  // False if there was no such file.
  virtual Result<bool> unlink(const std::string& path);
  // 0700; also when it exists.
  virtual Status make_folder(const std::string& path);
  virtual Status sync_folder(const std::string& path);
  // What is in a folder, in no order.
  virtual Result<std::vector<std::string>> names(const std::string& folder);
  // Bytes that this process may still write.
  virtual Result<std::uint64_t> free_space(const std::string& folder);
};

// The folder part of an absolute path.
std::string folder_of(const std::string& path);
// The one place where an errno becomes an Error.
Error file_error(const char* operation, const std::string& path, int number);

}  // namespace taubenpost

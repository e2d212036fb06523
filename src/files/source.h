// RegularSource: a regular file that is sealed into the spool, or read where it is, and how a
// change of it is noticed.
//
// Identity is device, inode, size, and the times of content and of inode in nanoseconds, as the
// file system tells them. A symbolic link counts as the file that it points to.
#pragma once

#include <memory>
#include <string>

#include "files/disk.h"
#include "ports/files.h"

namespace taubenpost {

// A file error, of one who reads a source.
inline Error unreadable(Error failure) {
  if (failure.code == Errc::kIo) failure.code = Errc::kSourceUnreadable;
  return failure;
}

class RegularSource : public ports::Source {
 public:
  // `disk` outlives the source. kNotFound; kUsage: not a regular file; kSourceUnreadable.
  static Result<std::unique_ptr<RegularSource>> open(Disk& disk, const std::string& path);

  const SourceIdentity& identity() const override { return identity_; }
  std::uint32_t mode() const override { return mode_; }
  bool is_archive() const override { return false; }
  Result<Bytes> read(std::size_t limit) override;
  Status still_same() override;
  // As ports::Files::read_in_place().
  Result<Bytes> read_known(SourceIdentity known, std::uint64_t offset, std::size_t length);

 private:
  RegularSource(Disk& disk, FileHandle file, const FileFacts& facts);

  Disk& disk_;
  FileHandle file_;
  SourceIdentity identity_;
  std::uint32_t mode_;
  std::uint64_t offset_ = 0;
};

}  // namespace taubenpost

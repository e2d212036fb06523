// ArchiveSource: folders and several files as one tar stream (pax), made while it is read.
//
// Nothing is written to disk: names, sizes and times are looked at when it is opened, which gives
// the exact length of the stream, and the files are read into it one after the other. It holds
// regular files and folders; the sources stand in it under their base names. Owners, links and
// special files have no place in it: a source that has one is refused, by its path.
//
// Its identity is of all that was found: device and inode of the first source, length of the
// stream, the newest time of a content, and in ctime_ns a digest over every name and identity.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "files/disk.h"
#include "files/tar_writer.h"
#include "ports/files.h"

namespace taubenpost {

class ArchiveSource : public ports::Source {
 public:
  // `disk` outlives the source. kNotFound; kUsage: nothing that an archive can hold, two sources of
  // one name, too many entries; kSourceUnreadable.
  static Result<std::unique_ptr<ports::Source>> open(Disk& disk,
                                                     const std::vector<std::string>& paths);

  const SourceIdentity& identity() const override { return identity_; }
  std::uint32_t mode() const override { return 0; }
  bool is_archive() const override { return true; }
  Result<Bytes> read(std::size_t limit) override;
  Status still_same() override;

 private:
  struct Entry {
    TarEntry tar;
    std::string path;  // on disk
    FileFacts facts;
  };

  ArchiveSource(Disk& disk, std::vector<std::string> paths)
      : disk_(disk), paths_(std::move(paths)) {}
  Result<std::vector<Entry>> look() const;
  Status look_at(const std::string& path, const std::string& name, Links links,
                 std::vector<Entry>& found) const;
  static Result<SourceIdentity> identity_of(const std::vector<Entry>& entries);
  Status step();
  Error changed(const std::string& path) const;

  Disk& disk_;
  const std::vector<std::string> paths_;
  std::vector<Entry> entries_;
  SourceIdentity identity_;

  Bytes made_;  // of the stream, not yet read
  std::unique_ptr<TarWriter> tar_;
  std::size_t next_ = 0;            // of the entries
  std::optional<FileHandle> open_;  // the file that is being read
  std::uint64_t offset_ = 0;        // in it
  bool is_complete_ = false;
};

}  // namespace taubenpost

// Files as the engine sees them: sources, the sealed spool, part files, and placing.
//
// Blocking calls, short ones (a slice, a chunk, a sync). Everything that must survive a crash says
// when it is durable. Errors: kNotFound, kSourceUnreadable, kSourceChanged, kDiskFull, kStoreBad
// (a damaged spool), kIo.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/rows.h"

namespace taubenpost::ports {

// A regular file, or a tar stream of files and folders, that is being read once, front to back.
class Source {
 public:
  virtual ~Source() = default;
  virtual const SourceIdentity& identity() const = 0;
  virtual std::uint32_t mode() const = 0;  // permission bits
  virtual bool is_archive() const = 0;     // a tar stream; its identity is of all that is in it
  // Up to `limit` bytes; empty at the end.
  virtual Result<Bytes> read(std::size_t limit) = 0;
  // kSourceChanged if the file is no longer what it was when it was opened.
  virtual Status still_same() = 0;
};

// The sealed copy of a content, or what is kept of one (model/spooled.h), in slices of one size;
// the last may be shorter. kDiskFull while some space is left: that is for ending work.
class SpoolWriter {
 public:
  virtual ~SpoolWriter() = default;
  virtual Status append_slice(ByteView plaintext) = 0;
  // Syncs file and folder: durable when it returns.
  virtual Status finish() = 0;
};

class PartFile {
 public:
  virtual ~PartFile() = default;
  virtual Status write_at(std::uint64_t offset, ByteView bytes) = 0;
  virtual Result<Bytes> read_at(std::uint64_t offset, std::size_t length) = 0;
  virtual Status sync() = 0;  // contents and length are durable when it returns
  virtual std::uint64_t device() const = 0;
  virtual std::uint64_t inode() const = 0;
  virtual Status set_times_and_mode(std::optional<std::uint32_t> mode,
                                    std::optional<std::int64_t> mtime) = 0;
};

// A tar that is being unpacked into a fresh folder.
class Unpacker {
 public:
  virtual ~Unpacker() = default;
  // One piece. False: all of it is there and durable. kRejected: it holds what is not unpacked, and
  // nothing of it may be used; the text says what.
  virtual Result<bool> step() = 0;
  // Of the folder, at the end.
  virtual std::uint64_t device() const = 0;
  virtual std::uint64_t inode() const = 0;
};

// A content that becomes smaller while it is read.
class Encoder {
 public:
  virtual ~Encoder() = default;
  // What there is to store by now, perhaps nothing yet.
  virtual Result<Bytes> put(ByteView bytes) = 0;
  virtual Result<Bytes> end() = 0;
};

// A part file that is being decoded into a second file beside it.
class PartDecoder {
 public:
  virtual ~PartDecoder() = default;
  // What was decoded and written last; empty at the end, where exactly the promised bytes are
  // there. kRejected: they are not, or it can't be decoded; the text says why.
  virtual Result<Bytes> step() = 0;
  // At the end: the decoded file is the part file from now on, durable when it returns.
  virtual Status replace_part() = 0;
};

enum class PlaceResult : std::uint8_t { kPlaced, kTargetExists };
// What placing does to a file that has the name already; a folder, a link or a device is kept.
enum class Existing : std::uint8_t { kKeep, kReplace };

class Files {
 public:
  virtual ~Files() = default;

  // One path of a regular file is that file; everything else is an archive.
  virtual Result<std::unique_ptr<Source>> open_source(const std::vector<std::string>& paths) = 0;
  // Of a regular file that is still the one that is known (whose device may have got another number
  // meanwhile); else kSourceChanged. Shorter only at its end.
  virtual Result<Bytes> read_in_place(const std::string& path, const SourceIdentity& known,
                                      std::uint64_t offset, std::size_t length) = 0;

  // Replaces any earlier, unfinished spool of the job.
  virtual Result<std::unique_ptr<SpoolWriter>> create_spool(JobId job) = 0;
  // One slice, opened and authenticated. `length` is its plaintext length.
  virtual Result<Bytes> read_spool(JobId job, SliceIndex slice, std::size_t slice_size,
                                   std::size_t length) = 0;
  // Also when there is none.
  virtual Status remove_spool(JobId job) = 0;
  // The jobs that have one, finished or not.
  virtual Result<std::vector<JobId>> spools() = 0;

  // The part file of a transfer in `folder` (".taubenpost-ID.part", 0600), made if missing, its
  // name durable; kNotFound if the folder is missing.
  virtual Result<std::unique_ptr<PartFile>> open_part(const std::string& folder, JobId job) = 0;
  virtual Result<std::uint64_t> free_space(const std::string& folder) = 0;
  // Whether something has that name.
  virtual Result<bool> exists(const std::string& path) = 0;
  // Renames the part file to `target`, over what is there only if `existing` says so, then syncs
  // the folder. Whoever opens `target` sees the old file or the new one, whole. If `target` already
  // is the file with this device and inode (a repeat after a crash), that is kPlaced.
  virtual Result<PlaceResult> place(const std::string& folder, JobId job, const std::string& target,
                                    std::uint64_t device, std::uint64_t inode,
                                    Existing existing) = 0;
  // The same for the folder into which the part file was unpacked; it replaces nothing.
  virtual Result<PlaceResult> place_unpacked(const std::string& folder, JobId job,
                                             const std::string& target, std::uint64_t device,
                                             std::uint64_t inode) = 0;
  // With what is beside it.
  virtual Status remove_part(const std::string& folder, JobId job) = 0;

  // zstd. `size`: of all that will be put, where it is known.
  virtual std::unique_ptr<Encoder> encoder(std::optional<std::uint64_t> size) = 0;
  // Undoes it: the part file is to become one of `size` bytes. An earlier try is dropped.
  virtual Result<std::unique_ptr<PartDecoder>> decode_part(const std::string& folder, JobId job,
                                                           std::uint64_t size) = 0;

  // Unpacks the part file, a tar of `size` bytes, into a fresh folder beside it; `name` is what the
  // transfer is called. An earlier try is dropped.
  virtual Result<std::unique_ptr<Unpacker>> unpack(const std::string& folder, JobId job,
                                                   std::uint64_t size, const std::string& name) = 0;
  virtual Status remove_unpacked(const std::string& folder, JobId job) = 0;
};

}  // namespace taubenpost::ports

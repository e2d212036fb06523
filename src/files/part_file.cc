#include "files/part_file.h"

#include <optional>

#include "base/failpoint.h"
#include "files/decode_part.h"

namespace taubenpost {
namespace {

using ports::PlaceResult;

class RealPartFile : public ports::PartFile {
 public:
  RealPartFile(Disk& disk, FileHandle file, const FileFacts& facts)
      : disk_(disk), file_(std::move(file)), device_(facts.device), inode_(facts.inode) {}

  Status write_at(std::uint64_t offset, ByteView bytes) override {
    return disk_.write_at(file_, offset, bytes);
  }
  Result<Bytes> read_at(std::uint64_t offset, std::size_t length) override {
    return disk_.read_at(file_, offset, length);
  }
  Status sync() override {
    TP_FAILPOINT("files.part.before_sync");
    TP_TRY(disk_.sync(file_));
    TP_FAILPOINT("files.part.synced");
    return ok();
  }
  std::uint64_t device() const override { return device_; }
  std::uint64_t inode() const override { return inode_; }
  Status set_times_and_mode(std::optional<std::uint32_t> mode,
                            std::optional<std::int64_t> mtime) override {
    if (mtime) TP_TRY(disk_.set_mtime(file_, *mtime));
    if (mode) TP_TRY(disk_.set_mode(file_, *mode));
    return ok();
  }

 private:
  Disk& disk_;
  FileHandle file_;
  const std::uint64_t device_;
  const std::uint64_t inode_;
};

Result<FileHandle> open_or_create(Disk& disk, const std::string& path) {
  Result<FileFacts> facts = disk.facts(path, Links::kKeep);
  if (!facts && facts.error().code == Errc::kNotFound) return disk.open(path, OpenHow::kCreateNew);
  if (!facts) return facts.error();
  if (!facts->regular) return error(Errc::kIo, "open: " + path + ": not a regular file");
  // The sender's mode may have been set right before a crash, and may lack what we need.
  constexpr std::uint32_t kReadWrite = 0600;
  if ((facts->mode & kReadWrite) != kReadWrite) TP_TRY(disk.set_mode(path, kReadWrite));
  return disk.open(path, OpenHow::kReadWrite);
}

// The facts of a path, or nothing where there is no such file.
Result<std::optional<FileFacts>> look(Disk& disk, const std::string& path) {
  Result<FileFacts> facts = disk.facts(path, Links::kKeep);
  if (facts) return std::optional<FileFacts>(facts.value());
  if (facts.error().code == Errc::kNotFound) return std::optional<FileFacts>();
  return facts.error();
}

constexpr std::size_t kPiece = 1U << 20;

Status copy_file(Disk& disk, const FileHandle& from, const std::string& to) {
  Result<FileHandle> copy = disk.open(to, OpenHow::kCreateEmpty);
  if (!copy) return copy.error();
  for (std::uint64_t offset = 0;;) {
    const Result<Bytes> piece = disk.read_at(from, offset, kPiece);
    if (!piece) return piece.error();
    if (piece->empty()) break;
    TP_TRY(disk.write_at(*copy, offset, *piece));
    offset += piece->size();
  }
  return disk.sync(*copy);
}

}  // namespace

std::string part_path(const std::string& folder, JobId job) {
  return folder + "/.taubenpost-" + to_base32(job) + ".part";
}

Result<std::unique_ptr<ports::PartFile>> open_part_file(Disk& disk, const std::string& folder,
                                                        JobId job) {
  Result<FileHandle> file = open_or_create(disk, part_path(folder, job));
  if (!file) return file.error();
  TP_TRY(disk.sync_folder(folder));
  Result<FileFacts> facts = disk.facts(*file);
  if (!facts) return facts.error();
  return std::unique_ptr<ports::PartFile>(
      new RealPartFile(disk, std::move(file).value(), facts.value()));
}

Result<PlaceResult> place_file(Disk& disk, const std::string& from, const std::string& target,
                               std::uint64_t device, std::uint64_t inode,
                               ports::Existing existing) {
  const std::string folder = folder_of(target);
  const Result<std::optional<FileFacts>> at_part = look(disk, from);
  if (!at_part) return at_part.error();
  const Result<std::optional<FileFacts>> at_target = look(disk, target);
  if (!at_target) return at_target.error();

  if (*at_target) {
    // A repeat after a crash. Device numbers may change when a machine starts again, so without a
    // part file the inode decides.
    const bool is_kind = (*at_target)->regular || (*at_target)->folder;
    const bool ours =
        (*at_target)->inode == inode && is_kind && ((*at_target)->device == device || !*at_part);
    if (ours) {
      if (*at_part && (*at_part)->inode == inode) {
        const Result<bool> removed = disk.unlink(from);
        if (!removed) return removed.error();
      }
      TP_TRY(disk.sync_folder(folder));
      return PlaceResult::kPlaced;
    }
    if (existing == ports::Existing::kKeep || !(*at_target)->regular)
      return PlaceResult::kTargetExists;
  }
  if (!*at_part) return error(Errc::kNotFound, "place: " + from + ": the part file is gone");
  if ((*at_part)->inode != inode)
    return error(Errc::kNotFound, "place: " + from + ": the part file was replaced");

  TP_FAILPOINT("files.place.before_rename");
  if (existing == ports::Existing::kReplace) {
    TP_TRY(disk.rename_over(from, target));
  } else {
    const Result<bool> renamed = disk.rename_no_replace(from, target);
    if (!renamed) return renamed.error();
    if (!*renamed) return PlaceResult::kTargetExists;
  }
  TP_FAILPOINT("files.place.renamed");
  TP_TRY(disk.sync_folder(folder));
  TP_FAILPOINT("files.place.folder_synced");
  return PlaceResult::kPlaced;
}

Status move_part_file(Disk& disk, const std::string& from, const std::string& to, JobId job) {
  if (from == to) return ok();
  const Result<FileHandle> part = disk.open(part_path(from, job), OpenHow::kRead);
  if (!part) return part.error().code == Errc::kNotFound ? ok() : Status(part.error());
  const std::string target = part_path(to, job);
  if (disk.rename_over(part_path(from, job), target)) return disk.sync_folder(to);
  const Status copied = copy_file(disk, *part, target);
  if (!copied) {
    const Result<bool> removed = disk.unlink(target);
    return removed ? copied.error() : removed.error();
  }
  TP_TRY(disk.sync_folder(to));
  return remove_part_file(disk, from, job);
}

Status remove_part_file(Disk& disk, const std::string& folder, JobId job) {
  for (const std::string& path : {decoded_path(folder, job), part_path(folder, job)}) {
    const Result<bool> removed = disk.unlink(path);
    if (!removed) return removed.error();
  }
  return ok();
}

}  // namespace taubenpost

#include "files/spool.h"

#include <algorithm>

#include "base/failpoint.h"
#include "crypto/aead.h"

namespace taubenpost {
namespace {

// "tpspool" and the version of the format.
constexpr std::array<std::uint8_t, 8> kHeader{'t', 'p', 's', 'p', 'o', 'o', 'l', 1};

// Left alone: the store refuses new rows before the disk is full, and so does the spool.
constexpr std::uint64_t kReserve = 32ULL << 20;
constexpr std::uint64_t kLookEvery = 1ULL << 20;  // bytes between two looks at what is left

std::uint64_t record_offset(SliceIndex slice, std::size_t slice_size) {
  return kHeader.size() + slice.value() * (slice_size + crypto::kXChaChaOverhead);
}

Error bad_spool(const std::string& path, const char* why) {
  return error(Errc::kStoreBad, "spool: " + path + ": " + why,
               "the sealed copy of the source is lost; send the file again");
}

}  // namespace

class RealSpoolWriter : public ports::SpoolWriter {
 public:
  RealSpoolWriter(const Spool& spool, JobId job, FileHandle file)
      : spool_(spool), job_(job), file_(std::move(file)) {}

  Status append_slice(ByteView plaintext) override {
    TP_CHECK(!plaintext.empty());
    if (next_ == SliceIndex{0}) slice_size_ = plaintext.size();
    // Records have a fixed size: only the last may be shorter.
    TP_CHECK(plaintext.size() <= slice_size_ && !short_written_);
    short_written_ = plaintext.size() < slice_size_;
    TP_TRY(keep_reserve(plaintext.size()));
    const Bytes sealed = crypto::xchacha20poly1305_seal(
        spool_.key_.view(), spool_.associated_data(job_, next_), plaintext);
    TP_TRY(spool_.disk_.write_at(file_, record_offset(next_, slice_size_), sealed));
    next_ = SliceIndex{next_.value() + 1};
    return ok();
  }

  Status finish() override {
    TP_FAILPOINT("files.spool.before_sync");
    TP_TRY(spool_.disk_.sync(file_));
    TP_FAILPOINT("files.spool.synced");
    TP_TRY(spool_.disk_.sync_folder(spool_.folder_));
    TP_FAILPOINT("files.spool.folder_synced");
    return ok();
  }

 private:
  Status keep_reserve(std::uint64_t size) {
    if (allowed_ < size) {
      const Result<std::uint64_t> free = spool_.disk_.free_space(spool_.folder_);
      if (!free) return free.error();
      if (*free < kReserve)
        return error(Errc::kDiskFull, "spool: " + spool_.folder_ + ": less than 32 MiB are left",
                     "free some space there, or send a file with --in-place");
      allowed_ = kLookEvery;
    }
    allowed_ -= std::min(allowed_, size);
    return ok();
  }

  const Spool& spool_;
  const JobId job_;
  FileHandle file_;
  std::uint64_t allowed_ = 0;  // bytes until the next look at the disk
  SliceIndex next_{0};
  std::size_t slice_size_ = 0;
  bool short_written_ = false;
};

Result<std::unique_ptr<ports::SpoolWriter>> Spool::create(JobId job) {
  TP_TRY(disk_.make_folder(folder_));
  TP_TRY(disk_.sync_folder(folder_of(folder_)));
  Result<FileHandle> file = disk_.open(path_of(job), OpenHow::kCreateEmpty);
  if (!file) return file.error();
  TP_TRY(disk_.write_at(*file, 0, kHeader));
  return std::unique_ptr<ports::SpoolWriter>(
      new RealSpoolWriter(*this, job, std::move(file).value()));
}

Result<Bytes> Spool::read(JobId job, SliceIndex slice, std::size_t slice_size, std::size_t length) {
  TP_CHECK(length > 0 && length <= slice_size);
  const std::string path = path_of(job);
  Result<FileHandle> file = disk_.open(path, OpenHow::kRead);
  if (!file && file.error().code == Errc::kNotFound) return bad_spool(path, "it is missing");
  if (!file) return file.error();
  const Result<Bytes> header = disk_.read_at(*file, 0, kHeader.size());
  if (!header) return header.error();
  if (!equal(*header, kHeader)) return bad_spool(path, "it is no spool file of this version");
  const Result<Bytes> sealed =
      disk_.read_at(*file, record_offset(slice, slice_size), length + crypto::kXChaChaOverhead);
  if (!sealed) return sealed.error();
  if (sealed->size() != length + crypto::kXChaChaOverhead) return bad_spool(path, "it is cut");
  Result<Bytes> plaintext =
      crypto::xchacha20poly1305_open(key_.view(), associated_data(job, slice), *sealed);
  if (!plaintext) return bad_spool(path, "a slice does not open: it was altered");
  return plaintext;
}

// The removal is durable before the job moves on: nobody would look for the file again. The folder
// is synced also where there is no file, for a kill between the two steps.
Status Spool::remove(JobId job) {
  const Result<bool> removed = disk_.unlink(path_of(job));
  if (!removed) return removed.error();
  const Status synced = disk_.sync_folder(folder_);
  if (!synced && synced.error().code == Errc::kNotFound) return ok();  // there never was a spool
  return synced;
}

Result<std::vector<JobId>> Spool::jobs() const {
  const Result<std::vector<std::string>> names = disk_.names(folder_);
  std::vector<JobId> found;
  if (!names && names.error().code == Errc::kNotFound) return found;  // nothing was ever spooled
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const Result<Bytes> id = from_base32(name);
    if (id && id->size() == std::tuple_size_v<JobId>)
      found.push_back(to_array<std::tuple_size_v<JobId>>(*id));
  }
  return found;
}

// Binds a slice to its store, its job and its place.
Bytes Spool::associated_data(JobId job, SliceIndex slice) const {
  Bytes data = to_bytes(store_);
  append(data, as_bytes("spool"));
  append(data, job);
  append_be(data, slice.value());
  return data;
}

}  // namespace taubenpost

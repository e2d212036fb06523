#include "files/decode_part.h"

#include "base/failpoint.h"
#include "files/part_file.h"
#include "files/zstd_stream.h"

namespace taubenpost {
namespace {

class RealPartDecoder : public ports::PartDecoder {
 public:
  RealPartDecoder(Disk& disk, std::string folder, JobId job, std::unique_ptr<ports::PartFile> part,
                  FileHandle file, std::uint64_t size)
      : disk_(disk),
        folder_(std::move(folder)),
        job_(job),
        part_(std::move(part)),
        file_(std::move(file)),
        reader_([this](std::uint64_t offset,
                       std::size_t length) { return part_->read_at(offset, length); },
                size) {}

  Result<Bytes> step() override {
    Result<Bytes> piece = reader_.next();
    if (!piece) return piece;
    TP_TRY(disk_.write_at(file_, offset_, *piece));
    offset_ += piece->size();
    return piece;
  }

  Status replace_part() override {
    TP_TRY(disk_.sync(file_));
    TP_FAILPOINT("files.part.decoded");
    TP_TRY(disk_.rename_over(file_.path(), part_path(folder_, job_)));
    TP_FAILPOINT("files.part.replaced");
    return disk_.sync_folder(folder_);
  }

 private:
  Disk& disk_;
  const std::string folder_;
  const JobId job_;
  const std::unique_ptr<ports::PartFile> part_;
  const FileHandle file_;
  ZstdReader reader_;
  std::uint64_t offset_ = 0;
};

}  // namespace

std::string decoded_path(const std::string& folder, JobId job) {
  return folder + "/.taubenpost-" + to_base32(job) + ".decoded";
}

Result<std::unique_ptr<ports::PartDecoder>> open_part_decoder(Disk& disk, const std::string& folder,
                                                              JobId job, std::uint64_t size) {
  Result<std::unique_ptr<ports::PartFile>> part = open_part_file(disk, folder, job);
  if (!part) return part.error();
  Result<FileHandle> file = disk.open(decoded_path(folder, job), OpenHow::kCreateEmpty);
  if (!file) return file.error();
  return std::unique_ptr<ports::PartDecoder>(new RealPartDecoder(
      disk, folder, job, std::move(part).value(), std::move(file).value(), size));
}

}  // namespace taubenpost

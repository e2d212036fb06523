#include "files/files.h"

#include "files/archive_source.h"
#include "files/decode_part.h"
#include "files/part_file.h"
#include "files/source.h"
#include "files/unpack.h"
#include "files/zstd_stream.h"

namespace taubenpost {

Result<std::unique_ptr<ports::Source>> RealFiles::open_source(
    const std::vector<std::string>& paths) {
  TP_CHECK(!paths.empty());
  if (paths.size() > 1) return ArchiveSource::open(disk_, paths);
  const Result<FileFacts> facts = disk_.facts(paths[0], Links::kFollow);
  if (facts && facts->folder) return ArchiveSource::open(disk_, paths);
  Result<std::unique_ptr<RegularSource>> source = RegularSource::open(disk_, paths[0]);
  if (!source) return source.error();
  return std::unique_ptr<ports::Source>(std::move(source).value());
}

Result<Bytes> RealFiles::read_in_place(const std::string& path, const SourceIdentity& known,
                                       std::uint64_t offset, std::size_t length) {
  const Result<std::unique_ptr<RegularSource>> source = RegularSource::open(disk_, path);
  if (!source) return source.error();
  return (*source)->read_known(known, offset, length);
}

Result<std::unique_ptr<ports::SpoolWriter>> RealFiles::create_spool(JobId job) {
  return spool_.create(job);
}

Result<Bytes> RealFiles::read_spool(JobId job, SliceIndex slice, std::size_t slice_size,
                                    std::size_t length) {
  return spool_.read(job, slice, slice_size, length);
}

Status RealFiles::remove_spool(JobId job) { return spool_.remove(job); }

Result<std::unique_ptr<ports::PartFile>> RealFiles::open_part(const std::string& folder,
                                                              JobId job) {
  return open_part_file(disk_, folder, job);
}

Result<std::uint64_t> RealFiles::free_space(const std::string& folder) {
  return disk_.free_space(folder);
}

Result<bool> RealFiles::exists(const std::string& path) {
  const Result<FileFacts> facts = disk_.facts(path, Links::kKeep);
  if (facts) return true;
  if (facts.error().code == Errc::kNotFound) return false;
  return facts.error();
}

Result<ports::PlaceResult> RealFiles::place(const std::string& folder, JobId job,
                                            const std::string& target, std::uint64_t device,
                                            std::uint64_t inode, ports::Existing existing) {
  return place_file(disk_, part_path(folder, job), target, device, inode, existing);
}

Result<ports::PlaceResult> RealFiles::place_unpacked(const std::string& folder, JobId job,
                                                     const std::string& target,
                                                     std::uint64_t device, std::uint64_t inode) {
  return place_file(disk_, unpacked_path(folder, job), target, device, inode,
                    ports::Existing::kKeep);
}

Result<std::unique_ptr<ports::Unpacker>> RealFiles::unpack(const std::string& folder, JobId job,
                                                           std::uint64_t size,
                                                           const std::string& name) {
  Result<std::unique_ptr<ports::PartFile>> archive = open_part_file(disk_, folder, job);
  if (!archive) return archive.error();
  return open_unpacker(std::move(archive).value(), size, folder, job, name);
}

Status RealFiles::remove_unpacked(const std::string& folder, JobId job) {
  return taubenpost::remove_unpacked(folder, job);
}

std::unique_ptr<ports::Encoder> RealFiles::encoder(std::optional<std::uint64_t> size) {
  return std::make_unique<ZstdEncoder>(size);
}

Result<std::unique_ptr<ports::PartDecoder>> RealFiles::decode_part(const std::string& folder,
                                                                   JobId job, std::uint64_t size) {
  return open_part_decoder(disk_, folder, job, size);
}

Status RealFiles::remove_part(const std::string& folder, JobId job) {
  return remove_part_file(disk_, folder, job);
}

}  // namespace taubenpost

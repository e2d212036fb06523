#include "files/files.h"

#include "files/part_file.h"
#include "files/source.h"

namespace taubenpost {

Result<std::unique_ptr<ports::Source>> RealFiles::open_source(const std::string& path) {
  return RegularSource::open(disk_, path);
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

Result<ports::PlaceResult> RealFiles::place(const std::string& folder, JobId job,
                                            const std::string& target, std::uint64_t device,
                                            std::uint64_t inode) {
  return place_part_file(disk_, folder, job, target, device, inode);
}

Status RealFiles::remove_part(const std::string& folder, JobId job) {
  return remove_part_file(disk_, folder, job);
}

}  // namespace taubenpost

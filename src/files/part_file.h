// Part files: the growing plaintext of a transfer beside its target, and the rename that places it.
//
// ".taubenpost-ID.part" (ID: the job in base32), mode 0600, in the folder of the target, so that
// placing is a rename inside one file system. A target is overwritten only by the rename itself,
// and only where that was asked for.
#pragma once

#include <memory>
#include <string>

#include "files/disk.h"
#include "ports/files.h"

namespace taubenpost {

std::string part_path(const std::string& folder, JobId job);

// Made if missing; name durable when it returns. `disk` outlives the part file.
Result<std::unique_ptr<ports::PartFile>> open_part_file(Disk& disk, const std::string& folder,
                                                        JobId job);

// ports::Files::place, for the file or folder `from` in the folder of `target`. Errors: kNotFound
// (neither of the two has this inode, or the folder is missing), kDiskFull, kIo.
Result<ports::PlaceResult> place_file(Disk& disk, const std::string& from,
                                      const std::string& target, std::uint64_t device,
                                      std::uint64_t inode, ports::Existing existing);

// Has the part file of a job, if there is one, in the folder `to`; from another file system it is
// copied. A part file that was there already is dropped.
Status move_part_file(Disk& disk, const std::string& from, const std::string& to, JobId job);

Status remove_part_file(Disk& disk, const std::string& folder, JobId job);

}  // namespace taubenpost

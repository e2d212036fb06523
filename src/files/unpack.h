// Unpacking a received archive into a fresh folder beside its target, which placing then renames.
//
// The archive is read twice. First all of it is looked at, and nothing is written: an archive with
// anything that is refused is left alone as a whole. Refused are: names that are absolute, empty,
// not UTF-8, with ".", "..", control or bidirectional characters or a backslash, longer than 255
// bytes in a component or nested deeper than 64; names that come twice, or are a file and a folder;
// links, devices and sparse files; more than 100,000 entries, or 64 MiB of names; more content than
// the archive has bytes. Then it is written: folders are opened one component at a time without
// following links, files must not exist, and nobody gets more rights than 0755. Nothing is executed
// with set ids.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "files/disk.h"
#include "files/tar_reader.h"
#include "ports/files.h"

namespace taubenpost {

// ".taubenpost-ID.unpacked" in the folder of the target.
std::string unpacked_path(const std::string& folder, JobId job);
Status remove_unpacked(const std::string& folder, JobId job);

// The archive is the part file of the job; `name` is that of the transfer: where everything in it
// lies in one folder of that name, the fresh folder stands for that one. Drops what an earlier,
// unfinished try has left. kIo, kDiskFull, kNotFound.
Result<std::unique_ptr<ports::Unpacker>> open_unpacker(std::unique_ptr<ports::PartFile> archive,
                                                       std::uint64_t size,
                                                       const std::string& folder, JobId job,
                                                       const std::string& name);

}  // namespace taubenpost

// Spool: the sealed copy of a source, one file per job, slice by slice (schema/spool.md).
//
// A slice is opened and authenticated on its own, at any position. A file that is cut, altered,
// mixed with another job's or another store's does not open: kStoreBad.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"
#include "files/disk.h"
#include "ports/files.h"

namespace taubenpost {

class Spool {
 public:
  // Files are FOLDER/JOBID. `disk` outlives the spool and its writers.
  Spool(std::string folder, SecretArray<32> key, StoreId store, Disk& disk)
      : folder_(std::move(folder)), key_(std::move(key)), store_(store), disk_(disk) {}

  // An earlier file of the job is dropped. The spool outlives the writer.
  Result<std::unique_ptr<ports::SpoolWriter>> create(JobId job);
  // Slice `slice` of a spool whose slices have `slice_size` bytes; this one has `length` (the last
  // may be shorter).
  Result<Bytes> read(JobId job, SliceIndex slice, std::size_t slice_size, std::size_t length);
  // Also when there is none.
  Status remove(JobId job);
  // The jobs that have a file; others in the folder are not ours to name.
  Result<std::vector<JobId>> jobs() const;

 private:
  friend class RealSpoolWriter;
  std::string path_of(JobId job) const { return folder_ + "/" + to_base32(job); }
  Bytes associated_data(JobId job, SliceIndex slice) const;

  const std::string folder_;
  const SecretArray<32> key_;
  const StoreId store_;
  Disk& disk_;
};

}  // namespace taubenpost

// RealFiles: ports::Files on a disk: sources, the sealed spool under the state directory, part
// files beside their targets. Used by the engine's thread alone.
#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "files/disk.h"
#include "files/spool.h"
#include "ports/files.h"

namespace taubenpost {

class RealFiles : public ports::Files {
 public:
  // `state_folder` exists and is absolute; the spool is its folder "spool". `key` seals the spool
  // and belongs to this use alone. `disk` outlives this.
  RealFiles(const std::string& state_folder, SecretArray<32> key, StoreId store, Disk& disk)
      : spool_(state_folder + "/spool", std::move(key), store, disk), disk_(disk) {}

  Result<std::unique_ptr<ports::Source>> open_source(
      const std::vector<std::string>& paths) override;
  Result<Bytes> read_in_place(const std::string& path, const SourceIdentity& known,
                              std::uint64_t offset, std::size_t length) override;
  Result<std::unique_ptr<ports::SpoolWriter>> create_spool(JobId job) override;
  Result<Bytes> read_spool(JobId job, SliceIndex slice, std::size_t slice_size,
                           std::size_t length) override;
  Status remove_spool(JobId job) override;
  Result<std::vector<JobId>> spools() override { return spool_.jobs(); }
  Result<std::unique_ptr<ports::PartFile>> open_part(const std::string& folder, JobId job) override;
  Result<std::uint64_t> free_space(const std::string& folder) override;
  Result<bool> exists(const std::string& path) override;
  Result<ports::PlaceResult> place(const std::string& folder, JobId job, const std::string& target,
                                   std::uint64_t device, std::uint64_t inode,
                                   ports::Existing existing) override;
  Result<ports::PlaceResult> place_unpacked(const std::string& folder, JobId job,
                                            const std::string& target, std::uint64_t device,
                                            std::uint64_t inode) override;
  Status remove_part(const std::string& folder, JobId job) override;
  std::unique_ptr<ports::Encoder> encoder(std::optional<std::uint64_t> size) override;
  Result<std::unique_ptr<ports::PartDecoder>> decode_part(const std::string& folder, JobId job,
                                                          std::uint64_t size) override;
  Result<std::unique_ptr<ports::Unpacker>> unpack(const std::string& folder, JobId job,
                                                  std::uint64_t size,
                                                  const std::string& name) override;
  Status remove_unpacked(const std::string& folder, JobId job) override;

 private:
  Spool spool_;
  Disk& disk_;
};

}  // namespace taubenpost

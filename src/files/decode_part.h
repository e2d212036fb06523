// Decoding a received file: from its part file into a second one beside it, which then takes the
// place of the first. A crash leaves the part file as it was, or decoded.
#pragma once

#include <memory>
#include <string>

#include "files/disk.h"
#include "ports/files.h"

namespace taubenpost {

// ".taubenpost-ID.decoded" in the folder of the target.
std::string decoded_path(const std::string& folder, JobId job);

// As ports::Files::decode_part(). `disk` outlives it.
Result<std::unique_ptr<ports::PartDecoder>> open_part_decoder(Disk& disk, const std::string& folder,
                                                              JobId job, std::uint64_t size);

}  // namespace taubenpost

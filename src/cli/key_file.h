// The key file of `taubenpost raw`: one sequence of boxes, and where we are in it.
//
// JSON, mode 0600: {"format": "taubenpost-raw-1", "write_cap", "read_cap", "index"}, the last three
// in base64; a reader's file has no write_cap. A file is made without overwriting and replaced as a
// whole, so that a kill leaves the old one or the new one.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "thin/results.h"

namespace taubenpost::cli {

struct KeyFile {
  std::optional<thin::WriteCap> write_cap;
  thin::ReadCap read_cap{};
  thin::BoxIndex index{};  // the next box to write or to read
};

// Errors: kNotFound, kInvalid (no key file), kIo.
Result<KeyFile> load_key_file(const std::string& path);
// The same, and kUsage if it is a reader's.
Result<KeyFile> load_writer_key_file(const std::string& path);
// kRefused if the file exists; kIo, kDiskFull.
Status create_key_file(const std::string& path, const KeyFile& key);
// kIo, kDiskFull.
Status replace_key_file(const std::string& path, const KeyFile& key);

}  // namespace taubenpost::cli

// The key file of `taubenpost raw`: one sequence of boxes, and where we are in it.
//
// JSON, mode 0600: {"format": "taubenpost-raw-1", "write_cap", "read_cap", "index"}, the last three
// in base64; a reader's file has no write_cap. A file is made without overwriting and replaced as a
// whole, so that a kill leaves the old one or the new one. Who moves it on holds its lock from
// before it is read: no box is used by two commands.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"
#include "files/disk.h"
#include "thin/results.h"

namespace taubenpost::cli {

struct KeyFile {
  std::optional<thin::WriteCap> write_cap;
  thin::ReadCap read_cap{};
  thin::BoxIndex index{};  // the next box to write or to read
};

// The text of a key file. kInvalid names `path`, where it was read from.
Result<KeyFile> parse_key_file(ByteView text, const std::string& path);
SecretBytes encode_key_file(const KeyFile& key);
// Errors: kNotFound, kInvalid (no key file), kIo.
Result<KeyFile> load_key_file(const std::string& path);
// kRefused if the file exists; kLocked if somebody else is making it; kIo, kDiskFull.
Status create_key_file(const std::string& path, const KeyFile& key);

// The right to move one key file on. Ends with this object, or with the process.
class KeyFileLock {
 public:
  // Errors, at once: kLocked (another process has it, or this one already), kNotFound, kIo.
  static Result<KeyFileLock> take(const std::string& path);
  // The lock stays with the name, whatever file it names. kIo, kDiskFull.
  Status replace(const KeyFile& key);

 private:
  KeyFileLock(FileHandle file, std::string target)
      : file_(std::move(file)), target_(std::move(target)) {}

  std::optional<FileHandle> file_;
  std::string target_;  // without symbolic links
};

// A writer's key file that nobody else moves on meanwhile.
struct HeldKey {
  KeyFileLock lock;
  KeyFile key;

  // Errors: those of KeyFileLock::take and load_key_file; kUsage if the file is a reader's.
  static Result<HeldKey> take(const std::string& path);
  // The next box is the one at `index`. kIo, kDiskFull.
  Status move_on(const thin::BoxIndex& index);
};

}  // namespace taubenpost::cli

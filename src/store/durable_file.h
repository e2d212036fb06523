// Small files beside the database, written so that a crash leaves the old file or the new one.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

namespace taubenpost {

// The folder and its missing parents; the folder itself gets mode 0700 if it is made. Durable.
Status make_private_folder(const std::filesystem::path& folder);

// Writes `path`.new with mode 0600 and syncs it; durable_rename() then puts it in place.
Status write_new_file(const std::filesystem::path& path, ByteView content);
// `path`.new becomes `path`; the folder is synced.
Status rename_new_file(const std::filesystem::path& path);
// Renames a file or folder and syncs the folder that holds both.
Status durable_rename(const std::filesystem::path& source, const std::filesystem::path& target);

// kNotFound; kInvalid if it is longer than `limit` or no regular file; kStoreIo.
struct SmallFile {
  SecretBytes content;
  bool owner_only = false;  // no permission for group or others
};
Result<SmallFile> read_small_file(const std::filesystem::path& path, std::size_t limit);

// A lock on a folder that is released when this is destroyed or the process ends. Nothing is
// written. kLocked if taken; the text begins with `operation`.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::filesystem::path& folder, std::string_view operation);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace taubenpost

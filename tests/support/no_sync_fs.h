// NoSyncFs: a file system on which a sync costs nothing and promises nothing.
//
// For tests that throw processes away, never the page cache: what is written is there all the same,
// and the disk no longer decides how long a test takes.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <string>
#include <utility>

#include "files/disk.h"

namespace taubenpost {

class NoSyncFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using rocksdb::FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;
  rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
};

class NoSyncFolder : public rocksdb::FSDirectory {
 public:
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
};

class NoSyncFs : public rocksdb::FileSystemWrapper {
 public:
  using rocksdb::FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "NoSyncFs"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* out,
                                    rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = target()->NewWritableFile(name, options, out, debug);
    if (status.ok()) *out = std::make_unique<NoSyncFile>(std::move(*out));
    return status;
  }
  rocksdb::IOStatus NewDirectory(const std::string&, const rocksdb::IOOptions&,
                                 std::unique_ptr<rocksdb::FSDirectory>* out,
                                 rocksdb::IODebugContext*) override {
    *out = std::make_unique<NoSyncFolder>();
    return rocksdb::IOStatus::OK();
  }
};

inline std::unique_ptr<rocksdb::Env> no_sync_env() {
  return rocksdb::NewCompositeEnv(std::make_shared<NoSyncFs>(rocksdb::FileSystem::Default()));
}

// The same for files beside the store.
class NoSyncDisk : public Disk {
 public:
  Status sync(const FileHandle&) override { return ok(); }
  Status sync_folder(const std::string&) override { return ok(); }
};

}  // namespace taubenpost

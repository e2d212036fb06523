// FaultFs: a file system whose write-ahead logs fail, fill up, or wait, when a test says so.
//
// Counts the syncs of logs. A closed gate holds the next sync of a log until it is opened.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace taubenpost {

enum class Disk : int { kWorks, kFull, kFullAtSync, kFails, kFullForNewFiles };

struct FaultControl {
  std::atomic<Disk> disk = Disk::kWorks;
  std::atomic<int> syncs = 0;
  std::atomic<std::uint64_t> free_space = 1U << 30;

  void close_gate() {
    const std::lock_guard lock(mutex);
    closed = true;
  }
  void open_gate() {
    {
      const std::lock_guard lock(mutex);
      closed = false;
    }
    changed.notify_all();
  }
  void wait_until_somebody_waits() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return waiting; });
  }
  void pass_gate() {
    std::unique_lock lock(mutex);
    waiting = true;
    changed.notify_all();
    changed.wait(lock, [this] { return !closed; });
    waiting = false;
  }

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  bool closed = false;
  bool waiting = false;
};

class FaultFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(std::unique_ptr<rocksdb::FSWritableFile> file, FaultControl& control)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), control_(control) {}

  using rocksdb::FSWritableFileOwnerWrapper::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    if (control_.disk == Disk::kFull) return rocksdb::IOStatus::NoSpace("test");
    if (control_.disk == Disk::kFails) return rocksdb::IOStatus::IOError("test");
    return target()->Append(data, options, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    ++control_.syncs;
    control_.pass_gate();
    if (control_.disk == Disk::kFullAtSync) return rocksdb::IOStatus::NoSpace("test");
    return target()->Sync(options, debug);
  }

 private:
  FaultControl& control_;
};

class FaultFs : public rocksdb::FileSystemWrapper {
 public:
  FaultFs(const std::shared_ptr<rocksdb::FileSystem>& base, FaultControl& control)
      : rocksdb::FileSystemWrapper(base), control_(control) {}
  const char* Name() const override { return "FaultFs"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* out,
                                    rocksdb::IODebugContext* debug) override {
    if (control_.disk == Disk::kFullForNewFiles) return rocksdb::IOStatus::NoSpace("test");
    auto s = target()->NewWritableFile(name, options, out, debug);
    if (s.ok() && name.ends_with(".log"))
      *out = std::make_unique<FaultFile>(std::move(*out), control_);
    return s;
  }
  rocksdb::IOStatus GetFreeSpace(const std::string&, const rocksdb::IOOptions&,
                                 std::uint64_t* bytes, rocksdb::IODebugContext*) override {
    *bytes = control_.free_space;
    return rocksdb::IOStatus::OK();
  }

 private:
  FaultControl& control_;
};

}  // namespace taubenpost

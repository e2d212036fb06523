// UnsyncedLossDisk: a disk on which a kill also loses what was not synced.
//
// Every write, creation, rename and removal leaves its undo here until the file, or the folder, is
// synced; lose_unsynced() applies the undos in reverse order. Construction makes it the hook of
// failpoint kills. Not modelled: torn writes, a lost mode or time, a lost new folder.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/failpoint.h"
#include "files/disk.h"

namespace taubenpost {

class UnsyncedLossDisk : public Disk {
 public:
  // `graveyard`: an existing folder on the same file system that keeps removed files until their
  // folder is synced.
  explicit UnsyncedLossDisk(std::string graveyard) : graveyard_(std::move(graveyard)) {
    // The kill may come from the store's thread: whoever is in the middle of a step ends it first,
    // and nobody begins another one.
    on_failpoint_kill([this] {
      mutex_.lock();
      undo_all();
    });
  }
  ~UnsyncedLossDisk() override { on_failpoint_kill({}); }

  void lose_unsynced() {
    const std::lock_guard lock(mutex_);
    undo_all();
  }

  Result<FileHandle> open(const std::string& path, OpenHow how) override {
    const std::lock_guard lock(mutex_);
    Result<FileFacts> before = Disk::facts(path, Links::kKeep);
    if (how == OpenHow::kCreateEmpty && before) remember_content(path);
    Result<FileHandle> file = Disk::open(path, how);
    if (!file || before || how == OpenHow::kRead || how == OpenHow::kReadWrite) return file;
    undos_.push_back({"folder " + folder_of(path), [path] { ::unlink(path.c_str()); }});
    return file;
  }
  Status write_at(const FileHandle& file, std::uint64_t offset, ByteView bytes) override {
    const std::lock_guard lock(mutex_);
    Result<Bytes> old = read_at(file, offset, bytes.size());
    Result<FileFacts> old_facts = facts(file);
    if (!old || !old_facts) return error(Errc::kIo, "loss disk: can't read " + file.path());
    remember(*old_facts, dup_of(file), offset, std::move(old).value());
    return Disk::write_at(file, offset, bytes);
  }
  Status sync(const FileHandle& file) override {
    const std::lock_guard lock(mutex_);
    Status synced = Disk::sync(file);
    Result<FileFacts> now = facts(file);
    if (synced && now) forget(key_of(*now));
    return synced;
  }
  Result<bool> rename_no_replace(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    Result<bool> renamed = Disk::rename_no_replace(from, to);
    if (renamed && *renamed)
      undos_.push_back(
          {"folder " + folder_of(to), [from, to] { std::rename(to.c_str(), from.c_str()); }});
    return renamed;
  }
  Status rename_over(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    const std::string grave = new_grave();
    const bool kept = ::link(to.c_str(), grave.c_str()) == 0;
    Status renamed = Disk::rename_over(from, to);
    if (renamed)
      undos_.push_back({"folder " + folder_of(to), [from, to, kept, grave] {
                          std::rename(to.c_str(), from.c_str());
                          if (kept) std::rename(grave.c_str(), to.c_str());
                        }});
    return renamed;
  }
  Result<bool> unlink(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    const std::string grave = new_grave();
    const bool kept = ::link(path.c_str(), grave.c_str()) == 0;
    Result<bool> removed = Disk::unlink(path);
    if (kept && removed && *removed)
      undos_.push_back({"folder " + folder_of(path),
                        [grave, path] { std::rename(grave.c_str(), path.c_str()); }});
    return removed;
  }
  Status sync_folder(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    Status synced = Disk::sync_folder(path);
    if (synced) forget("folder " + path);
    return synced;
  }

 private:
  std::string new_grave() { return graveyard_ + "/" + std::to_string(graves_++); }
  void undo_all() {
    for (auto undo = undos_.rbegin(); undo != undos_.rend(); ++undo) undo->apply();
    undos_.clear();
  }
  struct Undo {
    std::string key;  // what has to be synced to make the step durable
    std::function<void()> apply;
  };
  using Descriptor = std::shared_ptr<FileHandle>;

  static std::string key_of(const FileFacts& facts) {
    return "file " + std::to_string(facts.device) + " " + std::to_string(facts.inode);
  }
  static Descriptor dup_of(const FileHandle& file) {
    return std::make_shared<FileHandle>(::fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0),
                                        file.path());
  }
  void remember(const FileFacts& facts, Descriptor file, std::uint64_t offset, Bytes old) {
    const auto size = static_cast<off_t>(facts.size);
    undos_.push_back({key_of(facts), [file, offset, size, old = std::move(old)] {
                        const ssize_t n = ::pwrite(file->descriptor(), old.data(), old.size(),
                                                   static_cast<off_t>(offset));
                        TP_CHECK(n == static_cast<ssize_t>(old.size()));
                        TP_CHECK(::ftruncate(file->descriptor(), size) == 0);
                      }});
  }
  void remember_content(const std::string& path) {
    Result<FileHandle> file = Disk::open(path, OpenHow::kReadWrite);
    TP_CHECK(file);
    Result<FileFacts> old_facts = facts(*file);
    TP_CHECK(old_facts);
    Result<Bytes> old = read_at(*file, 0, old_facts->size);
    TP_CHECK(old);
    remember(*old_facts, dup_of(*file), 0, std::move(old).value());
  }
  void forget(const std::string& key) {
    std::erase_if(undos_, [&](const Undo& undo) { return undo.key == key; });
  }

  std::mutex mutex_;
  const std::string graveyard_;
  unsigned graves_ = 0;
  std::vector<Undo> undos_;
};

}  // namespace taubenpost

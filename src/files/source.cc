#include "files/source.h"

namespace taubenpost {
namespace {

SourceIdentity identity_of(const FileFacts& facts) {
  return {facts.device, facts.inode, facts.size, facts.mtime_ns, facts.ctime_ns};
}

}  // namespace

RegularSource::RegularSource(Disk& disk, FileHandle file, const FileFacts& facts)
    : disk_(disk), file_(std::move(file)), identity_(identity_of(facts)), mode_(facts.mode) {}

Result<std::unique_ptr<RegularSource>> RegularSource::open(Disk& disk, const std::string& path) {
  // Looked at before it is opened: opening a device can do something.
  Result<FileFacts> named = disk.facts(path, Links::kFollow);
  if (!named) return unreadable(named.error());
  const Error irregular = error(Errc::kUsage, "open: " + path + ": not a regular file");
  if (!named->regular) return irregular;
  Result<FileHandle> file = disk.open(path, OpenHow::kRead);
  if (!file) return unreadable(file.error());
  Result<FileFacts> facts = disk.facts(*file);
  if (!facts) return unreadable(facts.error());
  if (!facts->regular) return irregular;
  return std::unique_ptr<RegularSource>(
      new RegularSource(disk, std::move(file).value(), facts.value()));
}

Result<Bytes> RegularSource::read(std::size_t limit) {
  Result<Bytes> bytes = disk_.read_at(file_, offset_, limit);
  if (!bytes) return unreadable(bytes.error());
  offset_ += bytes->size();
  return bytes;
}

Result<Bytes> RegularSource::read_known(SourceIdentity known, std::uint64_t offset,
                                        std::size_t length) {
  known.device = identity_.device;  // it may differ after the machine has started again
  if (identity_ != known)
    return error(Errc::kSourceChanged, file_.path() + ": changed since it was queued",
                 "'taubenpost retry --restart' sends it anew, as it is now");
  Result<Bytes> bytes = disk_.read_at(file_, offset, length);
  if (!bytes) return unreadable(bytes.error());
  return bytes;
}

// Both looks are needed: the open file shows writes, the path shows a replacement.
Status RegularSource::still_same() {
  const Result<FileFacts> opened = disk_.facts(file_);
  const Result<FileFacts> named = disk_.facts(file_.path(), Links::kFollow);
  if (opened && named && identity_of(*opened) == identity_ && identity_of(*named) == identity_)
    return ok();
  return error(Errc::kSourceChanged,
               "read: " + file_.path() + ": the file changed while it was read",
               "send it again when nothing writes to it");
}

}  // namespace taubenpost

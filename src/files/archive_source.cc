#include "files/archive_source.h"

#include <algorithm>

#include "crypto/hash.h"
#include "files/archive_limits.h"
#include "files/source.h"

namespace taubenpost {
namespace {

constexpr std::size_t kPiece = 256 << 10;
constexpr std::uint32_t kModeKept = 0777;
constexpr std::size_t kNameMax = 4096;
constexpr std::int64_t kNs = 1'000'000'000;

bool same(const FileFacts& a, const FileFacts& b) {
  return a.device == b.device && a.inode == b.inode && a.size == b.size &&
         a.mtime_ns == b.mtime_ns && a.ctime_ns == b.ctime_ns && a.mode == b.mode;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

Result<std::unique_ptr<ports::Source>> ArchiveSource::open(Disk& disk,
                                                           const std::vector<std::string>& paths) {
  std::unique_ptr<ArchiveSource> source(new ArchiveSource(disk, paths));
  Result<std::vector<Entry>> entries = source->look();
  if (!entries) return entries.error();
  Result<SourceIdentity> identity = identity_of(*entries);
  if (!identity) return identity.error();
  source->entries_ = std::move(entries).value();
  source->identity_ = *identity;
  source->tar_ = std::make_unique<TarWriter>(
      [made = &source->made_](ByteView bytes) { append(*made, bytes); });
  return std::unique_ptr<ports::Source>(std::move(source));
}

// Everything beneath the sources, in an order that does not depend on the file system.
Result<std::vector<ArchiveSource::Entry>> ArchiveSource::look() const {
  std::vector<Entry> found;
  for (const std::string& path : paths_)
    TP_TRY(look_at(path, base_name(path), Links::kFollow, found));
  std::vector<std::string_view> names;
  for (const Entry& entry : found) names.push_back(entry.tar.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end())
    return error(Errc::kUsage, "two sources have the name " + printable(*twice),
                 "rename one, or send them one after the other");
  return found;
}

Status ArchiveSource::look_at(const std::string& path, const std::string& name, Links links,
                              std::vector<Entry>& found) const {
  const Result<FileFacts> facts = disk_.facts(path, links);
  if (!facts) return unreadable(facts.error());
  if (!facts->regular && !facts->folder)
    return error(Errc::kUsage, path + ": neither a regular file nor a folder",
                 "take it out, or send an archive that can hold it");
  if (!can_be_stored(base_name(name)) || name.size() > kNameMax)
    return error(Errc::kUsage, path + ": not a name that a recipient can store",
                 "use UTF-8 without control characters or backslashes");
  if (found.size() == kArchiveEntriesMax)
    return error(Errc::kUsage,
                 "more than " + std::to_string(kArchiveEntriesMax) + " files and folders",
                 "send an archive of them");
  Entry entry;
  entry.tar.name = name;
  entry.tar.is_folder = facts->folder;
  entry.tar.size = facts->folder ? 0 : facts->size;
  entry.tar.mode = facts->mode & kModeKept;
  entry.tar.mtime = facts->mtime_ns / kNs;
  entry.path = path;
  entry.facts = *facts;
  found.push_back(std::move(entry));
  if (!facts->folder) return ok();
  if (std::count(name.begin(), name.end(), '/') >= static_cast<std::ptrdiff_t>(kArchiveDepthMax))
    return error(Errc::kUsage, path + ": too many folders in each other");
  Result<std::vector<std::string>> inside = disk_.names(path);
  if (!inside) return unreadable(inside.error());
  std::sort(inside->begin(), inside->end());
  for (const std::string& one : inside.value())
    TP_TRY(look_at(path + "/" + one, name + "/" + one, Links::kKeep, found));
  return ok();
}

// The length of the stream is that of one whose files are all zeros.
Result<SourceIdentity> ArchiveSource::identity_of(const std::vector<Entry>& entries) {
  SourceIdentity identity;
  identity.device = entries.front().facts.device;
  identity.inode = entries.front().facts.inode;
  crypto::Blake2b256 digest;
  TarWriter tar([&identity](ByteView bytes) { identity.size += bytes.size(); });
  for (const Entry& entry : entries) {
    identity.mtime_ns = std::max(identity.mtime_ns, entry.facts.mtime_ns);
    Bytes said;
    append_be<std::uint64_t>(said, entry.tar.name.size());
    append(said, as_bytes(entry.tar.name));
    for (const std::uint64_t fact :
         {entry.facts.device, entry.facts.inode, entry.facts.size,
          static_cast<std::uint64_t>(entry.facts.mtime_ns),
          static_cast<std::uint64_t>(entry.facts.ctime_ns), std::uint64_t{entry.facts.mode},
          std::uint64_t{entry.tar.is_folder}})
      append_be(said, fact);
    digest.update(said);
    TP_TRY(tar.begin(entry.tar));
    TP_TRY(tar.end_entry());
  }
  TP_TRY(tar.end());
  identity.ctime_ns = static_cast<std::int64_t>(read_be<std::uint64_t>(digest.finish()));
  return identity;
}

Result<Bytes> ArchiveSource::read(std::size_t limit) {
  while (made_.size() < limit && !is_complete_) TP_TRY(step());
  const auto end = made_.begin() + static_cast<std::ptrdiff_t>(std::min(limit, made_.size()));
  Bytes out(made_.begin(), end);
  made_.erase(made_.begin(), end);
  return out;
}

// One piece of a file, or the way to the next one.
Status ArchiveSource::step() {
  if (open_) {
    const Entry& entry = entries_[next_];
    const Result<Bytes> piece = disk_.read_at(*open_, offset_, kPiece);
    if (!piece) return unreadable(piece.error());
    offset_ += piece->size();
    if (offset_ > entry.tar.size) return changed(entry.path);
    if (!piece->empty()) return tar_->content(*piece);
    if (offset_ != entry.tar.size) return changed(entry.path);
    open_.reset();
    ++next_;
    return tar_->end_entry();
  }
  if (next_ == entries_.size()) {
    is_complete_ = true;
    return tar_->end();
  }
  const Entry& entry = entries_[next_];
  TP_TRY(tar_->begin(entry.tar));
  if (entry.tar.is_folder) {
    ++next_;
    return tar_->end_entry();
  }
  // Looked at before it is opened: opening a device can do something.
  const Result<FileFacts> named = disk_.facts(entry.path, Links::kFollow);
  if (!named || !same(*named, entry.facts)) return changed(entry.path);
  Result<FileHandle> file = disk_.open(entry.path, OpenHow::kRead);
  if (!file) return unreadable(file.error());
  const Result<FileFacts> opened = disk_.facts(*file);
  if (!opened || !same(*opened, entry.facts)) return changed(entry.path);
  open_.emplace(std::move(file).value());
  offset_ = 0;
  return ok();
}

Status ArchiveSource::still_same() {
  const Result<std::vector<Entry>> now = look();
  if (!now) return now.error().code == Errc::kSourceUnreadable ? now.error() : changed(paths_[0]);
  const Result<SourceIdentity> identity = identity_of(*now);
  if (!identity) return identity.error();
  if (*identity == identity_) return ok();
  return changed(paths_[0]);
}

Error ArchiveSource::changed(const std::string& path) const {
  return error(Errc::kSourceChanged, "read: " + path + ": it changed while it was read",
               "send it again when nothing writes to it");
}

}  // namespace taubenpost

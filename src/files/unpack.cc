#include "files/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "files/archive_limits.h"

namespace taubenpost {
namespace {

constexpr std::size_t kNamesMax = 64 << 20;  // bytes of all names and of the folders in them
constexpr std::size_t kComponentMax = 255;
constexpr std::size_t kPiece = 256 << 10;
constexpr std::size_t kEntriesAStep = 64;
constexpr std::uint32_t kModeMax = 0755;

Error refused(const std::string& name, const char* why) {
  return error(Errc::kRejected, "the archive is not unpacked: " + printable(name) + ": " + why);
}

// What the file system says to a name is the archive's fault where another archive would do.
Error not_made(const std::string& name) {
  switch (errno) {
    case EEXIST:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EILSEQ:
    case EINVAL:
      return refused(name, "a name that this file system can't hold");
    default:
      return file_error("unpack", printable(name), errno);
  }
}

// The components of a name; a leading "./" and the slash behind a folder are nothing.
Result<std::vector<std::string>> components_of(const TarItem& item) {
  std::string_view rest = item.name;
  while (rest.starts_with("./")) rest.remove_prefix(2);
  if (rest == "." || (rest.empty() && !item.name.empty())) return std::vector<std::string>();
  if (item.kind == TarItem::Kind::kFolder && rest.ends_with('/')) rest.remove_suffix(1);
  std::vector<std::string> components;
  for (;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view one = rest.substr(0, slash);
    if (one.empty()) return refused(item.name, "an absolute name, or one with an empty part");
    if (one == "." || one == "..") return refused(item.name, "a name that leads elsewhere");
    if (one.size() > kComponentMax) return refused(item.name, "a name that is too long");
    if (!can_be_stored(one)) return refused(item.name, "characters that no name should have");
    components.emplace_back(one);
    if (components.size() > kArchiveDepthMax + 1)
      return refused(item.name, "too many folders in each other");
    if (slash == std::string_view::npos) return components;
    rest.remove_prefix(slash + 1);
  }
}

std::string joined(const std::vector<std::string>& components, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : "/") + components[i];
  return out;
}

// Looks at every entry of an archive.
class Survey {
 public:
  Survey(std::uint64_t bytes_max, std::string name)
      : bytes_left_(bytes_max), top_(std::move(name)) {}

  Status see(const TarItem& item) {
    if (item.kind == TarItem::Kind::kOther)
      return refused(item.name, "neither a regular file nor a folder");
    if (++entries_ > kArchiveEntriesMax) return refused(item.name, "too many entries");
    if (item.size > bytes_left_) return refused(item.name, "more content than the archive has");
    bytes_left_ -= item.size;
    const Result<std::vector<std::string>> components = components_of(item);
    if (!components) return components.error();
    if (components->empty()) return see_root(item);
    for (std::size_t i = 1; i < components->size(); ++i) {
      const std::string folder = joined(*components, i);
      if (files_.contains(folder)) return refused(item.name, "a file is also a folder");
      remember(folders_, folder);
    }
    const std::string whole = joined(*components, components->size());
    const bool is_folder = item.kind == TarItem::Kind::kFolder;
    if (files_.contains(whole) || (is_folder ? !remember(named_, whole) : folders_.contains(whole)))
      return refused(item.name, "a name that comes twice");
    remember(is_folder ? folders_ : files_, whole);
    if (names_size_ > kNamesMax) return refused(item.name, "too many long names");
    if (components->front() != top_ || (components->size() == 1 && !is_folder)) has_top_ = false;
    return ok();
  }
  // Whether everything lies in one folder that is called as the transfer is.
  bool has_top() const { return has_top_ && entries_ > 0; }

 private:
  // Whether the name is new there.
  bool remember(std::set<std::string>& names, const std::string& name) {
    const bool is_new = names.insert(name).second;
    if (is_new) names_size_ += name.size();
    return is_new;
  }
  Status see_root(const TarItem& item) {
    has_top_ = false;
    if (item.kind == TarItem::Kind::kFolder) return ok();
    return refused(item.name, "a name that leads elsewhere");
  }

  std::uint64_t bytes_left_;
  const std::string top_;
  std::size_t entries_ = 0;
  std::size_t names_size_ = 0;
  bool has_top_ = true;
  std::set<std::string> files_, folders_, named_;  // `named_`: folders that have an entry
};

class RealUnpacker : public ports::Unpacker {
 public:
  RealUnpacker(std::unique_ptr<ports::PartFile> archive, std::uint64_t size, FileHandle root,
               const std::string& name)
      : archive_(std::move(archive)), root_(std::move(root)), survey_(size, name) {
    begin();
  }

  Result<bool> step() override {
    for (std::size_t i = 0; i < kEntriesAStep; ++i) {
      if (open_) {
        TP_TRY(write_piece());
        return true;
      }
      Result<std::optional<TarItem>> item = reader_->next();
      if (!item) return item.error();
      if (!*item && !is_writing_) {
        is_writing_ = true;
        begin();
      } else if (!*item) {
        return finish();
      } else {
        TP_TRY(is_writing_ ? write(**item) : survey_.see(**item));
      }
    }
    return true;
  }
  std::uint64_t device() const override { return device_; }
  std::uint64_t inode() const override { return inode_; }

 private:
  void begin() {
    reader_ = std::make_unique<TarReader>([this](std::uint64_t offset, std::size_t length) {
      return archive_->read_at(offset, length);
    });
  }

  Status write(const TarItem& item) {
    Result<std::vector<std::string>> components = components_of(item);
    if (!components) return components.error();
    if (survey_.has_top()) components->erase(components->begin());
    if (components->empty()) return ok();
    const bool is_folder = item.kind == TarItem::Kind::kFolder;
    Result<FileHandle> parent = folder_at(*components, components->size() - (is_folder ? 0 : 1));
    if (!parent || is_folder) return parent ? ok() : Status(parent.error());
    const std::string& name = components->back();
    const int fd = ::openat(parent->descriptor(), name.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return not_made(item.name);
    open_.emplace(fd, printable(item.name));
    mode_ = item.mode & kModeMax;
    mtime_ = item.mtime;
    left_ = item.size;
    return ok();
  }

  // Made where it is missing. One component at a time, none of them a link.
  Result<FileHandle> folder_at(const std::vector<std::string>& components, std::size_t count) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    std::optional<FileHandle> at;
    const auto descriptor = [&] { return at ? at->descriptor() : root_.descriptor(); };
    for (std::size_t i = 0; i < count; ++i) {
      const char* name = components[i].c_str();
      if (::mkdirat(descriptor(), name, 0700) != 0 && errno != EEXIST)
        return not_made(components[i]);
      const int fd = ::openat(descriptor(), name, kFlags);
      if (fd < 0) return not_made(components[i]);
      at.emplace(fd, root_.path());
    }
    if (at) return std::move(*at);
    const int fd = ::openat(root_.descriptor(), ".", kFlags);
    if (fd < 0) return file_error("unpack", root_.path(), errno);
    return FileHandle(fd, root_.path());
  }

  Status write_piece() {
    const Result<Bytes> piece = reader_->content(kPiece);
    if (!piece) return piece.error();
    if (piece->size() > left_) return refused(open_->path(), "more content than it says");
    left_ -= piece->size();
    if (!piece->empty()) return write_all(*piece);
    if (left_ > 0) return refused(open_->path(), "less content than it says");
    const timespec times[2]{{0, UTIME_OMIT}, {static_cast<time_t>(mtime_), 0}};
    if (::fchmod(open_->descriptor(), mode_) != 0 || ::futimens(open_->descriptor(), times) != 0)
      return file_error("unpack", open_->path(), errno);
    open_.reset();
    return ok();
  }

  Status write_all(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(open_->descriptor(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return file_error("unpack", open_->path(), errno);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return ok();
  }

  // One sync for all that was written.
  Result<bool> finish() {
    struct stat st{};
    if (::syncfs(root_.descriptor()) != 0 || ::fstat(root_.descriptor(), &st) != 0)
      return file_error("unpack", root_.path(), errno);
    device_ = static_cast<std::uint64_t>(st.st_dev);
    inode_ = static_cast<std::uint64_t>(st.st_ino);
    return false;
  }

  const std::unique_ptr<ports::PartFile> archive_;
  const FileHandle root_;
  Survey survey_;
  std::unique_ptr<TarReader> reader_;
  bool is_writing_ = false;
  std::optional<FileHandle> open_;
  std::uint32_t mode_ = 0;
  std::int64_t mtime_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t device_ = 0, inode_ = 0;
};

}  // namespace

std::string unpacked_path(const std::string& folder, JobId job) {
  return folder + "/.taubenpost-" + to_base32(job) + ".unpacked";
}

Status remove_unpacked(const std::string& folder, JobId job) {
  const std::string path = unpacked_path(folder, job);
  std::error_code failed;
  std::filesystem::remove_all(path, failed);  // does not follow links
  if (failed) return file_error("remove", path, failed.value());
  return ok();
}

Result<std::unique_ptr<ports::Unpacker>> open_unpacker(std::unique_ptr<ports::PartFile> archive,
                                                       std::uint64_t size,
                                                       const std::string& folder, JobId job,
                                                       const std::string& name) {
  TP_TRY(remove_unpacked(folder, job));
  const std::string path = unpacked_path(folder, job);
  if (::mkdir(path.c_str(), 0700) != 0) return file_error("make folder", path, errno);
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return file_error("open folder", path, errno);
  return std::unique_ptr<ports::Unpacker>(
      new RealUnpacker(std::move(archive), size, FileHandle(fd, path), name));
}

}  // namespace taubenpost

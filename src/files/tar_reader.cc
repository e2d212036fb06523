#include "files/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>

#include "files/utf8_locale.h"

namespace taubenpost {
namespace {

constexpr std::size_t kPiece = 64 << 10;

TarItem::Kind kind_of(archive_entry* header) {
  if (::archive_entry_hardlink(header) != nullptr || ::archive_entry_symlink(header) != nullptr ||
      ::archive_entry_sparse_count(header) > 0)
    return TarItem::Kind::kOther;
  if (::archive_entry_filetype(header) == AE_IFREG) return TarItem::Kind::kFile;
  if (::archive_entry_filetype(header) == AE_IFDIR) return TarItem::Kind::kFolder;
  return TarItem::Kind::kOther;
}

}  // namespace

struct TarReader::Impl {
  Read read;
  archive* reader = nullptr;
  std::uint64_t offset = 0;
  Bytes piece;  // libarchive looks at it until it asks for the next one
  std::optional<Error> failure;

  // What was read wrong counts more than what libarchive makes of it.
  Error failed() const {
    if (failure) return *failure;
    const char* why = ::archive_error_string(reader);
    return error(Errc::kRejected,
                 "a damaged archive: " + printable(why != nullptr ? why : "not readable"));
  }
  static la_ssize_t next_piece(archive* reader, void* self_pointer, const void** bytes) {
    auto& self = *static_cast<Impl*>(self_pointer);
    Result<Bytes> piece = self.read(self.offset, kPiece);
    if (!piece) {
      self.failure = piece.error();
      ::archive_set_error(reader, EIO, "not read");
      return -1;
    }
    self.piece = std::move(piece).value();
    self.offset += self.piece.size();
    *bytes = self.piece.data();
    return static_cast<la_ssize_t>(self.piece.size());
  }
};

TarReader::TarReader(Read read) : impl_(std::make_unique<Impl>()) {
  impl_->read = std::move(read);
  impl_->reader = ::archive_read_new();
  TP_CHECK(impl_->reader != nullptr);
  TP_CHECK(::archive_read_support_format_tar(impl_->reader) == ARCHIVE_OK);
  // An archive of no entries may have no bytes.
  TP_CHECK(::archive_read_support_format_empty(impl_->reader) == ARCHIVE_OK);
  // What is wrong with the first bytes is told by next().
  if (::archive_read_open(impl_->reader, impl_.get(), nullptr, &Impl::next_piece, nullptr) !=
          ARCHIVE_OK &&
      !impl_->failure)
    impl_->failure = impl_->failed();
}

TarReader::~TarReader() { ::archive_read_free(impl_->reader); }

Result<std::optional<TarItem>> TarReader::next() {
  if (impl_->failure) return *impl_->failure;
  const Utf8Locale names;
  archive_entry* header = nullptr;
  const int result = ::archive_read_next_header(impl_->reader, &header);
  if (result == ARCHIVE_EOF) return std::optional<TarItem>();
  if (result != ARCHIVE_OK) return impl_->failed();
  TarItem item;
  const char* name = ::archive_entry_pathname(header);
  if (name == nullptr) return error(Errc::kRejected, "an entry without a name");
  item.name = name;
  item.kind = kind_of(header);
  item.size = static_cast<std::uint64_t>(std::max<la_int64_t>(0, ::archive_entry_size(header)));
  item.mode = static_cast<std::uint32_t>(::archive_entry_perm(header));
  item.mtime = ::archive_entry_mtime(header);
  return std::optional<TarItem>(std::move(item));
}

Result<Bytes> TarReader::content(std::size_t limit) {
  Bytes out(limit);
  const la_ssize_t got = ::archive_read_data(impl_->reader, out.data(), out.size());
  if (got < 0) return impl_->failed();
  out.resize(static_cast<std::size_t>(got));
  return out;
}

}  // namespace taubenpost

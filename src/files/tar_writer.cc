#include "files/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "files/utf8_locale.h"

namespace taubenpost {

struct TarWriter::Impl {
  std::function<void(ByteView)> sink;
  archive* writer = nullptr;

  Status done(int result) const {
    if (result == ARCHIVE_OK) return ok();
    const char* why = ::archive_error_string(writer);
    return error(Errc::kIo, std::string("archive: ") + (why != nullptr ? why : "not written"));
  }
  static la_ssize_t write(archive*, void* self, const void* bytes, std::size_t size) {
    static_cast<Impl*>(self)->sink({static_cast<const std::uint8_t*>(bytes), size});
    return static_cast<la_ssize_t>(size);
  }
};

TarWriter::TarWriter(std::function<void(ByteView)> sink) : impl_(std::make_unique<Impl>()) {
  impl_->sink = std::move(sink);
  impl_->writer = ::archive_write_new();
  TP_CHECK(impl_->writer != nullptr);
  // Extended headers only where the plain ones don't suffice; no padding to blocks of a tape.
  TP_CHECK(::archive_write_set_format_pax_restricted(impl_->writer) == ARCHIVE_OK);
  TP_CHECK(::archive_write_set_bytes_per_block(impl_->writer, 0) == ARCHIVE_OK);
  TP_CHECK(::archive_write_set_bytes_in_last_block(impl_->writer, 1) == ARCHIVE_OK);
  TP_CHECK(::archive_write_open(impl_->writer, impl_.get(), nullptr, &Impl::write, nullptr) ==
           ARCHIVE_OK);
}

TarWriter::~TarWriter() {
  impl_->sink = [](ByteView) {};  // an archive that was not ended is nobody's
  ::archive_write_free(impl_->writer);
}

Status TarWriter::begin(const TarEntry& entry) {
  const Utf8Locale names;
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> header(::archive_entry_new(),
                                                                        &::archive_entry_free);
  TP_CHECK(header != nullptr);
  // libarchive puts the slash behind the name of a folder.
  ::archive_entry_set_pathname(header.get(), entry.name.c_str());
  ::archive_entry_set_filetype(header.get(), entry.is_folder ? AE_IFDIR : AE_IFREG);
  ::archive_entry_set_perm(header.get(), static_cast<mode_t>(entry.mode));
  ::archive_entry_set_size(header.get(), static_cast<la_int64_t>(entry.size));
  ::archive_entry_set_mtime(header.get(), static_cast<time_t>(entry.mtime), 0);
  return impl_->done(::archive_write_header(impl_->writer, header.get()));
}

Status TarWriter::content(ByteView bytes) {
  const la_ssize_t written = ::archive_write_data(impl_->writer, bytes.data(), bytes.size());
  if (written == static_cast<la_ssize_t>(bytes.size())) return ok();
  return error(Errc::kIo, "archive: more content than its header says");
}

Status TarWriter::end_entry() { return impl_->done(::archive_write_finish_entry(impl_->writer)); }
Status TarWriter::end() { return impl_->done(::archive_write_close(impl_->writer)); }

}  // namespace taubenpost

#include "app/invite_file.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "store/durable_file.h"

namespace taubenpost {
namespace {

constexpr std::size_t kInviteSizeMax = 4096;

Error exists(const std::string& path) {
  return error(Errc::kRefused, printable(path) + ": exists already", "name a new file");
}

Result<SecretBytes> read_standard_input() {
  Bytes text(kInviteSizeMax);
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(STDIN_FILENO, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return error(Errc::kIo, "standard input: " + std::generic_category().message(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return SecretBytes(std::move(text));
}

Result<SecretBytes> read_file(const std::string& path) {
  Result<SmallFile> file = read_small_file(path, kInviteSizeMax);
  if (file) return std::move(file->content);
  switch (file.error().code) {
    case Errc::kNotFound:
      return error(Errc::kNotFound, printable(path) + ": no such file");
    case Errc::kInvalid:
      return error(Errc::kInvalid, printable(path) + ": too large for an invitation or for keys",
                   "an invitation is one line that begins with tp1, keys are two lines of base64");
    default:
      return error(Errc::kIo, printable(file.error().what, 4096));
  }
}

// What `decode` makes of a file, or of standard input.
template <class T>
Result<T> read_as(const std::string& path, Result<T> (*decode)(std::string_view)) {
  const Result<SecretBytes> text = path == "-" ? read_standard_input() : read_file(path);
  if (!text) return text.error();
  Result<T> decoded = decode(as_text(text->view()));
  if (decoded || path == "-") return decoded;
  Error failure = decoded.error();
  failure.what = printable(path) + ": " + failure.what;
  return failure;
}

}  // namespace

Result<std::unique_ptr<InviteFile>> InviteFile::reserve(Disk& disk, std::string path,
                                                        const Invitation* known) {
  std::unique_ptr<InviteFile> file(new InviteFile(disk, std::move(path)));
  const Result<FileFacts> facts = disk.facts(file->path_, Links::kKeep);
  if (facts) {
    const Result<Invitation> there = read_invitation(file->path_);
    if (known == nullptr || !there || there->read_cap != known->read_cap)
      return exists(file->path_);
    return file;
  }
  if (facts.error().code != Errc::kNotFound) return facts.error();
  // Before the channel is made: a folder that takes no file is found out now. A leftover of a
  // killed run may have other permissions.
  const Result<bool> removed = disk.unlink(file->unfinished());
  if (!removed) return removed.error();
  Result<FileHandle> handle = disk.open(file->unfinished(), OpenHow::kCreateNew);
  if (!handle) return handle.error();
  file->handle_.emplace(std::move(handle).value());
  return file;
}

InviteFile::~InviteFile() {
  // What can't be removed holds nothing yet, or an invitation that was never handed out.
  if (handle_) static_cast<void>(disk_.unlink(unfinished()));
}

Status InviteFile::publish(const Invitation& invitation) {
  return publish(SecretBytes{as_bytes(encode_invitation(invitation) + "\n")});
}

Status InviteFile::publish(const SecretBytes& text) {
  if (!handle_) return ok();
  TP_TRY(disk_.write_at(*handle_, 0, text.view()));
  TP_TRY(disk_.sync(*handle_));
  const Result<bool> renamed = disk_.rename_no_replace(unfinished(), path_);
  if (!renamed) return renamed.error();
  if (!*renamed) return exists(path_);
  handle_.reset();
  return disk_.sync_folder(folder_of(path_));
}

Result<Invitation> read_invitation(const std::string& path) {
  return read_as<Invitation>(path, decode_invitation);
}

Result<Invitation> read_foreign(const std::string& path) {
  const Result<ReadCapBytes> read_cap = read_as<ReadCapBytes>(path, decode_foreign);
  if (!read_cap) return read_cap.error();
  Invitation invitation;
  invitation.read_cap = *read_cap;
  return invitation;
}

}  // namespace taubenpost

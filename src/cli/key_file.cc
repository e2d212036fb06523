#include "cli/key_file.h"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "app/state_dir.h"
#include "base/bytes.h"
#include "files/disk.h"
#include "store/durable_file.h"

namespace taubenpost::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "taubenpost-raw-1";
constexpr std::size_t kSizeMax = 4096;

Error not_a_key(const std::string& path, const char* why) {
  return error(Errc::kInvalid, printable(path, kSizeMax) + ": not a key file: " + why,
               "'taubenpost raw keypair' makes one");
}

std::optional<SecretBytes> decoded(std::string_view base64, std::size_t size) {
  Result<Bytes> bytes = from_base64(base64);
  if (!bytes || bytes->size() != size) return std::nullopt;
  return SecretBytes(std::move(*bytes));
}

// The bytes of a field of exactly `size` bytes.
std::optional<SecretBytes> field(const Json& object, const char* name, std::size_t size) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return decoded(found->get_ref<const std::string&>(), size);
}

// What stands for the write capability while the text is with the JSON library, which wipes none of
// its copies.
std::string blank() { return std::string((thin::WriteCap::size() + 2) / 3 * 4, '.'); }

// Where the text has the write capability, in base64; empty if nowhere.
std::span<std::uint8_t> write_cap_in(Bytes& text) {
  constexpr std::string_view kName = "\"write_cap\"";
  const std::string_view view = as_text(text);
  const std::size_t name = view.find(kName);
  if (name == std::string_view::npos) return {};
  const std::size_t quote = view.find_first_not_of(" \t\r\n:", name + kName.size());
  if (quote == std::string_view::npos || view[quote] != '"') return {};
  const std::size_t begin = quote + 1, end = view.find('"', begin);
  if (end == std::string_view::npos) return {};
  return std::span(text).subspan(begin, end - begin);
}

Status lock(const FileHandle& file) {
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) return ok();
  if (errno != EWOULDBLOCK) return file_error("lock", file.path(), errno);
  return error(Errc::kLocked, printable(file.path(), kSizeMax) + ": another command is using it",
               "wait for its end: each box of a key file is written or read by one command");
}

// The file that has the name now, locked.
Result<FileHandle> open_locked(Disk& disk, const std::string& path) {
  while (true) {
    Result<FileHandle> file = disk.open(path, OpenHow::kRead);
    if (!file) return file.error();
    TP_TRY(lock(*file));
    const Result<FileFacts> locked = disk.facts(*file);
    if (!locked) return locked.error();
    const Result<FileFacts> named = disk.facts(path, Links::kFollow);
    if (!named) return named.error();
    if (named->inode == locked->inode && named->device == locked->device) return file;
    // Replaced, and released, since it was opened.
  }
}

// A complete, durable, locked file beside `path`.
Result<FileHandle> make_draft(Disk& disk, const std::string& path, const KeyFile& key) {
  const std::string draft = path + ".new";
  const Result<FileHandle> left = open_locked(disk, draft);
  if (!left && left.error().code != Errc::kNotFound) return left.error();
  const Result<bool> removed = disk.unlink(draft);  // of a run that was killed
  if (!removed) return removed.error();
  Result<FileHandle> file = disk.open(draft, OpenHow::kCreateNew);
  if (!file) return file.error();
  TP_TRY(lock(*file));
  const SecretBytes text = encode_key_file(key);
  TP_TRY(disk.write_at(*file, 0, text.view()));
  TP_TRY(disk.sync(*file));
  return file;
}

Error no_such_file(const std::string& path) {
  return error(Errc::kNotFound, printable(path, kSizeMax) + ": no such file",
               "'taubenpost raw keypair' makes a key file");
}

}  // namespace

Result<KeyFile> parse_key_file(ByteView text, const std::string& path) {
  SecretBytes rest(text);
  const std::span<std::uint8_t> cap = write_cap_in(rest.writable());
  const auto write_cap = decoded(as_text(cap), thin::WriteCap::size());
  std::ranges::fill(cap, '.');
  const Json object = Json::parse(as_text(rest.view()), nullptr, false);
  if (!object.is_object() || object.value("format", Json()) != kFormat)
    return not_a_key(path, "it does not say \"format\": \"taubenpost-raw-1\"");
  KeyFile key;
  const auto read_cap = field(object, "read_cap", key.read_cap.size());
  const auto index = field(object, "index", key.index.size());
  if (!read_cap || !index) return not_a_key(path, "read_cap or index is missing or damaged");
  key.read_cap = to_array<std::tuple_size_v<thin::ReadCap>>(read_cap->view());
  key.index = to_array<std::tuple_size_v<thin::BoxIndex>>(index->view());
  if (!object.contains("write_cap")) return key;
  if (!write_cap || object["write_cap"] != blank()) return not_a_key(path, "write_cap is damaged");
  key.write_cap.emplace(write_cap->view());
  return key;
}

SecretBytes encode_key_file(const KeyFile& key) {
  Json object{{"format", kFormat}};
  if (key.write_cap) object["write_cap"] = blank();
  object["read_cap"] = to_base64(key.read_cap);
  object["index"] = to_base64(key.index);
  SecretBytes text(as_bytes(object.dump(2) + "\n"));
  if (!key.write_cap) return text;
  std::string cap = to_base64(key.write_cap->view());
  std::ranges::copy(cap, write_cap_in(text.writable()).begin());
  wipe({reinterpret_cast<std::uint8_t*>(cap.data()), cap.size()});
  return text;
}

Result<KeyFile> load_key_file(const std::string& path) {
  const Result<SmallFile> file = read_small_file(path, kSizeMax);
  if (!file && file.error().code == Errc::kInvalid) return not_a_key(path, "it is too large");
  if (!file && file.error().code == Errc::kNotFound) return no_such_file(path);
  if (!file) return error(Errc::kIo, printable(file.error().what, kSizeMax));
  return parse_key_file(file->content.view(), path);
}

Status create_key_file(const std::string& path, const KeyFile& key) {
  Disk disk;
  const std::string target = absolute_path(path);
  const Result<FileHandle> draft = make_draft(disk, target, key);
  if (!draft) return draft.error();
  const Result<bool> placed = disk.rename_no_replace(draft->path(), target);
  if (!placed) return placed.error();
  if (*placed) return disk.sync_folder(folder_of(target));
  const Result<bool> removed = disk.unlink(draft->path());
  if (!removed) return removed.error();
  return error(Errc::kRefused, printable(path, kSizeMax) + ": exists already",
               "a key that is overwritten is lost: name a new file");
}

Result<KeyFileLock> KeyFileLock::take(const std::string& path) {
  std::error_code code;
  // Through symbolic links: replacing a link would leave its file with boxes that are used.
  const std::filesystem::path target = std::filesystem::canonical(path, code);
  if (code == std::errc::no_such_file_or_directory) return no_such_file(path);
  if (code) return file_error("open", path, code.value());
  Disk disk;
  Result<FileHandle> file = open_locked(disk, target.string());
  if (!file) return file.error();
  return KeyFileLock(std::move(*file), target.string());
}

Status KeyFileLock::replace(const KeyFile& key) {
  Disk disk;
  Result<FileHandle> draft = make_draft(disk, target_, key);
  if (!draft) return draft.error();
  if (std::rename(draft->path().c_str(), target_.c_str()) != 0)
    return file_error("rename", target_, errno);
  file_.emplace(std::move(*draft));
  return disk.sync_folder(folder_of(target_));
}

Result<HeldKey> HeldKey::take(const std::string& path) {
  Result<KeyFileLock> lock = KeyFileLock::take(path);
  if (!lock) return lock.error();
  Result<KeyFile> key = load_key_file(path);
  if (!key) return key.error();
  if (!key->write_cap)
    return error(Errc::kUsage, printable(path, kSizeMax) + ": is a reader's key file",
                 "writing needs the file that 'raw keypair --out' made");
  return HeldKey{std::move(*lock), std::move(*key)};
}

Status HeldKey::move_on(const thin::BoxIndex& index) {
  key.index = index;
  return lock.replace(key);
}

}  // namespace taubenpost::cli

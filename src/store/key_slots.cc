#include "store/key_slots.h"

#include <system_error>

#include "base/failpoint.h"
#include "base/random.h"
#include "crypto/aead.h"
#include "store/durable_file.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic{"tpstore\0", 8};
constexpr std::size_t kHeaderSize = 8 + 4 + 16;  // magic, format, store id
constexpr std::uint8_t kSlotVersion = 1;
constexpr std::size_t kKeySize = 32;
constexpr std::size_t kSealedSize = crypto::kXChaChaOverhead + kKeySize;

// The part of a slot in front of the sealed store key.
struct SlotHead {
  SlotKind kind{};
  crypto::Argon2Salt salt{};
  crypto::Argon2Cost cost{};
};

Bytes encode(const SlotHead& head) {
  Bytes bytes{kSlotVersion, static_cast<std::uint8_t>(head.kind)};
  if (head.kind == SlotKind::kPassphrase) {
    append(bytes, head.salt);
    append_be(bytes, head.cost.memory_kib);
    append_be(bytes, head.cost.passes);
  }
  return bytes;
}

std::size_t head_size(SlotKind kind) { return encode(SlotHead{.kind = kind}).size(); }

std::optional<SlotHead> decode_head(std::string_view value) {
  const ByteView bytes = as_bytes(value);
  if (bytes.size() < 2 || bytes[0] != kSlotVersion) return std::nullopt;
  SlotHead head;
  head.kind = static_cast<SlotKind>(bytes[1]);
  if (head.kind != SlotKind::kKeyFile && head.kind != SlotKind::kPassphrase) return std::nullopt;
  if (bytes.size() != head_size(head.kind) + kSealedSize) return std::nullopt;
  if (head.kind == SlotKind::kKeyFile) return head;
  head.salt = to_array<16>(bytes.subspan(2, 16));
  head.cost.memory_kib = read_be<std::uint32_t>(bytes.subspan(18));
  head.cost.passes = read_be<std::uint32_t>(bytes.subspan(22));
  if (!is_in_range(head.cost)) return std::nullopt;
  return head;
}

Bytes associated_data(const StoreId& store, std::uint32_t slot, const SlotHead& head) {
  const RowKey key = slot_key(slot);
  Bytes data = to_bytes(store);
  append(data, as_bytes(family_name(key.family)));
  append(data, as_bytes(key.bytes));
  append(data, encode(head));
  return data;
}

Result<SecretArray<32>> slot_key_of(const SlotSecret& secret, const SlotHead& head) {
  if (head.kind == SlotKind::kKeyFile) return SecretArray<32>(secret.secret.view());
  return crypto::argon2id(secret.secret.view(), head.salt, head.cost);
}

Error not_a_key(const fs::path& path, std::string_view reason, std::string hint = {}) {
  return error(Errc::kCannotUnlock, "key file " + path.string() + ": " + std::string(reason),
               std::move(hint));
}

Result<SecretBytes> read_key_file(const fs::path& path) {
  Result<SmallFile> file = read_small_file(path, kKeySize);
  if (!file && file.error().code == Errc::kNotFound) return not_a_key(path, "no such file");
  if (!file && file.error().code == Errc::kInvalid) return not_a_key(path, "not 32 bytes");
  if (!file) return not_a_key(path, file.error().what);
  if (!file->owner_only) return not_a_key(path, "others may read it", "chmod 600 " + path.string());
  if (file->content.size() != kKeySize) return not_a_key(path, "not 32 bytes");
  return std::move(file->content);
}

Status make_key_file(const fs::path& path) {
  SecretArray<32> fresh;
  fill_random(fresh.writable());
  TP_TRY(write_new_file(path, fresh.view()));
  TP_FAILPOINT("store.key.before");
  TP_TRY(rename_new_file(path));
  TP_FAILPOINT("store.key.after");
  return ok();
}

bool is_missing(const fs::path& path) {
  std::error_code code;
  return fs::symlink_status(path, code).type() == fs::file_type::not_found;
}

}  // namespace

std::string encode_header(const StoreId& store) {
  Bytes header = to_bytes(as_bytes(kMagic));
  append_be(header, kFormatVersion);
  append(header, store);
  return std::string(as_text(header));
}

Result<StoreId> decode_header(std::string_view value) {
  if (value.size() < kMagic.size() + 4 || !value.starts_with(kMagic))
    return error(Errc::kStoreBad, "store.open: not a taubenpost store");
  const ByteView bytes = as_bytes(value).subspan(kMagic.size());
  const auto format = read_be<std::uint32_t>(bytes);
  if (format > kFormatVersion)
    return error(Errc::kStoreBad,
                 "store.open: format " + std::to_string(format) + " is newer than this version's " +
                     std::to_string(kFormatVersion),
                 "use a newer taubenpost");
  if (format != kFormatVersion || value.size() != kHeaderSize)
    return error(Errc::kStoreBad, "store.open: damaged header");
  return to_array<16>(bytes.subspan(4));
}

Result<SlotSecret> read_secret(const KeySource& source) {
  SlotSecret result;
  if (const auto* passphrase = std::get_if<Passphrase>(&source)) {
    TP_CHECK(!passphrase->text.empty());
    result.kind = SlotKind::kPassphrase;
    result.secret = passphrase->text.clone();
    result.cost = passphrase->cost;
    return result;
  }
  Result<SecretBytes> content = read_key_file(std::get<KeyFile>(source).path);
  if (!content) return content.error();
  result.kind = SlotKind::kKeyFile;
  result.secret = std::move(content).value();
  return result;
}

Result<SlotSecret> make_secret(const KeySource& source) {
  const auto* file = std::get_if<KeyFile>(&source);
  if (file != nullptr && is_missing(file->path)) TP_TRY(make_key_file(file->path));
  return read_secret(source);
}

Result<std::string> make_slot(const StoreId& store, std::uint32_t slot, const SlotSecret& secret,
                              const SecretArray<32>& store_key) {
  SlotHead head{.kind = secret.kind, .salt = {}, .cost = secret.cost};
  fill_random(head.salt);
  const Result<SecretArray<32>> key = slot_key_of(secret, head);
  if (!key) return key.error();
  Bytes value = encode(head);
  append(value, crypto::xchacha20poly1305_seal(key->view(), associated_data(store, slot, head),
                                               store_key.view()));
  return std::string(as_text(value));
}

std::optional<SlotKind> kind_of_slot(std::string_view value) {
  const std::optional<SlotHead> head = decode_head(value);
  return head ? std::optional(head->kind) : std::nullopt;
}

Result<SecretArray<32>> open_slot(const StoreId& store, std::uint32_t slot,
                                  const SlotSecret& secret, std::string_view value) {
  const std::optional<SlotHead> head = decode_head(value);
  TP_CHECK(head && head->kind == secret.kind);
  const Result<SecretArray<32>> slot_key = slot_key_of(secret, *head);
  if (!slot_key) return slot_key.error();
  Result<Bytes> key =
      crypto::xchacha20poly1305_open(slot_key->view(), associated_data(store, slot, *head),
                                     as_bytes(value).subspan(head_size(head->kind)));
  if (!key) return error(Errc::kCannotUnlock, "store.open: the key does not fit its slot");
  SecretArray<32> store_key{ByteView(*key)};
  wipe(*key);
  return store_key;
}

}  // namespace taubenpost

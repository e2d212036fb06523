#include "store/key_slots.h"

#include "crypto/aead.h"
#include "store/durable_file.h"

namespace taubenpost {
namespace {

constexpr std::string_view kMagic{"tpstore\0", 8};
constexpr std::size_t kHeaderSize = 8 + 4 + 16;  // magic, format, store id
constexpr std::uint8_t kSlotVersion = 1;
constexpr std::size_t kKeySize = 32;
constexpr std::size_t kSlotSize = 2 + crypto::kXChaChaOverhead + kKeySize;

Bytes slot_data(const StoreId& store, std::uint32_t slot, SlotKind kind) {
  const RowKey key = slot_key(slot);
  Bytes data = to_bytes(store);
  append(data, as_bytes(family_name(key.family)));
  append(data, as_bytes(key.bytes));
  data.push_back(kSlotVersion);
  data.push_back(static_cast<std::uint8_t>(kind));
  return data;
}

Error not_a_key(const std::filesystem::path& path, std::string_view reason, std::string hint = {}) {
  return error(Errc::kCannotUnlock, "key file " + path.string() + ": " + std::string(reason),
               std::move(hint));
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

std::string encode_slot(const StoreId& store, std::uint32_t slot, SlotKind kind,
                        const SecretArray<32>& slot_content, const SecretArray<32>& store_key) {
  Bytes value{kSlotVersion, static_cast<std::uint8_t>(kind)};
  append(value, crypto::xchacha20poly1305_seal(slot_content.view(), slot_data(store, slot, kind),
                                               store_key.view()));
  return std::string(as_text(value));
}

bool is_slot_of(SlotKind kind, std::string_view value) {
  return value.size() == kSlotSize && as_bytes(value)[0] == kSlotVersion &&
         as_bytes(value)[1] == static_cast<std::uint8_t>(kind);
}

Result<SecretArray<32>> open_slot(const StoreId& store, std::uint32_t slot, SlotKind kind,
                                  const SecretArray<32>& slot_content, std::string_view value) {
  TP_CHECK(is_slot_of(kind, value));
  Result<Bytes> key = crypto::xchacha20poly1305_open(
      slot_content.view(), slot_data(store, slot, kind), as_bytes(value).subspan(2));
  if (!key) return error(Errc::kCannotUnlock, "store.open: the key does not fit its slot");
  SecretArray<32> store_key{ByteView(*key)};
  wipe(*key);
  return store_key;
}

Result<SecretArray<32>> read_key_file(const std::filesystem::path& path) {
  const Result<SmallFile> file = read_small_file(path, kKeySize);
  if (!file && file.error().code == Errc::kNotFound) return not_a_key(path, "no such file");
  if (!file && file.error().code == Errc::kInvalid) return not_a_key(path, "not 32 bytes");
  if (!file) return not_a_key(path, file.error().what);
  if (!file->owner_only) return not_a_key(path, "others may read it", "chmod 600 " + path.string());
  if (file->content.size() != kKeySize) return not_a_key(path, "not 32 bytes");
  return SecretArray<32>(file->content.view());
}

}  // namespace taubenpost

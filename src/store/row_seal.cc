#include "store/row_seal.h"

#include "crypto/aead.h"

namespace taubenpost {
namespace {

Bytes associated_data(const StoreId& store, const RowKey& key, std::uint8_t version) {
  Bytes data = to_bytes(store);
  append(data, as_bytes(family_name(key.family)));  // no name is the beginning of another
  append(data, as_bytes(key.bytes));
  data.push_back(version);
  return data;
}

Error bad_row(const RowKey& key, std::string_view reason, std::string hint = {}) {
  return error(Errc::kStoreBad, "store.read: " + describe(key) + ": " + std::string(reason),
               std::move(hint));
}

}  // namespace

Result<std::string> RowSeal::seal(const RowKey& key, ByteView row) const {
  if (row.size() > kRowSizeMax)
    return error(Errc::kRefused, "store.commit: " + describe(key) + ": row is too large");
  std::string value(1, static_cast<char>(kRowVersion));
  const Bytes sealed =
      crypto::xchacha20poly1305_seal(key_.view(), associated_data(store_, key, kRowVersion), row);
  value += as_text(sealed);
  return value;
}

Result<RowSeal::Opened> RowSeal::open(const RowKey& key, std::string_view value) const {
  if (value.empty() || value.size() > 1 + crypto::kXChaChaOverhead + kRowSizeMax)
    return bad_row(key, "impossible length");
  const auto version = static_cast<std::uint8_t>(value.front());
  if (version > kRowVersion)
    return bad_row(key, "written by a newer version", "use a newer taubenpost");
  if (version == 0) return bad_row(key, "no such row version");
  Result<Bytes> row = crypto::xchacha20poly1305_open(
      key_.view(), associated_data(store_, key, version), as_bytes(value.substr(1)));
  if (!row) return bad_row(key, "damaged");
  return Opened{version, SecretBytes(std::move(*row))};
}

std::string describe(const RowKey& key) {
  return std::string(family_name(key.family)) + " row " + to_hex(as_bytes(key.bytes));
}

}  // namespace taubenpost

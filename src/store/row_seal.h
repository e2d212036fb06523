// RowSeal: what stands on disk is a sealed row, bound to this store and to its own key.
//
// value = version (1 byte) ‖ nonce (24) ‖ XChaCha20-Poly1305 ciphertext and tag, with associated
// data = store id ‖ column family ‖ row key ‖ version. So a value that was altered, moved to
// another key or taken from another store does not open. Thread-safe: nothing changes after
// construction.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "store/row_codec.h"
#include "store/row_keys.h"

namespace taubenpost {

// No row comes near it; larger values are damage (on reading) or refused (on writing).
inline constexpr std::size_t kRowSizeMax = 16U << 20;

class RowSeal {
 public:
  RowSeal(StoreId store, SecretArray<32> key) : store_(store), key_(std::move(key)) {}

  // kRefused if the row is larger than kRowSizeMax.
  Result<std::string> seal(const RowKey& key, ByteView row) const;
  struct Opened {
    std::uint8_t version;
    SecretBytes row;
  };
  // kStoreBad: altered, cut, from elsewhere, or of a newer version.
  Result<Opened> open(const RowKey& key, std::string_view value) const;

  const StoreId& store() const { return store_; }
  const SecretArray<32>& key() const { return key_; }

 private:
  StoreId store_;
  SecretArray<32> key_;
};

// The value of a row as it goes to disk; its plain bytes are wiped. kRefused as RowSeal::seal.
template <class Row>
Result<std::string> seal_row(const RowSeal& seal, const RowKey& key, const Row& row) {
  Bytes plain = encode(row);
  Result<std::string> sealed = seal.seal(key, plain);
  wipe(plain);
  return sealed;
}

// "FAMILY row HEX": how an error names a row. Keys hold ids and numbers, no secrets.
std::string describe(const RowKey& key);

}  // namespace taubenpost

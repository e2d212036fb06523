// The plain rows of `meta`: the header that names the store, and the key slots that wrap its key.
//
// A slot holds the random store key sealed under what its kind gives (the content of a key file);
// any one slot opens the store. Kinds are told apart by a number, so that other ways to unlock are
// further rows, not another format. These rows are read before anything is authenticated: every
// length and number is checked.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "store/row_keys.h"

namespace taubenpost {

inline constexpr std::uint32_t kFormatVersion = 1;

std::string encode_header(const StoreId& store);
// kStoreBad: no header of ours, or one of a newer version.
Result<StoreId> decode_header(std::string_view value);

enum class SlotKind : std::uint8_t {
  kKeyFile = 1,  // the slot key is the content of a file
};

std::string encode_slot(const StoreId& store, std::uint32_t slot, SlotKind kind,
                        const SecretArray<32>& slot_content, const SecretArray<32>& store_key);
// Whether a stored slot is of this kind; malformed and unknown ones are not.
bool is_slot_of(SlotKind kind, std::string_view value);
// kCannotUnlock: another key, or a damaged slot. `value` is a slot of `kind`.
Result<SecretArray<32>> open_slot(const StoreId& store, std::uint32_t slot, SlotKind kind,
                                  const SecretArray<32>& slot_content, std::string_view value);

// A key file is 32 random bytes, with no permission for group or others: else kCannotUnlock.
Result<SecretArray<32>> read_key_file(const std::filesystem::path& path);

}  // namespace taubenpost

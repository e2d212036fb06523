// The plain rows of `meta`: the header that names the store, and the key slots that wrap its key.
//
// A slot holds the random store key sealed under what its kind gives (the content of a key file, a
// key from a passphrase); any one slot opens the store. Kinds are told apart by a number, so that
// other ways to unlock are further rows, not another format. These rows are read before anything is
// authenticated: every length and number is checked.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "store/key_source.h"
#include "store/row_keys.h"

namespace taubenpost {

inline constexpr std::uint32_t kFormatVersion = 1;

std::string encode_header(const StoreId& store);
// kStoreBad: no header of ours, or one of a newer version.
Result<StoreId> decode_header(std::string_view value);

enum class SlotKind : std::uint8_t {
  kKeyFile = 1,     // the slot key is the content of a file
  kPassphrase = 2,  // the slot key is Argon2id of a passphrase; salt and cost are in the slot
};

// A source as it was read: a key file is looked at once, however many slots there are.
struct SlotSecret {
  SlotKind kind{};
  SecretBytes secret;
  crypto::Argon2Cost cost;  // of a slot that is made
};
// A key file is 32 random bytes, with no permission for group or others: else kCannotUnlock.
Result<SlotSecret> read_secret(const KeySource& source);
// The same; a key file that is missing is made (0600) and durable first.
Result<SlotSecret> make_secret(const KeySource& source);

// kTemporary: no memory for a passphrase.
Result<std::string> make_slot(const StoreId& store, std::uint32_t slot, const SlotSecret& secret,
                              const SecretArray<32>& store_key);
// What a stored slot is; empty: malformed, or of a kind or version that is not known here.
std::optional<SlotKind> kind_of_slot(std::string_view value);
// kCannotUnlock: another key, or a damaged slot; kTemporary as above. `value` is of the secret's
// kind.
Result<SecretArray<32>> open_slot(const StoreId& store, std::uint32_t slot,
                                  const SlotSecret& secret, std::string_view value);

}  // namespace taubenpost

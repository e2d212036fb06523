// The keys of an opened store: listing its key slots, adding one, removing one.
//
// Whoever opened the store may do all of it. The store key itself never changes: a slot that was
// removed still opens copies of the store that were made before.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "store/key_slots.h"
#include "store/open_store.h"

namespace taubenpost {

// More would only be tried one after the other.
inline constexpr std::size_t kSlotsMax = 8;

struct SlotInfo {
  std::uint32_t slot = 0;
  std::optional<SlotKind> kind;  // empty: of a newer version, or damaged
};

// Every stored slot by its number, until the visitor is content. Errors: kStoreBad, kStoreIo.
using VisitSlot = std::function<bool(std::uint32_t slot, std::string_view value)>;
Status scan_slots(const StoreDb& db, const VisitSlot& is_enough);
// By number. Errors: kStoreBad, kStoreIo.
Result<std::vector<SlotInfo>> list_slots(const StoreDb& db);
// One more way to unlock, and its number; a key file that is missing is made first. kRefused: there
// are kSlotsMax; kCannotUnlock: the file is no key; kTemporary: no memory for a passphrase.
Result<std::uint32_t> add_slot(const OpenedStore& store, const KeySource& source);
// kNotFound; kRefused: it is the last one that this version can open.
Status remove_slot(const OpenedStore& store, std::uint32_t slot);

}  // namespace taubenpost

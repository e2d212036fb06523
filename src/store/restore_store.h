// What makes a restored copy of a store safe to go on with (design 4.5).
#pragma once

#include "store/open_store.h"

namespace taubenpost {

// In one synced write: outgoing channels are unsynchronised, generations that were open are
// dropped (the original may have built on, and two builds must never mix in one temporary
// sequence), and the store has the identity `identity`. Doing it again is harmless. Errors:
// kStoreBad, kStoreIo, kDiskFull.
Status mark_restored(const OpenedStore& store, const StoreIdentityRow& identity);

}  // namespace taubenpost

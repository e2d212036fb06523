#include "store/keys.h"

#include <algorithm>

namespace taubenpost {
Status scan_slots(const StoreDb& db, const VisitSlot& is_enough) {
  const RowKey prefix = slot_prefix();
  const std::unique_ptr<rocksdb::Iterator> row(
      db.db().NewIterator(rocksdb::ReadOptions(), db.handle(prefix.family)));
  for (row->Seek(prefix.bytes); row->Valid() && row->key().starts_with(prefix.bytes); row->Next())
    if (row->key().size() == slot_key(0).bytes.size() &&
        is_enough(key_tail(row->key().ToStringView()), row->value().ToStringView()))
      return ok();
  if (!row->status().ok()) return store_error(row->status(), "store.keys", db.path());
  return ok();
}

Result<std::vector<SlotInfo>> list_slots(const StoreDb& db) {
  std::vector<SlotInfo> slots;
  TP_TRY(scan_slots(db, [&](std::uint32_t slot, std::string_view value) {
    slots.push_back({slot, kind_of_slot(value)});
    return false;
  }));
  return slots;
}

Result<std::uint32_t> add_slot(const OpenedStore& store, const KeySource& source) {
  const Result<std::vector<SlotInfo>> slots = list_slots(*store.db);
  if (!slots) return slots.error();
  if (slots->size() >= kSlotsMax)
    return error(Errc::kRefused,
                 "the store has " + std::to_string(slots->size()) + " ways to unlock it already",
                 "'taubenpost key remove' one");
  std::uint32_t number = 0;  // the first that is free
  for (const SlotInfo& one : *slots)
    if (one.slot == number) ++number;
  const Result<SlotSecret> secret = make_secret(source);
  if (!secret) return secret.error();
  const Result<std::string> value =
      make_slot(store.seal->store(), number, *secret, store.seal->key());
  if (!value) return value.error();
  const RowKey key = slot_key(number);
  const auto s =
      store.db->db().Put(durable_write(), store.db->handle(key.family), key.bytes, *value);
  if (!s.ok()) return store_error(s, "store.keys", store.db->path());
  return number;
}

Status remove_slot(const OpenedStore& store, std::uint32_t slot) {
  const Result<std::vector<SlotInfo>> slots = list_slots(*store.db);
  if (!slots) return slots.error();
  const auto is_it = [&](const SlotInfo& one) { return one.slot == slot; };
  if (std::none_of(slots->begin(), slots->end(), is_it))
    return error(Errc::kNotFound, "no key slot has the number " + std::to_string(slot),
                 "'taubenpost key list' shows all");
  const auto stays = [&](const SlotInfo& one) { return !is_it(one) && one.kind.has_value(); };
  if (std::none_of(slots->begin(), slots->end(), stays))
    return error(Errc::kRefused, "nothing would open the store any more",
                 "'taubenpost key add' another one first");
  const RowKey key = slot_key(slot);
  const auto s = store.db->db().Delete(durable_write(), store.db->handle(key.family), key.bytes);
  if (!s.ok()) return store_error(s, "store.keys", store.db->path());
  return ok();
}

}  // namespace taubenpost

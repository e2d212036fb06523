#include "store/open_store.h"

#include <chrono>
#include <system_error>

#include "base/failpoint.h"
#include "base/random.h"
#include "crypto/hash.h"
#include "store/durable_file.h"
#include "store/keys.h"
#include "store/restore_store.h"
#include "store/row_store.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kFirstSlot = 0;
constexpr std::string_view kInitHint = "taubenpost init";

fs::path database_path(const fs::path& dir) { return dir / "store.db"; }
fs::path unfinished_path(const fs::path& dir) { return dir / "store.db.new"; }
fs::path incarnation_path(const fs::path& dir) { return dir / "incarnation"; }

bool present(const fs::path& path) {
  std::error_code code;
  return fs::symlink_status(path, code).type() != fs::file_type::not_found;
}

std::uint64_t now_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

// Written before the database: a store without its incarnation would pass for a restored one.
Status write_incarnation(const fs::path& dir, const StoreIdentityRow& identity) {
  const fs::path path = incarnation_path(dir);
  TP_TRY(write_new_file(path, as_bytes(to_hex(identity.incarnation) + "\n")));
  TP_FAILPOINT("store.incarnation.before");
  TP_TRY(rename_new_file(path));
  TP_FAILPOINT("store.incarnation.after");
  return ok();
}

// Header, key slot and identity, in one synced write.
Status write_first_rows(const StoreDb& db, const SlotSecret& secret,
                        const StoreIdentityRow& identity) {
  SecretArray<32> store_key;
  fill_random(store_key.writable());
  const Result<std::string> slot = make_slot(identity.store, kFirstSlot, secret, store_key);
  if (!slot) return slot.error();
  const RowSeal seal(identity.store, std::move(store_key));
  const Result<std::string> sealed = seal_row(seal, identity_key(), identity);
  if (!sealed) return sealed.error();

  rocksdb::WriteBatch batch;
  const auto put = [&](const RowKey& key, const std::string& value) {
    return batch.Put(db.handle(key.family), key.bytes, value);
  };
  rocksdb::Status s = put(header_key(), encode_header(identity.store));
  if (s.ok()) s = put(slot_key(kFirstSlot), *slot);
  if (s.ok()) s = put(identity_key(), *sealed);
  if (s.ok()) s = db.db().Write(durable_write(), &batch);
  if (!s.ok()) return store_error(s, "store.create", db.path());
  return ok();
}

Result<StoreId> read_header(const StoreDb& db) {
  std::string value;
  const RowKey key = header_key();
  const rocksdb::Status s =
      db.db().Get(rocksdb::ReadOptions(), db.handle(key.family), key.bytes, &value);
  if (!s.ok()) return store_error(s, "store.open", db.path());
  return decode_header(value);
}

std::string name_of(const KeySource& source) {
  if (const auto* file = std::get_if<KeyFile>(&source)) return file->path.string();
  return "the passphrase";
}

// Tries every slot of the source's kind.
Result<SecretArray<32>> unlock(const StoreDb& db, const StoreId& store, const KeySource& source) {
  const Result<SlotSecret> secret = read_secret(source);
  if (!secret) return secret.error();
  std::optional<Result<SecretArray<32>>> key;  // or why no slot can be tried at all
  TP_TRY(scan_slots(db, [&](std::uint32_t slot, std::string_view value) {
    if (kind_of_slot(value) != secret->kind) return false;
    Result<SecretArray<32>> opened = open_slot(store, slot, *secret, value);
    if (!opened && opened.error().code == Errc::kCannotUnlock) return false;
    key.emplace(std::move(opened));
    return true;
  }));
  if (key) return std::move(*key);
  return error(Errc::kCannotUnlock,
               "store.open: " + name_of(source) + " does not open " + db.path());
}

Result<StoreIdentityRow> identity_of(const OpenedStore& store) {
  Result<StoreIdentityRow> identity =
      RowStore(*store.db, *store.seal).get_row<StoreIdentityRow>(identity_key());
  if (!identity)
    return error(Errc::kStoreBad, "store.open: identity: " + identity.error().what,
                 identity.error().hint);
  return identity;
}

// Whether the folder and the database were made for each other.
Result<bool> is_original(const fs::path& dir, const StoreIdentityRow& identity) {
  const fs::path path = incarnation_path(dir);
  const Result<SmallFile> file = read_small_file(path, 64);
  if (!file && file.error().code == Errc::kStoreIo) return file.error();
  const std::string expected = to_hex(identity.incarnation) + "\n";
  return file && equal(file->content.view(), as_bytes(expected));
}

// A copy becomes a store of its own. That its channels are unsynchronised is durable before the
// folder gets the incarnation by which the next start takes it for an original.
Status adopt(const fs::path& dir, const OpenedStore& store, StoreIdentityRow identity) {
  identity.incarnation = random_array<16>();
  TP_TRY(mark_restored(store, identity));
  TP_FAILPOINT("store.restored.marked");
  return write_incarnation(dir, identity);
}

// The database, unlocked, with an identity of its own.
Result<OpenedStore> open_with(Result<std::unique_ptr<StoreDb>> (*open)(const fs::path&,
                                                                       rocksdb::Env*),
                              const fs::path& dir, const KeySource& key, rocksdb::Env* env) {
  const fs::path path = database_path(dir);
  if (!present(path))
    return error(Errc::kStoreBad, "store.open: " + dir.string() + ": no store here",
                 std::string(kInitHint));
  if (!present(path / "CURRENT"))
    return error(
        Errc::kStoreBad,
        "store.open: " + path.string() + ": damaged, or no database: it has no file CURRENT",
        "restore a backup, or keep the folder for inspection");
  Result<std::unique_ptr<StoreDb>> db = open(path, env);
  if (!db) return db.error();
  const Result<StoreId> store = read_header(**db);
  if (!store) return store.error();
  if ((*db)->has_foreign_family())
    return error(Errc::kStoreBad, "store.open: " + path.string() + ": not a taubenpost store");

  Result<SecretArray<32>> store_key = unlock(**db, *store, key);
  if (!store_key) return store_key.error();
  OpenedStore opened;
  opened.db = std::move(*db);
  opened.seal = std::make_unique<RowSeal>(*store, std::move(*store_key));
  const Result<StoreIdentityRow> identity = identity_of(opened);
  if (!identity) return identity.error();
  if (identity->store != *store)
    return error(Errc::kStoreBad, "store.open: " + path.string() + ": the identity is another's");
  return opened;
}

}  // namespace

Status create_store(const fs::path& dir, const KeySource& key, rocksdb::Env* env) {
  TP_TRY(make_private_folder(dir));
  const Result<FolderLock> lock = FolderLock::take(dir, "store.create");
  if (!lock) return lock.error();
  const fs::path target = database_path(dir);
  if (present(target))
    return error(Errc::kStateConflict, "store.create: " + dir.string() + ": already initialised");
  const fs::path unfinished = unfinished_path(dir);
  std::error_code code;
  fs::remove_all(unfinished, code);  // of a run that was killed
  if (code)
    return error(Errc::kStoreIo, "store.create: " + unfinished.string() + ": " + code.message());

  const Result<SlotSecret> secret = make_secret(key);
  if (!secret) return secret.error();
  StoreIdentityRow identity;
  identity.store = random_array<16>();
  identity.incarnation = random_array<16>();
  identity.created = now_seconds();
  TP_TRY(write_incarnation(dir, identity));
  {
    const Result<std::unique_ptr<StoreDb>> db = StoreDb::create(unfinished, env);
    if (!db) return db.error();
    TP_TRY(write_first_rows(**db, *secret, identity));
  }
  TP_FAILPOINT("store.publish.before");
  TP_TRY(durable_rename(unfinished, target));
  TP_FAILPOINT("store.publish.after");
  return ok();
}

Result<OpenedStore> open_store(const fs::path& dir, const KeySource& key, rocksdb::Env* env) {
  Result<OpenedStore> opened = open_with(StoreDb::open, dir, key, env);
  if (!opened) return opened.error();
  const Result<StoreIdentityRow> identity = identity_of(*opened);
  if (!identity) return identity.error();
  const Result<bool> original = is_original(dir, *identity);
  if (!original) return original.error();
  if (!*original) TP_TRY(adopt(dir, *opened, *identity));
  opened->was_restored = !*original;
  return opened;
}

Result<OpenedStore> open_store_to_look(const fs::path& dir, const KeySource& key,
                                       rocksdb::Env* env) {
  return open_with(StoreDb::open_to_look, dir, key, env);
}

SecretArray<32> spool_key_of(const OpenedStore& store) {
  SecretArray<32> key;
  crypto::hkdf_blake2b(store.seal->key().view(), /*salt=*/{}, as_bytes("taubenpost spool 1"),
                       key.writable());
  return key;
}

}  // namespace taubenpost

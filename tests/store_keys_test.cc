// Ways to unlock a store: passphrases, several key slots, and slots as they may be damaged.
#include <gtest/gtest.h>

#include <fstream>

#include "store/keys.h"
#include "support/store_dir.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

// As cheap as it gets: what a test looks at does not depend on it.
constexpr crypto::Argon2Cost kCheap{.memory_kib = 8, .passes = 1};

Passphrase passphrase(std::string_view text) {
  return Passphrase{SecretBytes(as_bytes(text)), kCheap};
}

class StoreKeys : public testing::Test {
 protected:
  Result<OpenedStore> open(const KeySource& key) const {
    return open_store(dir.state(), key, nullptr);
  }
  Result<OpenedStore> open() const { return open(KeyFile{dir.key()}); }
  static Bytes key_of(const OpenedStore& store) { return to_bytes(store.seal->key().view()); }

  const StoreDir dir;
};

TEST_F(StoreKeys, StoreMadeWithAPassphrase_OpensWithItAndNothingElse) {
  ASSERT_TRUE(RocksStore::create(dir.state(), passphrase("correct horse")));
  EXPECT_FALSE(fs::exists(dir.key())) << "no key lies beside it";
  EXPECT_TRUE(open(passphrase("correct horse")));
  EXPECT_EQ(code_of(open(passphrase("correct horsf"))), Errc::kCannotUnlock);
  EXPECT_EQ(code_of(open(passphrase("correct"))), Errc::kCannotUnlock);
  std::ofstream(dir.key(), std::ios::binary) << std::string(32, 'k');
  fs::permissions(dir.key(), fs::perms::owner_read);
  EXPECT_EQ(code_of(open()), Errc::kCannotUnlock);
}

TEST_F(StoreKeys, SlotThatIsAdded_OpensTheSameKey) {
  ASSERT_TRUE(dir.create());
  const KeyFile file{dir.root() / "new.key"};
  Bytes key;
  {
    const auto store = open();
    ASSERT_TRUE(store);
    key = key_of(*store);
    EXPECT_EQ(add_slot(*store, passphrase("first")).value(), 1U);
    EXPECT_EQ(add_slot(*store, passphrase("second")).value(), 2U);
    EXPECT_EQ(add_slot(*store, file).value(), 3U);
  }
  EXPECT_EQ(fs::file_size(file.path), 32U) << "a key file that was missing is made";
  for (const KeySource& source : {KeySource(passphrase("first")), KeySource(passphrase("second")),
                                  KeySource(file), KeySource(KeyFile{dir.key()})}) {
    const auto store = open(source);
    ASSERT_TRUE(store) << store.error().what;
    EXPECT_EQ(key_of(*store), key);
  }
}

TEST_F(StoreKeys, SlotThatIsRemoved_OpensNothing) {
  ASSERT_TRUE(dir.create());
  {
    const auto store = open();
    ASSERT_TRUE(store);
    ASSERT_TRUE(add_slot(*store, passphrase("new")));
    EXPECT_EQ(code_of(remove_slot(*store, 7)), Errc::kNotFound);
    ASSERT_TRUE(remove_slot(*store, 0));
  }
  EXPECT_EQ(code_of(open()), Errc::kCannotUnlock);
  const auto store = open(passphrase("new"));
  ASSERT_TRUE(store);
  EXPECT_EQ(code_of(remove_slot(*store, 1)), Errc::kRefused) << "the last one";
  EXPECT_EQ(add_slot(*store, passphrase("newer")).value(), 0U) << "a free number is used again";
}

TEST_F(StoreKeys, NinthSlot_IsRefused) {
  ASSERT_TRUE(dir.create());
  const auto store = open();
  ASSERT_TRUE(store);
  for (std::size_t i = 1; i < kSlotsMax; ++i) ASSERT_TRUE(add_slot(*store, passphrase("x")));
  EXPECT_EQ(code_of(add_slot(*store, passphrase("x"))), Errc::kRefused);
  EXPECT_EQ(list_slots(*store->db)->size(), kSlotsMax);
}

// Version, kind, salt, memory, passes, wrapped key, length. A cost beyond the limits is refused
// before any memory is taken.
TEST_F(StoreKeys, PassphraseSlotThatIsDamaged_CannotUnlock) {
  ASSERT_TRUE(RocksStore::create(dir.state(), passphrase("p")));
  const auto edit = [&](std::size_t at, std::uint8_t flip) {
    edit_rows(dir.database(), Family::kMeta, [&](const std::string& key, std::string& value) {
      if (key == slot_key(0).bytes) value[at] = static_cast<char>(value[at] ^ flip);
    });
  };
  for (const auto& [at, flip] : {std::pair{0, 0x02},
                                 {1, 0x04},
                                 {2, 0x01},
                                 {18, 0xff},
                                 {21, 0x08},
                                 {22, 0x80},
                                 {25, 0x01},
                                 {26, 0x01},
                                 {97, 0x01}}) {
    edit(static_cast<std::size_t>(at), static_cast<std::uint8_t>(flip));
    EXPECT_EQ(code_of(open(passphrase("p"))), Errc::kCannotUnlock) << at;
    edit(static_cast<std::size_t>(at), static_cast<std::uint8_t>(flip));
  }
  EXPECT_TRUE(open(passphrase("p")));
}

TEST_F(StoreKeys, SlotOfANewerKind_IsListedAndCountsForNothing) {
  ASSERT_TRUE(dir.create());
  {
    const auto store = open();
    ASSERT_TRUE(store && add_slot(*store, passphrase("p")));
  }
  edit_rows(dir.database(), Family::kMeta, [](const std::string& key, std::string& value) {
    if (key == slot_key(1).bytes) value[1] = 9;
  });
  const auto store = open();
  ASSERT_TRUE(store);
  const auto slots = list_slots(*store->db);
  ASSERT_TRUE(slots);
  ASSERT_EQ(slots->size(), 2U);
  EXPECT_EQ((*slots)[0].kind, SlotKind::kKeyFile);
  EXPECT_FALSE((*slots)[1].kind);
  EXPECT_EQ(code_of(remove_slot(*store, 0)), Errc::kRefused);
  EXPECT_TRUE(remove_slot(*store, 1));
}

// Written by the first version with passphrases; never edited.
TEST_F(StoreKeys, GoldenPassphraseSlot_OpensForEver) {
  StoreId store{};
  store.fill(7);
  const auto secret = read_secret(passphrase("correct horse battery staple"));
  ASSERT_TRUE(secret);
  const Result<Bytes> slot = from_hex(
      "01026f9f1d6358442b297fe43d5ff3767fbd000000080000000150f49ab12ce52cad951518805542"
      "69019d91c2957e392b53a12b9ab8b6091fa90b243bdfb3894f7b23ba2482494a1cbab028f3a59b34"
      "d342069cca6dc5d7d622cacdb49a586a0bf9");
  ASSERT_TRUE(slot);
  const auto key = open_slot(store, 3, *secret, as_text(*slot));
  ASSERT_TRUE(key);
  EXPECT_TRUE(equal(key->view(), Bytes(32, 9)));
  EXPECT_FALSE(open_slot(store, 4, *secret, as_text(*slot)));
}

}  // namespace
}  // namespace taubenpost

// Making and opening a store: what is refused, and with which words.
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "base/random.h"
#include "store/durable_file.h"
#include "store/key_slots.h"
#include "store/open_store.h"
#include "support/store_dir.h"
#include "support/store_rows.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;
namespace rows = store_rows;

void write_file(const fs::path& path, std::string_view content, fs::perms perms) {
  std::ofstream(path, std::ios::binary) << content;
  fs::permissions(path, perms);
}
std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
constexpr fs::perms kOwner = fs::perms::owner_read | fs::perms::owner_write;

bool says(const Error& failure, std::string_view word) {
  return (failure.what + " " + failure.hint).find(word) != std::string::npos;
}

TEST(StoreCreate, NewFolder_HoldsAStoreThatOnlyTheOwnerCanRead) {
  const StoreDir dir;
  const auto store = dir.create();
  ASSERT_TRUE(store) << store.error().what;
  EXPECT_EQ(fs::status(dir.state()).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(dir.key()).permissions(), kOwner);
  EXPECT_EQ(fs::file_size(dir.key()), 32U);
  const auto identity = (*store)->identity();
  ASSERT_TRUE(identity);
  EXPECT_EQ(read_file(dir.state() / "incarnation"), to_hex(identity->incarnation) + "\n");
  EXPECT_FALSE(identity->bound);
  EXPECT_GT(identity->created, 1'700'000'000U);
}

TEST(StoreCreate, TwoStores_ShareNoIdAndNoKey) {
  const StoreDir a, b;
  const auto first = a.create();
  const auto second = b.create();
  ASSERT_TRUE(first && second);
  EXPECT_NE((*first)->identity()->store, (*second)->identity()->store);
  EXPECT_NE((*first)->identity()->incarnation, (*second)->identity()->incarnation);
  EXPECT_NE(read_file(a.key()), read_file(b.key()));
  EXPECT_FALSE(equal((*first)->spool_key().view(), (*second)->spool_key().view()));
}

TEST(StoreCreate, ExistingStore_IsRefusedAndKept) {
  const StoreDir dir;
  ASSERT_TRUE(dir.create());
  const std::string key = read_file(dir.key());
  const auto again = dir.create();
  ASSERT_EQ(code_of(again), Errc::kStateConflict);
  EXPECT_TRUE(says(again.error(), "already initialised"));
  EXPECT_EQ(read_file(dir.key()), key);
  EXPECT_TRUE(dir.open());
}

TEST(StoreCreate, ExistingKeyFile_IsUsed) {
  const StoreDir dir;
  const fs::path key = dir.root() / "my.key";
  write_file(key, std::string(32, 'k'), kOwner);
  ASSERT_TRUE(RocksStore::create(dir.state(), KeyFile{key}));
  EXPECT_EQ(read_file(key), std::string(32, 'k'));
  EXPECT_FALSE(fs::exists(dir.key()));
  EXPECT_TRUE(RocksStore::open(dir.state(), KeyFile{key}));
}

TEST(StoreCreate, KeyFileThatIsNone_IsRefusedAndKept) {
  const StoreDir dir;
  const fs::path key = dir.root() / "letter.txt";
  write_file(key, "dear Bert", kOwner);
  EXPECT_EQ(code_of(RocksStore::create(dir.state(), KeyFile{key})), Errc::kCannotUnlock);
  EXPECT_EQ(read_file(key), "dear Bert");
  EXPECT_FALSE(fs::exists(dir.database()));
}

TEST(StoreCreate, LeftoversOfAKilledRun_AreReplaced) {
  const StoreDir dir;
  fs::create_directories(dir.state() / "store.db.new");
  write_file(dir.state() / "store.db.new" / "CURRENT", "garbage", kOwner);
  write_file(dir.state() / "store.key.new", "garbage", kOwner);
  write_file(dir.state() / "incarnation", "garbage", kOwner);
  const auto store = dir.create();
  ASSERT_TRUE(store) << store.error().what;
  EXPECT_FALSE(fs::exists(dir.state() / "store.db.new"));
  EXPECT_FALSE(fs::exists(dir.state() / "store.key.new"));
}

TEST(StoreCreate, AnotherCreateAtWork_IsLocked) {
  const StoreDir dir;
  fs::create_directories(dir.state());
  const int fd = ::open(dir.state().c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(fd, LOCK_EX), 0);
  EXPECT_EQ(code_of(dir.create()), Errc::kLocked);
  ::close(fd);
  EXPECT_TRUE(dir.create());
}

TEST(StoreOpen, SpoolKey_IsTheSameEveryTime) {
  const StoreDir dir;
  Bytes first;
  {
    const auto store = dir.create();
    ASSERT_TRUE(store);
    first = to_bytes((*store)->spool_key().view());
  }
  const auto store = dir.open();
  ASSERT_TRUE(store);
  EXPECT_TRUE(equal((*store)->spool_key().view(), first));
  EXPECT_NE(as_text(first), read_file(dir.key()));
}

TEST(StoreOpen, MissingStore_SaysHowToMakeOne) {
  const StoreDir dir;
  const auto missing = dir.open();
  ASSERT_EQ(code_of(missing), Errc::kStoreBad);
  EXPECT_EQ(missing.error().hint, "taubenpost init");
  EXPECT_FALSE(fs::exists(dir.state())) << "opening makes nothing";
}

TEST(StoreOpen, FolderThatIsNoDatabase_IsBad) {
  const StoreDir dir;
  fs::create_directories(dir.database());
  write_file(dir.database() / "holiday.jpg", "jpeg", kOwner);
  EXPECT_EQ(code_of(dir.open()), Errc::kStoreBad);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.database()), fs::directory_iterator()), 1)
      << "nothing was added";
}

TEST(StoreOpen, DatabaseWithoutCurrentOrManifest_IsCalledDamaged) {
  const StoreDir dir;
  ASSERT_TRUE(dir.create());
  fs::rename(dir.database() / "CURRENT", dir.root() / "CURRENT");
  const auto without = dir.open();
  ASSERT_EQ(code_of(without), Errc::kStoreBad);
  EXPECT_TRUE(says(without.error(), "damaged") && says(without.error(), "backup"));
  fs::rename(dir.root() / "CURRENT", dir.database() / "CURRENT");
  for (const auto& entry : fs::directory_iterator(dir.database()))
    if (entry.path().filename().string().starts_with("MANIFEST-"))
      fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
  const auto cut = dir.open();
  ASSERT_EQ(code_of(cut), Errc::kStoreBad);
  EXPECT_FALSE(says(cut.error(), "not a taubenpost store")) << cut.error().what;
}

TEST(StoreOpen, DatabaseOfAnotherProgram_IsBad) {
  const StoreDir dir;
  fs::create_directories(dir.state());
  write_file(dir.key(), std::string(32, 'k'), kOwner);
  {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, dir.database().string(), &raw).ok());
    delete raw;
  }
  const auto foreign = dir.open();
  ASSERT_EQ(code_of(foreign), Errc::kStoreBad);
  EXPECT_TRUE(says(foreign.error(), "not a taubenpost store"));
}

TEST(StoreOpen, DatabaseWithOneMoreFamily_IsBad) {
  const StoreDir dir;
  ASSERT_TRUE(dir.create());
  {
    rocksdb::Options options;
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(options, dir.database().string(), &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, options);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, dir.database().string(), families, &handles, &raw).ok());
    handles.emplace_back();
    ASSERT_TRUE(raw->CreateColumnFamily(options, "photos", &handles.back()).ok());
    for (rocksdb::ColumnFamilyHandle* handle : handles)
      ASSERT_TRUE(raw->DestroyColumnFamilyHandle(handle).ok());
    delete raw;
  }
  EXPECT_EQ(code_of(dir.open()), Errc::kStoreBad);
}

TEST(StoreOpen, NewerFormat_IsBadAndSaysNewer) {
  const StoreDir dir;
  ASSERT_TRUE(dir.create());
  edit_rows(dir.database(), Family::kMeta, [](const std::string& key, std::string& value) {
    if (key == header_key().bytes) value[11] = 2;  // the last byte of the format number
  });
  const auto newer = dir.open();
  ASSERT_EQ(code_of(newer), Errc::kStoreBad);
  EXPECT_TRUE(says(newer.error(), "newer"));
}

TEST(StoreOpen, HeaderMissingOrAltered_IsBad) {
  for (const int variant : {0, 1, 2}) {
    const StoreDir dir;
    ASSERT_TRUE(dir.create());
    edit_rows(dir.database(), Family::kMeta, [&](const std::string& key, std::string& value) {
      if (key != header_key().bytes) return;
      if (variant == 0) value.clear();
      if (variant == 1) value[0] ^= 1;
      if (variant == 2) value.pop_back();
    });
    EXPECT_EQ(code_of(dir.open()), Errc::kStoreBad) << variant;
  }
}

TEST(StoreOpen, WrongKey_CannotUnlock) {
  const StoreDir dir;
  ASSERT_TRUE(dir.create());
  write_file(dir.key(), std::string(32, 'x'), kOwner);
  EXPECT_EQ(code_of(dir.open()), Errc::kCannotUnlock);
}

TEST(StoreOpen, KeyFileMissingShortLongOrSharedWithOthers_CannotUnlock) {
  const StoreDir dir;
  ASSERT_TRUE(dir.create());
  const std::string key = read_file(dir.key());
  write_file(dir.key(), key.substr(1), kOwner);
  EXPECT_EQ(code_of(dir.open()), Errc::kCannotUnlock);
  write_file(dir.key(), key + "x", kOwner);
  EXPECT_EQ(code_of(dir.open()), Errc::kCannotUnlock);
  write_file(dir.key(), key, kOwner | fs::perms::group_read);
  const auto shared = dir.open();
  ASSERT_EQ(code_of(shared), Errc::kCannotUnlock);
  EXPECT_TRUE(says(shared.error(), "chmod 600"));
  fs::permissions(dir.key(), kOwner);
  EXPECT_TRUE(dir.open());
  fs::remove(dir.key());
  EXPECT_EQ(code_of(dir.open()), Errc::kCannotUnlock);
}

TEST(StoreOpen, SlotThatIsDamagedOrOfAnUnknownKind_CannotUnlock) {
  // Version, kind, nonce, wrapped key, length: each is looked at before anything is opened.
  for (const int variant : {0, 1, 2, 3, 4, 5}) {
    const StoreDir dir;
    ASSERT_TRUE(dir.create());
    edit_rows(dir.database(), Family::kMeta, [&](const std::string& key, std::string& value) {
      if (key != slot_key(0).bytes) return;
      if (variant < 2) value[static_cast<std::size_t>(variant)] ^= 2;
      if (variant == 2) value[2] ^= 1;
      if (variant == 3) value.back() ^= 1;
      if (variant == 4) value.pop_back();
      if (variant == 5) value.clear();
    });
    EXPECT_EQ(code_of(dir.open()), Errc::kCannotUnlock) << variant;
  }
}

TEST(StoreOpen, OpenTwice_IsLocked) {
  const StoreDir dir;
  const auto store = dir.create();
  ASSERT_TRUE(store);
  EXPECT_EQ(code_of(dir.open()), Errc::kLocked);
}

TEST(StoreOpen, OpenInAnotherProcess_IsLocked) {
  const StoreDir dir;
  ASSERT_TRUE(dir.create());
  int ready[2], release[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(release), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto store = dir.open();
    const char byte = store ? 'y' : 'n';
    char end = 0;
    ::close(release[1]);
    if (::write(ready[1], &byte, 1) == 1 && ::read(release[0], &end, 1) >= 0) _exit(0);
    _exit(1);
  }
  char opened = 0;
  ASSERT_EQ(::read(ready[0], &opened, 1), 1);
  ASSERT_EQ(opened, 'y');
  const auto second = dir.open();
  EXPECT_EQ(code_of(second), Errc::kLocked);
  EXPECT_TRUE(!second && says(second.error(), "in use by process " + std::to_string(child)));
  for (const int fd : {ready[0], ready[1], release[0], release[1]}) ::close(fd);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(dir.open());
}

// RocksDB renames its log before it looks at its lock, so that two who begin at once could trip
// over each other.
TEST(StoreOpen, OpenWhileAnotherBegins_IsLockedAndTouchesNothing) {
  const StoreDir dir;
  ASSERT_TRUE(dir.create());
  const auto names = [&dir] {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator(dir.database())) all.insert(entry.path());
    return all;
  };
  const std::set<std::string> before = names();
  {
    const auto other = FolderLock::take(dir.database(), "another process");
    ASSERT_TRUE(other);
    EXPECT_EQ(code_of(dir.open()), Errc::kLocked);
    EXPECT_EQ(code_of(open_store_to_look(dir.state(), KeyFile{dir.key()}, nullptr)), Errc::kLocked);
    EXPECT_EQ(names(), before);
  }
  EXPECT_TRUE(dir.open());
}

// A store with one channel of each direction, and a batch that is being copied.
class StoreRestored : public testing::Test {
 protected:
  void SetUp() override {
    const auto store = dir.create();
    ASSERT_TRUE(store);
    EXPECT_FALSE((*store)->was_restored());
    ChannelRow outgoing = rows::channel(rows::kJob, "anna");
    outgoing.direction = ChannelDirection::kOutgoing;
    outgoing.unsynchronised = false;
    ChannelRow incoming = rows::channel();
    incoming.unsynchronised = false;
    ASSERT_TRUE(commit_now(
        **store, ports::Transaction()
                     .create(outgoing)
                     .create(incoming)
                     .create(rows::batch())
                     .create(rows::element(0))
                     .create(rows::element(1))
                     .acknowledge(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{1})));
  }
  void expect_marked(const RocksStore& store) {
    EXPECT_TRUE(store.channel(rows::kJob)->unsynchronised);
    EXPECT_FALSE(store.channel(rows::kChannel)->unsynchronised);
    EXPECT_EQ(store.batch(rows::kJob, rows::kBatch)->state, BatchState::kPlanned);
    EXPECT_EQ(code_of(store.element(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{0})),
              Errc::kNotFound);
    EXPECT_TRUE(store.unacknowledged(rows::kJob, rows::kBatch, rows::kGeneration)->empty());
  }
  fs::path incarnation() const { return dir.state() / "incarnation"; }

  StoreDir dir;
};

TEST_F(StoreRestored, IncarnationThatDiffers_UnsynchronisesOutgoingChannelsOnce) {
  const std::string right = read_file(incarnation());
  for (const std::string& wrong : {std::string(), right.substr(1), right + "0",
                                   std::string(32, '0') + "\n", std::string(5000, '0')}) {
    write_file(incarnation(), wrong, kOwner);
    const auto restored = dir.open();
    ASSERT_TRUE(restored) << restored.error().what;
    EXPECT_TRUE((*restored)->was_restored());
    expect_marked(**restored);
    EXPECT_NE(read_file(incarnation()), right);
    EXPECT_EQ(read_file(incarnation()), to_hex((*restored)->identity()->incarnation) + "\n");
  }
  const auto again = dir.open();
  ASSERT_TRUE(again);
  EXPECT_FALSE((*again)->was_restored());
  expect_marked(**again);
}

TEST_F(StoreRestored, NoIncarnation_IsARestoredStoreToo) {
  fs::remove(incarnation());
  const auto restored = dir.open();
  ASSERT_TRUE(restored);
  EXPECT_TRUE((*restored)->was_restored());
  expect_marked(**restored);
}

TEST_F(StoreRestored, OriginalBesideItsCopy_StaysAnOriginal) {
  fs::copy(dir.state(), dir.root() / "copy", fs::copy_options::recursive);
  fs::remove(dir.root() / "copy" / "incarnation");
  ASSERT_TRUE(RocksStore::open(dir.root() / "copy", KeyFile{dir.key()}));
  const auto original = dir.open();
  ASSERT_TRUE(original);
  EXPECT_FALSE((*original)->was_restored());
  EXPECT_FALSE((*original)->channel(rows::kJob)->unsynchronised);
}

}  // namespace
}  // namespace taubenpost

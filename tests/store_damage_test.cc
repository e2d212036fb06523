// Damaged values and a damaged log: reported as such, never read as something else.
#include <gtest/gtest.h>

#include <fstream>

#include "base/random.h"
#include "store/row_seal.h"
#include "support/store_dir.h"
#include "support/store_rows.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;
namespace rows = store_rows;
using ports::Transaction;

RowSeal make_seal(const StoreId& store, std::uint8_t key) {
  return RowSeal(store, SecretArray<32>(Bytes(32, key)));
}

TEST(RowSeal, SealedRow_OpensAndHidesItsContent) {
  const RowSeal seal = make_seal(rows::run_of<16>(1), 2);
  const std::string secret = "the secret of the row";
  const RowKey key = send_job_key(rows::kJob);
  const auto sealed = seal.seal(key, as_bytes(secret));
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->size(), 1 + 24 + secret.size() + 16);
  EXPECT_EQ(sealed->find(secret), std::string::npos);
  const auto opened = seal.open(key, *sealed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(opened->row.view()), secret);
  EXPECT_NE(*sealed, *seal.seal(key, as_bytes(secret))) << "a nonce is used once";
}

TEST(RowSeal, AnyByteAlteredOrCut_DoesNotOpen) {
  const RowSeal seal = make_seal(rows::run_of<16>(1), 2);
  const RowKey key = send_job_key(rows::kJob);
  const std::string sealed = *seal.seal(key, as_bytes("row"));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_EQ(code_of(seal.open(key, changed)), Errc::kStoreBad) << i;
    EXPECT_EQ(code_of(seal.open(key, sealed.substr(0, i))), Errc::kStoreBad) << i;
  }
  EXPECT_EQ(code_of(seal.open(key, sealed + "x")), Errc::kStoreBad);
}

TEST(RowSeal, OtherKeyFamilyStoreOrStoreKey_DoesNotOpen) {
  const RowSeal seal = make_seal(rows::run_of<16>(1), 2);
  const RowKey key = batch_key(rows::kJob, rows::kBatch);
  const std::string sealed = *seal.seal(key, as_bytes("row"));
  EXPECT_TRUE(seal.open(key, sealed));
  EXPECT_FALSE(seal.open(batch_key(rows::kJob, BatchIndex{9}), sealed));
  EXPECT_FALSE(seal.open(RowKey{Family::kJobs, key.bytes}, sealed));
  EXPECT_FALSE(make_seal(rows::run_of<16>(3), 2).open(key, sealed));
  EXPECT_FALSE(make_seal(rows::run_of<16>(1), 3).open(key, sealed));
}

TEST(RowSeal, NewerRowVersion_SaysNewer) {
  const RowSeal seal = make_seal(rows::run_of<16>(1), 2);
  const RowKey key = send_job_key(rows::kJob);
  std::string sealed = *seal.seal(key, as_bytes("row"));
  sealed[0] = kRowVersion + 1;
  const auto newer = seal.open(key, sealed);
  ASSERT_EQ(code_of(newer), Errc::kStoreBad);
  EXPECT_NE(newer.error().what.find("newer"), std::string::npos);
}

TEST(RowSeal, OversizedRow_IsRefused) {
  const RowSeal seal = make_seal(rows::run_of<16>(1), 2);
  const Bytes large(kRowSizeMax + 1);
  EXPECT_EQ(code_of(seal.seal(send_job_key(rows::kJob), large)), Errc::kRefused);
}

// A store with one row of each kind, closed.
class StoreDamage : public testing::Test {
 protected:
  void SetUp() override {
    const auto store = dir.create();
    ASSERT_TRUE(store);
    ASSERT_TRUE(commit_now(
        **store, Transaction()
                     .create(rows::send_job())
                     .create(rows::send_job(rows::kOtherJob))
                     .create(rows::recipient())
                     .create(rows::batch())
                     .create(rows::element(1))
                     .acknowledge(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{1})
                     .create(rows::channel())
                     .create(rows::inbox())
                     .create(rows::receive_job())
                     .note(rows::kJob, 1, "note")));
  }
  void damage(Family family) {
    edit_rows(dir.database(), family,
              [](const std::string&, std::string& value) { value.back() ^= 1; });
  }
  // An error of another kind, or none, fails the test.
  template <class T>
  void expect_bad(const Result<T>& result) {
    ASSERT_EQ(code_of(result), Errc::kStoreBad);
  }

  StoreDir dir;
};

TEST_F(StoreDamage, AlteredValues_AreBadOnEveryRead) {
  for (const Family family : kFamilies)
    if (family != Family::kMeta) damage(family);
  const auto opened = dir.open();
  ASSERT_TRUE(opened);
  const RocksStore& store = **opened;
  expect_bad(store.send_jobs());
  expect_bad(store.receive_jobs());
  expect_bad(store.send_job(rows::kJob));
  expect_bad(store.receive_job(rows::kJob));
  expect_bad(store.recipients(rows::kJob));
  expect_bad(store.batches(rows::kJob));
  expect_bad(store.batch(rows::kJob, rows::kBatch));
  expect_bad(store.unacknowledged(rows::kJob, rows::kBatch, rows::kGeneration));
  expect_bad(store.element(rows::kJob, rows::kBatch, rows::kGeneration, ElementIndex{1}));
  expect_bad(store.channels());
  expect_bad(store.channel(rows::kChannel));
  expect_bad(store.inbox(rows::kChannel));
  expect_bad(store.inbox_transfer(rows::kChannel, rows::kTransfer));
  expect_bad(store.journal(rows::kJob));
}

TEST_F(StoreDamage, AlteredValue_StopsACommitThatDependsOnIt) {
  damage(Family::kJobs);
  const auto store = dir.open();
  ASSERT_TRUE(store);
  EXPECT_EQ(
      code_of(commit_now(
          **store, Transaction().create(rows::batch(BatchIndex{9})).update(rows::send_job()))),
      Errc::kStoreBad);
  EXPECT_EQ(code_of((*store)->batch(rows::kJob, BatchIndex{9})), Errc::kNotFound);
  EXPECT_TRUE(commit_now(**store, Transaction().note(rows::kJob, 2, "goes on")));
}

TEST_F(StoreDamage, AlteredIdentity_IsBadAtOpen) {
  edit_rows(dir.database(), Family::kMeta, [](const std::string& key, std::string& value) {
    if (key == identity_key().bytes) value.back() ^= 1;
  });
  expect_bad(dir.open());
}

TEST_F(StoreDamage, MissingIdentity_IsBadAtOpen) {
  edit_rows(dir.database(), Family::kMeta, [](const std::string& key, std::string& value) {
    if (key == identity_key().bytes) value.clear();
  });
  expect_bad(dir.open());
}

TEST_F(StoreDamage, ValuesOfTwoJobsSwapped_AreBad) {
  std::map<std::string, std::string> values;
  edit_rows(dir.database(), Family::kJobs,
            [&](const std::string& key, std::string& value) { values[key] = value; });
  const std::string one = send_job_key(rows::kJob).bytes;
  const std::string other = send_job_key(rows::kOtherJob).bytes;
  edit_rows(dir.database(), Family::kJobs, [&](const std::string& key, std::string& value) {
    if (key == one) value = values[other];
    if (key == other) value = values[one];
  });
  const auto store = dir.open();
  ASSERT_TRUE(store);
  expect_bad((*store)->send_job(rows::kJob));
  expect_bad((*store)->send_job(rows::kOtherJob));
}

// ---- the write-ahead log ------------------------------------------------------------------------

fs::path newest_log(const fs::path& database) {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(database))
    if (entry.path().extension() == ".log" && entry.path() > newest) newest = entry.path();
  return newest;
}

// Notes 0, 1, 2 … are commits of their own; `ends` holds the length of the log after each.
class StoreLog : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(dir.create());
    const auto store = dir.open();
    ASSERT_TRUE(store);
    for (std::uint64_t i = 0; i < 3; ++i) {
      ASSERT_TRUE(commit_now(**store, Transaction().note(rows::kJob, i, "a note of the job")));
      ends.push_back(fs::file_size(newest_log(dir.database())));
    }
  }
  // A copy of the store whose log was altered, opened.
  Result<std::unique_ptr<RocksStore>> open_with(const std::function<void(const fs::path&)>& edit) {
    fs::remove_all(dir.root() / "copy");
    fs::copy(dir.state(), dir.root() / "copy", fs::copy_options::recursive);
    edit(newest_log(dir.root() / "copy" / "store.db"));
    return RocksStore::open(dir.root() / "copy", KeyFile{dir.key()});
  }

  StoreDir dir;
  std::vector<std::uintmax_t> ends;
};

TEST_F(StoreLog, CutInsideTheLastRecord_KeepsEverythingBefore) {
  for (std::uintmax_t size = ends[1]; size < ends[2]; size += 7) {
    const auto store = open_with([&](const fs::path& log) { fs::resize_file(log, size); });
    ASSERT_TRUE(store) << size << ": " << store.error().what;
    EXPECT_EQ((*store)->journal(rows::kJob)->size(), 2U) << size;
  }
}

TEST_F(StoreLog, LastRecordFollowedByZeros_KeepsEverything) {
  const auto store = open_with([&](const fs::path& log) { fs::resize_file(log, ends[2] + 9000); });
  ASSERT_TRUE(store) << store.error().what;
  EXPECT_EQ((*store)->journal(rows::kJob)->size(), 3U);
}

TEST_F(StoreLog, AcknowledgedRecordAltered_IsBadInsteadOfForgotten) {
  for (const std::uintmax_t end : {ends[0], ends[1], ends[2]}) {
    const auto store = open_with([&](const fs::path& log) {
      std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(end) - 5);
      const char byte = static_cast<char>(file.get() ^ 1);
      file.seekp(static_cast<std::streamoff>(end) - 5);
      file.put(byte);
    });
    EXPECT_EQ(code_of(store), Errc::kStoreBad) << end;
  }
}

// ---- the tables --------------------------------------------------------------------------------

void flip_a_bit(const fs::path& path, std::uintmax_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

// Notes of one job in several tables: each opening turns the log of the one before into tables.
class StoreTables : public testing::Test {
 protected:
  static constexpr std::size_t kTables = 3;
  static constexpr std::size_t kNotes = 60;  // in each

  void SetUp() override {
    ASSERT_TRUE(dir.create());
    for (std::uint64_t table = 0; table < kTables; ++table) {
      const auto store = dir.open();
      ASSERT_TRUE(store);
      Transaction step;
      for (std::uint64_t i = 0; i < kNotes; ++i)
        step.note(rows::kJob, table + kTables * i, std::string(100, 'n'));
      ASSERT_TRUE(commit_now(**store, std::move(step)));
    }
    ASSERT_TRUE(dir.open());
  }

  StoreDir dir;
};

TEST_F(StoreTables, ABitFlippedAnywhere_IsBadOrChangesNothing) {
  std::size_t found = 0;
  for (const auto& entry : fs::directory_iterator(dir.database())) {
    if (entry.path().extension() != ".sst") continue;
    for (std::uintmax_t at = 0; at < entry.file_size(); at += 491) {
      flip_a_bit(entry.path(), at);
      {
        const auto store = dir.open();
        if (!store) {
          EXPECT_EQ(code_of(store), Errc::kStoreBad);
          ++found;
        } else {
          const auto notes = (*store)->journal(rows::kJob);
          found += code_of(notes) == Errc::kStoreBad;
          EXPECT_TRUE(!notes || notes->size() == kTables * kNotes) << entry.path() << " at " << at;
        }
      }
      flip_a_bit(entry.path(), at);
    }
  }
  EXPECT_GT(found, 0U);
}

}  // namespace
}  // namespace taubenpost

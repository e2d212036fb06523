// The check of a store: each broken row and reference is found, alone, and nothing is changed.
#include <gtest/gtest.h>

#include <fstream>

#include "files/files.h"
#include "store/check_store.h"
#include "support/no_sync_fs.h"
#include "support/store_dir.h"
#include "support/store_rows.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;
namespace rows = store_rows;
using ports::Transaction;

const ChannelId kOut = rows::run_of<16>(0xa0);
const JobId kReceiving = rows::run_of<16>(0xb0);
constexpr std::uint64_t kLetterAt = 3;
constexpr BatchIndex kLetters{kFirstCommitBatch};

// Twenty boxes in three slices, as they were before row version 14; the last batch is being copied.
SendJobRow uploading() {
  SendJobRow row = rows::send_job();
  row.plan = {20 * 1545, {}, 1549, 20, 8, 8, rows::run_of<32>(2), {}};
  row.next_batch = 3;
  row.layout = Layout::kLetters;
  row.source_kind = SourceKind::kPath;
  return row;
}
SendJobRow committing() {
  SendJobRow row = rows::send_job(rows::kOtherJob);
  row.state = SendState::kCommitting;
  row.recipients = 1;
  row.plan.boxes = 0;
  return row;
}
RecipientRow waiting(std::uint32_t index) {
  RecipientRow row = rows::recipient(RecipientIndex{index});
  row.state = RecipientState::kPending;
  row.channel = kOut;
  return row;
}
RecipientRow reserved() {
  RecipientRow row = rows::recipient(RecipientIndex{0});
  row.job = rows::kOtherJob;
  row.channel = kOut;
  row.counter = 4;
  return row;
}
ChannelRow outgoing() {
  ChannelRow row = rows::channel(kOut, "anna");
  row.direction = ChannelDirection::kOutgoing;
  row.capability = rows::bytes_of(1, kWriteCapSize);
  row.counter = 5;
  row.stream = {};
  row.receipts = {};
  return row;
}
// With receipts in the other one.
ChannelRow incoming() {
  ChannelRow row = rows::channel();
  row.stream = {};
  row.receipts = kOut;
  row.of_receipts = false;
  return row;
}
BatchRow copying() {
  BatchRow row = rows::batch(BatchIndex{2});
  row.first = 16;
  row.count = 4;
  row.elements = 3;
  return row;
}
ElementRow element(std::uint32_t index, Generation generation = rows::kGeneration) {
  ElementRow row = rows::element(index, generation);
  row.batch = BatchIndex{2};
  return row;
}
BatchRow letters() {
  BatchRow row = rows::batch(kLetters);
  row.job = rows::kOtherJob;
  row.state = BatchState::kPlanned;
  row.first = 0;
  row.count = 1;
  return row;
}
// Posted to one recipient; the tombstones over half of its body are about to be written.
const JobId kCalledBack = rows::run_of<16>(0xc0);
constexpr BatchIndex kTombstones{kFirstBodyTombstones};
SendJobRow posted() {
  SendJobRow row = rows::send_job(kCalledBack);
  row.state = SendState::kPosted;
  row.recipients = 1;
  row.plan = uploading().plan;
  return row;
}
RetractJobRow retracting() {
  RetractJobRow row = rows::retract_job();
  row.job = kCalledBack;
  row.boxes = 20;
  row.may_have_seen = row.letters = {0};
  row.next_box = 10;
  return row;
}
BatchRow tombstones() {
  BatchRow row = letters();
  row.job = kCalledBack;
  row.index = kTombstones;
  row.count = 10;
  return row;
}
InboxRow letter() {
  InboxRow row = rows::inbox(kLetterAt);
  row.job = kReceiving;
  return row;
}
ReceiveJobRow receiving() {
  ReceiveJobRow row = rows::receive_job(kReceiving);
  row.counter = kLetterAt;
  return row;
}

struct Case {
  std::string expected;
  std::function<void()> harm;
};
const auto with = [](auto row, auto change) {
  change(row);
  return row;
};

// A store in which everything refers to everything, closed.
class StoreCheck : public testing::Test {
 protected:
  void SetUp() override {
    make();
    reopen();
  }

  void make() {
    const auto store = dir.create(env.get());
    ASSERT_TRUE(store);
    ASSERT_TRUE(commit_now(
        **store, Transaction()
                     .create(outgoing())
                     .create(incoming())
                     .create(uploading())
                     .create(waiting(0))
                     .create(waiting(1))
                     .create(copying())
                     .create(element(0))
                     .create(element(1))
                     .create(element(2))
                     .acknowledge(rows::kJob, BatchIndex{2}, rows::kGeneration, ElementIndex{1})
                     .create(committing())
                     .create(reserved())
                     .create(letters())
                     .create(posted())
                     .create(with(reserved(), [](auto& r) { r.job = kCalledBack; }))
                     .create(retracting())
                     .create(tombstones())
                     .create(letter())
                     .create(rows::inbox(kLetterAt + 1, InboxKind::kDuplicate))
                     .create(receiving())
                     .create(AwaitedRow{rows::kChannel, 2, rows::run_of<kIndexSize>(1), 7})
                     .note(rows::kJob, 1, "queued")
                     .note(kReceiving, 1, "found")));
    write_spool((*store)->spool_key(), (*store)->identity()->store, {8 * 1545, 8 * 1545, 4 * 1545});
  }
  void write_spool(SecretArray<32> key, StoreId store, const std::vector<std::size_t>& slices) {
    RealFiles files(dir.state(), std::move(key), store, disk);
    auto written = files.create_spool(rows::kJob);
    ASSERT_TRUE(written);
    for (const std::size_t size : slices) ASSERT_TRUE((*written)->append_slice(Bytes(size)));
    ASSERT_TRUE((*written)->finish());
  }
  std::string spool() const { return dir.state() / "spool" / to_base32(rows::kJob); }

  // ---- past the rules of the commits ----

  void reopen() {
    opened.reset();
    Result<OpenedStore> store = open_store(dir.state(), KeyFile{dir.key()}, env.get());
    ASSERT_TRUE(store);
    opened = std::move(*store);
  }
  // An empty value deletes the row.
  void write(const RowKey& key, const std::string& value) {
    rocksdb::DB& db = opened->db->db();
    rocksdb::ColumnFamilyHandle* family = opened->db->handle(key.family);
    std::string before;
    db.Get(rocksdb::ReadOptions(), family, key.bytes, &before).PermitUncheckedError();
    changed.emplace_back(key, before);
    const rocksdb::Status s =
        value.empty() ? db.Delete({}, family, key.bytes) : db.Put({}, family, key.bytes, value);
    ASSERT_TRUE(s.ok());
  }
  void remove(const RowKey& key) { write(key, {}); }
  template <class Row>
  void put(const RowKey& key, const Row& row) {
    write(key, *opened->seal->seal(key, encode(row)));
  }
  void undo() {
    const auto all = std::exchange(changed, {});
    for (auto one = all.rbegin(); one != all.rend(); ++one) write(one->first, one->second);
    changed.clear();
  }

  std::vector<std::string> findings_of(const OpenedStore& store) {
    std::vector<std::string> all;
    RealFiles files(dir.state(), spool_key_of(store), store.seal->store(), disk);
    const Result<CheckSummary> checked = check_store(store, files, [&](const Finding& finding) {
      EXPECT_FALSE(finding.advice.empty()) << finding.what;
      all.push_back(finding.object + ": " + finding.what);
    });
    if (!checked) return {checked.error().what};
    summary = *checked;
    EXPECT_EQ(summary.findings, all.size());
    return all;
  }
  std::vector<std::string> findings() { return findings_of(*opened); }

  const std::unique_ptr<rocksdb::Env> env = no_sync_env();
  void each_alone(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
      SCOPED_TRACE(one.expected);
      one.harm();
      const std::vector<std::string> all = findings();
      undo();
      ASSERT_EQ(all.size(), 1U) << testing::PrintToString(all);
      EXPECT_NE(all[0].find(one.expected), std::string::npos) << all[0];
    }
  }

  StoreDir dir;
  NoSyncDisk disk;
  std::optional<OpenedStore> opened;
  std::vector<std::pair<RowKey, std::string>> changed;  // and what they were
  CheckSummary summary;
};

// Every file with its content and the time of its last change.
std::map<std::string, std::pair<std::string, fs::file_time_type>> snapshot(const fs::path& folder) {
  std::map<std::string, std::pair<std::string, fs::file_time_type>> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    all[entry.path().string()] = {std::string(std::istreambuf_iterator<char>(in), {}),
                                  entry.last_write_time()};
  }
  return all;
}

TEST_F(StoreCheck, SoundStore_IsCleanAndUntouched) {
  opened.reset();
  const auto before = snapshot(dir.root());
  {
    const auto store = open_store_to_look(dir.state(), KeyFile{dir.key()}, nullptr);
    ASSERT_TRUE(store);
    EXPECT_EQ(findings_of(*store), std::vector<std::string>{});
  }
  EXPECT_EQ(summary.send_jobs, 3U);
  EXPECT_EQ(summary.receive_jobs, 1U);
  EXPECT_EQ(summary.channels, 2U);
  EXPECT_EQ(summary.spool_slices, 3U);
  EXPECT_EQ(summary.leftover_spools, 0U);
  EXPECT_EQ(summary.rows, 27U);
  EXPECT_TRUE(snapshot(dir.root()) == before);
}

TEST_F(StoreCheck, StoreInUse_IsLockedBothWays) {
  EXPECT_EQ(code_of(open_store_to_look(dir.state(), KeyFile{dir.key()}, nullptr)), Errc::kLocked);
  opened.reset();
  const auto looking = open_store_to_look(dir.state(), KeyFile{dir.key()}, nullptr);
  ASSERT_TRUE(looking);
  EXPECT_EQ(code_of(dir.open()), Errc::kLocked);
}

TEST_F(StoreCheck, BrokenJob_IsToldWhatIsBroken) {
  const auto put_job = [&](auto change) {
    put(send_job_key(rows::kJob), with(uploading(), change));
  };
  const auto put_recipient = [&](auto change) {
    put(recipient_key(rows::kOtherJob, {}), with(reserved(), change));
  };
  each_alone({
      {"its recipient 0 is missing", [&] { remove(recipient_key(rows::kJob, {})); }},
      {"its recipient 1 is missing", [&] { remove(recipient_key(rows::kJob, RecipientIndex{1})); }},
      {"its recipients 2 to 4 are missing", [&] { put_job([](auto& r) { r.recipients = 5; }); }},
      {"2 recipients, but one with the number 7",
       [&] { put(recipient_key(rows::kJob, RecipientIndex{7}), waiting(7)); }},
      {"it has no plan", [&] { put_job([](auto& r) { r.plan.batch_chunks = 0; }); }},
      {"holds the row of another key", [&] { put(send_job_key(kOut), committing()); }},
      {"does not know its channel bert",
       [&] { put_recipient([](auto& r) { r.channel = rows::kJob; }); }},
      {"channel bert is for receiving",
       [&] { put_recipient([](auto& r) { r.channel = rows::kChannel; }); }},
      {"its position 5 is still free in channel anna",
       [&] { put_recipient([](auto& r) { r.counter = 5; }); }},
      {"it has a position, but no letter",
       [&] { put_recipient([](auto& r) { r.letter.clear(); }); }},
      {"although the letters are not decided",
       [&] {
         put(recipient_key(rows::kJob, RecipientIndex{1}), with(waiting(1), [](auto& r) {
               r.state = RecipientState::kReserved;
               r.counter = 2;
             }));
       }},
  });
}

TEST_F(StoreCheck, BrokenBatch_IsToldWhatIsBroken) {
  const auto put_job = [&](auto change) {
    put(send_job_key(rows::kJob), with(uploading(), change));
  };
  const auto put_batch = [&](auto change) {
    put(batch_key(rows::kJob, BatchIndex{2}), with(copying(), change));
  };
  const RowKey first_element = element_key(rows::kJob, BatchIndex{2}, rows::kGeneration, {});
  each_alone({
      {"a job in this state has no such batch",
       [&] {
         put(batch_key(rows::kJob, kLetters), with(letters(), [](auto& r) { r.job = rows::kJob; }));
       }},
      {"it is no part of its job", [&] { put_batch([](auto& r) { r.count = 5; }); }},
      {"it is no part of its job", [&] { put_job([](auto& r) { r.next_batch = 2; }); }},
      {"of its 3 elements some are missing",
       [&] { remove(element_key(rows::kJob, BatchIndex{2}, rows::kGeneration, ElementIndex{2})); }},
      {"of its 3 elements some are missing", [&] { remove(first_element); }},
      {"element 3: it is of no open generation, or beyond it",
       [&] {
         put(element_key(rows::kJob, BatchIndex{2}, rows::kGeneration, ElementIndex{3}),
             element(3));
       }},
      {"element 0: it is of no open generation, or beyond it",
       [&] {
         put(element_key(rows::kJob, BatchIndex{2}, Generation{1}, {}), element(0, Generation{1}));
       }},
      {"element 9: it is acknowledged, but not stored",
       [&] {
         put(ack_key(rows::kJob, BatchIndex{2}, rows::kGeneration, ElementIndex{9}), AckRow{});
       }},
  });
}

TEST_F(StoreCheck, BrokenRetraction_IsToldWhatIsBroken) {
  const auto put_row = [&](auto change) {
    put(retract_job_key(kCalledBack), with(retracting(), change));
  };
  each_alone({
      {"it reaches beyond its job", [&] { put_row([](auto& r) { r.boxes = 21; }); }},
      {"it reaches beyond its job", [&] { put_row([](auto& r) { r.letters = {1}; }); }},
      {"it is no part of its retraction", [&] { put_row([](auto& r) { r.next_box = 9; }); }},
      {"that is not being retracted has no such batch",
       [&] { put_row([](auto& r) { r.state = RetractState::kRetracted; }); }},
      {"that is not being retracted has no such batch",
       [&] { remove(retract_job_key(kCalledBack)); }},
      {"its job is not at its end",
       [&] {
         put(send_job_key(kCalledBack),
             with(posted(), [](auto& r) { r.state = SendState::kCommitting; }));
       }},
  });
}

TEST_F(StoreCheck, BrokenChannelOrInbox_IsToldWhatIsBroken) {
  const auto put_in = [&](auto change) {
    put(channel_key(rows::kChannel), with(incoming(), change));
  };
  each_alone({
      {"another channel has this name", [&] { put_in([](auto& r) { r.name = "anna"; }); }},
      {"the store does not know the job that reads it",
       [&] { put_in([](auto& r) { r.stream = rows::kOtherJob; }); }},
      {"its receipts have no channel of their own",
       [&] { put_in([](auto& r) { r.receipts = rows::kJob; }); }},
      {"its receipts have no channel of their own",
       [&] { put_in([](auto& r) { r.receipts = r.id; }); }},
      {"its receipts have no channel of their own",
       [&] { put_in([](auto& r) { r.of_receipts = true; }); }},
      {"capability has 2 bytes instead of 136",
       [&] { put_in([](auto& r) { r.capability.resize(2); }); }},
      {"it was received, but is still to be read",
       [&] {
         put_in([](auto& r) {
           r.counter = kLetterAt + 1;
           r.read_up_to = 0;  // it was never set back
         });
       }},
      {"its letter is not found by its transfer id",
       [&] { remove(inbox_transfer_key(rows::kChannel, rows::kTransfer)); }},
      {"names position 9, which has no such letter",
       [&] { put(inbox_transfer_key(rows::kChannel, rows::kJob), InboxTransferRow{9}); }},
      {"the store does not know the job of its letter",
       [&] {
         remove(receive_job_key(kReceiving));
         remove(journal_key(kReceiving, 1, 0));
       }},
      {"the letter at position 4 of anna is not its own",
       [&] {
         put(receive_job_key(rows::kOtherJob), with(receiving(), [](auto& r) {
               r.id = rows::kOtherJob;
               r.counter = kLetterAt + 1;
             }));
       }},
      {"the store does not know the job",
       [&] { put(journal_key(kOut, 7, 0), JournalRow{kOut, 7, "note"}); }},
      {"which is awaited: was received",
       [&] {
         put(awaited_key(rows::kChannel, kLetterAt), AwaitedRow{rows::kChannel, kLetterAt, {}, 7});
       }},
      {"which is awaited: is still to be read in channel bert",
       [&] { put(awaited_key(rows::kChannel, 99), AwaitedRow{rows::kChannel, 99, {}, 7}); }},
      {"inbox row 09: no row has such a key", [&] { write({Family::kInbox, "\t"}, "x"); }},
      {"meta row 04: no row has such a key", [&] { write({Family::kMeta, "\4"}, "x"); }},
  });
}

TEST_F(StoreCheck, BrokenSpool_IsTold) {
  const auto told = [&](const std::string& what) {
    const std::vector<std::string> all = findings();
    return all.size() == 1 && all[0].find(what) != std::string::npos;
  };
  {
    std::fstream file(spool(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(-1, std::ios::end);
    const char last = static_cast<char>(file.get());
    file.seekp(-1, std::ios::end);
    file.put(static_cast<char>(last ^ 1));
  }
  EXPECT_TRUE(told("a slice does not open"));
  EXPECT_EQ(summary.spool_slices, 2U);
  fs::resize_file(spool(), fs::file_size(spool()) - 1);
  EXPECT_TRUE(told("it is cut"));
  fs::remove(spool());
  EXPECT_TRUE(told("it is missing"));
}

TEST_F(StoreCheck, SpoolOfEachKind_HasTheSlicesThatItsJobNeeds) {
  constexpr std::size_t kSlice = 16 << 10;
  struct Kind {
    SourceKind source;
    std::vector<std::size_t> slices;
  };
  for (const Kind& kind :
       {Kind{SourceKind::kPath, {kSlice, 20 * 1545 - kSlice}}, Kind{SourceKind::kInPlace, {2 * 32}},
        Kind{SourceKind::kStandardInput, {kSlice, 20 * 1545 - kSlice}}}) {
    put(send_job_key(rows::kJob), with(uploading(), [&](SendJobRow& row) {
          row.plan.usize = row.plan.size;
          row.source_kind = kind.source;
        }));
    EXPECT_EQ(findings().size(), 1U) << "of another kind";
    write_spool(spool_key_of(*opened), opened->seal->store(), kind.slices);
    EXPECT_EQ(findings(), std::vector<std::string>{});
    EXPECT_EQ(summary.spool_slices, kind.slices.size());
  }
}

TEST_F(StoreCheck, UploadThatFailed_IsWholeAsLongAsItCanBeTriedAgain) {
  const auto fail = [&](Errc code) {
    put(send_job_key(rows::kJob), with(uploading(), [&](SendJobRow& row) {
          row.state = SendState::kFailed;
          row.until = 0;
          row.error_code = static_cast<std::uint16_t>(code);
        }));
  };
  fail(Errc::kRejected);
  EXPECT_EQ(findings(), std::vector<std::string>{});
  EXPECT_EQ(summary.spool_slices, 3U);
  EXPECT_EQ(summary.leftover_spools, 0U);
  fail(Errc::kInvalid);
  EXPECT_EQ(findings().size(), 1U);  // the batch
  EXPECT_EQ(summary.leftover_spools, 1U);
}

TEST_F(StoreCheck, RowsThatDoNotOpen_AreAllNamed) {
  std::size_t damaged = 0;
  opened.reset();
  for (const Family family : kFamilies) {
    if (family == Family::kMeta) continue;
    edit_rows(dir.database(), family, [&](const std::string&, std::string& value) {
      value.back() ^= 1;
      ++damaged;
    });
  }
  reopen();
  const std::vector<std::string> all = findings();
  EXPECT_EQ(all.size(), damaged) << "each once, and nothing that follows from it";
  for (const std::string& one : all) EXPECT_NE(one.find("damaged"), std::string::npos) << one;
}

TEST_F(StoreCheck, RowOfANewerVersion_AsksForANewerProgram) {
  write(channel_key(kOut), std::string(1, kRowVersion + 1) + std::string(80, 'x'));
  const std::vector<std::string> all = findings();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_NE(all[0].find("written by a newer version"), std::string::npos);
}

TEST_F(StoreCheck, TableThatCannotBeRead_DoesNotHideTheRest) {
  reopen();  // a start writes the rows of the log into tables
  remove(inbox_transfer_key(rows::kChannel, rows::kTransfer));
  fs::path largest;  // of the jobs
  for (const auto& entry : fs::directory_iterator(dir.database()))
    if (entry.path().extension() == ".sst" &&
        (largest.empty() || entry.file_size() > fs::file_size(largest)))
      largest = entry.path();
  ASSERT_FALSE(largest.empty());
  opened.reset();
  {
    std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(30);
    file.write("garbage", 7);
  }
  reopen();
  const std::vector<std::string> all = findings();
  ASSERT_GE(all.size(), 2U);
  const std::string text = testing::PrintToString(all);
  EXPECT_NE(text.find("jobs rows: can't be read"), std::string::npos) << text;
  EXPECT_NE(text.find("not found by its transfer id"), std::string::npos) << text;
}

TEST_F(StoreCheck, SpoolsThatNobodyNeeds_AreCountedNotBlamed) {
  RealFiles files(dir.state(), SecretArray<32>(), {}, disk);
  ASSERT_TRUE(files.create_spool(rows::kOtherJob));
  ASSERT_TRUE(files.create_spool(kReceiving));
  EXPECT_EQ(findings(), std::vector<std::string>{});
  EXPECT_EQ(summary.leftover_spools, 2U);
}

}  // namespace
}  // namespace taubenpost

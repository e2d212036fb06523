// A store whose process dies: at every failpoint, and with everything lost that was not synced.
//
// Each cell of the matrix runs twice: with a plain kill, and with the loss of what was not synced,
// in RocksDB (UnsyncedLossFs) and in our own files (support/unsynced_loss_calls.cc).
// Replay one cell (fault build): TP_FAILPOINT=store.commit.after:3 store_crash_test --child make
// DIR, with TP_KEEP_UNSYNCED=1 for a plain kill.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/failpoint.h"
#include "support/store_dir.h"
#include "support/store_rows.h"
#include "support/unsynced_loss_fs.h"

extern char** environ;

namespace taubenpost {
namespace {

namespace fs = std::filesystem;
namespace rows = store_rows;
using ports::Transaction;

constexpr std::uint64_t kCommits = 4;

std::unique_ptr<rocksdb::Env> lossy_env() {
  if (std::getenv("TP_KEEP_UNSYNCED") != nullptr)
    return rocksdb::NewCompositeEnv(rocksdb::FileSystem::Default());
  return rocksdb::NewCompositeEnv(std::make_shared<UnsyncedLossFs>(rocksdb::FileSystem::Default()));
}

Result<std::unique_ptr<RocksStore>> open_or_create(const fs::path& state, rocksdb::Env* env) {
  const fs::path key = state / "store.key";
  Result<std::unique_ptr<RocksStore>> store = RocksStore::open(state, KeyFile{key}, env);
  if (store || store.error().hint != "taubenpost init") return store;
  return RocksStore::create(state, KeyFile{key}, env);
}

// Makes the store if there is none, and commits until it holds kCommits pairs of notes.
int make_and_commit(const fs::path& state, rocksdb::Env* env) {
  const auto store = open_or_create(state, env);
  if (!store) {
    std::fprintf(stderr, "child: %s\n", store.error().what.c_str());
    return 2;
  }
  const auto journal = (*store)->journal(rows::kJob);
  if (!journal) return 3;
  for (std::uint64_t i = journal->size() / 2; i < kCommits; ++i)
    if (!commit_now(**store, Transaction().note(rows::kJob, i, "a").note(rows::kJob, i, "b")))
      return 4;
  return 0;
}

// The same, and opens it once more as one that was restored from a backup.
int make(const fs::path& state) {
  const auto env = lossy_env();
  if (const int failed = make_and_commit(state, env.get()); failed != 0) return failed;
  fs::remove(state / "incarnation");
  return RocksStore::open(state, KeyFile{state / "store.key"}, env.get()) ? 0 : 5;
}

// One commit, then death without closing anything.
int commit_and_die(const fs::path& state) {
  const auto env = lossy_env();
  const auto store = RocksStore::open(state, KeyFile{state / "store.key"}, env.get());
  if (!store || !commit_now(**store, Transaction().create(rows::send_job()))) return 2;
  return raise(SIGKILL);
}

// The same without a sync, past the store: shows that the harness loses what is not synced.
int write_unsynced_and_die(const fs::path& state) {
  const auto env = lossy_env();
  rocksdb::Options options;
  options.env = env.get();
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  if (!rocksdb::DB::Open(options, (state / "plain").string(), &db).ok()) return 2;
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (!db->Put(synced, "synced", "1").ok()) return 3;
  if (!db->Put(rocksdb::WriteOptions(), "unsynced", "1").ok()) return 4;
  return raise(SIGKILL);
}

#ifdef TP_FAILPOINTS
// The same for files of our own: three of them, of which one is durable.
int write_files_and_die(const fs::path& state) {
  const auto write = [&](const char* name, bool sync) {
    const int fd = ::open((state / name).c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    const bool written = ::write(fd, "key", 3) == 3 && (!sync || ::fsync(fd) == 0);
    ::close(fd);
    return written;
  };
  const int folder = ::open(state.c_str(), O_RDONLY | O_DIRECTORY);
  if (!write("durable", true) || !write("empty", false) || ::fsync(folder) != 0) return 2;
  if (!write("nameless", true)) return 3;
  if (::rename((state / "durable").c_str(), (state / "renamed").c_str()) != 0) return 4;
  failpoint_reached("store.key.before");
  return 5;
}
#endif

int child(std::string_view what, const fs::path& state) {
#ifdef TP_FAILPOINTS
  if (what == "unsynced-files") return write_files_and_die(state);
#endif
  if (what == "make") return make(state);
  if (what == "commit-and-die") return commit_and_die(state);
  if (what == "unsynced") return write_unsynced_and_die(state);
  return 9;
}

// Runs this program again; `armed` is "name:hit" or empty. Returns the wait status.
int spawn_child(const std::string& what, const fs::path& state, const std::string& armed = "",
                bool keep_unsynced = false) {
  if (keep_unsynced) setenv("TP_KEEP_UNSYNCED", "1", /*overwrite=*/1);
  if (!keep_unsynced) unsetenv("TP_KEEP_UNSYNCED");
  std::vector<std::string> arguments{"store_crash_test", "--child", what, state.string()};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  setenv("TP_FAILPOINT", armed.c_str(), /*overwrite=*/1);
  pid_t pid = 0;
  const int spawned = posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, argv.data(), environ);
  unsetenv("TP_FAILPOINT");  // this process opens the stores too
  if (spawned != 0) return -1;
  int status = -1;
  waitpid(pid, &status, 0);
  return status;
}

bool was_killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }

TEST(StoreCrash, Harness_LosesWhatWasNotSynced) {
  const StoreDir dir;
  fs::create_directories(dir.state());
  ASSERT_TRUE(was_killed(spawn_child("unsynced", dir.state())));
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open({}, (dir.state() / "plain").string(), &raw).ok());
  const std::unique_ptr<rocksdb::DB> db(raw);
  std::string value;
  EXPECT_TRUE(db->Get(rocksdb::ReadOptions(), "synced", &value).ok());
  EXPECT_TRUE(db->Get(rocksdb::ReadOptions(), "unsynced", &value).IsNotFound());
}

TEST(StoreCrash, KilledAfterACommit_KeepsIt) {
  const StoreDir dir;
  ASSERT_TRUE(dir.create());
  ASSERT_TRUE(was_killed(spawn_child("commit-and-die", dir.state())));
  const auto store = dir.open();
  ASSERT_TRUE(store) << store.error().what;
  const auto job = (*store)->send_job(rows::kJob);
  ASSERT_TRUE(job) << job.error().what;
  EXPECT_EQ(*job, rows::send_job());
}

TEST(StoreCrash, MadeOnALossyDisk_HoldsAWholeStore) {
  const StoreDir dir;
  ASSERT_EQ(spawn_child("make", dir.state()), 0);
  const auto store = dir.open();
  ASSERT_TRUE(store) << store.error().what;
  EXPECT_EQ((*store)->journal(rows::kJob)->size(), 2 * kCommits);
}

#ifdef TP_FAILPOINTS

// How many notes are durable when the process dies at the n-th hit; each commit writes two.
std::size_t notes_after_kill(std::string_view failpoint, std::size_t hit) {
  if (failpoint == "store.commit.before") return 2 * hit - 2;
  if (failpoint == "store.commit.after") return 2 * hit;
  if (failpoint.starts_with("store.publish")) return 0;
  return 2 * kCommits;  // while it was restored: before it was made, there is no database
}

TEST(StoreCrash, Harness_LosesFilesThatWereNotSynced) {
  const StoreDir dir;
  fs::create_directories(dir.state());
  ASSERT_TRUE(was_killed(spawn_child("unsynced-files", dir.state(), "store.key.before:1")));
  EXPECT_EQ(fs::file_size(dir.state() / "durable"), 3U);
  EXPECT_EQ(fs::file_size(dir.state() / "empty"), 0U);
  EXPECT_FALSE(fs::exists(dir.state() / "renamed"));
  EXPECT_FALSE(fs::exists(dir.state() / "nameless"));
}

using Cell = std::tuple<std::string_view, const char*>;  // failpoint, mode
class StoreCrashMatrix : public testing::TestWithParam<Cell> {};

TEST_P(StoreCrashMatrix, KilledAtEveryHit_GoesOnFromAWholeStore) {
  const std::string name(std::get<0>(GetParam()));
  const bool keep = std::string_view(std::get<1>(GetParam())) == "plain";
  int kills = 0;
  for (int hit = 1;; ++hit) {
    ASSERT_LT(hit, 100) << "runaway";
    const std::string armed = name + ":" + std::to_string(hit);
    SCOPED_TRACE("TP_FAILPOINT=" + armed);
    const StoreDir dir;
    const int status = spawn_child("make", dir.state(), armed, keep);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;  // this run never got to `hit`
    }
    ASSERT_TRUE(was_killed(status));
    ++kills;
    if (fs::exists(dir.database())) {
      // Whatever is there is whole: of each pair of notes, both or none.
      const auto store = dir.open();
      ASSERT_TRUE(store) << store.error().what;
      const std::size_t notes = (*store)->journal(rows::kJob)->size();
      EXPECT_EQ(notes, notes_after_kill(name, static_cast<std::size_t>(hit)));
    }
    ASSERT_EQ(spawn_child("make", dir.state()), 0) << "did not go on";
    const auto store = dir.open();
    ASSERT_TRUE(store) << store.error().what;
    EXPECT_EQ((*store)->journal(rows::kJob)->size(), 2 * kCommits);
  }
  EXPECT_GT(kills, 0) << "failpoint is declared but never reached";
}

std::vector<std::string_view> failpoints_of_the_store() {
  std::vector<std::string_view> names;
  for (const std::string_view name : kFailpoints)
    if (name.starts_with("store.")) names.push_back(name);
  return names;
}

std::string cell_name(const testing::TestParamInfo<Cell>& cell) {
  std::string name = std::string(std::get<0>(cell.param)) + "_" + std::get<1>(cell.param);
  for (char& c : name)
    if (c == '.') c = '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Failpoints, StoreCrashMatrix,
                         testing::Combine(testing::ValuesIn(failpoints_of_the_store()),
                                          testing::Values("plain", "loss")),
                         cell_name);

#endif

}  // namespace
}  // namespace taubenpost

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--child")
    return taubenpost::child(argv[2], argv[3]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

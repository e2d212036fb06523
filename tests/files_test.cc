#include "files/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "files/part_file.h"
#include "support/temp_folder.h"
#include "support/unsynced_loss_disk.h"

namespace taubenpost {
namespace {

constexpr JobId kJob{1, 2, 3};
constexpr JobId kOtherJob{4, 5, 6};
constexpr StoreId kStore{7};
constexpr std::size_t kSlice = 1000;

SecretArray<32> key(std::uint8_t first) {
  SecretArray<32> secret;
  secret.writable()[0] = first;
  return secret;
}

Bytes pattern(std::size_t size, std::uint8_t seed) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(seed + i * 7);
  return bytes;
}

template <class T>
std::optional<Errc> code_of(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error().code;
}

std::uint32_t mode_of(const std::string& path) {
  struct stat st{};
  EXPECT_EQ(::lstat(path.c_str(), &st), 0);
  return st.st_mode & 07777;
}

constexpr ports::Existing kKeep = ports::Existing::kKeep, kReplace = ports::Existing::kReplace;

class FilesTest : public testing::Test {
 protected:
  // Three slices, the last one short.
  void spool_three() {
    auto writer = files.create_spool(kJob);
    ASSERT_TRUE(writer) << writer.error().what;
    ASSERT_TRUE((*writer)->append_slice(pattern(kSlice, 1)));
    ASSERT_TRUE((*writer)->append_slice(pattern(kSlice, 2)));
    ASSERT_TRUE((*writer)->append_slice(pattern(10, 3)));
    ASSERT_TRUE((*writer)->finish());
  }
  std::string spool_file() const { return state / ("spool/" + to_base32(kJob)); }

  // A part file with content, synced and closed.
  std::pair<std::uint64_t, std::uint64_t> make_part(const std::string& content) {
    auto part = files.open_part(target.path(), kJob);
    TP_CHECK(part);
    TP_CHECK((*part)->write_at(0, as_bytes(content)));
    TP_CHECK((*part)->sync());
    return {(*part)->device(), (*part)->inode()};
  }

  TempFolder state, target;
  Disk disk;
  RealFiles files{state.path(), key(1), kStore, disk};
};

// ---- source ----

TEST_F(FilesTest, SourceReadToTheEnd_GivesContentAndIdentity) {
  write_file(target / "a", "hello world");
  auto source = files.open_source({target / "a"});
  ASSERT_TRUE(source) << source.error().what;
  EXPECT_EQ((*source)->identity().size, 11U);
  EXPECT_EQ(as_text(*(*source)->read(6)), "hello ");
  EXPECT_EQ(as_text(*(*source)->read(100)), "world");
  EXPECT_TRUE((*source)->read(100)->empty());
  EXPECT_TRUE((*source)->still_same());
  EXPECT_EQ((*source)->identity(), (*files.open_source({target / "a"}))->identity());
}

TEST_F(FilesTest, SourceIsMissing_IsNotFound) {
  EXPECT_EQ(code_of(files.open_source({target / "none"})), Errc::kNotFound);
}

TEST_F(FilesTest, SourceIsAPipe_IsRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo((target / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(code_of(files.open_source({target / "pipe"})), Errc::kUsage);
}

TEST_F(FilesTest, SourceIsALinkToAFile_IsRead) {
  write_file(target / "a", "x");
  ASSERT_EQ(::symlink((target / "a").c_str(), (target / "link").c_str()), 0);
  auto source = files.open_source({target / "link"});
  ASSERT_TRUE(source);
  EXPECT_EQ(as_text(*(*source)->read(10)), "x");
  EXPECT_TRUE((*source)->still_same());
}

TEST_F(FilesTest, SourceIsUnreadable_SaysSo) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  write_file(target / "a", "x");
  ASSERT_EQ(::chmod((target / "a").c_str(), 0), 0);
  EXPECT_EQ(code_of(files.open_source({target / "a"})), Errc::kSourceUnreadable);
}

TEST_F(FilesTest, SourceGrows_IsNoticed) {
  write_file(target / "a", "x");
  auto source = files.open_source({target / "a"});
  std::ofstream(target / "a", std::ios::app) << "y";
  EXPECT_EQ(code_of((*source)->still_same()), Errc::kSourceChanged);
}

TEST_F(FilesTest, SourceIsReplacedByAnother_IsNoticed) {
  write_file(target / "a", "x");
  auto source = files.open_source({target / "a"});
  write_file(target / "b", "x");
  std::filesystem::rename(target / "b", target / "a");
  EXPECT_EQ(code_of((*source)->still_same()), Errc::kSourceChanged);
}

TEST_F(FilesTest, SourceIsRemoved_IsNoticed) {
  write_file(target / "a", "x");
  auto source = files.open_source({target / "a"});
  std::filesystem::remove(target / "a");
  EXPECT_EQ(code_of((*source)->still_same()), Errc::kSourceChanged);
}

// ---- spool ----

TEST_F(FilesTest, SpoolWritten_ReadsBackInAnyOrder) {
  spool_three();
  EXPECT_EQ(*files.read_spool(kJob, SliceIndex{2}, kSlice, 10), pattern(10, 3));
  EXPECT_EQ(*files.read_spool(kJob, SliceIndex{0}, kSlice, kSlice), pattern(kSlice, 1));
  EXPECT_EQ(*files.read_spool(kJob, SliceIndex{1}, kSlice, kSlice), pattern(kSlice, 2));
  EXPECT_EQ(mode_of(spool_file()), 0600U);
}

TEST_F(FilesTest, SpoolOnDisk_ShowsNoPlaintext) {
  auto writer = files.create_spool(kJob);
  ASSERT_TRUE((*writer)->append_slice(as_bytes("a secret of the sender")));
  ASSERT_TRUE((*writer)->finish());
  EXPECT_EQ(content_of(spool_file()).find("secret"), std::string::npos);
}

TEST_F(FilesTest, SpoolWrittenTwice_KeepsTheSecond) {
  spool_three();
  auto writer = files.create_spool(kJob);
  ASSERT_TRUE((*writer)->append_slice(pattern(5, 9)));
  ASSERT_TRUE((*writer)->finish());
  EXPECT_EQ(*files.read_spool(kJob, SliceIndex{0}, kSlice, 5), pattern(5, 9));
  EXPECT_EQ(code_of(files.read_spool(kJob, SliceIndex{1}, kSlice, kSlice)), Errc::kStoreBad);
}

TEST_F(FilesTest, SpoolWithAnyByteAltered_IsBad) {
  spool_three();
  const std::string good = content_of(spool_file());
  for (std::size_t at = 0; at < 8 + kSlice + 40; at += 13) {
    std::string altered = good;
    altered[at] = static_cast<char>(altered[at] ^ 1);
    write_file(spool_file(), altered);
    EXPECT_EQ(code_of(files.read_spool(kJob, SliceIndex{0}, kSlice, kSlice)), Errc::kStoreBad)
        << "byte " << at;
  }
  write_file(spool_file(), good);
  EXPECT_TRUE(files.read_spool(kJob, SliceIndex{0}, kSlice, kSlice));
}

TEST_F(FilesTest, SpoolCutAnywhere_IsBad) {
  spool_three();
  const std::string good = content_of(spool_file());
  for (const std::size_t size : {std::size_t{0}, std::size_t{8}, good.size() - 1}) {
    write_file(spool_file(), good.substr(0, size));
    EXPECT_EQ(code_of(files.read_spool(kJob, SliceIndex{2}, kSlice, 10)), Errc::kStoreBad) << size;
  }
}

TEST_F(FilesTest, SpoolOfAnotherPlace_DoesNotOpen) {
  spool_three();
  // Slices swapped, the file of another job, another store, another key.
  std::string swapped = content_of(spool_file());
  std::swap_ranges(swapped.begin() + 8, swapped.begin() + 8 + kSlice + 40,
                   swapped.begin() + 8 + kSlice + 40);
  std::filesystem::copy_file(spool_file(), state / ("spool/" + to_base32(kOtherJob)));
  EXPECT_EQ(code_of(files.read_spool(kOtherJob, SliceIndex{0}, kSlice, kSlice)), Errc::kStoreBad);
  RealFiles other_store(state.path(), key(1), StoreId{8}, disk);
  EXPECT_EQ(code_of(other_store.read_spool(kJob, SliceIndex{0}, kSlice, kSlice)), Errc::kStoreBad);
  RealFiles other_key(state.path(), key(2), kStore, disk);
  EXPECT_EQ(code_of(other_key.read_spool(kJob, SliceIndex{0}, kSlice, kSlice)), Errc::kStoreBad);
  write_file(spool_file(), swapped);
  EXPECT_EQ(code_of(files.read_spool(kJob, SliceIndex{0}, kSlice, kSlice)), Errc::kStoreBad);
}

TEST_F(FilesTest, SpoolRemoved_IsGoneAndRemovingAgainSucceeds) {
  EXPECT_TRUE(files.remove_spool(kJob));
  spool_three();
  EXPECT_TRUE(files.remove_spool(kJob));
  EXPECT_TRUE(files.remove_spool(kJob));
  EXPECT_EQ(code_of(files.read_spool(kJob, SliceIndex{0}, kSlice, kSlice)), Errc::kStoreBad);
}

TEST_F(FilesTest, SpoolFinishedBeforePowerLoss_Survives) {
  TempFolder graveyard;
  UnsyncedLossDisk loss(graveyard.path());
  RealFiles fragile(state.path(), key(1), kStore, loss);
  {
    auto writer = fragile.create_spool(kJob);
    ASSERT_TRUE((*writer)->append_slice(pattern(kSlice, 1)));
    ASSERT_TRUE((*writer)->finish());
  }
  auto unfinished = fragile.create_spool(kOtherJob);
  ASSERT_TRUE((*unfinished)->append_slice(pattern(kSlice, 2)));
  loss.lose_unsynced();
  EXPECT_EQ(*fragile.read_spool(kJob, SliceIndex{0}, kSlice, kSlice), pattern(kSlice, 1));
  EXPECT_EQ(code_of(fragile.read_spool(kOtherJob, SliceIndex{0}, kSlice, kSlice)), Errc::kStoreBad);
}

// ---- part files and placing ----

TEST_F(FilesTest, PartReopened_HasTheSameInodeAndContent) {
  const auto [device, inode] = make_part("content");
  auto part = files.open_part(target.path(), kJob);
  ASSERT_TRUE(part);
  EXPECT_EQ((*part)->inode(), inode);
  EXPECT_EQ((*part)->device(), device);
  EXPECT_EQ(as_text(*(*part)->read_at(3, 100)), "tent");
  EXPECT_EQ(mode_of(part_path(target.path(), kJob)), 0600U);
}

TEST_F(FilesTest, PartWrittenOutOfOrder_HasEachChunkAtItsPlace) {
  auto part = files.open_part(target.path(), kJob);
  ASSERT_TRUE((*part)->write_at(4, as_bytes("5678")));
  ASSERT_TRUE((*part)->write_at(0, as_bytes("1234")));
  EXPECT_EQ(as_text(*(*part)->read_at(0, 100)), "12345678");
}

TEST_F(FilesTest, PartInAMissingFolder_IsNotFound) {
  EXPECT_EQ(code_of(files.open_part(target / "none", kJob)), Errc::kNotFound);
}

TEST_F(FilesTest, PartThatIsALink_IsRefused) {
  write_file(state / "victim", "x");
  ASSERT_EQ(::symlink((state / "victim").c_str(), part_path(target.path(), kJob).c_str()), 0);
  EXPECT_EQ(code_of(files.open_part(target.path(), kJob)), Errc::kIo);
  EXPECT_EQ(content_of(state / "victim"), "x");
}

TEST_F(FilesTest, PartWithAModeOfTheSender_OpensAgainForWriting) {
  make_part("x");
  ASSERT_TRUE((*files.open_part(target.path(), kJob))->set_times_and_mode(0040, 1'000'000'000));
  EXPECT_EQ(mode_of(part_path(target.path(), kJob)), 0040U);
  auto part = files.open_part(target.path(), kJob);
  ASSERT_TRUE(part) << part.error().what;
  EXPECT_TRUE((*part)->write_at(0, as_bytes("y")));
}

TEST_F(FilesTest, Place_RenamesWithContentModeAndTime) {
  const auto [device, inode] = make_part("content");
  ASSERT_TRUE((*files.open_part(target.path(), kJob))->set_times_and_mode(0640, 1'000'000'000));
  auto placed = files.place(target.path(), kJob, target / "final", device, inode, kKeep);
  ASSERT_TRUE(placed) << placed.error().what;
  EXPECT_EQ(*placed, ports::PlaceResult::kPlaced);
  EXPECT_EQ(target.names(), std::vector<std::string>{"final"});
  EXPECT_EQ(content_of(target / "final"), "content");
  EXPECT_EQ(mode_of(target / "final"), 0640U);
  struct stat st{};
  ASSERT_EQ(::stat((target / "final").c_str(), &st), 0);
  EXPECT_EQ(st.st_mtim.tv_sec, 1'000'000'000);
}

TEST_F(FilesTest, PlaceRepeated_IsPlacedAgain) {
  const auto [device, inode] = make_part("content");
  ASSERT_TRUE(files.place(target.path(), kJob, target / "final", device, inode, kKeep));
  EXPECT_EQ(*files.place(target.path(), kJob, target / "final", device, inode, kKeep),
            ports::PlaceResult::kPlaced);
  // After a restart of the machine the device may have another number.
  EXPECT_EQ(*files.place(target.path(), kJob, target / "final", device + 1, inode, kKeep),
            ports::PlaceResult::kPlaced);
  EXPECT_EQ(content_of(target / "final"), "content");
}

TEST_F(FilesTest, PlaceKilledBetweenLinkAndUnlink_RemovesThePartFile) {
  const auto [device, inode] = make_part("content");
  ASSERT_EQ(::link(part_path(target.path(), kJob).c_str(), (target / "final").c_str()), 0);
  EXPECT_EQ(*files.place(target.path(), kJob, target / "final", device, inode, kKeep),
            ports::PlaceResult::kPlaced);
  EXPECT_EQ(target.names(), std::vector<std::string>{"final"});
}

TEST_F(FilesTest, PlaceOnAnExistingTarget_LeavesBoth) {
  const auto [device, inode] = make_part("content");
  write_file(target / "final", "somebody's");
  EXPECT_EQ(*files.place(target.path(), kJob, target / "final", device, inode, kKeep),
            ports::PlaceResult::kTargetExists);
  EXPECT_EQ(content_of(target / "final"), "somebody's");
  EXPECT_EQ(content_of(part_path(target.path(), kJob)), "content");
  // A dangling link is a target, too.
  ASSERT_EQ(::symlink("/nowhere", (target / "link").c_str()), 0);
  EXPECT_EQ(*files.place(target.path(), kJob, target / "link", device, inode, kKeep),
            ports::PlaceResult::kTargetExists);
}

TEST_F(FilesTest, PlaceOverAFile_ReplacesItAndIsRepeatable) {
  const auto [device, inode] = make_part("content");
  write_file(target / "final", "old");
  for (int again = 0; again < 2; ++again) {
    const auto placed = files.place(target.path(), kJob, target / "final", device, inode, kReplace);
    ASSERT_TRUE(placed) << placed.error().what;
    EXPECT_EQ(*placed, ports::PlaceResult::kPlaced);
    EXPECT_EQ(target.names(), std::vector<std::string>{"final"});
    EXPECT_EQ(content_of(target / "final"), "content");
  }
  // Somebody's new file of that name is not ours, and no part file is left to replace it by.
  write_file(target / "other", "new");
  std::filesystem::rename(target / "other", target / "final");
  EXPECT_EQ(code_of(files.place(target.path(), kJob, target / "final", device, inode, kReplace)),
            Errc::kNotFound);
  EXPECT_EQ(content_of(target / "final"), "new");
}

TEST_F(FilesTest, PlaceOverWhatIsNoFile_LeavesIt) {
  const auto [device, inode] = make_part("content");
  std::filesystem::create_directory(target / "folder");
  ASSERT_EQ(::symlink("/nowhere", (target / "link").c_str()), 0);
  for (const char* name : {"folder", "link"})
    EXPECT_EQ(*files.place(target.path(), kJob, target / name, device, inode, kReplace),
              ports::PlaceResult::kTargetExists);
  EXPECT_TRUE(std::filesystem::is_directory(target / "folder"));
  EXPECT_TRUE(std::filesystem::is_symlink(target / "link"));
  EXPECT_EQ(content_of(part_path(target.path(), kJob)), "content");
}

TEST_F(FilesTest, PlaceOverAFileAndPowerLoss_IsOneOrTheOther) {
  TempFolder graveyard;
  UnsyncedLossDisk loss(graveyard.path());
  RealFiles fragile(state.path(), key(1), kStore, loss);
  const auto [device, inode] = make_part("content");
  write_file(target / "final", "old");
  // Killed between the rename and the sync of the folder: both names are as before, and the repeat
  // replaces it.
  ASSERT_TRUE(loss.rename_over(part_path(target.path(), kJob), target / "final"));
  loss.lose_unsynced();
  EXPECT_EQ(content_of(target / "final"), "old");
  EXPECT_EQ(content_of(part_path(target.path(), kJob)), "content");
  ASSERT_TRUE(fragile.place(target.path(), kJob, target / "final", device, inode, kReplace));
  loss.lose_unsynced();
  EXPECT_EQ(content_of(target / "final"), "content");
  EXPECT_EQ(target.names(), std::vector<std::string>{"final"});
}

TEST_F(FilesTest, PlaceWithoutAPartFile_SaysSo) {
  const auto [device, inode] = make_part("content");
  ASSERT_TRUE(files.remove_part(target.path(), kJob));
  EXPECT_EQ(code_of(files.place(target.path(), kJob, target / "final", device, inode, kKeep)),
            Errc::kNotFound);
}

TEST_F(FilesTest, PlaceOfAReplacedPartFile_IsRefused) {
  const auto [device, inode] = make_part("content");
  write_file(target / "other", "other");
  std::filesystem::rename(target / "other", part_path(target.path(), kJob));
  EXPECT_EQ(code_of(files.place(target.path(), kJob, target / "final", device, inode, kKeep)),
            Errc::kNotFound);
}

TEST_F(FilesTest, UnsyncedContentAndPowerLoss_IsLostAndSyncedContentIsNot) {
  TempFolder graveyard;
  UnsyncedLossDisk loss(graveyard.path());
  RealFiles fragile(state.path(), key(1), kStore, loss);
  auto part = fragile.open_part(target.path(), kJob);
  ASSERT_TRUE(part);
  ASSERT_TRUE((*part)->write_at(0, as_bytes("synced")));
  ASSERT_TRUE((*part)->sync());
  ASSERT_TRUE((*part)->write_at(0, as_bytes("LOST")));
  ASSERT_TRUE((*part)->write_at(6, as_bytes(" and lost")));
  loss.lose_unsynced();
  EXPECT_EQ(content_of(part_path(target.path(), kJob)), "synced");
}

TEST_F(FilesTest, PlacedAndPowerLoss_StaysPlaced) {
  TempFolder graveyard;
  UnsyncedLossDisk loss(graveyard.path());
  RealFiles fragile(state.path(), key(1), kStore, loss);
  const auto [device, inode] = make_part("content");
  ASSERT_TRUE(fragile.place(target.path(), kJob, target / "final", device, inode, kKeep));
  loss.lose_unsynced();
  EXPECT_EQ(target.names(), std::vector<std::string>{"final"});
  // The disk of this test would have undone a rename without a sync of the folder.
  ASSERT_TRUE(loss.rename_no_replace(target / "final", target / "unsynced"));
  ASSERT_TRUE(loss.unlink(target / "unsynced"));
  loss.lose_unsynced();
  EXPECT_EQ(target.names(), std::vector<std::string>{"final"});
  EXPECT_EQ(content_of(target / "final"), "content");
}

// ---- no space ----

// A limit on the size of files stands for a full disk; both are kDiskFull.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limited{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int) = nullptr;
};

TEST_F(FilesTest, NoSpaceForSpoolOrPart_IsDiskFullWithPathAndHint) {
  auto writer = files.create_spool(kJob);
  auto part = files.open_part(target.path(), kJob);
  const FileSizeLimit limit(500);
  const Status spooled = (*writer)->append_slice(pattern(kSlice, 1));
  ASSERT_EQ(code_of(spooled), Errc::kDiskFull);
  EXPECT_NE(spooled.error().what.find(spool_file()), std::string::npos);
  EXPECT_FALSE(spooled.error().hint.empty());
  EXPECT_EQ(code_of((*part)->write_at(400, pattern(200, 1))), Errc::kDiskFull);
}

TEST_F(FilesTest, DeviceWithoutSpace_IsDiskFull) {
  const FileHandle full(::open("/dev/full", O_RDWR | O_CLOEXEC), "/dev/full");
  ASSERT_GE(full.descriptor(), 0);
  EXPECT_EQ(code_of(disk.write_at(full, 0, as_bytes("x"))), Errc::kDiskFull);
}

TEST_F(FilesTest, FreeSpace_IsSomethingOrNotFound) {
  EXPECT_GT(*files.free_space(target.path()), 0U);
  EXPECT_EQ(code_of(files.free_space(target / "none")), Errc::kNotFound);
}

}  // namespace
}  // namespace taubenpost

// Archives: folders that come back as they were, and hostile ones, each with what is said of it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "files/files.h"
#include "files/part_file.h"
#include "files/unpack.h"
#include "support/tar_bytes.h"
#include "support/temp_folder.h"

namespace taubenpost {
namespace {

namespace fs = std::filesystem;

constexpr JobId kJob{1, 2, 3};

template <class T>
Errc code_of(const Result<T>& result) {
  return result ? Errc{0} : result.error().code;
}

class ArchiveTest : public testing::Test {
 protected:
  void SetUp() override { write_file(target / "sentinel", "mine"); }

  Result<Bytes> packed(std::vector<std::string> paths, std::size_t limit = 1000) {
    auto opened = files.open_source(paths);
    if (!opened) return opened.error();
    const std::uint64_t size = (*opened)->identity().size;
    Bytes all;
    for (;;) {
      Result<Bytes> slice = (*opened)->read(limit);
      if (!slice) return slice.error();
      if (slice->empty()) break;
      append(all, *slice);
      EXPECT_TRUE(slice->size() == limit || all.size() == size) << "a slice that is short";
    }
    EXPECT_EQ(all.size(), size);
    TP_TRY((*opened)->still_same());
    return all;
  }

  // Everything beneath a folder: path to content, or "/" and the mode of what is no file.
  static std::map<std::string, std::string> tree(const std::string& root) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      const std::string name = fs::relative(entry.path(), root).string();
      out[name] = entry.is_directory() ? "/" : content_of(entry.path());
    }
    return out;
  }
  std::string unpacked() const { return unpacked_path(target.path(), kJob); }
  Status unpack(ByteView archive, const std::string& name = "photos") {
    TP_TRY(files.remove_part(target.path(), kJob));
    auto part = files.open_part(target.path(), kJob);
    if (!part) return part.error();
    TP_TRY((*part)->write_at(0, archive));
    auto unpacker = files.unpack(target.path(), kJob, archive.size(), name);
    if (!unpacker) return unpacker.error();
    for (;;) {
      const Result<bool> goes_on = (*unpacker)->step();
      if (!goes_on) return goes_on.error();
      if (!*goes_on) return ok();
    }
  }
  // Refused as a whole: nothing of it was written, here or anywhere else.
  void expect_refused(ByteView archive, const std::string& why) {
    const Status done = unpack(archive);
    ASSERT_FALSE(done) << why;
    EXPECT_EQ(done.error().code, Errc::kRejected) << done.error().what;
    EXPECT_NE(done.error().what.find(why), std::string::npos) << done.error().what;
    EXPECT_TRUE(tree(unpacked()).empty());
    EXPECT_EQ(content_of(target / "sentinel"), "mine");
    EXPECT_EQ(target.names().size(), 3U) << "sentinel, part file, and the fresh folder";
  }

  TempFolder state, source, target;
  Disk disk;
  RealFiles files{state.path(), SecretArray<32>(), StoreId{}, disk};
};

// ---- packing ----

TEST_F(ArchiveTest, Folder_ComesBackAsItWas) {
  const std::string long_name(250, 'n');
  fs::create_directories(source / "photos/summer/käse");
  fs::create_directories(source / "photos/empty");
  fs::create_directories(source / ("photos/" + long_name));
  write_file(source / "photos/a.txt", "a");
  write_file(source / "photos/none", "");
  write_file(source / "photos/summer/käse/日本.bin", std::string(600'000, 'x'));
  write_file(source / ("photos/" + long_name + "/" + long_name), "deep");
  ASSERT_EQ(::chmod((source / "photos/a.txt").c_str(), 0750), 0);
  const Result<Bytes> archive = packed({source / "photos"});
  ASSERT_TRUE(archive) << archive.error().what;
  const Status done = unpack(*archive);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(tree(unpacked()), tree(source / "photos"));
  struct stat st{};
  ASSERT_EQ(::stat((unpacked() + "/a.txt").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0750U);
  const std::time_t time = st.st_mtime;
  ASSERT_EQ(::stat((source / "photos/a.txt").c_str(), &st), 0);
  EXPECT_EQ(time, st.st_mtime);
}

TEST_F(ArchiveTest, SeveralSources_StandSideBySide) {
  fs::create_directories(source / "one/photos");
  write_file(source / "one/photos/x", "x");
  write_file(source / "a.txt", "a");
  const Result<Bytes> archive = packed({source / "one/photos", source / "a.txt"});
  ASSERT_TRUE(archive) << archive.error().what;
  ASSERT_TRUE(unpack(*archive));
  EXPECT_EQ(tree(unpacked()), (std::map<std::string, std::string>{
                                  {"photos", "/"}, {"photos/x", "x"}, {"a.txt", "a"}}));
}

TEST_F(ArchiveTest, SlicesOfAnySize_AreTheSameStream) {
  fs::create_directories(source / "photos");
  for (int i = 0; i < 20; ++i)
    write_file(source / ("photos/" + std::to_string(i)), std::string(i * 777U, 'y'));
  const Result<Bytes> whole = packed({source / "photos"}, 1 << 22);
  ASSERT_TRUE(whole);
  for (const std::size_t limit : {1U, 511U, 512U, 12'360U})
    EXPECT_EQ(*packed({source / "photos"}, limit), *whole) << limit;
}

TEST_F(ArchiveTest, AnyChangeInside_IsAnotherIdentity) {
  fs::create_directories(source / "photos/sub");
  write_file(source / "photos/sub/x", "x");
  const auto identity = [this] { return (*files.open_source({source / "photos"}))->identity(); };
  const SourceIdentity first = identity();
  EXPECT_EQ(identity(), first);
  ASSERT_EQ(::chmod((source / "photos/sub/x").c_str(), 0700), 0);
  const SourceIdentity second = identity();
  EXPECT_FALSE(second == first);
  fs::rename(source / "photos/sub/x", source / "photos/sub/y");
  const SourceIdentity third = identity();
  EXPECT_FALSE(third == second);
  fs::create_directories(source / "photos/new");
  EXPECT_FALSE(identity() == third);
}

TEST_F(ArchiveTest, ChangeWhileItIsRead_IsNoticed) {
  fs::create_directories(source / "photos");
  const std::string file = source / "photos/x";
  const auto begin = [&] {
    write_file(file, std::string(2'000'000, 'x'));
    auto opened = std::move(files.open_source({source / "photos"})).value();
    EXPECT_TRUE(opened->read(1));
    return opened;
  };
  const auto rest = [](ports::Source& opened) -> Errc {
    for (;;) {
      const Result<Bytes> slice = opened.read(100'000);
      if (!slice) return slice.error().code;
      if (slice->empty()) return code_of(opened.still_same());
    }
  };
  EXPECT_EQ(rest(*begin()), Errc{0});
  auto changed = begin();
  write_file(file, std::string(2'000'000, 'y'));
  EXPECT_EQ(rest(*changed), Errc::kSourceChanged);
  changed = begin();
  fs::resize_file(file, 1000);
  EXPECT_EQ(rest(*changed), Errc::kSourceChanged);
  changed = begin();
  fs::remove(file);
  EXPECT_EQ(rest(*changed), Errc::kSourceChanged);
  changed = begin();
  write_file(source / "photos/second", "");
  EXPECT_EQ(rest(*changed), Errc::kSourceChanged);
}

TEST_F(ArchiveTest, WhatNoRecipientWouldUnpack_IsNotPacked) {
  fs::create_directories(source / "photos");
  const std::string inside = source / "photos/x";
  ASSERT_EQ(::symlink("/etc/passwd", inside.c_str()), 0);
  EXPECT_EQ(code_of(packed({source / "photos"})), Errc::kUsage);
  fs::remove(inside);
  ASSERT_EQ(::mkfifo(inside.c_str(), 0600), 0);
  EXPECT_EQ(code_of(packed({source / "photos"})), Errc::kUsage);
  fs::remove(inside);
  for (const char* name : {"a\nb", "a\\b", "\xff", "a\xE2\x80\xAE"}) {
    write_file(source / ("photos/" + std::string(name)), "");
    EXPECT_EQ(code_of(packed({source / "photos"})), Errc::kUsage) << name;
    fs::remove(source / ("photos/" + std::string(name)));
  }
  fs::create_directories(source / "other/photos");
  EXPECT_EQ(code_of(packed({source / "photos", source / "other/photos"})), Errc::kUsage);
  EXPECT_EQ(code_of(packed({source / "photos", source / "none"})), Errc::kNotFound);
  EXPECT_TRUE(packed({source / "photos"}));
}

// ---- what others have packed ----

TEST_F(ArchiveTest, UsualForms_AreUnpacked) {
  const Bytes archive = TarBytes()
                            .folder("./")
                            .folder("./sub/")
                            .file("./sub/x", "x")
                            .file("deep/without/folders", "y")
                            .folder("deep/")
                            .take();
  const Status done = unpack(archive);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(tree(unpacked()), (std::map<std::string, std::string>{{"sub", "/"},
                                                                  {"sub/x", "x"},
                                                                  {"deep", "/"},
                                                                  {"deep/without", "/"},
                                                                  {"deep/without/folders", "y"}}));
}

TEST_F(ArchiveTest, FolderOfTheTransfersName_IsTheFreshFolderItself) {
  ASSERT_TRUE(unpack(TarBytes().folder("photos/").file("photos/x", "x").take()));
  EXPECT_EQ(tree(unpacked()), (std::map<std::string, std::string>{{"x", "x"}}));
  ASSERT_TRUE(unpack(TarBytes().file("photos", "a file").take()));
  EXPECT_EQ(tree(unpacked()), (std::map<std::string, std::string>{{"photos", "a file"}}));
  ASSERT_TRUE(unpack(TarBytes().file("photos2/x", "x").take()));
  EXPECT_EQ(tree(unpacked()).size(), 2U);
}

TEST_F(ArchiveTest, Nothing_IsAnEmptyFolder) {
  ASSERT_TRUE(unpack(TarBytes().take()));
  EXPECT_TRUE(tree(unpacked()).empty());
  ASSERT_TRUE(unpack(Bytes()));
}

TEST_F(ArchiveTest, RightsOfOthers_AreNotGiven) {
  ASSERT_TRUE(unpack(TarBytes().mode(06777).file("x", "x").folder("d/").take()));
  struct stat st{};
  ASSERT_EQ(::stat((unpacked() + "/x").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0755U);
  ASSERT_EQ(::stat((unpacked() + "/d").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700U);
}

TEST_F(ArchiveTest, EarlierTry_IsDropped) {
  ASSERT_TRUE(unpack(TarBytes().file("old", "x").take()));
  ASSERT_TRUE(unpack(TarBytes().file("new", "x").take()));
  EXPECT_EQ(tree(unpacked()), (std::map<std::string, std::string>{{"new", "x"}}));
}

// ---- hostile ones ----

TEST_F(ArchiveTest, NamesThatLeadElsewhere_AreRefused) {
  for (const char* name : {"../x", "a/../../x", "a/..", "..", "a/./x", "./../x"})
    expect_refused(TarBytes().file("first", "x").file(name, "x").take(), "leads elsewhere");
  for (const char* name : {"/etc/x", "//x", "a//x"})
    expect_refused(TarBytes().file("first", "x").file(name, "x").take(), "an empty part");
}

TEST_F(ArchiveTest, Links_AreRefused) {
  expect_refused(TarBytes().link('2', "x", "/etc/passwd").take(), "neither a regular file");
  expect_refused(TarBytes().file("first", "x").link('1', "x", "first").take(), "neither a regular");
  expect_refused(TarBytes().link('2', "d", "/tmp").file("d/x", "x").take(), "neither a regular");
}

TEST_F(ArchiveTest, SpecialFiles_AreRefused) {
  for (const char type : {'3', '4', '6'})
    expect_refused(TarBytes().link(type, "x", "").take(), "neither a regular file");
}

TEST_F(ArchiveTest, CharactersThatDeceive_AreRefused) {
  for (const char* name : {"a\nb", "\x1b[2J", "gpj.exe\xE2\x80\xAE", "a\xC2\x85", "a\\b", "a\xff"})
    expect_refused(TarBytes().file(name, "x").take(), "characters that no name should have");
}

TEST_F(ArchiveTest, NamesThatAreTooLongOrDeep_AreRefused) {
  expect_refused(TarBytes().long_name(std::string(256, 'x')).file("x", "x").take(), "too long");
  std::string deep = "x";
  for (int i = 0; i < 65; ++i) deep += "/x";
  expect_refused(TarBytes().long_name(deep).file("x", "x").take(), "too many folders");
}

TEST_F(ArchiveTest, NamesThatComeTwice_AreRefused) {
  expect_refused(TarBytes().file("a", "1").file("a", "2").take(), "comes twice");
  expect_refused(TarBytes().file("./a", "1").file("a", "2").take(), "comes twice");
  expect_refused(TarBytes().folder("a/").folder("a/").take(), "comes twice");
  expect_refused(TarBytes().file("a/b", "1").file("a", "2").take(), "comes twice");
  expect_refused(TarBytes().file("a", "1").folder("a/").take(), "comes twice");
  expect_refused(TarBytes().file("a", "1").file("a/b", "2").take(), "a file is also a folder");
}

TEST_F(ArchiveTest, Bombs_AreRefused) {
  TarBytes many;
  for (int i = 0; i <= 100'000; ++i) many.file(std::to_string(i), "");
  expect_refused(many.take(), "too many entries");
  TarBytes deep;  // three megabytes that would be remembered as ninety
  for (int i = 0; i < 200; ++i) {
    std::string name = std::to_string(i);
    for (int k = 0; k < 60; ++k) name += "/" + std::string(250, 'd');
    deep.long_name(name).file("cut", "");
  }
  expect_refused(deep.take(), "too many long names");
  expect_refused(TarBytes().claim("huge", 8ULL << 30).take(), "more content than the archive has");
  expect_refused(TarBytes().sparse("holes", 1ULL << 30).take(), "neither a regular file");
}

TEST_F(ArchiveTest, DamagedOnes_AreRefused) {
  const Bytes good = TarBytes().file("a", std::string(3000, 'a')).file("b", "b").take();
  expect_refused(ByteView(good).first(512 + 2900), "damaged");  // within the content
  expect_refused(ByteView(good).first(200), "damaged");
  Bytes bent = good;
  bent[0] ^= 1;  // the checksum of the header
  expect_refused(bent, "damaged");
  expect_refused(Bytes(5000, 0xa5), "damaged");
  expect_refused(as_bytes("PK\x03\x04 is another format"), "damaged");
  Bytes gzip{0x1f, 0x8b, 8, 0, 0, 0, 0, 0};
  gzip.resize(2000);
  expect_refused(gzip, "damaged");
}

TEST_F(ArchiveTest, AnyByteReplaced_StaysInside) {
  const Bytes good =
      TarBytes().folder("d/").file("d/a", std::string(600, 'a')).file("b", "b").take();
  for (std::size_t i = 0; i < good.size(); i += 37) {
    Bytes bent = good;
    bent[i] = static_cast<std::uint8_t>(bent[i] ^ (1U << (i % 8)));
    const Status done = unpack(bent);
    EXPECT_TRUE(done || done.error().code == Errc::kRejected) << i;
    ASSERT_EQ(target.names().size(), 3U) << i;
  }
}

}  // namespace
}  // namespace taubenpost

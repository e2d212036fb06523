// Where the content of a send job comes from, and in which form it travels: compressed where that
// pays, read in place, from standard input.
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "engine/content_chunks.h"
#include "engine/end_send.h"
#include "engine/retry_send.h"
#include "engine/take_content.h"
#include "files/zstd_stream.h"
#include "support/piped_input.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

constexpr std::size_t kChunk = SendWorld::kChunk;

Bytes decoded(const Bytes& frame, std::uint64_t size) {
  ZstdReader reader(
      [&frame](std::uint64_t offset, std::size_t length) -> Result<Bytes> {
        const std::size_t at = std::min<std::size_t>(offset, frame.size());
        return to_bytes(ByteView(frame).subspan(at, std::min(length, frame.size() - at)));
      },
      size);
  Bytes all;
  for (;;) {
    const Result<Bytes> piece = reader.next();
    if (!piece) ADD_FAILURE() << piece.error().what;
    if (!piece || piece->empty()) return all;
    append(all, *piece);
  }
}

// Free space as the test says.
class SmallDisk : public NoSyncDisk {
 public:
  std::uint64_t free = 1ULL << 40;
  Result<std::uint64_t> free_space(const std::string&) override { return free; }
};

class EngineSources : public testing::Test {
 protected:
  EngineSources() { world.channel("anna"); }

  // The letter of the job, which is the only one, promises this content and leads to it.
  static void expect_posted(const SendWorld& in, JobId id, const Bytes& content) {
    const SendJobRow job = in.job(id);
    ASSERT_EQ(job.state, SendState::kPosted) << job.error_text;
    const std::optional<wire::Letter> letter = in.letter("anna", 0);
    ASSERT_TRUE(letter);
    EXPECT_EQ(letter->encoding, job.plan.encoding);
    EXPECT_EQ(letter->usize, content.size());
    EXPECT_EQ(letter->udigest, crypto::blake2b_256(content));
    const std::optional<Bytes> sent = in.content(*letter);
    ASSERT_TRUE(sent);
    EXPECT_EQ(letter->size, sent->size());
    EXPECT_EQ(letter->digest, crypto::blake2b_256(*sent));
    const bool is_plain = letter->encoding == Encoding::kNone;
    EXPECT_TRUE((is_plain ? *sent : decoded(*sent, letter->usize)) == content);
    EXPECT_FALSE(in.box("anna", 1));
    EXPECT_TRUE(in.files->spools()->empty());
  }
  static Result<JobId> pipe(SendWorld& in, ports::Input& input, const std::string& key = "") {
    SendRequest request;
    request.input = &input;
    request.name = "piped";
    request.to = {"anna"};
    request.key = key;
    return in.run(enqueue_send(in.ports(), std::move(request)));
  }
  static SendRequest in_place(std::vector<std::string> sources) {
    SendRequest request;
    request.sources = std::move(sources);
    request.to = {"anna"};
    request.in_place = true;
    return request;
  }
  static JobId queue_in_place(SendWorld& in, const Bytes& content) {
    const Result<JobId> id = in.run(enqueue_send(in.ports(), in_place({in.file("file", content)})));
    TP_CHECK(id);
    return *id;
  }
  Result<TakenContent> take(const Bytes& content, TakeOptions options) {
    PipedInput input(content, 1 << 20);
    return world.run(take_content(world.ports(), JobId{1}, input, std::move(options)));
  }
  static TakeOptions any_size() {
    TakeOptions options;
    options.most = 1ULL << 40;
    options.wrong_size = error(Errc::kRefused, "too long");
    return options;
  }

  SendWorld world;
};

// ---- compressed where it pays ----

TEST_F(EngineSources, CompressibleContent_TravelsCompressed) {
  const Bytes content = compressible(60'000);
  const JobId id = world.queue(world.file("list", content), {"anna"});
  run_all(world, 1);
  expect_posted(world, id, content);
  const SendPlan plan = world.job(id).plan;
  EXPECT_EQ(plan.encoding, Encoding::kZstd);
  EXPECT_LT(plan.size, content.size() / 2);
  EXPECT_EQ(plan.boxes, (plan.size + kChunk - 1) / kChunk);
  EXPECT_TRUE(world.noted(id, "of 60000 compressed"));
}

TEST_F(EngineSources, IncompressibleContent_TravelsAsItIs) {
  const Bytes content = incompressible(5 * kChunk);
  const JobId id = world.queue(world.file("noise", content), {"anna"});
  run_all(world, 1);
  expect_posted(world, id, content);
  EXPECT_EQ(world.job(id).plan.encoding, Encoding::kNone);
  EXPECT_EQ(world.job(id).plan.boxes, 5U);
}

TEST_F(EngineSources, ContentThatFitsOnlyCompressed_TravelsInTheLetter) {
  const Bytes content = compressible(3'000);
  const JobId id = world.queue(world.file("list", content), {"anna"});
  run_all(world, 1);
  expect_posted(world, id, content);
  EXPECT_EQ(world.job(id).plan.boxes, 0U);
}

TEST_F(EngineSources, Folder_TravelsCompressed) {
  std::filesystem::create_directory(world.sources / "lists");
  write_file(world.sources / "lists/a", std::string(as_text(compressible(20'000))));
  write_file(world.sources / "lists/b", std::string(as_text(compressible(30'000))));
  const JobId id = world.queue(world.sources / "lists", {"anna"});
  run_all(world, 1);
  const SendJobRow job = world.job(id);
  EXPECT_EQ(job.plan.encoding, Encoding::kZstd);
  const std::optional<wire::Letter> letter = world.letter("anna", 0);
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter->kind, wire::LetterKind::kTar);
  EXPECT_EQ(letter->usize, job.identity.size);
  EXPECT_EQ(crypto::blake2b_256(decoded(*world.content(*letter), letter->usize)), letter->udigest);
}

TEST_F(EngineSources, InlineChannel_IsNeverEncoded) {
  world.channel("cp", Layout::kInline);
  const JobId id = world.queue(world.file("list", compressible(3 * kChunk)), {"cp"});
  run_all(world, 1);
  EXPECT_EQ(world.job(id).plan.encoding, Encoding::kNone);
  EXPECT_EQ(world.job(id).plan.boxes, 3U);
  EXPECT_EQ(world.job(id).state, SendState::kPosted);
}

// What it begins with decides, and is kept to: it costs a few bytes at most.
TEST_F(EngineSources, BeginningDecides_ForAllOfTheContent) {
  Bytes mixed = compressible(1 << 20);
  append(mixed, incompressible(1 << 20));
  const Result<TakenContent> good = take(mixed, any_size());
  ASSERT_TRUE(good);
  EXPECT_EQ(good->plan.encoding, Encoding::kZstd);
  EXPECT_EQ(good->plan.usize, mixed.size());
  EXPECT_TRUE(good->small.empty());
  std::rotate(mixed.begin(), mixed.begin() + (1 << 20), mixed.end());
  const Result<TakenContent> bad = take(mixed, any_size());
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->plan.encoding, Encoding::kNone);
  EXPECT_EQ(bad->plan.size, mixed.size());
  EXPECT_EQ(bad->plan.digest, bad->plan.udigest);
}

TEST_F(EngineSources, SavingOfFivePercent_IsTheLimit) {
  for (const auto& [zeros, encoding] : {std::pair{40, Encoding::kNone}, {80, Encoding::kZstd}}) {
    Bytes content = incompressible(1'000);
    std::fill_n(content.begin(), zeros, 0);
    const Result<TakenContent> taken = take(content, any_size());
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->plan.encoding, encoding) << zeros;
  }
}

TEST_F(EngineSources, OtherSizeThanKnown_IsTold) {
  for (const bool may_encode : {true, false}) {
    for (const int off : {-1, 1}) {
      TakeOptions options = any_size();
      options.may_encode = may_encode;
      options.size = static_cast<std::uint64_t>(40'000 + off);
      const Result<TakenContent> taken = take(compressible(40'000), options);
      ASSERT_FALSE(taken);
      EXPECT_EQ(taken.error().what, "too long");
    }
  }
  TakeOptions options = any_size();
  options.most = 39'999;
  EXPECT_FALSE(take(compressible(40'000), options));
}

TEST_F(EngineSources, KilledAtAnyStepOfACompressedTransfer_PostsOnce) {
  const Bytes content = compressible(12'000);
  bool ended = false;
  for (std::uint64_t at = 1; !ended; ++at) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    one.channel("anna");
    const JobId id = one.queue(one.file("list", content), {"anna"});
    ended = one.run_engine_until(at);
    ASSERT_TRUE(one.run_engine());
    expect_posted(one, id, content);
    ASSERT_FALSE(HasFailure());
  }
}

// A job that was planned by a version without encodings goes on with the spool that it has.
TEST_F(EngineSources, SpoolOfAnOlderVersion_IsReadByItsSlices) {
  const Bytes content = incompressible(7 * kChunk - 3);
  const JobId id{9};
  auto spool = world.files->create_spool(id);
  ASSERT_TRUE(spool);
  for (std::size_t at = 0; at < content.size(); at += 2 * kChunk)
    ASSERT_TRUE((*spool)->append_slice(
        ByteView(content).subspan(at, std::min(2 * kChunk, content.size() - at))));
  ASSERT_TRUE((*spool)->finish());
  SendJobRow job;
  job.id = id;
  job.plan.size = content.size();
  job.plan.box_max = ModelNetwork::kBoxMax;
  job.plan.boxes = 7;
  job.plan.slice_chunks = 2;
  const ContentChunks chunks(job, *world.files);
  Bytes all;
  for (const auto& [first, count] : {std::pair{0, 2}, {2, 1}, {3, 3}, {6, 1}})
    append(all, *chunks.read(static_cast<std::uint64_t>(first), static_cast<std::uint32_t>(count)));
  EXPECT_TRUE(all == content);
}

// ---- standard input ----

TEST_F(EngineSources, Input_IsPostedAsItCame) {
  for (const std::size_t size : {0U, 1U, 1'000U, 16'384U, 20'000U}) {
    for (const Bytes& content : {compressible(size), incompressible(size)}) {
      SendWorld one;
      one.channel("anna");
      PipedInput input(content);
      const Result<JobId> id = pipe(one, input);
      ASSERT_TRUE(id) << id.error().what;
      EXPECT_EQ(one.files->spools()->size(), 1U);
      EXPECT_EQ(one.job(*id).identity.size, size);
      ASSERT_FALSE(one.run_engine_until(1));  // and another process
      run_all(one, 1);
      expect_posted(one, *id, content);
      const std::optional<wire::Letter> letter = one.letter("anna", 0);
      EXPECT_EQ(letter->name, "piped");
      EXPECT_FALSE(letter->mode || letter->mtime);
    }
  }
}

TEST_F(EngineSources, InputToAnInlineChannel_IsPostedAsItIs) {
  world.channel("cp", Layout::kInline);
  PipedInput input(compressible(3 * kChunk + 1));
  SendRequest request;
  request.input = &input;
  request.name = "piped";
  request.to = {"cp"};
  const Result<JobId> id = world.run(enqueue_send(world.ports(), std::move(request)));
  ASSERT_TRUE(id);
  run_all(world, 1);
  EXPECT_EQ(world.job(*id).state, SendState::kPosted);
  EXPECT_EQ(world.job(*id).plan.boxes, 4U);
  EXPECT_TRUE(world.files->spools()->empty());
}

TEST_F(EngineSources, InputThatBreaks_QueuesNothingAndLeavesNothing) {
  for (const std::size_t at : {0U, 10'000U, 2'000'000U}) {
    PipedInput input(incompressible(3'000'000));
    input.fail_at = at;
    const Result<JobId> id = pipe(world, input);
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Errc::kSourceUnreadable);
    EXPECT_TRUE(world.store->send_jobs()->empty());
    EXPECT_TRUE(world.files->spools()->empty());
  }
}

TEST_F(EngineSources, InputWithoutAName_OrBesideFiles_IsRefusedUnread) {
  PipedInput input(incompressible(10));
  for (const bool has_name : {false, true}) {
    SendRequest request;
    request.input = &input;
    request.to = {"anna"};
    if (has_name) {
      request.name = "piped";
      request.sources = {world.file("file", {})};
    }
    const Result<JobId> id = world.run(enqueue_send(world.ports(), std::move(request)));
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Errc::kUsage);
  }
  EXPECT_EQ(input.reads, 0U);
}

TEST_F(EngineSources, InputOfAKnownKey_IsNotRead) {
  PipedInput input(incompressible(100)), again(incompressible(200));
  const Result<JobId> first = pipe(world, input, "key");
  const Result<JobId> second = pipe(world, again, "key");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(again.reads, 0U);
  SendRequest file;
  file.sources = {world.file("piped", {})};
  file.to = {"anna"};
  file.key = "key";
  EXPECT_EQ(world.run(enqueue_send(world.ports(), std::move(file))).error().code, Errc::kRefused);
  run_all(world, 1);
  expect_posted(world, *first, incompressible(100));
}

TEST_F(EngineSources, InputOnAFullDisk_StopsBeforeTheReserve) {
  SmallDisk disk;
  disk.free = (32U << 20) - 1;
  world.use_disk(disk);
  PipedInput input(incompressible(100'000));
  const Result<JobId> id = pipe(world, input);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Errc::kDiskFull);
  EXPECT_TRUE(world.store->send_jobs()->empty());
  EXPECT_TRUE(world.files->spools()->empty());
}

TEST_F(EngineSources, KilledWhileAnInputIsQueued_LeavesAJobOrNothing) {
  const Bytes content = incompressible(20'000);
  bool ended = false;
  for (std::uint64_t at = 1; !ended; ++at) {
    SendWorld one;
    one.channel("anna");
    PipedInput input(content);
    SendRequest request;
    request.input = &input;
    request.name = "piped";
    request.to = {"anna"};
    ended = one.queue_until(request, at);
    ASSERT_TRUE(one.run_engine());
    const std::vector<JobId> jobs = *one.store->send_jobs();
    EXPECT_TRUE(one.files->spools()->empty());
    if (!jobs.empty()) expect_posted(one, jobs.front(), content);
  }
}

// The courier refuses, so that the job fails with what it has.
TEST_F(EngineSources, FailedInput_IsSentAnewFromItsSpool) {
  const Bytes content = compressible(60'000);
  PipedInput input(content);
  const Result<JobId> id = pipe(world, input);
  ASSERT_TRUE(id);
  world.network.on_copy = [](const CourierRow&) {
    ports::CopyResult rejected;
    rejected.kind = ports::CopyResult::Kind::kRejected;
    return rejected;
  };
  run_all(world, 0, 1);
  run_all(world, 0);  // looks for spools that nobody needs
  world.network.on_copy = {};
  const Result<Restarted> anew = world.run(restart_send(world.ports(), *id));
  ASSERT_TRUE(anew) << anew.error().what;
  EXPECT_EQ(*world.files->spools(), std::vector<JobId>{anew->job});
  run_all(world, 1);
  expect_posted(world, anew->job, content);
}

TEST_F(EngineSources, FailedInputWhoseSpoolIsGone_SaysSo) {
  PipedInput input(incompressible(20'000));
  const Result<JobId> id = pipe(world, input);
  ASSERT_TRUE(id);
  for (const auto& entry : std::filesystem::directory_iterator(world.state_folder() + "/spool"))
    write_file(entry.path(), "damage");
  run_all(world, 0, 1);
  const Result<Restarted> damaged = world.run(restart_send(world.ports(), *id));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Errc::kRefused);
  EXPECT_NE(damaged.error().what.find("spool"), std::string::npos) << damaged.error().what;
  ASSERT_TRUE(world.files->remove_spool(*id));
  const Result<Restarted> gone = world.run(restart_send(world.ports(), *id));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::kRefused);
  EXPECT_NE(gone.error().what.find("standard input"), std::string::npos) << gone.error().what;
  ASSERT_TRUE(world.run(cancel_send(world.ports(), *id)));
  EXPECT_TRUE(world.files->spools()->empty());
}

// ---- read in place ----

TEST_F(EngineSources, InPlace_IsPostedWithoutACopy) {
  for (const std::size_t size : {0UL, 100UL, 4 * kChunk, 30 * kChunk + 1}) {
    SendWorld one;
    one.channel("anna");
    const Bytes content = compressible(size);
    const JobId id = queue_in_place(one, content);
    run_until(one, id, SendState::kUploading);
    EXPECT_EQ(one.job(id).plan.encoding, Encoding::kNone);
    const std::string spool = one.state_folder() + "/spool/" + to_base32(id);
    if (size > 4'000) {
      EXPECT_LT(std::filesystem::file_size(spool), 200U) << "digests only";
    }
    run_all(one, 1);
    expect_posted(one, id, content);
  }
}

TEST_F(EngineSources, InPlaceKilledAtAnyStep_PostsOnce) {
  const Bytes content = incompressible(4 * kChunk + 7);
  bool ended = false;
  for (std::uint64_t at = 1; !ended; ++at) {
    SendWorld one;
    one.options.batch_chunks = 2;
    one.channel("anna");
    const JobId id = queue_in_place(one, content);
    ended = one.run_engine_until(at);
    ASSERT_TRUE(one.run_engine());
    expect_posted(one, id, content);
    ASSERT_FALSE(HasFailure());
  }
}

// Of a slice that changed not a byte is given out, whatever the file says about itself.
TEST_F(EngineSources, InPlaceSliceThatChanged_IsNeverGivenOut) {
  Bytes content = incompressible(30 * kChunk);
  const JobId id = queue_in_place(world, content);
  run_until(world, id, SendState::kUploading);
  SendJobRow job = world.job(id);
  content[20'000] ^= 1;  // of the second slice
  const auto now = world.files->open_source({world.file("file", content)});
  ASSERT_TRUE(now);
  const Result<Bytes> noticed = ContentChunks(job, *world.files).read(0, 1);
  ASSERT_FALSE(noticed);
  EXPECT_EQ(noticed.error().code, Errc::kSourceChanged);
  job.identity = (*now)->identity();
  const ContentChunks chunks(job, *world.files);
  EXPECT_TRUE(chunks.read(0, 2));
  EXPECT_TRUE(chunks.read(25, 2));
  for (const std::uint64_t chunk : {10U, 12U, 20U}) {
    const Result<Bytes> changed = chunks.read(chunk, 2);
    ASSERT_FALSE(changed) << chunk;
    EXPECT_EQ(changed.error().code, Errc::kSourceChanged);
  }
}

TEST_F(EngineSources, InPlaceSourceChangedMeanwhile_FailsAndBeginsAnewByARestart) {
  const JobId id = queue_in_place(world, incompressible(30 * kChunk));
  run_until(world, id, SendState::kUploading);
  const std::uint64_t writes = world.network.writes;
  const Bytes content = incompressible(20 * kChunk, 7);
  world.file("file", content);
  run_all(world, 0, 1);
  EXPECT_EQ(world.job(id).error_code, static_cast<std::uint16_t>(Errc::kSourceChanged));
  EXPECT_EQ(world.network.writes, writes);
  const Status again = world.run(retry_send(world.ports(), id));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kRefused);
  EXPECT_NE(again.error().hint.find("--restart"), std::string::npos);
  const Result<Restarted> anew = world.run(restart_send(world.ports(), id));
  ASSERT_TRUE(anew);
  EXPECT_EQ(world.job(anew->job).source_kind, SourceKind::kInPlace);
  run_all(world, 1);
  expect_posted(world, anew->job, content);
}

TEST_F(EngineSources, InPlaceSourceThatIsGone_FailsAndKeepsWhatItHas) {
  const Bytes content = incompressible(30 * kChunk);
  const JobId id = queue_in_place(world, content);
  run_until(world, id, SendState::kUploading);
  std::filesystem::rename(world.sources / "file", world.sources / "away");
  run_all(world, 0, 1);
  EXPECT_EQ(world.job(id).error_code, static_cast<std::uint16_t>(Errc::kNotFound));
  EXPECT_EQ(world.run(retry_send(world.ports(), id)).error().code, Errc::kNotFound);
  EXPECT_EQ(world.files->spools()->size(), 1U);
}

TEST_F(EngineSources, InPlace_IsRefusedForAnArchiveAndForAnInput) {
  std::filesystem::create_directory(world.sources / "folder");
  const std::string a = world.file("a", as_bytes("a")), b = world.file("b", as_bytes("b"));
  for (const std::vector<std::string>& sources :
       {std::vector<std::string>{world.sources / "folder"}, {a, b}}) {
    const Result<JobId> id = world.run(enqueue_send(world.ports(), in_place(sources)));
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Errc::kUsage);
    EXPECT_NE(id.error().what.find("in place"), std::string::npos);
  }
  PipedInput input(Bytes{1});
  SendRequest piped = in_place({});
  piped.input = &input;
  piped.name = "piped";
  EXPECT_EQ(world.run(enqueue_send(world.ports(), std::move(piped))).error().code, Errc::kUsage);
}

}  // namespace
}  // namespace taubenpost

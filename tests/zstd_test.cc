#include <gtest/gtest.h>

#include <algorithm>

#include "files/zstd_stream.h"
#include "support/contents.h"
#include "support/zstd_bytes.h"

namespace taubenpost {
namespace {

Bytes encoded(ByteView content, std::optional<std::uint64_t> size, std::size_t step = 10'000) {
  ZstdEncoder encoder(size);
  Bytes all;
  for (std::size_t at = 0; at < content.size(); at += step) {
    const Result<Bytes> some =
        encoder.put(content.subspan(at, std::min(step, content.size() - at)));
    TP_CHECK(some);
    append(all, *some);
  }
  const Result<Bytes> rest = encoder.end();
  TP_CHECK(rest);
  append(all, *rest);
  return all;
}
Bytes encoded(ByteView content) { return encoded(content, content.size()); }

struct Decoded {
  Bytes content;    // what came out, also before an error
  std::string why;  // it is refused
};
Decoded decode(ByteView frame, std::uint64_t size) {
  ZstdReader reader(
      [frame](std::uint64_t offset, std::size_t length) -> Result<Bytes> {
        const std::size_t at = std::min<std::size_t>(offset, frame.size());
        return to_bytes(frame.subspan(at, std::min(length, frame.size() - at)));
      },
      size);
  Decoded out;
  for (;;) {
    const Result<Bytes> piece = reader.next();
    if (!piece) {
      EXPECT_EQ(piece.error().code, Errc::kRejected);
      out.why = piece.error().what;
      return out;
    }
    if (piece->empty()) return out;
    append(out.content, *piece);
  }
}

void expect_refused(ByteView frame, std::uint64_t size, const std::string& why) {
  const Decoded out = decode(frame, size);
  EXPECT_NE(out.why.find(why), std::string::npos) << out.why;
  EXPECT_LE(out.content.size(), size);
}

TEST(Zstd, AnyContent_ComesBack) {
  for (const std::size_t size : {0U, 1U, 100U, 16'384U, 131'072U, 131'073U, 300'000U}) {
    for (const Bytes& content : {compressible(size), incompressible(size)}) {
      for (const auto& known :
           {std::optional<std::uint64_t>(size), std::optional<std::uint64_t>()}) {
        const Decoded out = decode(encoded(content, known), size);
        EXPECT_EQ(out.why, "");
        EXPECT_TRUE(out.content == content) << size;
      }
    }
  }
}

TEST(Zstd, Frame_HasNoChecksumAndABoundedWindow) {
  constexpr std::uint8_t kChecksum = 4, kDictionary = 3, kSingleSegment = 0x20;
  const Bytes large = compressible(5'000'000);
  for (const auto& known :
       {std::optional<std::uint64_t>(large.size()), std::optional<std::uint64_t>()}) {
    const Bytes frame = encoded(large, known, 100'000);
    EXPECT_EQ(frame[4] & (kChecksum | kDictionary | kSingleSegment), 0);
    EXPECT_LE(10 + (frame[5] >> 3), 22) << "log of the window";
    EXPECT_LT(frame.size(), large.size() / 4);
  }
}

TEST(Zstd, IncompressibleContent_GrowsLittle) {
  EXPECT_LE(encoded(incompressible(1'000'000)).size(), 1'000'000U + 100);
}

TEST(Zstd, PromisedSizeIsALie_IsNoticedAtTheFirstByteTooMany) {
  const Bytes content = compressible(500'000);
  const Bytes frame = encoded(content);
  expect_refused(frame, content.size() - 1, "more bytes than promised");
  expect_refused(frame, 0, "more bytes than promised");
  expect_refused(frame, content.size() + 1, "fewer bytes than promised");
  expect_refused(encoded({}), 1, "fewer bytes than promised");
}

// 128 MiB out of 4 kB: no more comes out than was promised.
TEST(Zstd, Bomb_StopsAtThePromisedSize) {
  ZstdBytes bomb;
  for (int i = 0; i < 1024; ++i) bomb.run(0, 128 << 10, i == 1023);
  expect_refused(bomb.take(), 1000, "more bytes than promised");
}

TEST(Zstd, LargerWindowThanOurs_IsRefused) {
  for (const unsigned log : {10U, 22U, 23U}) {
    const Decoded out = decode(ZstdBytes(log).run('x', 10, true).take(), 10);
    EXPECT_EQ(as_text(out.content), "xxxxxxxxxx") << log << ": " << out.why;
  }
  for (const unsigned log : {24U, 27U, 31U, 41U})
    expect_refused(ZstdBytes(log).run('x', 10, true).take(), 10, "too much memory");
}

TEST(Zstd, CutAnywhere_IsRefused) {
  const Bytes content = compressible(2'000);
  const Bytes frame = encoded(content);
  for (std::size_t size = 0; size < frame.size(); ++size) {
    const Decoded out = decode(ByteView(frame).first(size), content.size());
    EXPECT_NE(out.why, "") << size;
  }
}

TEST(Zstd, AnythingBehindTheFrame_IsRefused) {
  const Bytes content = compressible(2'000);
  const Bytes frame = encoded(content);
  for (const Bytes& tail : {Bytes{0}, frame, ZstdBytes::skippable(as_bytes("x")), encoded({})}) {
    Bytes longer = frame;
    append(longer, tail);
    expect_refused(longer, content.size(), "behind its end");
  }
}

TEST(Zstd, OtherFrames_AreRefused) {
  Bytes behind_skippable = ZstdBytes::skippable(as_bytes("hidden"));
  append(behind_skippable, ZstdBytes().run('x', 10, true).take());
  expect_refused(behind_skippable, 10, "no zstd frame");
  expect_refused(ZstdBytes::skippable({}), 0, "no zstd frame");
  expect_refused(as_bytes("xxxxxxxxxx"), 10, "no zstd frame");
  expect_refused(as_bytes("x"), 1, "no zstd frame");
  expect_refused(ZstdBytes::with_dictionary(7).run('x', 10, true).take(), 10, "ictionary");
  expect_refused(ZstdBytes().reserved().take(), 1, "damaged");
}

}  // namespace
}  // namespace taubenpost

// The fuzz targets over their committed corpus, and over every file of it cut and bent.
//
// A target stops the process where an invariant breaks; the sanitizers do the rest.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/bytes.h"
#include "support/places.h"
#include "support/temp_folder.h"

extern "C" {
int frame_fuzz(const std::uint8_t* data, std::size_t size);
int letter_fuzz(const std::uint8_t* data, std::size_t size);
int voucher_fuzz(const std::uint8_t* data, std::size_t size);
int copy_stream_fuzz(const std::uint8_t* data, std::size_t size);
int text_fuzz(const std::uint8_t* data, std::size_t size);
}

namespace taubenpost {
namespace {

struct Target {
  const char* name;
  int (*run)(const std::uint8_t*, std::size_t);
};

class Corpus : public ::testing::TestWithParam<Target> {};

TEST_P(Corpus, EveryFile_AlsoCutAndBent_BreaksNothing) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(in_source("tests/corpus/") + GetParam().name)) {
    SCOPED_TRACE(entry.path().filename());
    const std::string content = content_of(entry.path());
    const Bytes whole = to_bytes(as_bytes(content));
    EXPECT_EQ(GetParam().run(whole.data(), whole.size()), 0);
    const std::size_t step = std::max<std::size_t>(1, whole.size() / 64);
    for (std::size_t at = 0; at < whole.size(); at += step) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at));
      EXPECT_EQ(GetParam().run(cut.data(), cut.size()), 0);
      Bytes bent = whole;
      bent[at] ^= 0xff;
      EXPECT_EQ(GetParam().run(bent.data(), bent.size()), 0);
    }
    ++files;
  }
  EXPECT_GE(files, 5U) << "a corpus is missing";
}

INSTANTIATE_TEST_SUITE_P(Targets, Corpus,
                         ::testing::Values(Target{"frame_fuzz", frame_fuzz},
                                           Target{"letter_fuzz", letter_fuzz},
                                           Target{"voucher_fuzz", voucher_fuzz},
                                           Target{"copy_stream_fuzz", copy_stream_fuzz},
                                           Target{"text_fuzz", text_fuzz}),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace taubenpost

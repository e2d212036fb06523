// The fuzz targets over their committed corpus, and over every file of it cut and bent.
//
// A target stops the process where an invariant breaks; the sanitizers do the rest.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/bytes.h"
#include "support/places.h"
#include "support/temp_folder.h"

// The targets of tests/cmake/fuzz.cmake.
#define TP_TARGETS(X) \
  X(frame_fuzz)       \
  X(letter_fuzz)      \
  X(tar_fuzz)         \
  X(zstd_fuzz)        \
  X(voucher_fuzz)     \
  X(pki_fuzz)         \
  X(descriptor_fuzz)  \
  X(capability_fuzz)  \
  X(copy_stream_fuzz) \
  X(envelope_fuzz)    \
  X(mkem_fuzz)        \
  X(row_fuzz)         \
  X(thin_config_fuzz) \
  X(invitation_fuzz)  \
  X(app_config_fuzz)  \
  X(key_file_fuzz)    \
  X(ctl_fuzz)         \
  X(knobs_fuzz)

#define TP_DECLARE(name) int name(const std::uint8_t* data, std::size_t size);
extern "C" {
TP_TARGETS(TP_DECLARE)
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

#define TP_ROW(name) Target{#name, name},
constexpr Target kTargets[] = {TP_TARGETS(TP_ROW)};

INSTANTIATE_TEST_SUITE_P(Targets, Corpus, ::testing::ValuesIn(kTargets),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace taubenpost

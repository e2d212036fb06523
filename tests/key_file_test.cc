// What is left in memory of the write capability of a key file.
#include "cli/key_file.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

namespace {

using namespace std::string_view_literals;

// A capability that is "abcd" again and again in base64, so that every piece of it is known.
constexpr std::array<std::uint8_t, 3> kGroup{0x69, 0xb7, 0x1d};
constexpr auto kRaw = "\x69\xb7\x1d\x69\xb7\x1d\x69\xb7\x1d"sv;
constexpr auto kBase64 = "abcdabcdabcd"sv;

bool is_watching = false;
int left_behind = 0;

void look_at(void* block) {
  if (!is_watching || block == nullptr) return;
  const std::string_view content(static_cast<const char*>(block), malloc_usable_size(block));
  for (const std::string_view secret : {kRaw, kBase64})
    if (content.find(secret) != std::string_view::npos) ++left_behind;
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* block = std::calloc(1, size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  look_at(block);
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept { operator delete(block); }

namespace taubenpost::cli {
namespace {

class Watch {
 public:
  Watch() {
    left_behind = 0;
    is_watching = true;
  }
  ~Watch() { is_watching = false; }
};

KeyFile writers_key() {
  Bytes cap(thin::WriteCap::size());
  for (std::size_t i = 0; i < cap.size(); ++i) cap[i] = kGroup[i % kGroup.size()];
  KeyFile key;
  key.write_cap.emplace(cap);
  return key;
}

TEST(KeyFileMemory, Watch_SeesWhatIsNotWiped) {
  const Watch watch;
  {
    const std::string copy(std::string(100, 'x') + std::string(kBase64));
  }
  EXPECT_GT(left_behind, 0);
}

TEST(KeyFileMemory, WrittenAndRead_LeavesNothingOfTheWriteCapability) {
  const KeyFile key = writers_key();
  std::optional<Result<KeyFile>> read;
  int found = 0;
  {
    const Watch watch;
    const SecretBytes text = encode_key_file(key);
    read.emplace(parse_key_file(text.view(), "a.key"));
    found = left_behind;
    EXPECT_NE(as_text(text.view()).find(kBase64), std::string_view::npos);
  }
  EXPECT_EQ(found, 0);
  ASSERT_TRUE(*read) << read->error().what;
  ASSERT_TRUE((*read)->write_cap);
  EXPECT_TRUE(equal((*read)->write_cap->view(), key.write_cap->view()));
}

TEST(KeyFileMemory, CapabilityThatStandsElsewhere_IsRefused) {
  const SecretBytes encoded = encode_key_file(writers_key());
  const std::string text(as_text(encoded.view()));
  const auto changed = [&](const std::string& what, const std::string& into) {
    std::string other = text;
    return other.replace(other.find(what), what.size(), into);
  };
  for (const std::string& other :
       {changed("\"write_cap\"", "\"write_\\u0063ap\""), changed("abcd", "abc"),
        changed("abcd", "abcdabcd"), changed("abcd", "\\u0061bcd"),
        changed("{", "{\"other\": {\"write_cap\": \"abcd\"},"),
        changed("\"write_cap\":", "\"write_cap\": 1, \"other\":")}) {
    const auto read = parse_key_file(as_bytes(other), "a.key");
    ASSERT_FALSE(read) << other;
    EXPECT_EQ(read.error().code, Errc::kInvalid);
  }
}

}  // namespace
}  // namespace taubenpost::cli

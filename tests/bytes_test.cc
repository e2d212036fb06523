// Text encodings and the escaping of text from outside.
#include "base/bytes.h"

#include <gtest/gtest.h>

namespace taubenpost {
namespace {

TEST(Base32, PublishedVectors_RoundTrip) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""}, {"f", "my"}, {"fo", "mzxq"}, {"foo", "mzxw6"}, {"foobar", "mzxw6ytboi"}};
  for (const auto& [plain, text] : cases) {
    EXPECT_EQ(to_base32(as_bytes(plain)), text);
    const auto back = from_base32(text);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(as_text(back.value()), plain);
  }
}

TEST(Base32, StrayBitsOrCharacters_Refused) {
  EXPECT_FALSE(from_base32("mz"));    // trailing bits are not zero
  EXPECT_FALSE(from_base32("m"));     // less than a byte
  EXPECT_FALSE(from_base32("my1"));   // no such digit
  EXPECT_TRUE(from_base32("MZXW6"));  // either case
}

TEST(Base64, PublishedVectors_RoundTrip) {
  EXPECT_EQ(to_base64(as_bytes("fo")), "Zm8=");
  EXPECT_EQ(as_text(from_base64("Zm9vYmE=").value()), "fooba");
  EXPECT_FALSE(from_base64("Zm9vYmE"));
  EXPECT_FALSE(from_base64("Zm9=YmE="));
}

TEST(Hex, OddLengthOrLetters_Refused) {
  EXPECT_EQ(to_hex(from_hex("00fFa1").value()), "00ffa1");
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Utf8, OverlongSurrogateAndTruncated_Refused) {
  EXPECT_TRUE(is_utf8("naïve \xf0\x9f\x95\x8a"));
  EXPECT_FALSE(is_utf8("\xc0\xaf"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_utf8("\xe2\x82"));
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));
}

TEST(Printable, ControlBidiAndBadBytes_Escaped) {
  EXPECT_EQ(printable("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(printable("x\xe2\x80\xaey"), "x\\xe2\\x80\\xaey");
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("grün"), "grün");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

}  // namespace
}  // namespace taubenpost

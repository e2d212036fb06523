#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "wire/cbor_reader.h"
#include "wire/cbor_writer.h"

namespace taubenpost::wire {
namespace {

using Kind = CborValue::Kind;

Bytes hex(std::string_view text) { return std::move(from_hex(text)).value(); }

Result<CborValue> read(std::string_view text) { return read_cbor(hex(text)); }

bool refuses(ByteView bytes) {
  const Result<CborValue> value = read_cbor(bytes);
  return !value && value.error().code == Errc::kInvalid;
}
bool refuses(std::string_view text) { return refuses(hex(text)); }

// `levels` arrays around a zero.
Bytes nested(std::size_t levels) {
  Bytes out(levels, 0x81);
  out.push_back(0x00);
  return out;
}

// A list of `count` zeros, with its length in front or with a break behind.
Bytes list_of(std::uint32_t count, bool is_definite) {
  Bytes out;
  out.push_back(is_definite ? 0x9a : 0x9f);
  if (is_definite) append_be(out, count);
  out.insert(out.end(), count, 0x00);
  if (!is_definite) out.push_back(0xff);
  return out;
}

TEST(CborWriter, Integers_TakeTheShortestForm) {
  const std::pair<std::uint64_t, const char*> cases[] = {
      {0, "00"},
      {23, "17"},
      {24, "1818"},
      {255, "18ff"},
      {256, "190100"},
      {65'535, "19ffff"},
      {65'536, "1a00010000"},
      {4'294'967'295, "1affffffff"},
      {4'294'967'296, "1b0000000100000000"},
      {UINT64_MAX, "1bffffffffffffffff"},
  };
  for (const auto& [value, expected] : cases)
    EXPECT_EQ(to_hex(CborWriter().number(value).take()), expected);
  EXPECT_EQ(to_hex(CborWriter().signed_number(-1).take()), "20");
  EXPECT_EQ(to_hex(CborWriter().signed_number(-25).take()), "3818");
  EXPECT_EQ(to_hex(CborWriter().signed_number(INT64_MIN).take()), "3b7fffffffffffffff");
  EXPECT_EQ(to_hex(CborWriter().signed_number(INT64_MAX).take()), "1b7fffffffffffffff");
}

TEST(CborWriter, EveryType_HasADefiniteLength) {
  CborWriter out;
  out.map(2).text("a").array(3).boolean(true).boolean(false).null();
  out.text("bb").bytes(Bytes(24, 7));
  EXPECT_EQ(to_hex(out.take()), "a2616183f5f4f66262625818" + to_hex(Bytes(24, 7)));
  EXPECT_EQ(to_hex(CborWriter().real(1.5).take()), "fb3ff8000000000000");
}

TEST(CborReader, EveryType_KeepsItsValue) {
  const Result<CborValue> value = read(
      "8a1bffffffffffffffff3903e7f93c00fa3fc00000fbc010666666666666f5"
      "f6f7430102036474657874");
  ASSERT_TRUE(value);
  ASSERT_EQ(value->items.size(), 10U);
  const std::vector<CborValue>& items = value->items;
  EXPECT_EQ(items[0].number, UINT64_MAX);
  EXPECT_FALSE(items[0].as_int64());
  EXPECT_EQ(items[1].as_int64(), -1000);
  EXPECT_EQ(items[2].real, 1.0);
  EXPECT_EQ(items[3].real, 1.5);
  EXPECT_EQ(items[4].real, -4.1);
  EXPECT_TRUE(items[5].is(Kind::kBool) && items[5].number == 1);
  EXPECT_TRUE(items[6].is(Kind::kNull));
  EXPECT_TRUE(items[7].is(Kind::kNull));
  EXPECT_EQ(items[8].bytes, (Bytes{1, 2, 3}));
  EXPECT_EQ(items[9].text(), "text");
}

TEST(CborReader, SmallestInteger_FitsAndTheNextDoesNot) {
  EXPECT_EQ(read("3b7fffffffffffffff")->as_int64(), INT64_MIN);
  EXPECT_FALSE(read("3b8000000000000000")->as_int64());
  EXPECT_EQ(read("1b7fffffffffffffff")->as_int64(), INT64_MAX);
  EXPECT_FALSE(read("1b8000000000000000")->as_int64());
}

TEST(CborReader, OtherSpellings_MeanTheSame) {
  EXPECT_EQ(read("1b0000000000000001")->number, 1U);
  EXPECT_EQ(read("5f4101420203ff")->bytes, (Bytes{1, 2, 3}));
  EXPECT_EQ(read("7f61616162ff")->text(), "ab");
  EXPECT_EQ(read("5fff")->bytes, Bytes());
  EXPECT_EQ(read("9f0102ff")->items.size(), 2U);
  EXPECT_EQ(read("bf616101ff")->find("a")->number, 1U);
  EXPECT_EQ(read("d9d9f7c101")->number, 1U);
}

TEST(CborReader, SimpleValues_AreReadAndMeanNothing) {
  const Result<CborValue> value = read("a26161006162f0");
  ASSERT_TRUE(value);
  EXPECT_FALSE(value->find("b")->is(Kind::kNull));
  EXPECT_FALSE(value->find("b")->is(Kind::kBool));
  EXPECT_TRUE(read("82f8ff00"));
  EXPECT_TRUE(refuses("f81f"));
  EXPECT_TRUE(refuses("f8"));
}

TEST(CborReader, Keys_AreTextIntegersAndByteStrings) {
  EXPECT_TRUE(read("a36161010102410103"));
  EXPECT_TRUE(refuses("a1f501"));
  EXPECT_TRUE(refuses("a1f601"));
  EXPECT_TRUE(refuses("a18001"));
  EXPECT_TRUE(refuses("a1f93c0001"));
}

TEST(CborReader, Keys_MatchExactlyBeforeByLetterCase) {
  const Result<CborValue> both = read("a2614101616102");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->find("a")->number, 2U);
  EXPECT_EQ(read("a1614101")->find("a")->number, 1U);
  EXPECT_EQ(read("a1614101")->find("b"), nullptr);
  EXPECT_EQ(read("8101")->find("a"), nullptr);
}

TEST(CborReader, MalformedEncodings_AreRefused) {
  const char* cases[] = {
      "",              // nothing
      "18",            // a head that is cut short
      "4401",          // a string that is cut short
      "8201",          // a list that is cut short
      "a101",          // a key and no value
      "bf01ff",        // the same with a break
      "ff",            // a break alone
      "81ff",          // a break in a definite list
      "a1ff",          // and map
      "5f6161ff",      // text in a byte string
      "5f01ff",        // an integer in a byte string
      "5f5f4101ffff",  // an indefinite piece
      "5fc24101ff",    // a tagged piece
      "5f41",          // no break
      "1c",
      "3d",
      "5e",
      "7c",
      "9d",
      "be",
      "dc",
      "fd",                    // reserved lengths
      "c0",                    // a tag and no item
      "c1ff",                  // a tag and a break
      "0000",                  // an item behind
      "62c328",                // not UTF-8
      "63eda080",              // a surrogate
      "7f61c361a9ff",          // a character cut in two
      "5b000001000000000000",  // far more than there is
      "9affffffff",
      "bbffffffffffffffff",
  };
  for (const char* text : cases) EXPECT_TRUE(refuses(text)) << text;
}

TEST(CborReader, Nesting_EndsAtThirtyTwoLevels) {
  EXPECT_TRUE(read_cbor(nested(32)));
  EXPECT_TRUE(refuses(nested(33)));
  EXPECT_TRUE(refuses(nested(2'000'000)));  // costs no stack
  Bytes tags(33, 0xc1);
  tags.push_back(0x00);
  EXPECT_TRUE(refuses(tags));
}

TEST(CborReader, Containers_EndAtTheirLimit) {
  for (const bool is_definite : {true, false}) {
    EXPECT_TRUE(read_cbor(list_of(131'072, is_definite)));
    EXPECT_TRUE(refuses(list_of(131'073, is_definite)));
  }
  Bytes pairs{0xbf};
  for (int i = 0; i < 3; ++i) append(pairs, Bytes{0x00, 0x00});
  pairs.push_back(0xff);
  const CborLimits three{.depth_max = 32, .container_max = 3, .items_max = 100};
  const CborLimits two{.depth_max = 32, .container_max = 2, .items_max = 100};
  EXPECT_TRUE(read_cbor(pairs, three));
  EXPECT_FALSE(read_cbor(pairs, two));
}

TEST(CborReader, WholeInput_HasALimitOfItems) {
  const CborLimits limits{.depth_max = 32, .container_max = 100, .items_max = 10};
  EXPECT_TRUE(read_cbor(list_of(9, true), limits));
  EXPECT_FALSE(read_cbor(list_of(10, true), limits));
  // Lists of lists: the limit of one container would let through its square.
  Bytes lists{0x99, 0x10, 0x00};
  for (int i = 0; i < 4'096; ++i) append(lists, list_of(4'096, true));
  EXPECT_TRUE(refuses(lists));
}

TEST(CborReader, Prefix_TellsItsLength) {
  const Result<CborPrefix> prefix = read_cbor_prefix(hex("a1616101ffff"));
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->used, 4U);
  EXPECT_EQ(prefix->value.find("a")->number, 1U);
}

}  // namespace
}  // namespace taubenpost::wire

#include "wire/letter.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "support/places.h"
#include "wire/cbor_reader.h"
#include "wire/cbor_writer.h"

namespace taubenpost::wire {
namespace {

using Json = nlohmann::json;
using Kind = CborValue::Kind;

// *Max* of the smallest geometry that is accepted, less the four bytes of a copied box.
constexpr std::size_t kSmallestBox = 1'196;

template <std::size_t N>
std::array<std::uint8_t, N> filled(std::uint8_t byte) {
  std::array<std::uint8_t, N> out;
  out.fill(byte);
  return out;
}

Letter with_data() {
  Letter letter;
  letter.id = filled<16>(1);
  letter.name = "a.txt";
  letter.size = letter.usize = 3;
  letter.digest = letter.udigest = filled<32>(2);
  letter.content = Bytes{7, 8, 9};
  letter.sent = 1'700'000'000;
  letter.until = 1'701'000'000;
  return letter;
}
Letter with_body() {
  Letter letter = with_data();
  letter.size = letter.usize = 3'091;
  letter.content = BodyRef{filled<kReadCapSize>(3), 3, 1'545};
  return letter;
}

void expect_same(const Letter& a, const Letter& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.encoding, b.encoding);
  EXPECT_EQ(a.size, b.size);
  EXPECT_EQ(a.digest, b.digest);
  EXPECT_EQ(a.usize, b.usize);
  EXPECT_EQ(a.udigest, b.udigest);
  EXPECT_EQ(a.mode, b.mode);
  EXPECT_EQ(a.mtime, b.mtime);
  EXPECT_EQ(a.note, b.note);
  EXPECT_EQ(a.sent, b.sent);
  EXPECT_EQ(a.until, b.until);
  ASSERT_EQ(a.content.index(), b.content.index());
  if (const auto* data = std::get_if<Bytes>(&a.content)) {
    EXPECT_EQ(*data, std::get<Bytes>(b.content));
    return;
  }
  const auto& one = std::get<BodyRef>(a.content);
  const auto& other = std::get<BodyRef>(b.content);
  EXPECT_EQ(one.cap, other.cap);
  EXPECT_EQ(one.boxes, other.boxes);
  EXPECT_EQ(one.chunk, other.chunk);
}

Result<Letter> read_letter(ByteView box) {
  Result<BoxContent> content = decode_box_content(box);
  if (!content) return content.error();
  if (auto* letter = std::get_if<Letter>(&*content)) return std::move(*letter);
  return error(Errc::kNotFound, "no letter");
}

// A map that a test can change before it becomes a box.
class Entries {
 public:
  explicit Entries(const Letter& letter) {
    const Bytes bytes = encode_letter(letter);
    const Result<CborValue> map = read_cbor(bytes);
    for (std::size_t i = 0; i < map->items.size(); i += 2)
      values_[std::string(map->items[i].text())] = written(map->items[i + 1]);
  }
  Entries& set(const std::string& key, Bytes value) {
    values_[key] = std::move(value);
    return *this;
  }
  Entries& drop(const std::string& key) {
    values_.erase(key);
    return *this;
  }
  Bytes box() const {
    CborWriter out;
    out.map(values_.size());
    for (const auto& [key, value] : values_) out.text(key).raw(value);
    return out.take();
  }
  std::set<std::string> keys() const {
    std::set<std::string> out;
    for (const auto& [key, value] : values_) out.insert(key);
    return out;
  }

 private:
  static Bytes written(const CborValue& value) {
    CborWriter out;
    if (value.is(Kind::kUnsigned)) out.number(value.number);
    if (value.is(Kind::kNegative)) out.signed_number(value.as_int64().value());
    if (value.is(Kind::kText)) out.text(value.text());
    if (value.is(Kind::kBytes)) out.bytes(value.bytes);
    return out.take();
  }

  std::map<std::string, Bytes> values_;
};

Bytes number(std::uint64_t value) { return CborWriter().number(value).take(); }
Bytes text(std::string_view value) { return CborWriter().text(value).take(); }
Bytes bytes(std::size_t size) { return CborWriter().bytes(Bytes(size)).take(); }

bool is_invalid(ByteView box) {
  const Result<BoxContent> content = decode_box_content(box);
  return !content && content.error().code == Errc::kInvalid && !content.error().what.empty();
}

// ---- writing -----------------------------------------------------------------------------------

// The format is on the network for as long as boxes live: these bytes must never change.
TEST(Letter, OfDataAndOfABody_HaveTheseBytes) {
  EXPECT_EQ(to_hex(encode_letter(with_data())),
            "ad62696450010101010101010101010101010101016274700163656e63646e6f6e656464617461430708"
            "09646b696e646466696c65646e616d6565612e7478746473656e741a6553f1006473697a650364747970"
            "65666c657474657265756e74696c1a65633340657573697a650366646967657374582002020202020202"
            "020202020202020202020202020202020202020202020202026775646967657374582002020202020202"
            "02020202020202020202020202020202020202020202020202");
  Letter letter = with_body();
  letter.mode = 0644;
  letter.mtime = -1;
  letter.note = "n";
  EXPECT_EQ(to_hex(encode_letter(letter)),
            "b26269645001010101010101010101010101010101627470016363617058880303030303030303030303"
            "030303030303030303030303030303030303030303030303030303030303030303030303030303030303"
            "030303030303030303030303030303030303030303030303030303030303030303030303030303030303"
            "030303030303030303030303030303030303030303030303030303030303030303030303030303030363"
            "656e63646e6f6e65646b696e646466696c65646d6f64651901a4646e616d6565612e747874646e6f7465"
            "616e6473656e741a6553f1006473697a65190c136474797065666c657474657265626f78657303656368"
            "756e6b190609656d74696d652065756e74696c1a65633340657573697a65190c13666469676573745820"
            "020202020202020202020202020202020202020202020202020202020202020267756469676573745820"
            "0202020202020202020202020202020202020202020202020202020202020202");
}

TEST(Letter, Keys_AreInDeterministicOrder) {
  Letter longest = with_body();
  longest.mode = 0644;
  longest.mtime = -1;
  longest.note = "n";
  for (const Letter& letter : {with_data(), with_body(), longest}) {
    const Result<CborValue> map = read_cbor(encode_letter(letter));
    ASSERT_TRUE(map);
    Bytes before;
    for (std::size_t i = 0; i < map->items.size(); i += 2) {
      const Bytes key = text(map->items[i].text());
      EXPECT_LT(before, key);
      before = key;
    }
  }
}

TEST(Letter, EveryField_SurvivesTheBox) {
  Letter letter = with_body();
  letter.kind = LetterKind::kTar;
  letter.encoding = Encoding::kZstd;
  letter.usize = 1ULL << 40;
  letter.udigest = filled<32>(9);
  letter.mode = 07777;
  letter.mtime = -62'135'596'800;
  letter.note = "für später ☃";
  for (const Letter& in : {with_data(), with_body(), letter}) {
    const Result<Letter> out = read_letter(encode_letter(in));
    ASSERT_TRUE(out);
    expect_same(*out, in);
  }
}

TEST(Letter, EmptyContent_TravelsInsideTheLetter) {
  Letter letter = with_data();
  letter.size = letter.usize = 0;
  letter.content = Bytes{};
  const Result<Letter> out = read_letter(encode_letter(letter));
  ASSERT_TRUE(out);
  EXPECT_EQ(std::get<Bytes>(out->content), Bytes());
}

TEST(Letter, LongestWithABody_FitsIntoTheSmallestBox) {
  Letter letter = with_body();
  letter.name = std::string(kNameMax, 'n');
  letter.note = std::string(kNoteMax, 'n');
  letter.encoding = Encoding::kZstd;
  letter.mode = 07777;
  letter.mtime = INT64_MIN;
  // The largest numbers that the decoder lets through.
  letter.sent = letter.until = INT64_MAX;
  letter.size = letter.usize = 1ULL << 50;
  letter.content = BodyRef{filled<kReadCapSize>(3), 1ULL << 50, 1};
  const Bytes box = encode_letter(letter);
  EXPECT_LE(box.size(), kSmallestBox);
  EXPECT_TRUE(read_letter(box));
}

// ---- reading -----------------------------------------------------------------------------------

TEST(Letter, UnknownKeys_AreIgnored) {
  const Bytes box = Entries(with_data())
                        .set("later", CborWriter().map(1).number(1).null().take())
                        .set("0", number(0))
                        .box();
  const Result<Letter> out = read_letter(box);
  ASSERT_TRUE(out);
  expect_same(*out, with_data());
}

TEST(Letter, EveryKeyOfAnotherType_IsInvalid) {
  Letter full = with_body();
  full.mode = 0644;
  full.mtime = 1;
  full.note = "n";
  std::size_t keys = 0;
  for (const Letter& letter : {full, with_data()}) {
    for (const std::string& key : Entries(letter).keys()) {
      ++keys;
      for (const Bytes& other : {CborWriter().null().take(), CborWriter().array(0).take(),
                                 CborWriter().boolean(true).take(), CborWriter().real(1).take()})
        EXPECT_TRUE(is_invalid(Entries(letter).set(key, other).box())) << key;
    }
  }
  EXPECT_EQ(keys, 18U + 13U);
}

TEST(Letter, EveryRequiredKey_IsMissed) {
  for (const std::string& key : Entries(with_body()).keys()) {
    if (key == "tp") continue;  // without it this is a foreign header, see below
    EXPECT_TRUE(is_invalid(Entries(with_body()).drop(key).box())) << key;
  }
  for (const std::string& key : Entries(with_data()).keys()) {
    if (key == "tp") continue;
    EXPECT_TRUE(is_invalid(Entries(with_data()).drop(key).box())) << key;
  }
}

TEST(Letter, ImpossibleValues_AreInvalid) {
  struct Case {
    const char* key;
    Bytes value;
  };
  const Case of_both[] = {
      {"id", bytes(15)},
      {"id", bytes(17)},
      {"digest", bytes(31)},
      {"udigest", bytes(33)},
      {"kind", text("folder")},
      {"enc", text("gzip")},
      {"name", text("")},
      {"name", text("..")},
      {"name", text("a/b")},
      {"usize", number(4)},    // enc is none
      {"udigest", bytes(32)},  // the same
      {"size", CborWriter().signed_number(-1).take()},
      {"sent", CborWriter().signed_number(-1).take()},
      {"until", number(UINT64_MAX)},
      {"mode", number(010000)},
      {"mtime", number(UINT64_MAX)},
      {"note", text(std::string(kNoteMax + 1, 'n'))},
  };
  for (const Letter& letter : {with_data(), with_body()})
    for (const Case& c : of_both)
      EXPECT_TRUE(is_invalid(Entries(letter).set(c.key, c.value).box())) << c.key;
  const Case of_body[] = {
      {"cap", bytes(135)},   {"cap", bytes(168)},           {"boxes", number(0)},
      {"boxes", number(2)},  {"boxes", number(4)},          {"chunk", number(0)},
      {"data", bytes(3091)}, {"boxes", number(1ULL << 63)}, {"chunk", number(UINT64_MAX)},
  };
  for (const Case& c : of_body)
    EXPECT_TRUE(is_invalid(Entries(with_body()).set(c.key, c.value).box())) << c.key;
  EXPECT_TRUE(is_invalid(Entries(with_data()).set("data", bytes(2)).box()));
  EXPECT_TRUE(is_invalid(Entries(with_data()).set("cap", bytes(kReadCapSize)).box()));
}

TEST(Letter, BodyOfNoBytes_IsInvalid) {
  const Bytes box = Entries(with_body())
                        .set("size", number(0))
                        .set("usize", number(0))
                        .set("boxes", number(0))
                        .box();
  EXPECT_TRUE(is_invalid(box));
}

TEST(Letter, HugeSize_IsReadAndLeftToPolicy) {
  const std::uint64_t size = 1ULL << 40;
  const Bytes box = Entries(with_body())
                        .set("size", number(size))
                        .set("usize", number(size))
                        .set("boxes", number((size + 1544) / 1545))
                        .box();
  EXPECT_TRUE(read_letter(box));
  const Bytes larger = Entries(with_body())
                           .set("size", number(UINT64_MAX))
                           .set("usize", number(UINT64_MAX))
                           .set("boxes", number(UINT64_MAX / 1545 + 1))
                           .box();
  EXPECT_TRUE(is_invalid(larger));
}

TEST(Letter, SameKeyTwice_IsInvalid) {
  Bytes box = encode_letter(with_data());
  ASSERT_EQ(box[0], 0xad);
  box[0] = 0xae;
  append(box, text("name"));
  append(box, text("b.txt"));
  EXPECT_TRUE(is_invalid(box));
}

TEST(Letter, BytesBehindIt_MakeItInvalid) {
  Bytes box = encode_letter(with_data());
  box.push_back(0);
  EXPECT_TRUE(is_invalid(box));
}

TEST(Letter, CutBoxes_AreInvalid) {
  const Bytes box = encode_letter(with_body());
  for (std::size_t size = 0; size < box.size(); ++size)
    ASSERT_TRUE(is_invalid(ByteView(box).first(size))) << size;
}

// Whatever one damaged byte makes of a letter, what is read of it is written the same.
TEST(Letter, DamagedBoxes_AreReadWholeOrNotAtAll) {
  std::uint64_t seed = 1;
  const auto next = [&seed](std::uint64_t bound) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (seed >> 33) % bound;
  };
  const Bytes good = encode_letter(with_body());
  std::size_t letters = 0;
  for (int i = 0; i < 20'000; ++i) {
    Bytes box = good;
    box[next(box.size())] = static_cast<std::uint8_t>(next(256));
    const Result<Letter> letter = read_letter(box);
    if (!letter) continue;
    ++letters;
    const Result<Letter> again = read_letter(encode_letter(*letter));
    ASSERT_TRUE(again);
    expect_same(*again, *letter);
  }
  EXPECT_GT(letters, 1'000U);
}

TEST(ChannelBox, OtherVersionsAndTypes_AreUnknown) {
  const Bytes boxes[] = {
      Entries(with_data()).set("tp", number(2)).box(),
      Entries(with_data()).set("type", text("report")).box(),
      CborWriter().map(2).text("tp").number(1).text("type").text("later").take(),
      CborWriter().map(2).text("tp").number(UINT64_MAX).text("type").text("letter").take(),
  };
  for (const Bytes& box : boxes) {
    const Result<BoxContent> content = decode_box_content(box);
    ASSERT_TRUE(content);
    EXPECT_TRUE(std::holds_alternative<UnknownType>(*content)) << to_hex(box);
  }
}

TEST(ChannelBox, WhatIsNoMap_IsInvalid) {
  EXPECT_TRUE(is_invalid({}));
  EXPECT_TRUE(is_invalid(text("hello")));
  EXPECT_TRUE(is_invalid(CborWriter().array(0).take()));
  EXPECT_TRUE(is_invalid(CborWriter().map(0).take()));
  EXPECT_TRUE(is_invalid(Bytes(1'000, 0x81)));
  EXPECT_TRUE(is_invalid(CborWriter().map(1).text("tp").number(1).take()));
}

// ---- foreign streams ---------------------------------------------------------------------------

TEST(Foreign, RecordedStreams_BeginWithAHeader) {
  std::ifstream in(in_source("tests/vectors/foreign/pigeonhole-cp-send.json"));
  const Json file = Json::parse(in);
  std::size_t cases = 0;
  for (const Json& c : file.at("cases")) {
    SCOPED_TRACE(c.at("name"));
    ++cases;
    const Bytes box = std::move(from_hex(c.at("boxes").at(0).get<std::string>())).value();
    const Result<BoxContent> content = decode_box_content(box);
    ASSERT_TRUE(content);
    const auto* foreign = std::get_if<Foreign>(&*content);
    ASSERT_NE(foreign, nullptr);
    EXPECT_EQ(foreign->name, c.at("file_name"));
    EXPECT_EQ(foreign->size, c.at("size").get<std::uint64_t>());
    // The content begins right behind the header.
    const ByteView rest = ByteView(box).subspan(foreign->header_size);
    for (std::size_t i = 0; i < rest.size(); ++i)
      ASSERT_EQ(rest[i], static_cast<std::uint8_t>(7 * i + 3)) << i;
    EXPECT_LE(rest.size(), foreign->size);
  }
  EXPECT_EQ(cases, 5U);
}

TEST(Foreign, HeaderWithOtherKeys_CountsWithItsWholeLength) {
  CborWriter out;
  out.map(3).text("name").text("x").text("hash").array(2).number(1).number(2);
  out.text("size").number(70'000);
  const Bytes header = out.take();
  Bytes box = header;
  append(box, Bytes(10, 0xff));
  const Result<BoxContent> content = decode_box_content(box);
  ASSERT_TRUE(content);
  const auto& foreign = std::get<Foreign>(*content);
  EXPECT_EQ(foreign.header_size, header.size());
  EXPECT_EQ(foreign.size, 70'000U);
}

TEST(Foreign, BadHeaders_AreInvalid) {
  const Bytes boxes[] = {
      CborWriter().map(1).text("name").text("x").take(),
      CborWriter().map(1).text("size").number(1).take(),
      CborWriter().map(2).text("name").text("x").text("size").signed_number(-1).take(),
      CborWriter().map(2).text("name").number(1).text("size").number(1).take(),
      CborWriter().map(2).text("name").text("../x").text("size").number(1).take(),
      CborWriter().map(2).text("name").text("").text("size").number(1).take(),
  };
  for (const Bytes& box : boxes) EXPECT_TRUE(is_invalid(box)) << to_hex(box);
}

// ---- names -------------------------------------------------------------------------------------

// ---- headers of our own streams ----------------------------------------------------------------

StreamMarks full_marks() {
  StreamMarks marks;
  marks.id = filled<16>(1);
  marks.kind = LetterKind::kTar;
  marks.digest = filled<32>(2);
  marks.mode = 0640;
  marks.mtime = -3;
  marks.note = "for you";
  return marks;
}

TEST(StreamHeader, HasTheseBytes) {
  StreamMarks marks;
  marks.id = filled<16>(1);
  marks.digest = filled<32>(2);
  EXPECT_EQ(to_hex(encode_stream_header("a", 3, marks)),
            "a5646e616d656161"  // name, size: what pigeonhole-cp reads
            "6473697a6503"      //
            "62696450" +        // id
                std::string("01010101010101010101010101010101") +
                "646b696e646466696c65"  // kind
                "666469676573745820" +  // digest
                "0202020202020202020202020202020202020202020202020202020202020202");
}

TEST(StreamHeader, EveryMark_SurvivesTheBox) {
  const Result<BoxContent> content =
      decode_box_content(encode_stream_header("a.tar", 3, full_marks()));
  ASSERT_TRUE(content);
  const auto& header = std::get<Foreign>(*content);
  EXPECT_EQ(header.name, "a.tar");
  EXPECT_EQ(header.size, 3U);
  ASSERT_TRUE(header.marks);
  EXPECT_EQ(header.marks->id, full_marks().id);
  EXPECT_EQ(header.marks->kind, full_marks().kind);
  EXPECT_EQ(header.marks->digest, full_marks().digest);
  EXPECT_EQ(header.marks->mode, full_marks().mode);
  EXPECT_EQ(header.marks->mtime, full_marks().mtime);
  EXPECT_EQ(header.marks->note, full_marks().note);
}

TEST(StreamHeader, LongestOne_FitsIntoTheSmallestBox) {
  StreamMarks marks = full_marks();
  marks.note = std::string(kNoteMax, 'n');
  marks.mtime = INT64_MIN;
  EXPECT_LE(encode_stream_header(std::string(kNameMax, 'a'), UINT64_MAX, marks).size(),
            kSmallestBox);
}

TEST(StreamHeader, DigestWithBadCompany_IsInvalid) {
  const Bytes32 digest = filled<32>(2);
  const auto begin = [&](std::uint64_t entries) {
    CborWriter out;
    out.map(entries).text("name").text("x").text("size").number(1).text("digest").bytes(digest);
    return out;
  };
  const TransferId id = filled<16>(1);
  EXPECT_TRUE(is_invalid(begin(3).take()));
  EXPECT_TRUE(is_invalid(begin(4).text("id").bytes(id).take()));
  EXPECT_TRUE(is_invalid(begin(5).text("id").bytes(id).text("kind").text("link").take()));
  EXPECT_TRUE(is_invalid(begin(5).text("id").number(1).text("kind").text("file").take()));
  EXPECT_FALSE(is_invalid(begin(5).text("id").bytes(id).text("kind").text("file").take()));
}

TEST(ValidName, OrdinaryNames_AreTaken) {
  const std::string names[] = {"a",   "report 1.pdf", ".hidden",          "...",
                               "-rf", "naïve",        "日本語.txt",       "a\xCC\x88",
                               "~",   "a:b",          "\xF0\x9F\x95\x8A", std::string(255, 'x')};
  for (const std::string& name : names) EXPECT_TRUE(valid_name(name)) << name;
}

TEST(ValidName, DangerousNames_AreRefused) {
  using namespace std::string_literals;
  const std::string names[] = {
      ""s,
      "."s,
      ".."s,
      "a/b"s,
      "/"s,
      "a\\b"s,
      "a\0b"s,
      "a\nb"s,
      "a\x1b[2Jb"s,
      "a\x7f"s,
      "a\xC2\x80"s,  // C1 controls
      "a\xC2\x9F"s,
      "a\xD8\x9C"s,            // U+061C
      "a\xE2\x80\x8E"s,        // U+200E
      "a\xE2\x80\x8F"s,        // U+200F
      "a\xE2\x80\xAA"s,        // U+202A
      "gpj.exe\xE2\x80\xAE"s,  // U+202E
      "a\xE2\x81\xA6"s,        // U+2066
      "a\xE2\x81\xA9"s,        // U+2069
      "a\xFF"s,                // not UTF-8
      "a\xED\xA0\x80"s,        // a surrogate
      "a\xC0\xAF"s,            // an overlong slash
      std::string(256, 'x'),
      std::string(254, 'x') + "\xC3\xA9",
  };
  for (const std::string& name : names) EXPECT_FALSE(valid_name(name)) << printable(name);
  // Their neighbours are letters and signs like others.
  for (const std::string& name : {"a\xC2\xA1"s, "a\xE2\x80\x90"s, "a\xE2\x82\xAC"s})
    EXPECT_TRUE(valid_name(name)) << name;
}

}  // namespace
}  // namespace taubenpost::wire

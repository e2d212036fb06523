// Encoded rows: they come back whole, their bytes never change, and damaged ones are refused.
#include <gtest/gtest.h>

#include "store/row_codec.h"
#include "support/store_rows.h"

namespace taubenpost {
namespace {

namespace rows = store_rows;

template <class Row>
class StoreCodec : public testing::Test {};

template <class Row>
Row full_row() {
  if constexpr (std::is_same_v<Row, SendJobRow>) return rows::send_job();
  if constexpr (std::is_same_v<Row, RecipientRow>) return rows::recipient();
  if constexpr (std::is_same_v<Row, BatchRow>) return rows::batch();
  if constexpr (std::is_same_v<Row, RetractJobRow>) return rows::retract_job();
  if constexpr (std::is_same_v<Row, ElementRow>) return rows::element(7);
  if constexpr (std::is_same_v<Row, ChannelRow>) return rows::channel();
  if constexpr (std::is_same_v<Row, InboxRow>) return rows::inbox();
  if constexpr (std::is_same_v<Row, AwaitedRow>) return rows::awaited();
  if constexpr (std::is_same_v<Row, ReceiveJobRow>) return rows::receive_job();
  if constexpr (std::is_same_v<Row, JournalRow>) return rows::note();
  if constexpr (std::is_same_v<Row, StoreIdentityRow>) return rows::identity();
}

template <class Row>
Row sample() {
  Row row = full_row<Row>();
  if constexpr (requires { row.revision; }) row.revision = 0x01020304;
  return row;
}

using AllRows =
    testing::Types<SendJobRow, RecipientRow, BatchRow, RetractJobRow, ElementRow, ChannelRow,
                   InboxRow, AwaitedRow, ReceiveJobRow, JournalRow, StoreIdentityRow>;
TYPED_TEST_SUITE(StoreCodec, AllRows);

TYPED_TEST(StoreCodec, FullRow_ComesBackWhole) {
  const Result<TypeParam> back = decode<TypeParam>(encode(sample<TypeParam>()));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, sample<TypeParam>());
}

TYPED_TEST(StoreCodec, RowCutAnywhere_IsInvalid) {
  const Bytes whole = encode(sample<TypeParam>());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode<TypeParam>(ByteView(whole).first(size))) << size;
}

TYPED_TEST(StoreCodec, TrailingByte_IsInvalid) {
  Bytes longer = encode(sample<TypeParam>());
  longer.push_back(0);
  EXPECT_FALSE(decode<TypeParam>(longer));
}

TYPED_TEST(StoreCodec, OtherByteOrder_IsInvalid) {
  Bytes other = encode(sample<TypeParam>());
  other[0] = 0;
  EXPECT_FALSE(decode<TypeParam>(other));
}

// Any single byte may say anything: the row is refused or decodes to something, never more.
TYPED_TEST(StoreCodec, AnyByteReplaced_NeverReadsPastTheEnd) {
  const Bytes whole = encode(sample<TypeParam>());
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (const std::uint8_t value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      Bytes changed = whole;
      changed[i] = value;
      const Result<TypeParam> row = decode<TypeParam>(changed);
      if (!row) continue;
      EXPECT_EQ(encode(*row), changed) << i;
    }
}

TEST(StoreCodecValues, LengthBeyondTheRest_IsInvalidAndAllocatesNothing) {
  // A note whose text claims 2^63 bytes.
  Bytes bytes = encode(JournalRow{});
  for (std::size_t i = bytes.size() - 8; i < bytes.size(); ++i) bytes[i] = 0;
  bytes.back() = 0x80;
  EXPECT_FALSE(decode<JournalRow>(bytes));
}

TEST(StoreCodecValues, UnknownState_IsInvalid) {
  SendJobRow job = rows::send_job();
  job.state = static_cast<SendState>(8);
  EXPECT_FALSE(decode<SendJobRow>(encode(job)));
  job.state = static_cast<SendState>(0);
  EXPECT_FALSE(decode<SendJobRow>(encode(job)));
  job = rows::send_job();
  job.commit = static_cast<Way>(3);
  EXPECT_FALSE(decode<SendJobRow>(encode(job)));
  RecipientRow recipient = rows::recipient();
  recipient.state = static_cast<RecipientState>(7);
  EXPECT_FALSE(decode<RecipientRow>(encode(recipient)));
  BatchRow batch = rows::batch();
  batch.state = static_cast<BatchState>(6);
  EXPECT_FALSE(decode<BatchRow>(encode(batch)));
  RetractJobRow retract = rows::retract_job();
  retract.state = static_cast<RetractState>(5);
  EXPECT_FALSE(decode<RetractJobRow>(encode(retract)));
  ReceiveJobRow receive = rows::receive_job();
  receive.state = static_cast<ReceiveState>(8);
  EXPECT_FALSE(decode<ReceiveJobRow>(encode(receive)));
  receive = rows::receive_job();
  receive.if_exists = static_cast<IfExists>(4);
  EXPECT_FALSE(decode<ReceiveJobRow>(encode(receive)));
  ChannelRow channel = rows::channel();
  channel.direction = static_cast<ChannelDirection>(3);
  EXPECT_FALSE(decode<ChannelRow>(encode(channel)));
  channel = rows::channel();
  channel.rules.accept = static_cast<Accept>(4);
  EXPECT_FALSE(decode<ChannelRow>(encode(channel)));
  InboxRow inbox = rows::inbox();
  inbox.kind = static_cast<InboxKind>(11);
  EXPECT_FALSE(decode<InboxRow>(encode(inbox)));
}

TEST(StoreCodecValues, FlagThatIsNeitherZeroNorOne_IsInvalid) {
  StoreIdentityRow row;
  row.network = {};
  Bytes bytes = encode(row);
  const std::size_t flag = bytes.size() - 41;  // before the network id and the rate
  ASSERT_EQ(bytes[flag], 0);
  bytes[flag] = 1;
  EXPECT_TRUE(decode<StoreIdentityRow>(bytes));
  bytes[flag] = 2;
  EXPECT_FALSE(decode<StoreIdentityRow>(bytes));
}

// The bytes of each row as row version 1 has them. If one of these fails, stores of users can no
// longer be read: give the row a new version instead (schema/store.md, "Versions").
// Written by version 1: what came later has its default.
const char* const kSendJobVersionOne =
    "01101112131415161718191a1b1c1d1e1f0403020103080706050403020115000000000000002f686f6d652f"
    "616e6e612f7265706f72742e706466110000000000000022000000000000003300000000000000bcffffffff"
    "ffffff55000000000000000a000000000000007265706f72742e706466090000000000000066c3bc72206469"
    "6368a0010000b3ffffffffffffff707172737475767778797a7b7c7d7e7f0200000066000000000000000102"
    "030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f200d06000000000000770000000000"
    "0000800000000800000002030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20210500"
    "00000000000003040506070400000005060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021"
    "22232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d"
    "4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c88000000000000009900000000"
    "000000aa00000000000000bb000000000000000d0c02000000000000006e6f";

// What each version since has added to them.
const char* const kSendJobSince[] = {
    "01",
    "",
    "",
    "fdcc00000000000000dd00000000000000050000000000000064617920370607"
    "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425",
    "",
    "",
    "0f0e00000202ee00000000000000",
    "01010000000000000005000000000000002f622f6e6f",
    "",
    "",
    "",
    "02",
    "0202010000000000001718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233343536020101"
    "303132333435363738393a3b3c3d3e3f"};

TEST(StoreCodecGolden, SendJobOfAnOlderVersion_IsReadWithTheDefaultsOfLaterMembers) {
  std::string golden = kSendJobVersionOne;
  for (std::uint8_t version = 1; version <= std::size(kSendJobSince); ++version) {
    SendJobRow expected = sample<SendJobRow>();
    expected.plan.encoding = Encoding::kNone;
    expected.plan.usize = 0;
    expected.plan.udigest = {};
    expected.source_kind = SourceKind::kPath;
    expected.chooses_transport = expected.separate_bodies = false;
    expected.receipt_for = {};
    if (version < 13) expected.layout = Layout::kLetters;
    if (version < 9) {
      expected.archive = false;
      expected.more_sources.clear();
    }
    if (version < 8) {
      expected.window = 0;
      expected.expire = 0;
      expected.transport = expected.commit = Way::kCopy;
    }
    if (version < 5) {
      expected.priority = 0;
      expected.not_before = expected.deadline = 0;
      expected.key.clear();
      expected.request = {};
    }
    if (version < 2) expected.paused = false;
    const Result<SendJobRow> row = decode<SendJobRow>(from_hex(golden).value(), version);
    ASSERT_TRUE(row) << int{version};
    EXPECT_EQ(*row, expected) << int{version};
    const std::string added = kSendJobSince[version - 1];
    const bool is_newer{decode<SendJobRow>(from_hex(golden).value(), version + 1)};
    EXPECT_EQ(is_newer, added.empty()) << int{version};
    golden += added;
  }
}

TEST(StoreCodecGolden, SendJob_IsWhatTheNewestVersionSays) {
  std::string golden = kSendJobVersionOne;
  for (const char* const added : kSendJobSince) golden += added;
  EXPECT_EQ(to_hex(encode(sample<SendJobRow>())), golden);
}

const char* const kRecipientVersionOne =
    "01101112131415161718191a1b1c1d1e1f010000000403020102505152535455565758595a5b5c5d5e5f0400"
    "00000000000062657274060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
    "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f50515253"
    "5455565758595a5b5c5d5e5f606162636465666768696a6b6c6d000102030405060706000000000000000708"
    "090a0b0c050000000000000074616b656e";

TEST(StoreCodecGolden, Recipient_IsWhatVersionFourteenSays) {
  EXPECT_EQ(to_hex(encode(sample<RecipientRow>())),
            std::string(kRecipientVersionOne) + "0908000000000000");
}

TEST(StoreCodecGolden, RecipientOfVersionOne_HasNoReceipt) {
  RecipientRow expected = sample<RecipientRow>();
  expected.received = 0;
  const Result<RecipientRow> row = decode<RecipientRow>(from_hex(kRecipientVersionOne).value(), 13);
  ASSERT_TRUE(row);
  EXPECT_EQ(*row, expected);
}

const char* const kBatchVersionOne =
    "01101112131415161718191a1b1c1d1e1f0300000004030201030b0a0000000000008000000008090a0b0c0d"
    "0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233343536373839"
    "3a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465"
    "666768696a6b6c6d6e6f02000000090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526"
    "27280a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728290700000000000000636f"
    "757269657202000000000000000b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829"
    "2a050000000000000066697273740c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829"
    "2a2b0000000000000000100000001500000007000000000000000d0e0f101112130e0f101112131415161718"
    "191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f4041424344"
    "45464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f70"
    "71727374750c000000000000000d0000000000000001";

TEST(StoreCodecGolden, Batch_IsWhatVersionFiveSays) {
  EXPECT_EQ(to_hex(encode(sample<BatchRow>())), std::string(kBatchVersionOne) + "0e00000000000000");
}

TEST(StoreCodecGolden, BatchOfVersionOne_WaitsForNothing) {
  BatchRow expected = sample<BatchRow>();
  expected.not_before_ms = 0;
  const Result<BatchRow> row = decode<BatchRow>(from_hex(kBatchVersionOne).value(), 4);
  ASSERT_TRUE(row);
  EXPECT_EQ(*row, expected);
}

TEST(StoreCodecGolden, RetractJob_IsWhatVersionFiveSays) {
  EXPECT_EQ(
      to_hex(encode(sample<RetractJobRow>())),
      "01101112131415161718191a1b1c1d1e1f040302010221000000000000000122000000000000000100000000"
      "0000002300000000000000020000000000000024000000000000000807060504030201250000002600000000"
      "000000161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e"
      "3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a"
      "6b6c6d6e6f707172737475767778797a7b7c7d27000000000000002800070000000000000072656675736564");
}

TEST(StoreCodecGolden, Element_IsWhatVersionOneSays) {
  EXPECT_EQ(
      to_hex(encode(sample<ElementRow>())),
      "01101112131415161718191a1b1c1d1e1f03000000020000000700000009000000000000000708090a0b0c0d"
      "0e0f");
}

const char* const kChannelVersionOne =
    "01505152535455565758595a5b5c5d5e5f040302010400000000000000626572740288000000000000000f10"
    "1112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c"
    "3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768"
    "696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f9091929394"
    "9596101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233343536373839"
    "3a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465"
    "666768696a6b6c6d6e6f7071727374757677110000000000000001909192939495969798999a9b9c9d9e9fa0"
    "a1a2a3a4a5a6a7a8a9aaabacadaeaf1200000000000000";

void without_receipts(ChannelRow& row) {
  row.receipts = {};
  row.of_receipts = false;
  row.delivery = {};
}

void without_rules(ChannelRow& row) {
  row.rules = {};
  row.deferred = 0;
  row.read_up_to = 0;
}

TEST(StoreCodecGolden, ChannelOfVersionOne_IsReadWithTheDefaultsOfLaterMembers) {
  const Result<ChannelRow> row = decode<ChannelRow>(from_hex(kChannelVersionOne).value(), 1);
  ASSERT_TRUE(row);
  ChannelRow expected = sample<ChannelRow>();
  expected.found = 0;
  expected.unsynchronised = false;
  expected.stream = {};
  without_rules(expected);
  expected.layout = Layout::kLetters;
  without_receipts(expected);
  EXPECT_EQ(*row, expected);
  EXPECT_FALSE(decode<ChannelRow>(from_hex(kChannelVersionOne).value(), 3));
}

TEST(StoreCodecGolden, ChannelOfVersionThree_IsReadWithTheDefaultsOfLaterMembers) {
  const Bytes bytes = from_hex(std::string(kChannelVersionOne) + "1312000000000000").value();
  const Result<ChannelRow> row = decode<ChannelRow>(bytes, 3);
  ASSERT_TRUE(row);
  ChannelRow expected = sample<ChannelRow>();
  expected.unsynchronised = false;
  expected.stream = {};
  without_rules(expected);
  expected.layout = Layout::kLetters;
  without_receipts(expected);
  EXPECT_EQ(*row, expected);
  EXPECT_FALSE(decode<ChannelRow>(bytes, 4));
}

TEST(StoreCodecGolden, ChannelOfVersionFour_ReadsNoStream) {
  const Bytes bytes = from_hex(std::string(kChannelVersionOne) + "131200000000000001").value();
  const Result<ChannelRow> row = decode<ChannelRow>(bytes, 4);
  ASSERT_TRUE(row);
  ChannelRow expected = sample<ChannelRow>();
  expected.stream = {};
  without_rules(expected);
  expected.layout = Layout::kLetters;
  without_receipts(expected);
  EXPECT_EQ(*row, expected);
  EXPECT_FALSE(decode<ChannelRow>(bytes, 7));
}

const char* const kChannelSinceThree = "131200000000000001303132333435363738393a3b3c3d3e3f";
const char* const kChannelSinceEleven =
    "0315140000000000001600000017000000"
    "1800000000000000";

TEST(StoreCodecGolden, ChannelOfVersionSeven_HasTheDefaultRules) {
  const Bytes bytes = from_hex(std::string(kChannelVersionOne) + kChannelSinceThree).value();
  const Result<ChannelRow> row = decode<ChannelRow>(bytes, 7);
  ASSERT_TRUE(row);
  ChannelRow expected = sample<ChannelRow>();
  without_rules(expected);
  expected.layout = Layout::kLetters;
  without_receipts(expected);
  EXPECT_EQ(*row, expected);
  EXPECT_FALSE(decode<ChannelRow>(bytes, 11));
}

TEST(StoreCodecGolden, ChannelOfVersionEleven_CarriesLetters) {
  const Bytes bytes =
      from_hex(std::string(kChannelVersionOne) + kChannelSinceThree + kChannelSinceEleven).value();
  const Result<ChannelRow> row = decode<ChannelRow>(bytes, 11);
  ASSERT_TRUE(row);
  ChannelRow expected = sample<ChannelRow>();
  expected.layout = Layout::kLetters;
  without_receipts(expected);
  EXPECT_EQ(*row, expected);
  EXPECT_FALSE(decode<ChannelRow>(bytes, 13));
}

TEST(StoreCodecGolden, ChannelOfVersionThirteen_HasNoReceipts) {
  const Bytes bytes =
      from_hex(std::string(kChannelVersionOne) + kChannelSinceThree + kChannelSinceEleven + "02")
          .value();
  const Result<ChannelRow> row = decode<ChannelRow>(bytes, 13);
  ASSERT_TRUE(row);
  ChannelRow expected = sample<ChannelRow>();
  without_receipts(expected);
  EXPECT_EQ(*row, expected);
  EXPECT_FALSE(decode<ChannelRow>(bytes, 14));
}

TEST(StoreCodecGolden, Channel_IsWhatVersionFourteenSays) {
  EXPECT_EQ(to_hex(encode(sample<ChannelRow>())),
            std::string(kChannelVersionOne) + kChannelSinceThree + kChannelSinceEleven + "02" +
                "404142434445464748494a4b4c4d4e4f0103000000000000002f696e0102"
                "03000000000000002f646f");
}

const char* const kInboxVersionOne =
    "01505152535455565758595a5b5c5d5e5f130000000000000001707172737475767778797a7b7c7d7e7f1011"
    "12131415161718191a1b1c1d1e1f140000000000000008000000000000001112131415161718030000000000"
    "0000776879";

TEST(StoreCodecGolden, Inbox_IsWhatVersionElevenSays) {
  EXPECT_EQ(to_hex(encode(sample<InboxRow>())),
            std::string(kInboxVersionOne) + "011900000000000000");
}

TEST(StoreCodecGolden, InboxOfVersionOne_IsOnePositionThatIsKept) {
  InboxRow expected = sample<InboxRow>();
  expected.discarded = false;
  expected.positions = 1;
  const Result<InboxRow> row = decode<InboxRow>(from_hex(kInboxVersionOne).value(), 10);
  ASSERT_TRUE(row);
  EXPECT_EQ(*row, expected);
}

TEST(StoreCodecGolden, Awaited_IsWhatVersionThreeSays) {
  EXPECT_EQ(
      to_hex(encode(sample<AwaitedRow>())),
      "01505152535455565758595a5b5c5d5e5f150000000000000012131415161718191a1b1c1d1e1f2021222324"
      "25262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f50"
      "5152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f70717273747576777879171600"
      "0000000000");
}

const char* const kReceiveJobVersionOne =
    "01101112131415161718191a1b1c1d1e1f04030201021500000000000000505152535455565758595a5b5c5d"
    "5e5f0400000000000000616e6e611600000000000000090000000000000012131415161718191a1400000000"
    "0000002f686f6d652f626572742f446f776e6c6f6164731700000000000000131415161718191a1b1c1d1e1f"
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b"
    "4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f7071727374757677"
    "78797a030000000000000018000000000000001a0000000000000008070605040302011f000000000000002f"
    "686f6d652f626572742f446f776e6c6f6164732f7265706f72742e7064661b000000000000001c0000000000"
    "00001d000000000000001e000400000000000000676f6e65";

// As a version below 12 has it.
ReceiveJobRow reported_to_nobody() {
  ReceiveJobRow row = sample<ReceiveJobRow>();
  row.on_received.clear();
  row.reported = false;
  return row;
}

TEST(StoreCodecGolden, ReceiveJob_IsWhatVersionTwelveSays) {
  EXPECT_EQ(to_hex(encode(sample<ReceiveJobRow>())),
            std::string(kReceiveJobVersionOne) + "01030300000000000000" + "2f646f01");
}

TEST(StoreCodecGolden, ReceiveJobOfVersionTen_IsReportedToNobody) {
  const Result<ReceiveJobRow> row =
      decode<ReceiveJobRow>(from_hex(std::string(kReceiveJobVersionOne) + "0103").value(), 10);
  ASSERT_TRUE(row);
  EXPECT_EQ(*row, reported_to_nobody());
}

TEST(StoreCodecGolden, ReceiveJobOfVersionNine_ReplacesNothing) {
  ReceiveJobRow expected = reported_to_nobody();
  expected.if_exists = IfExists::kRename;
  const Result<ReceiveJobRow> row =
      decode<ReceiveJobRow>(from_hex(std::string(kReceiveJobVersionOne) + "01").value(), 9);
  ASSERT_TRUE(row);
  EXPECT_EQ(*row, expected);
}

TEST(StoreCodecGolden, ReceiveJobOfVersionOne_UnpacksNothing) {
  ReceiveJobRow expected = reported_to_nobody();
  expected.unpack = false;
  expected.if_exists = IfExists::kRename;
  const Result<ReceiveJobRow> row =
      decode<ReceiveJobRow>(from_hex(kReceiveJobVersionOne).value(), 8);
  ASSERT_TRUE(row);
  EXPECT_EQ(*row, expected);
}

TEST(StoreCodecGolden, Journal_IsWhatVersionOneSays) {
  EXPECT_EQ(to_hex(encode(sample<JournalRow>())),
            "01101112131415161718191a1b1c1d1e1f1f0000000000000006000000000000006f70656e6564");
}

const char* const kIdentityVersionOne =
    "011415161718191a1b1c1d1e1f2021222315161718191a1b1c1d1e1f20212223242000000000000000019091"
    "92939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf";

TEST(StoreCodecGolden, StoreIdentity_IsWhatVersionFiveSays) {
  EXPECT_EQ(to_hex(encode(sample<StoreIdentityRow>())),
            std::string(kIdentityVersionOne) + "2100000000000000");
}

TEST(StoreCodecGolden, StoreIdentityOfVersionOne_HasNoUploadRate) {
  StoreIdentityRow expected = sample<StoreIdentityRow>();
  expected.upload_rate = 0;
  const Result<StoreIdentityRow> row =
      decode<StoreIdentityRow>(from_hex(kIdentityVersionOne).value(), 4);
  ASSERT_TRUE(row);
  EXPECT_EQ(*row, expected);
}

TEST(StoreCodecGolden, Ack_IsWhatVersionOneSays) { EXPECT_EQ(to_hex(encode(AckRow{})), "01"); }

TEST(StoreCodecGolden, InboxTransfer_IsWhatVersionOneSays) {
  EXPECT_EQ(to_hex(encode(InboxTransferRow{0x0102030405060708})), "010807060504030201");
}

}  // namespace
}  // namespace taubenpost

#include <gtest/gtest.h>

#include <cctype>

#include "bacap/capability.h"
#include "crypto/hash.h"
#include "engine/channels.h"

namespace taubenpost {
namespace {

Invitation sample() {
  Invitation invitation;
  invitation.network = NetworkId{1, 2, 3};
  for (std::size_t i = 0; i < invitation.read_cap.size(); ++i)
    invitation.read_cap[i] = static_cast<std::uint8_t>(i * 5);
  invitation.label = "Büro";
  return invitation;
}

Errc code_of_text(const std::string& text) {
  const Result<Invitation> decoded = decode_invitation(text);
  return decoded ? Errc{0} : decoded.error().code;
}

TEST(Invitation, EncodedAndDecoded_IsTheSame) {
  const Result<Invitation> back = decode_invitation(encode_invitation(sample()));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->network, sample().network);
  EXPECT_EQ(back->read_cap, sample().read_cap);
  EXPECT_EQ(back->label, sample().label);
}

TEST(Invitation, OfAStoreWithoutANetwork_HasNone) {
  Invitation invitation = sample();
  invitation.network.reset();
  EXPECT_FALSE(decode_invitation(encode_invitation(invitation))->network.has_value());
}

TEST(Invitation, Format_IsFixed) {
  Invitation invitation;
  invitation.label = "a";
  const std::string text = encode_invitation(invitation);
  // 2 + 32 + 136 + 1 + 1 + 4 = 176 bytes: 282 characters, all lower case.
  EXPECT_EQ(text.size(), 3U + 282U);
  EXPECT_EQ(text.substr(0, 7), "tp1aeaa");
  for (const char c : text) EXPECT_TRUE(std::islower(c) != 0 || std::isdigit(c) != 0) << c;
}

TEST(Invitation, WithReceipts_HasTheirCapability) {
  Invitation invitation = sample();
  invitation.receipts = Bytes(kWriteCapSize, 7);
  const std::string text = encode_invitation(invitation);
  const Result<Invitation> back = decode_invitation(text);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->receipts, invitation.receipts);
  EXPECT_EQ(back->read_cap, invitation.read_cap);
  EXPECT_EQ(back->label, invitation.label);
  EXPECT_EQ(text.substr(0, 7), "tp1aeba") << "version 1, flag 2";
  EXPECT_TRUE(decode_invitation(encode_invitation(sample()))->receipts.empty());
}

TEST(Invitation, WithFlagsOfALaterVersionOrTooShortForReceipts_IsRefused) {
  Bytes payload = *from_base32(encode_invitation(sample()).substr(3));
  payload.resize(payload.size() - 4);
  for (const std::uint8_t flags : {2, 3, 4, 255}) {
    payload[1] = flags;
    Bytes whole = payload;
    append(whole, ByteView(crypto::blake2b_256(payload)).first(4));
    EXPECT_EQ(code_of_text("tp1" + to_base32(whole)), Errc::kInvalid) << int{flags};
  }
}

TEST(Invitation, WhiteSpaceAround_IsIgnored) {
  EXPECT_TRUE(decode_invitation(" \r\n" + encode_invitation(sample()) + "\n\t"));
}

TEST(Invitation, EverySingleCharacterDamage_IsRefused) {
  const std::string alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  const std::string good = encode_invitation(sample());
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char other : alphabet + "018 =\n\xff") {
      if (other == good[at]) continue;
      std::string damaged = good;
      damaged[at] = other;
      // White space at the very end or beginning only shortens the text.
      EXPECT_EQ(code_of_text(damaged), Errc::kInvalid) << at << " " << other;
    }
    EXPECT_EQ(code_of_text(good.substr(0, at)), Errc::kInvalid) << at;
    EXPECT_EQ(code_of_text(good.substr(0, at) + good.substr(at + 1)), Errc::kInvalid) << at;
  }
}

TEST(Invitation, NotAnInvitation_IsInvalid) {
  for (const std::string& text :
       {std::string(), std::string("tp1"),
        std::string("tp2") + encode_invitation(sample()).substr(3), std::string("hello"),
        std::string(10'000, 'a'), std::string("tp1") + std::string(9000, 'a')})
    EXPECT_EQ(code_of_text(text), Errc::kInvalid) << text.substr(0, 20);
}

// ---- what pigeonhole-cp users exchange ----

class ForeignKeys : public testing::Test {
 protected:
  static void expect_invalid(const std::string& text, const std::string& why) {
    const Result<ReadCapBytes> decoded = decode_foreign(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, Errc::kInvalid);
    EXPECT_NE(decoded.error().what.find(why), std::string::npos) << decoded.error().what;
  }

  const bacap::WriteCap writer = bacap::WriteCap::from_seed(Bytes32{1});
  const std::string read_cap = to_base64(writer.read_cap().view());
  const std::string first = to_base64(writer.index().bytes());
  const std::string second = to_base64(writer.index().next()->bytes());
};

TEST_F(ForeignKeys, CapabilityAndIndex_BeginAtTheIndex) {
  const Result<ReadCapBytes> decoded = decode_foreign(read_cap + "\r\n" + second + "\n");
  ASSERT_TRUE(decoded) << decoded.error().what;
  EXPECT_EQ(bacap::ReadCap::parse(*decoded)->index(), *writer.index().next());
  EXPECT_TRUE(equal(ByteView(*decoded).first(32), writer.read_cap().root_key()));
  EXPECT_TRUE(decode_foreign(second + "\n  " + read_cap));
}

TEST_F(ForeignKeys, OutputOfGenkey_IsTakenAsItIs) {
  const Result<ReadCapBytes> decoded =
      decode_foreign("Read Capability (share with recipient):\n" + read_cap +
                     "\n\nWrite Capability (keep secret):\n" + to_base64(writer.view()) +
                     "\n\nFirst Message Index:\n" + first + "\n");
  ASSERT_TRUE(decoded) << decoded.error().what;
  EXPECT_EQ(*decoded, writer.read_cap().bytes());
}

TEST_F(ForeignKeys, WhatIsMissingOrWrong_IsNamed) {
  const bacap::WriteCap other = bacap::WriteCap::from_seed(Bytes32{2});
  expect_invalid("", "no read capability");
  expect_invalid(read_cap, "no index");
  expect_invalid(first, "no read capability");
  expect_invalid(read_cap.substr(4) + "\n" + first, "no read capability");
  expect_invalid(read_cap + "\n" + read_cap + "\n" + first, "two read capabilities");
  expect_invalid(read_cap + "\n" + first + "\n" + second, "two indices");
  expect_invalid(read_cap + "\n" + to_base64(other.index().bytes()), "another capability");
  expect_invalid(to_base64(Bytes(kReadCapSize, 0xff)) + "\n" + first, "no usable key");
  expect_invalid(std::string(5000, '\n') + read_cap + "\n" + first, "no read capability");
}

TEST(ChannelName, Usual_IsValid) {
  for (const char* name : {"anna", "Büro 3", "a", "日本", "x.y"})
    EXPECT_TRUE(valid_channel_name(name)) << name;
  EXPECT_TRUE(valid_channel_name(std::string(64, 'x')));
}

TEST(ChannelName, ThatCouldMislead_IsRefused) {
  for (const std::string& name :
       {std::string(), std::string(65, 'x'), std::string("a/b"), std::string("a\\b"),
        std::string("."), std::string(".."), std::string("a\nb"), std::string("a\0b", 3),
        std::string("   "), std::string("\xff"), std::string("a\u202Eb")}) {
    const Status valid = valid_channel_name(name);
    ASSERT_FALSE(valid) << name;
    EXPECT_EQ(valid.error().code, Errc::kUsage);
  }
}

}  // namespace
}  // namespace taubenpost

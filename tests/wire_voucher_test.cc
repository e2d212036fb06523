// The CBOR of vouchers: the bytes of the vectors, and what decoders pass over or refuse.
#include <gtest/gtest.h>

#include "support/vectors.h"
#include "wire/cbor_writer.h"
#include "wire/voucher.h"

namespace taubenpost::wire {
namespace {

using test::each_case;
using test::hex;
using test::Json;

std::string hex_of(ByteView bytes) { return to_hex(bytes); }

TEST(VoucherCbor, Payload_MatchesVectors) {
  each_case("voucher/mint.json", 5, [](const Json& item) {
    const Bytes cap = hex(item.at("message_write_cap"));
    const PleaseAdd please_add{item.at("display_name"), to_bytes(ByteView(cap).subspan(32))};
    EXPECT_EQ(hex_of(encode_please_add(please_add)), item.at("please_add"));
    EXPECT_EQ(decode_please_add(hex(item.at("please_add"))).value(), please_add);

    const SignedPleaseAdd signed_please_add{hex(item.at("please_add")), hex(item.at("signature"))};
    EXPECT_EQ(hex_of(encode_signed_please_add(signed_please_add)), item.at("signed_please_add"));
    EXPECT_EQ(decode_signed_please_add(hex(item.at("signed_please_add"))).value(),
              signed_please_add);

    const VoucherPayload payload{hex(item.at("voucher_public_key")),
                                 hex(item.at("signed_please_add"))};
    EXPECT_EQ(hex_of(encode_voucher_payload(payload)), item.at("voucher_payload"));
    EXPECT_EQ(decode_voucher_payload(hex(item.at("voucher_payload"))).value(), payload);
  });
}

TEST(VoucherCbor, SealAndItsContent_MatchVectors) {
  each_case("voucher/induct.json", 5, [](const Json& item) {
    const Json& seal = item.at("seal");
    const SealedReply sealed{
        hex(seal.at("envelope")), {hex(seal.at("dek"))}, hex(seal.at("ephemeral_public_key"))};
    EXPECT_EQ(hex_of(encode_sealed_reply(sealed)), item.at("sealed_reply"));
    EXPECT_EQ(decode_sealed_reply(hex(item.at("sealed_reply"))).value(), sealed);

    const VoucherReply reply{hex(item.at("who_reply")), hex(item.at("salt"))};
    EXPECT_EQ(hex_of(encode_voucher_reply(reply).view()), seal.at("reply_plaintext"));
    EXPECT_EQ(decode_voucher_reply(hex(seal.at("reply_plaintext"))).value(), reply);
  });
}

TEST(VoucherCbor, MissingAndNullFields_AreEmpty) {
  const Bytes nothing = {0xa0};
  EXPECT_EQ(decode_please_add(nothing).value(), PleaseAdd());
  EXPECT_EQ(decode_signed_please_add(nothing).value(), SignedPleaseAdd());
  EXPECT_EQ(decode_voucher_payload(nothing).value(), VoucherPayload());
  EXPECT_EQ(decode_voucher_reply(nothing).value(), VoucherReply());
  EXPECT_EQ(decode_sealed_reply(nothing).value(), SealedReply());

  CborWriter nulls;
  nulls.map(3).text("Envelope").null().text("EphemeralPublicKey").null();
  nulls.text("DEKCiphertexts").array(2).null().bytes(Bytes{7});
  const SealedReply expected{{}, {{}, {7}}, {}};
  EXPECT_EQ(decode_sealed_reply(nulls.take()).value(), expected);
  CborWriter name;
  name.map(1).text("DisplayName").null();
  EXPECT_EQ(decode_please_add(name.take()).value(), PleaseAdd());
}

TEST(VoucherCbor, OtherSpellings_AreUnderstood) {
  CborWriter out;
  out.map(4).number(1).number(2);
  out.text("later").map(1).text("Signature").number(3);
  out.text("signature").array(2).number(0).number(255);
  out.text("PleaseAdd").raw(Bytes{0xd8, 0x18, 0x5f, 0x41, 0x01, 0x41, 0x02, 0xff});
  const SignedPleaseAdd expected{{1, 2}, {0, 255}};
  EXPECT_EQ(decode_signed_please_add(out.take()).value(), expected);
}

// Every structure refuses what is no map, and what stands behind a map.
template <class Decode>
void expect_only_maps(Decode decode) {
  for (const char* bytes : {"", "80", "f6", "40", "a1", "a0a0", "a000", "bf", "a1410100"}) {
    const auto value = decode(from_hex(bytes).value());
    ASSERT_FALSE(value) << bytes;
    EXPECT_EQ(value.error().code, Errc::kInvalid);
  }
}

TEST(VoucherCbor, NoMap_IsRefused) {
  expect_only_maps(decode_please_add);
  expect_only_maps(decode_signed_please_add);
  expect_only_maps(decode_voucher_payload);
  expect_only_maps(decode_voucher_reply);
  expect_only_maps(decode_sealed_reply);
}

// A map with `item` under `key`.
Bytes map_of(std::string_view key, std::string_view item) {
  CborWriter out;
  out.map(1).text(key).raw(from_hex(item).value());
  return out.take();
}

TEST(VoucherCbor, FieldOfAWrongType_IsRefusedByName) {
  // A byte string, malformed text, a number, an array of what is no text.
  for (const char* item : {"4161", "61ff", "01", "8101"})
    EXPECT_FALSE(decode_please_add(map_of("DisplayName", item))) << item;
  // Text, a number, a map, integers that are no bytes.
  for (const char* item : {"6161", "01", "a0", "81190100", "8120", "8141ff"}) {
    EXPECT_FALSE(decode_please_add(map_of("MessageReadCap", item))) << item;
    EXPECT_FALSE(decode_signed_please_add(map_of("PleaseAdd", item))) << item;
    EXPECT_FALSE(decode_signed_please_add(map_of("Signature", item))) << item;
    EXPECT_FALSE(decode_voucher_payload(map_of("VoucherPubKey", item))) << item;
    EXPECT_FALSE(decode_voucher_payload(map_of("SignedPleaseAdd", item))) << item;
    EXPECT_FALSE(decode_voucher_reply(map_of("WhoReply", item))) << item;
    EXPECT_FALSE(decode_voucher_reply(map_of("VoucherSalt", item))) << item;
    EXPECT_FALSE(decode_sealed_reply(map_of("Envelope", item))) << item;
    EXPECT_FALSE(decode_sealed_reply(map_of("EphemeralPublicKey", item))) << item;
  }
  // No array, or one of what is no byte string.
  for (const char* item : {"40", "a0", "01", "8101", "816161", "81a0"})
    EXPECT_FALSE(decode_sealed_reply(map_of("DEKCiphertexts", item))) << item;
  EXPECT_EQ(decode_voucher_reply(map_of("VoucherSalt", "01")).error().what,
            "a malformed VoucherReply: VoucherSalt");
}

TEST(VoucherCbor, DeepNesting_IsRefused) {
  Bytes deep(40, 0x81);
  deep.push_back(0x00);
  CborWriter out;
  out.map(1).text("later").raw(deep);
  EXPECT_FALSE(decode_voucher_payload(out.take()));
}

}  // namespace
}  // namespace taubenpost::wire

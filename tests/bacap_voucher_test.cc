// The cryptographic half of contact vouchers against the vectors.
#include <gtest/gtest.h>

#include "bacap/mkem.h"
#include "bacap/voucher.h"
#include "crypto/hash.h"
#include "support/vectors.h"

namespace taubenpost::bacap {
namespace {

using test::each_case;
using test::each_case_where;
using test::hex;
using test::Json;

constexpr const char* kNegative = "voucher/negative.json";

std::string hex_of(ByteView bytes) { return to_hex(bytes); }
WriteCap write_cap_of(const Json& value) { return std::move(WriteCap::parse(hex(value))).value(); }

TEST(Voucher, Stream_MatchesVectors) {
  each_case("voucher/derive_stream.json", 11, [](const Json& item) {
    const Bytes voucher = hex(item.at("voucher"));
    EXPECT_EQ(hex_of(crypto::shake256(voucher, 80).view()), item.at("shake256_80"));
    const Result<WriteCap> cap = voucher_stream(voucher);
    ASSERT_TRUE(cap);
    EXPECT_EQ(hex_of(cap->view()), item.at("voucher_write_cap"));
    EXPECT_EQ(hex_of(cap->read_cap().view()), item.at("voucher_read_cap"));
    const MessageBoxIndex first = cap->index();
    EXPECT_EQ(first.counter(), item.at("counter").get<std::uint64_t>());
    EXPECT_EQ(hex_of(box_id(cap->root_key(), first).value()), item.at("box0_id"));
    EXPECT_EQ(hex_of(box_id(cap->root_key(), first.next().value()).value()), item.at("box1_id"));
  });
}

TEST(Voucher, TokenAndSignature_MatchVectors) {
  each_case("voucher/mint.json", 5, [](const Json& item) {
    const WriteCap cap = write_cap_of(item.at("message_write_cap"));
    const Bytes please_add = hex(item.at("please_add"));
    Signature signature = sign_please_add(cap, please_add);
    EXPECT_EQ(hex_of(signature), item.at("signature"));
    EXPECT_TRUE(verify_please_add(cap.read_cap(), please_add, signature));
    EXPECT_FALSE(verify_please_add(cap.read_cap(), please_add, ByteView(signature).first(63)));
    signature[0] ^= 1;
    EXPECT_FALSE(verify_please_add(cap.read_cap(), please_add, signature));

    const Bytes32 voucher = voucher_of(hex(item.at("voucher_payload")));
    EXPECT_EQ(hex_of(voucher), item.at("voucher"));
    EXPECT_EQ(hex_of(voucher_stream(voucher).value().view()), item.at("voucher_write_cap"));
  });
}

TEST(Voucher, Seal_OpensFromTheSharedSecret) {
  each_case("voucher/induct.json", 5, [](const Json& item) {
    const Json& seal = item.at("seal");
    const SecretArray<32> secret = secret_of(hex(seal.at("dh_secret")));
    EXPECT_EQ(hex_of(secret.view()), seal.at("kek"));
    const Bytes dek = hex(seal.at("dek"));
    Bytes envelope = hex(seal.at("envelope"));
    const Result<Bytes> opened = open_with_secret(secret, {dek}, envelope);
    ASSERT_TRUE(opened);
    EXPECT_EQ(hex_of(opened.value()), seal.at("reply_plaintext"));
    envelope.back() ^= 1;
    EXPECT_FALSE(open_with_secret(secret, {dek}, envelope));
    EXPECT_EQ(hex_of(voucher_of(hex(item.at("voucher_payload")))), item.at("voucher"));
  });
}

// The joiner mutates the write capability, the group got the mutated read capability: they agree.
TEST(Voucher, BothSidesMutateAlike) {
  const Json inducted = test::load_vectors("voucher/induct.json").at("cases");
  std::size_t at = 0;
  each_case("voucher/open.json", 5, [&](const Json& item) {
    const Bytes salt = hex(item.at("salt"));
    const WriteCap cap = write_cap_of(item.at("message_write_cap"));
    const WriteCap mutated = cap.mutated(salt);
    EXPECT_EQ(hex_of(mutated.view()), item.at("mutated_message_write_cap"));
    const Json& other_side = inducted.at(at++);
    ASSERT_EQ(other_side.at("name"), item.at("name"));
    EXPECT_EQ(hex_of(cap.read_cap().mutated(salt).view()),
              other_side.at("mutated_message_read_cap"));
    EXPECT_EQ(hex_of(mutated.read_cap().view()), other_side.at("mutated_message_read_cap"));
  });
}

TEST(Voucher, WrongTokens_AreRefused) {
  each_case_where(kNegative, "operation", "derive_stream", 3, [](const Json& item) {
    const Result<WriteCap> cap = voucher_stream(hex(item.at("voucher")));
    ASSERT_FALSE(cap);
    EXPECT_EQ(cap.error().code, Errc::kInvalid);
  });
  each_case_where(kNegative, "operation", "mint", 4, [](const Json& item) {
    EXPECT_FALSE(WriteCap::parse(hex(item.at("message_write_cap"))));
  });
  std::size_t mismatches = 0;
  each_case_where(kNegative, "operation", "induct", 29, [&](const Json& item) {
    const Bytes voucher = hex(item.at("voucher"));
    if (voucher.size() != kVoucherSize) {
      EXPECT_EQ(item.at("category"), "malformed");
      EXPECT_FALSE(voucher_stream(voucher));
      return;
    }
    const bool same = equal(voucher_of(hex(item.at("voucher_payload"))), voucher);
    EXPECT_EQ(!same, item.at("category") == "hash_mismatch");
    if (!same) ++mismatches;
  });
  EXPECT_EQ(mismatches, 5u);
}

}  // namespace
}  // namespace taubenpost::bacap

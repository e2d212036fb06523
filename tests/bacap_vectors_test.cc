// Capabilities and boxes against the vectors of the reference, and what must be refused.
#include <gtest/gtest.h>

#include "bacap/box.h"
#include "crypto/aead.h"
#include "crypto/curve.h"
#include "crypto/hash.h"
#include "support/vectors.h"

namespace taubenpost::bacap {
namespace {

using test::each_case;
using test::each_case_where;
using test::hex;
using test::hex_array;
using test::Json;

std::string hex_of(ByteView bytes) { return to_hex(bytes); }

MessageBoxIndex index_of(const Json& value) {
  return std::move(MessageBoxIndex::parse(hex(value))).value();
}
WriteCap write_cap_of(const Json& value) { return std::move(WriteCap::parse(hex(value))).value(); }
ReadCap read_cap_of(const Json& value) { return std::move(ReadCap::parse(hex(value))).value(); }

MessageBoxIndex after(const MessageBoxIndex& index, const Json& steps) {
  const auto count = steps.get<std::uint64_t>();
  return std::move(index.advanced_to(index.counter() + count, count)).value();
}

Box box_of(const Json& item) {
  return Box{hex_array<32>(item.at("box_id")), hex(item.at("ciphertext")),
             hex_array<64>(item.at("signature"))};
}

TEST(MessageBoxIndex, Advanced_MatchesVectors) {
  each_case("bacap/advance.json", 62, [](const Json& item) {
    const MessageBoxIndex index = index_of(item.at("index"));
    const auto target = item.at("target").get<std::uint64_t>();
    const auto steps = item.at("steps").get<std::uint64_t>();
    const Result<MessageBoxIndex> reached = index.advanced_to(target, steps);
    ASSERT_TRUE(reached);
    EXPECT_EQ(hex_of(reached->bytes()), item.at("result"));
    EXPECT_EQ(reached->counter(), target);
    if (steps > 0) {  // the bound is exact
      EXPECT_FALSE(index.advanced_to(target, steps - 1));
    }
    if (steps == 1) {
      EXPECT_EQ(index.next().value(), reached.value());
    }
  });
}

TEST(WriteCap, FromSeed_MatchesVectors) {
  each_case("bacap/from_seed.json", 8, [](const Json& item) {
    const Bytes seed = hex(item.at("seed"));
    EXPECT_EQ(hex_of(crypto::chacha20_keystream(seed, 80).view()), item.at("stream80"));
    const WriteCap cap = WriteCap::from_seed(seed);
    EXPECT_EQ(hex_of(cap.view()), item.at("write_cap"));
    EXPECT_EQ(hex_of(cap.read_cap().view()), item.at("read_cap"));
    EXPECT_EQ(hex_of(cap.seed()), item.at("root_seed"));
    EXPECT_EQ(hex_of(cap.root_key()), item.at("root_public_key"));
    EXPECT_EQ(hex_of(crypto::blake2b_256(cap.view())), item.at("write_cap_blake2b256"));

    const MessageBoxIndex first = cap.index(), second = first.next().value();
    EXPECT_EQ(hex_of(first.bytes()), item.at("first_index"));
    EXPECT_EQ(hex_of(second.bytes()), item.at("second_index"));
    EXPECT_EQ(first.counter(), item.at("counter").get<std::uint64_t>());
    EXPECT_EQ(first, MessageBoxIndex::first_after(item.at("i0").get<std::uint64_t>(),
                                                  hex(item.at("prefirst_hkdf_state"))));
    EXPECT_EQ(hex_of(box_id(cap.root_key(), first).value()), item.at("box_id_pigeonhole"));
    EXPECT_EQ(hex_of(box_id(cap.root_key(), second).value()), item.at("second_box_id_pigeonhole"));
    EXPECT_EQ(hex_of(box_id_without_context(cap.root_key(), first).value()),
              item.at("box_id_context_free"));
  });
}

TEST(Capabilities, Layout_MatchesVectors) {
  each_case("bacap/layout.json", 9, [](const Json& item) {
    const WriteCap cap = write_cap_of(item.at("write_cap"));
    EXPECT_EQ(hex_of(cap.view()), item.at("write_cap"));
    EXPECT_EQ(hex_of(cap.root_key()), item.at("root_public_key"));
    EXPECT_EQ(hex_of(cap.read_cap().view()), item.at("read_cap"));
    const MessageBoxIndex index = cap.index();
    EXPECT_EQ(hex_of(index.bytes()), item.at("index"));
    EXPECT_EQ(read_cap_of(item.at("read_cap")).index(), index);
    EXPECT_EQ(index.counter(), item.at("counter").get<std::uint64_t>());
    EXPECT_EQ(hex_of(index.blinding_key()), item.at("blinding_factor"));
    EXPECT_EQ(hex_of(index.encryption_key()), item.at("encryption_key"));
    EXPECT_EQ(hex_of(index.hkdf_state()), item.at("hkdf_state"));
  });
}

TEST(Capabilities, Mutated_MatchesVectors) {
  std::size_t with_caps = 0;
  each_case("bacap/mutate.json", 13, [&](const Json& item) {
    const WriteCap cap = write_cap_of(item.at("write_cap"));
    const Bytes salt = hex(item.at("salt")), context = hex(item.at("read_context"));
    const MessageBoxIndex mutated = after(cap.index(), item.at("steps")).mutated(salt);
    EXPECT_EQ(hex_of(mutated.bytes()), item.at("mutated_index"));
    EXPECT_EQ(hex_of(box_id(cap.root_key(), mutated, context).value()), item.at("mutated_box_id"));
    if (!item.contains("mutated_write_cap")) return;
    ++with_caps;
    const WriteCap mutated_cap = cap.mutated(salt);
    EXPECT_EQ(hex_of(mutated_cap.view()), item.at("mutated_write_cap"));
    EXPECT_EQ(hex_of(mutated_cap.read_cap().view()), item.at("mutated_read_cap"));
    EXPECT_EQ(hex_of(cap.read_cap().mutated(salt).view()), item.at("mutated_read_cap"));
    EXPECT_EQ(hex_of(mutated_cap.index().next().value().bytes()), item.at("mutated_next_index"));
  });
  EXPECT_GT(with_caps, 0u);
}

TEST(MessageBoxIndex, OnStream_MatchesVectors) {
  each_case("bacap/position.json", 27, [](const Json& item) {
    const ReadCap cap = read_cap_of(item.at("read_cap"));
    EXPECT_EQ(is_on_stream(cap.index(), index_of(item.at("index")), 262'144),
              item.at("reachable").get<bool>());
  });
}

TEST(Box, Id_MatchesVectors) {
  each_case("bacap/box_id.json", 42, [](const Json& item) {
    const WriteCap cap = write_cap_of(item.at("write_cap"));
    const MessageBoxIndex index = after(cap.index(), item.at("steps"));
    EXPECT_EQ(hex_of(index.bytes()), item.at("index"));
    const Bytes context = hex(item.at("context"));
    const bool with_context = item.at("use_context").get<bool>();
    const ContextKeys keys = context_keys(index, context);
    const ByteView blinding = with_context ? keys.blinding.view() : index.blinding_key();
    EXPECT_EQ(hex_of(blinding), item.at("blinding_key"));
    if (with_context) {
      EXPECT_EQ(hex_of(keys.encryption.view()), item.at("encryption_key"));
    }

    const SecretArray<32> factor = crypto::blinding_factor(blinding);
    EXPECT_EQ(hex_of(factor.view()), item.at("factor_scalar"));
    EXPECT_EQ(hex_of(crypto::blind_private_key(cap.seed(), factor).view()),
              item.at("blinded_scalar"));
    const Result<BoxId> id = with_context ? box_id(cap.root_key(), index, context)
                                          : box_id_without_context(cap.root_key(), index);
    ASSERT_TRUE(id);
    EXPECT_EQ(hex_of(id.value()), item.at("box_id"));
  });
}

TEST(Box, Encrypted_MatchesVectors) {
  each_case("bacap/encrypt.json", 49, [](const Json& item) {
    const WriteCap cap = write_cap_of(item.at("write_cap"));
    const MessageBoxIndex index = after(cap.index(), item.at("steps"));
    const Bytes context = hex(item.at("context")), plaintext = hex(item.at("plaintext"));
    const Box box = encrypt_box(cap, index, plaintext, context);
    EXPECT_EQ(hex_of(box.id), item.at("box_id"));
    EXPECT_EQ(hex_of(box.payload), item.at("ciphertext"));
    EXPECT_EQ(hex_of(box.signature), item.at("signature"));
    const Opened opened = open_box(cap.read_cap(), index, box, context);
    EXPECT_EQ(opened.error, OpenError::kNone);
    EXPECT_FALSE(opened.is_tombstone);
    EXPECT_EQ(opened.plaintext, plaintext);
  });
}

TEST(Box, Tombstone_MatchesVectors) {
  each_case("bacap/tombstone.json", 32, [](const Json& item) {
    const WriteCap cap = write_cap_of(item.at("write_cap"));
    const MessageBoxIndex index = after(cap.index(), item.at("steps"));
    const Bytes context = hex(item.at("context"));
    const Box box = tombstone(cap, index, context);
    EXPECT_EQ(hex_of(box.id), item.at("box_id"));
    EXPECT_EQ(item.at("ciphertext"), "");
    EXPECT_TRUE(box.is_tombstone());
    EXPECT_EQ(hex_of(box.signature), item.at("signature"));
  });
}

TEST(Box, Opened_MatchesVectors) {
  each_case("bacap/decrypt.json", 34, [](const Json& item) {
    const ReadCap cap = read_cap_of(item.at("read_cap"));
    const Opened opened =
        open_box(cap, after(cap.index(), item.at("steps")), box_of(item), hex(item.at("context")));
    EXPECT_EQ(opened.error, OpenError::kNone);
    EXPECT_EQ(opened.is_tombstone, item.at("tombstone").get<bool>());
    EXPECT_EQ(hex_of(opened.plaintext), item.at("plaintext"));
  });
}

// Boxes of the old profile carry a valid signature and must not decrypt.
TEST(Box, LegacyProfile_VerifiesAndDoesNotDecrypt) {
  each_case("bacap/legacy_profile_l.json", 3, [](const Json& item) {
    const WriteCap cap = write_cap_of(item.at("write_cap"));
    EXPECT_EQ(cap.index().counter(), item.at("counter").get<std::uint64_t>());
    EXPECT_NE(hex_of(WriteCap::from_seed(hex(item.at("seed"))).view()), item.at("write_cap"));
    const Bytes context = hex(item.at("context"));
    const Box box = box_of(item);
    EXPECT_TRUE(verify(box.id, box.payload, box.signature));
    EXPECT_EQ(open_box(cap.read_cap(), cap.index(), box, context).error, OpenError::kDecryptFailed);
    const Box dead = tombstone(cap, cap.index(), context);
    EXPECT_EQ(hex_of(dead.id), item.at("tombstone_box_id"));
    EXPECT_EQ(hex_of(dead.signature), item.at("tombstone_signature"));
  });
}

// --- bacap/negative.json ---

constexpr const char* kNegative = "bacap/negative.json";

TEST(Refused, Rewind) {
  each_case_where(kNegative, "operation", "advance_index_to", 5, [](const Json& item) {
    const Result<MessageBoxIndex> reached =
        index_of(item.at("index")).advanced_to(item.at("target").get<std::uint64_t>(), UINT64_MAX);
    ASSERT_FALSE(reached);
    EXPECT_EQ(reached.error().code, Errc::kInvalid);
    EXPECT_EQ(item.at("category"), "cannot_rewind");
  });
}

TEST(Refused, NextOfTheLastIndex) {
  each_case_where(kNegative, "operation", "next_index", 1, [](const Json& item) {
    EXPECT_FALSE(index_of(item.at("index")).next());
    EXPECT_EQ(item.at("category"), "index_exhausted");
  });
}

TEST(Refused, MalformedCapabilities) {
  each_case_where(kNegative, "operation", "parse_write_cap", 7, [](const Json& item) {
    EXPECT_EQ(item.at("category"), "malformed");
    EXPECT_FALSE(WriteCap::parse(hex(item.at("blob"))));
  });
  each_case_where(kNegative, "operation", "parse_read_cap", 6, [](const Json& item) {
    EXPECT_EQ(item.at("category"), "malformed");
    EXPECT_FALSE(ReadCap::parse(hex(item.at("blob"))));
  });
  each_case_where(kNegative, "operation", "parse_message_box_index", 4, [](const Json& item) {
    EXPECT_EQ(item.at("category"), "malformed");
    EXPECT_FALSE(MessageBoxIndex::parse(hex(item.at("blob"))));
  });
}

TEST(Refused, MalformedRootKeysInReadCaps) {
  each_case("bacap/key_edge.json", 13, [](const Json& item) {
    Bytes blob = hex(item.at("key"));
    blob.resize(kReadCapSize);
    EXPECT_EQ(static_cast<bool>(ReadCap::parse(blob)), item.at("name") == "honest");
  });
}

TEST(Refused, BadSignatures) {
  each_case_where(kNegative, "operation", "verify_box", 2, [](const Json& item) {
    EXPECT_EQ(item.at("category"), "signature_invalid");
    EXPECT_FALSE(verify(hex_array<32>(item.at("box_id")), hex(item.at("ciphertext")),
                        hex(item.at("signature"))));
  });
}

// Decryption alone, without the comparison of the box id that open_box makes first: shows that
// verification and AEAD refuse by themselves.
TEST(Refused, DecryptionOfForeignOrDamagedBoxes) {
  each_case_where(kNegative, "operation", "decrypt", 8, [](const Json& item) {
    const WriteCap cap = write_cap_of(item.at("write_cap"));
    const MessageBoxIndex index = after(cap.index(), item.at("steps"));
    const Box box = box_of(item);
    const bool verified = verify(box.id, box.payload, box.signature);
    const std::string category = item.at("category");
    EXPECT_EQ(verified, category == "decrypt_failed");
    if (!verified) {
      EXPECT_EQ(category, "signature_invalid");
      return;
    }
    const ContextKeys keys = context_keys(index, hex(item.at("context")));
    EXPECT_FALSE(crypto::aes_256_gcm_siv_open(keys.encryption.view(), ByteView(box.id).first(12),
                                              box.id, box.payload));
  });
}

std::string category_of(OpenError error) {
  switch (error) {
    case OpenError::kNone:
      return "accepted";
    case OpenError::kBoxEmpty:
      return "box_empty";
    case OpenError::kBoxMismatch:
      return "box_mismatch";
    case OpenError::kSignatureInvalid:
      return "signature_invalid";
    case OpenError::kDecryptFailed:
      return "decrypt_failed";
  }
  return "unknown";
}

TEST(Refused, OpenedBoxes) {
  std::size_t opened = 0, wrong_id_size = 0, wrong_signature_size = 0;
  each_case_where(kNegative, "operation", "open", 26, [&](const Json& item) {
    const std::string category = item.at("category");
    const Bytes id = hex(item.at("box_id")), signature = hex(item.at("signature"));
    const Bytes payload = hex(item.at("ciphertext"));
    if (id.size() != 32) {  // a Box can't hold it: the parsers of wire.h never make one
      EXPECT_EQ(category, "malformed");
      ++wrong_id_size;
      return;
    }
    const WriteCap cap = write_cap_of(item.at("write_cap"));
    const MessageBoxIndex index = after(cap.index(), item.at("steps"));
    const Bytes context = hex(item.at("context"));
    if (signature.size() != 64) {  // neither
      EXPECT_EQ(category, "signature_invalid");
      EXPECT_EQ(to_bytes(box_id(cap.root_key(), index, context).value()), id);
      EXPECT_FALSE(verify(to_array<32>(id), payload, signature));
      ++wrong_signature_size;
      return;
    }
    const Box box{to_array<32>(id), payload, to_array<64>(signature)};
    EXPECT_EQ(category_of(open_box(cap.read_cap(), index, box, context).error), category);
    ++opened;
  });
  EXPECT_EQ(opened + wrong_id_size + wrong_signature_size, 26u);
  EXPECT_EQ(wrong_id_size, 2u);
  EXPECT_EQ(wrong_signature_size, 3u);
}

// An encrypted empty plaintext is a tag, and not a tombstone (1.9).
TEST(Box, EmptyPlaintext_IsNoTombstone) {
  const WriteCap cap = WriteCap::from_seed(Bytes(32, 3));
  const Box box = encrypt_box(cap, cap.index(), {});
  EXPECT_EQ(box.payload.size(), 16u);
  const Opened opened = open_box(cap.read_cap(), cap.index(), box);
  EXPECT_EQ(opened.error, OpenError::kNone);
  EXPECT_FALSE(opened.is_tombstone);
  EXPECT_TRUE(opened.plaintext.empty());
}

}  // namespace
}  // namespace taubenpost::bacap

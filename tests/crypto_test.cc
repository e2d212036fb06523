// The building blocks against their vectors, and what they refuse.
#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/aead.h"
#include "crypto/curve.h"
#include "crypto/hash.h"
#include "support/vectors.h"

namespace taubenpost::crypto {
namespace {

using test::each_case;
using test::each_case_where;
using test::hex;
using test::Json;

constexpr const char* kPrimitives = "bacap/primitives.json";

std::string hex_of(ByteView bytes) { return to_hex(bytes); }

TEST(Hash, Blake2b256_MatchesVectorsWholeAndInPieces) {
  each_case_where(kPrimitives, "op", "blake2b_256", 7, [](const Json& item) {
    const Bytes message = hex(item.at("msg"));
    EXPECT_EQ(hex_of(blake2b_256(message)), item.at("out"));
    const std::size_t half = message.size() / 2;
    Blake2b256 hash;
    hash.update(ByteView(message).first(half));
    hash.update(ByteView(message).subspan(half));
    EXPECT_EQ(hex_of(hash.finish()), item.at("out"));
  });
}

TEST(Hash, Blake2b512_MatchesVectors) {
  each_case_where(kPrimitives, "op", "blake2b_512", 7, [](const Json& item) {
    EXPECT_EQ(hex_of(blake2b_512(hex(item.at("msg")))), item.at("out"));
  });
}

TEST(Hash, Sha512_256_MatchesVectors) {
  each_case_where(kPrimitives, "op", "sha512_256", 7, [](const Json& item) {
    EXPECT_EQ(hex_of(sha512_256(hex(item.at("msg")))), item.at("out"));
  });
}

TEST(Hash, Sha512_PiecesEqualTheirConcatenation) {
  const Bytes message = to_bytes(as_bytes("abc"));
  const ByteView view(message);
  // FIPS 180-4, the example "abc".
  EXPECT_EQ(hex_of(sha512(view)),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(sha512({view.first(1), ByteView{}, view.subspan(1)}), sha512(view));
}

TEST(Hash, HmacBlake2b_MatchesVectors) {
  each_case_where(kPrimitives, "op", "hmac_blake2b512", 5, [](const Json& item) {
    EXPECT_EQ(hex_of(hmac_blake2b_512(hex(item.at("key")), hex(item.at("msg")))), item.at("out"));
  });
}

TEST(Hash, HkdfBlake2b_MatchesVectors) {
  each_case_where(kPrimitives, "op", "hkdf_blake2b512", 8, [](const Json& item) {
    Bytes out(item.at("length").get<std::size_t>());
    hkdf_blake2b(hex(item.at("ikm")), hex(item.at("salt")), hex(item.at("info")), out);
    EXPECT_EQ(hex_of(out), item.at("out"));
  });
}

TEST(Aead, Aes256GcmSiv_MatchesVectorsAndRefusesEveryChange) {
  each_case_where(kPrimitives, "op", "aes256_gcm_siv", 4, [](const Json& item) {
    const Bytes key = hex(item.at("key")), nonce = hex(item.at("nonce"));
    const Bytes associated = hex(item.at("aad")), plaintext = hex(item.at("plaintext"));
    Bytes sealed = aes_256_gcm_siv_seal(key, nonce, associated, plaintext);
    EXPECT_EQ(hex_of(sealed), item.at("out"));
    const Result<Bytes> opened = aes_256_gcm_siv_open(key, nonce, associated, sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened.value(), plaintext);

    const Result<Bytes> other_data =
        aes_256_gcm_siv_open(key, nonce, as_bytes("other data"), sealed);
    EXPECT_FALSE(other_data);
    sealed.front() ^= 1;
    const Result<Bytes> changed = aes_256_gcm_siv_open(key, nonce, associated, sealed);
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code, Errc::kInvalid);
  });
}

TEST(Aead, ShorterThanOverhead_IsInvalid) {
  const Bytes key(32), nonce(12);
  EXPECT_FALSE(aes_256_gcm_siv_open(key, nonce, {}, Bytes(kTagSize - 1)));
  EXPECT_FALSE(chacha20poly1305_open(key, Bytes(kChaChaOverhead - 1)));
  EXPECT_FALSE(xchacha20poly1305_open(key, {}, Bytes(kXChaChaOverhead - 1)));
  EXPECT_FALSE(aes_256_gcm_siv_open(key, nonce, {}, {}));
  EXPECT_FALSE(chacha20poly1305_open(key, {}));
  EXPECT_FALSE(xchacha20poly1305_open(key, {}, {}));
}

TEST(Aead, ChaCha20Poly1305_OpensVectorsAndItsOwn) {
  each_case_where("wire/mkem.json", "kind", "aead", 3, [](const Json& item) {
    const Bytes key = hex(item.at("key")), plaintext = hex(item.at("plaintext"));
    const Result<Bytes> opened = chacha20poly1305_open(key, hex(item.at("out")));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened.value(), plaintext);

    Bytes sealed = chacha20poly1305_seal(key, plaintext);
    ASSERT_EQ(sealed.size(), plaintext.size() + kChaChaOverhead);
    const Result<Bytes> own = chacha20poly1305_open(key, sealed);
    ASSERT_TRUE(own);
    EXPECT_EQ(own.value(), plaintext);
    EXPECT_NE(chacha20poly1305_seal(key, plaintext), sealed);  // the nonce is fresh
    sealed.back() ^= 0x80;
    EXPECT_FALSE(chacha20poly1305_open(key, sealed));
  });
}

TEST(Aead, XChaCha20Poly1305_BindsKeyAndAssociatedData) {
  const Bytes key(32, 7), other_key(32, 8);
  const ByteView row = as_bytes("store/jobs/1"), other_row = as_bytes("store/jobs/2");
  for (const std::size_t size : {0, 1, 64, 5000}) {
    SCOPED_TRACE(size);
    const Bytes plaintext(size, 0x5a);
    Bytes sealed = xchacha20poly1305_seal(key, row, plaintext);
    ASSERT_EQ(sealed.size(), size + kXChaChaOverhead);
    const Result<Bytes> opened = xchacha20poly1305_open(key, row, sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened.value(), plaintext);
    EXPECT_FALSE(xchacha20poly1305_open(other_key, row, sealed));
    EXPECT_FALSE(xchacha20poly1305_open(key, other_row, sealed));
    sealed[24] ^= 1;
    EXPECT_FALSE(xchacha20poly1305_open(key, row, sealed));
  }
}

TEST(Keystream, ChaCha20Original_MatchesVectors) {
  each_case_where(kPrimitives, "op", "chacha20_djb_stream", 3, [](const Json& item) {
    const SecretBytes stream =
        chacha20_keystream(hex(item.at("key")), item.at("length").get<std::size_t>());
    EXPECT_EQ(hex_of(stream.view()), item.at("out"));
  });
}

TEST(Scalar, ClampAndReduce_MatchesVectors) {
  each_case_where(kPrimitives, "op", "clamp_mod_L", 4, [](const Json& item) {
    EXPECT_EQ(hex_of(clamp_and_reduce(hex(item.at("value"))).view()), item.at("out"));
  });
}

TEST(Scalar, Reduce_MatchesVectors) {
  each_case_where(kPrimitives, "op", "reduce64_mod_L", 3, [](const Json& item) {
    EXPECT_EQ(hex_of(reduce_scalar(hex(item.at("value"))).view()), item.at("out"));
  });
}

TEST(BlindedEd25519, SignsAsTheVectors) {
  each_case("bacap/blind_sign.json", 7, [](const Json& item) {
    const Bytes private_key = hex(item.at("private_key")), message = hex(item.at("message"));
    const ByteView seed = ByteView(private_key).first(32);
    EXPECT_EQ(hex_of(ed25519_from_seed(seed).view()), item.at("private_key"));

    const SecretArray<32> factor = blinding_factor(hex(item.at("blind_factor")));
    SecretArray<32> scalar = blind_private_key(seed, factor);
    Result<Bytes32> point = blind_public_key(ByteView(private_key).subspan(32), factor);
    ASSERT_TRUE(point);
    if (item.contains("factor_scalar")) {
      EXPECT_EQ(hex_of(factor.view()), item.at("factor_scalar"));
      EXPECT_EQ(hex_of(clamp_and_reduce(ByteView(sha512(seed)).first(32)).view()),
                item.at("root_scalar"));
    }
    if (item.contains("second_blind_factor")) {
      const SecretArray<32> second = blinding_factor(hex(item.at("second_blind_factor")));
      scalar = blind_scalar(scalar, second);
      point = blind_public_key(point.value(), second);
      ASSERT_TRUE(point);
    }
    EXPECT_EQ(hex_of(scalar.view()), item.at("blinded_scalar"));
    EXPECT_EQ(hex_of(point.value()), item.at("blinded_public_key"));
    EXPECT_EQ(hex_of(public_of_scalar(scalar)), item.at("blinded_public_key"));

    const Bytes64 signature = sign_blinded(scalar, point.value(), message);
    EXPECT_EQ(hex_of(signature), item.at("signature"));
    EXPECT_TRUE(ed25519_verify(point.value(), message, signature));
    EXPECT_FALSE(ed25519_verify(point.value(), as_bytes("another message"), signature));
  });
}

// Low-order, off-curve and non-canonical keys: an implementation may differ from the reference
// here, and refuses them all (pigeonhole 1.13).
TEST(Ed25519Point, OnlyTheHonestKeyIsUsable) {
  each_case("bacap/key_edge.json", 13, [](const Json& item) {
    const Bytes key = hex(item.at("key"));
    const bool honest = item.at("libsodium_valid_point").get<bool>();
    EXPECT_EQ(honest, item.at("name") == "honest");
    EXPECT_EQ(ed25519_point_ok(key), honest);
    const Result<Bytes32> blinded =
        blind_public_key(key, blinding_factor(hex(item.at("blinding_key"))));
    EXPECT_EQ(static_cast<bool>(blinded), honest);
    if (blinded) {
      EXPECT_EQ(hex_of(blinded.value()), item.at("libsodium_blinded"));
    }
    EXPECT_FALSE(ed25519_verify(key, hex(item.at("message")), hex(item.at("forged_signature"))));
  });
}

TEST(Ed25519Point, WrongSizes_AreRefused) {
  const SecretArray<32> factor = blinding_factor(as_bytes("factor"));
  for (const std::size_t size : {0, 31, 33, 64}) {
    EXPECT_FALSE(ed25519_point_ok(Bytes(size, 1)));
    EXPECT_FALSE(blind_public_key(Bytes(size, 1), factor));
    EXPECT_FALSE(ed25519_verify(Bytes(size, 1), {}, Bytes(64)));
  }
}

// RFC 7748, 6.1.
TEST(X25519, MatchesTheExampleOfItsStandard) {
  const Bytes alice = hex(Json("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const Bytes bob = hex(Json("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(hex_of(x25519_base(alice)),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(hex_of(x25519_base(bob)),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const Result<SecretArray<32>> one = x25519(alice, x25519_base(bob));
  const Result<SecretArray<32>> other = x25519(bob, x25519_base(alice));
  ASSERT_TRUE(one && other);
  EXPECT_EQ(hex_of(one->view()),
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  EXPECT_TRUE(equal(one->view(), other->view()));
  EXPECT_FALSE(x25519(alice, Bytes(32)));  // low order
  EXPECT_FALSE(x25519(alice, Bytes(31, 9)));
}

}  // namespace
}  // namespace taubenpost::crypto

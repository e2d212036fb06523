// The daemon's voucher calls over a real socket (pigeonhole 9, thin-protocol 3.16 to 3.19): the
// vectors, and the way from minting a voucher to reading the newcomer's first message.
//
// The vectors' voucher keys are CTIDH keys, which the local network does not have. Tests put its
// own keys in their place: nothing that is signed covers them.
#include <algorithm>
#include <map>

#include "bacap/geometry.h"
#include "bacap/mkem.h"
#include "bacap/voucher.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "localnet_client.h"
#include "support/vectors.h"
#include "wire/cbor_writer.h"
#include "wire/voucher.h"

namespace taubenpost::localnet {
namespace {

using bacap::ReadCap;
using bacap::WriteCap;
using test::each_case;
using test::each_case_where;
using test::hex;
using test::Json;

constexpr const char* kNegative = "voucher/negative.json";

// The bytes with `what` replaced by something of the same length, if it is there.
Bytes replaced(Bytes in, ByteView what, ByteView with) {
  TP_CHECK(what.size() == with.size());
  const auto found = std::search(in.begin(), in.end(), what.begin(), what.end());
  if (found != in.end()) std::copy(with.begin(), with.end(), found);
  return in;
}

WriteCap write_cap_of(const Json& value) { return std::move(WriteCap::parse(hex(value))).value(); }
std::string hex_of(const wire::OptBytes& bytes) { return bytes ? to_hex(*bytes) : "nothing"; }

class VoucherTest : public ConnectedTest {
 protected:
  VoucherTest() {
    const Json file = test::load_vectors("voucher/mint.json");
    for (const Json& item : file.at("cases")) minted_[item.at("name")] = item;
    const Json inducted = test::load_vectors("voucher/induct.json");
    for (const Json& item : inducted.at("cases")) inducted_[item.at("name")] = item;
  }

  // A request of the vectors with our key as the voucher's, which makes another voucher, unless the
  // one in the request is wrong anyway.
  wire::VoucherInduct induction(const Json& item, const std::string& minted) const {
    Bytes payload = hex(item.at("voucher_payload"));
    Bytes voucher = hex(item.at("voucher"));
    const bool fits = equal(bacap::voucher_of(payload), voucher);
    payload = replaced(std::move(payload), hex(minted_.at(minted).at("voucher_public_key")),
                       keys_.public_key);
    if (fits) voucher = to_bytes(bacap::voucher_of(payload));
    return {{}, std::move(voucher), std::move(payload), hex(item.at("who_reply"))};
  }

  // A sealed reply of the vectors whose message key is sealed for our key instead.
  Bytes sealed_for_us(const Json& sealed, const std::string& minted) const {
    const Json& seal = inducted_.at(minted).at("seal");
    const auto secret = bacap::nike_secret(keys_.private_key.view(), sender_.public_key);
    const Bytes dek =
        crypto::chacha20poly1305_seal(secret.value().view(), hex(seal.at("message_key")));
    Bytes out = replaced(hex(sealed), hex(seal.at("dek")), dek);
    return replaced(std::move(out), hex(seal.at("ephemeral_public_key")), sender_.public_key);
  }
  wire::VoucherOpen opening(const Json& item, const std::string& minted) const {
    Bytes secret_key = hex(item.at("voucher_secret_key"));
    if (equal(secret_key, hex(minted_.at(minted).at("voucher_secret_key"))))
      secret_key = to_bytes(keys_.private_key.view());
    return {{},
            std::move(secret_key),
            sealed_for_us(item.at("sealed_reply"), minted),
            hex(item.at("message_write_cap"))};
  }

  // A sealed reply around any content.
  Bytes sealed(ByteView content) const {
    auto message = bacap::encapsulate({keys_.public_key}, content).value();
    return wire::encode_sealed_reply({message.envelope, message.deks, message.sender.public_key});
  }

  std::map<std::string, Json> minted_, inducted_;
  const bacap::NikeKeyPair keys_ = bacap::nike_key_pair_from(Bytes(32, 7));
  const bacap::NikeKeyPair sender_ = bacap::nike_key_pair_from(Bytes(32, 8));
};

// ---- vectors ------------------------------------------------------------------------------------

TEST_F(VoucherTest, DeriveStream_MatchesVectors) {
  each_case("voucher/derive_stream.json", 11, [&](const Json& item) {
    const auto reply = call<wire::VoucherDeriveStreamReply>(
        wire::VoucherDeriveStream{{}, hex(item.at("voucher"))});
    EXPECT_EQ(reply.error_code, 0);
    EXPECT_EQ(hex_of(reply.voucher_write_cap), item.at("voucher_write_cap"));
    EXPECT_EQ(hex_of(reply.voucher_read_cap), item.at("voucher_read_cap"));
  });
}

// The signed part is that of the vectors; the key, and with it the voucher, is new in every call.
TEST_F(VoucherTest, Mint_MatchesVectorsButForTheKey) {
  each_case("voucher/mint.json", 5, [&](const Json& item) {
    const wire::VoucherMint request{
        {}, hex(item.at("message_write_cap")), item.at("display_name").get<std::string>()};
    const auto reply = call<wire::VoucherMintReply>(request);
    ASSERT_EQ(reply.error_code, 0);
    const auto payload = wire::decode_voucher_payload(*reply.voucher_payload).value();
    EXPECT_EQ(to_hex(payload.signed_please_add), item.at("signed_please_add"));
    EXPECT_EQ(payload.voucher_public_key, reply.voucher_public_key);
    EXPECT_EQ(reply.voucher_payload->size(), item.at("payload_length").get<std::size_t>());
    EXPECT_EQ(reply.voucher, to_bytes(bacap::voucher_of(*reply.voucher_payload)));
    const auto stream = bacap::voucher_stream(*reply.voucher).value();
    EXPECT_EQ(reply.voucher_write_cap, to_bytes(stream.view()));
    EXPECT_EQ(reply.voucher_read_cap, to_bytes(stream.read_cap().view()));
    EXPECT_EQ(reply.voucher_secret_key->size(), bacap::kNikePrivateKeySize);
    const auto again = call<wire::VoucherMintReply>(request);
    EXPECT_NE(again.voucher, reply.voucher);
    EXPECT_NE(again.voucher_secret_key, reply.voucher_secret_key);
  });
}

// The salt and the seal are fresh; all else follows from the vectors.
TEST_F(VoucherTest, Induct_MatchesVectorsButForTheSalt) {
  each_case("voucher/induct.json", 5, [&](const Json& item) {
    const auto request = induction(item, item.at("name"));
    const auto reply = call<wire::VoucherInductReply>(request);
    ASSERT_EQ(reply.error_code, 0);
    EXPECT_EQ(reply.display_name, item.at("display_name"));
    const auto stream = bacap::voucher_stream(*request.voucher).value();
    EXPECT_EQ(reply.voucher_write_cap, to_bytes(stream.view()));
    EXPECT_EQ(reply.voucher_read_cap, to_bytes(stream.read_cap().view()));
    ASSERT_EQ(reply.salt->size(), 32U);
    const auto cap = write_cap_of(minted_.at(item.at("name")).at("message_write_cap"));
    EXPECT_EQ(reply.mutated_message_read_cap, to_bytes(cap.read_cap().mutated(*reply.salt).view()));
    EXPECT_NE(call<wire::VoucherInductReply>(request).salt, reply.salt);

    const auto sealed = wire::decode_sealed_reply(*reply.sealed_reply).value();
    ASSERT_EQ(sealed.deks.size(), 1U);
    const auto opened = bacap::decapsulate(keys_.private_key.view(), sealed.ephemeral_public_key,
                                           {sealed.deks[0]}, sealed.envelope);
    ASSERT_TRUE(opened);
    const wire::VoucherReply expected{hex(item.at("who_reply")), *reply.salt};
    EXPECT_EQ(wire::decode_voucher_reply(opened->message).value(), expected);
  });
}

TEST_F(VoucherTest, Open_MatchesVectors) {
  each_case("voucher/open.json", 5, [&](const Json& item) {
    const auto reply = call<wire::VoucherOpenReply>(opening(item, item.at("name")));
    EXPECT_EQ(reply.error_code, 0);
    EXPECT_EQ(hex_of(reply.who_reply), item.at("who_reply"));
    EXPECT_EQ(hex_of(reply.salt), item.at("salt"));
    EXPECT_EQ(hex_of(reply.mutated_message_write_cap), item.at("mutated_message_write_cap"));
  });
}

TEST_F(VoucherTest, BadInductions_HaveTheCodesOfTheVectors) {
  std::map<int, int> seen;
  each_case_where(kNegative, "operation", "induct", 29, [&](const Json& item) {
    const auto reply = call<wire::VoucherInductReply>(induction(item, "published_alice"));
    EXPECT_EQ(reply.error_code, item.at("thin_code"));
    EXPECT_EQ(reply.sealed_reply.has_value(), reply.error_code == 0);
    EXPECT_EQ(reply.mutated_message_read_cap.has_value(), reply.error_code == 0);
    ++seen[reply.error_code];
    // With the key of the vectors, nothing can be sealed.
    const auto foreign = call<wire::VoucherInductReply>(
        wire::VoucherInduct{{}, hex(item.at("voucher")), hex(item.at("voucher_payload")), {}});
    EXPECT_EQ(foreign.error_code, reply.error_code == 0 ? 3 : int{reply.error_code});
  });
  const std::map<int, int> expected{{0, 2}, {3, 16}, {28, 5}, {29, 6}};
  EXPECT_EQ(seen, expected);
}

// The seals of the vectors whose content is at fault can't be opened without CTIDH: the same
// content, sealed for our key.
TEST_F(VoucherTest, BadSeals_HaveTheCodesOfTheVectors) {
  const Bytes who = {'w'};
  wire::CborWriter without_salt, without_who;
  without_salt.map(1).text("WhoReply").bytes(who);
  without_who.map(1).text("VoucherSalt").bytes(Bytes(32, 3));
  const std::map<std::string, std::pair<Bytes, wire::VoucherReply>> contents{
      {"plaintext_no_cbor", {{0xff}, {}}},
      {"plaintext_without_salt", {without_salt.take(), {who, {}}}},
      {"plaintext_without_who", {without_who.take(), {{}, Bytes(32, 3)}}},
      {"plaintext_salt_16",
       {to_bytes(wire::encode_voucher_reply({who, Bytes(16, 3)}).view()), {who, Bytes(16, 3)}}}};
  std::map<int, int> seen;
  each_case_where(kNegative, "operation", "open", 18, [&](const Json& item) {
    auto request = opening(item, "published_alice");
    const auto content = contents.find(item.at("name"));
    if (content != contents.end()) request.sealed_reply = sealed(content->second.first);
    const auto reply = call<wire::VoucherOpenReply>(request);
    EXPECT_EQ(reply.error_code, item.at("thin_code"));
    ++seen[reply.error_code];
    EXPECT_EQ(reply.mutated_message_write_cap.has_value(), reply.error_code == 0);
    if (reply.error_code != 0) return;
    // A salt of any length, also none, is what the capability is mutated with.
    ASSERT_NE(content, contents.end());
    const wire::VoucherReply& expected = content->second.second;
    EXPECT_EQ(reply.salt, expected.salt);
    EXPECT_EQ(reply.who_reply, expected.who_reply);
    const auto cap = write_cap_of(item.at("message_write_cap"));
    EXPECT_EQ(reply.mutated_message_write_cap, to_bytes(cap.mutated(expected.salt).view()));
  });
  const std::map<int, int> expected{{0, 3}, {3, 3}, {30, 12}};
  EXPECT_EQ(seen, expected);
}

TEST_F(VoucherTest, BadMintsAndVouchers_AreRefused) {
  each_case_where(kNegative, "operation", "mint", 4, [&](const Json& item) {
    const auto reply = call<wire::VoucherMintReply>(
        wire::VoucherMint{{}, hex(item.at("message_write_cap")), item.at("display_name")});
    EXPECT_EQ(reply.error_code, item.at("thin_code"));
    EXPECT_FALSE(reply.voucher);
  });
  each_case_where(kNegative, "operation", "derive_stream", 3, [&](const Json& item) {
    const auto reply = call<wire::VoucherDeriveStreamReply>(
        wire::VoucherDeriveStream{{}, hex(item.at("voucher"))});
    EXPECT_EQ(reply.error_code, item.at("thin_code"));
    EXPECT_FALSE(reply.voucher_write_cap);
  });
}

// ---- order of the checks ------------------------------------------------------------------------

TEST_F(VoucherTest, EmptyRequests_AreInvalid) {
  EXPECT_EQ(call<wire::VoucherMintReply>(wire::VoucherMint{}).error_code, 3);
  EXPECT_EQ(call<wire::VoucherInductReply>(wire::VoucherInduct{}).error_code, 3);
  EXPECT_EQ(call<wire::VoucherOpenReply>(wire::VoucherOpen{}).error_code, 3);
  EXPECT_EQ(call<wire::VoucherDeriveStreamReply>(wire::VoucherDeriveStream{}).error_code, 3);
}

TEST_F(VoucherTest, SeveralViolations_TheFirstOneIsReported) {
  const Bytes cap = to_bytes(pair_.read.view());
  const auto induct = [&](const wire::PleaseAdd& please_add, Bytes signature, Bytes key) {
    Bytes payload = wire::encode_voucher_payload(
        {std::move(key), wire::encode_signed_please_add(
                             {wire::encode_please_add(please_add), std::move(signature)})});
    Bytes voucher = to_bytes(bacap::voucher_of(payload));
    return call<wire::VoucherInductReply>(
        wire::VoucherInduct{{}, std::move(voucher), std::move(payload), {}});
  };
  const wire::PleaseAdd good{"name", cap};
  const Bytes signature =
      to_bytes(bacap::sign_please_add(pair_.write, wire::encode_please_add(good)));
  EXPECT_EQ(induct(good, signature, keys_.public_key).error_code, 0);
  EXPECT_EQ(induct(good, Bytes(64), Bytes(1)).error_code, 29);
  EXPECT_EQ(induct({"name", Bytes(135)}, Bytes(64), keys_.public_key).error_code, 3);
  // A point of low order, in the form that keys of this network have.
  Bytes low_order(32);
  append(low_order, crypto::chacha20_keystream(crypto::blake2b_256(low_order), 128).view());
  EXPECT_EQ(induct(good, signature, low_order).error_code, 3);
  const Bytes garbage = {0x80};
  EXPECT_EQ(
      call<wire::VoucherInductReply>(wire::VoucherInduct{{}, Bytes(31), garbage, {}}).error_code,
      3);
  EXPECT_EQ(
      call<wire::VoucherInductReply>(wire::VoucherInduct{{}, Bytes(32), garbage, {}}).error_code,
      28);

  const Bytes secret_key = to_bytes(keys_.private_key.view());
  const auto open = [&](Bytes secret) {
    return call<wire::VoucherOpenReply>(
        wire::VoucherOpen{{}, std::move(secret), garbage, Bytes(167)});
  };
  EXPECT_EQ(open(Bytes(161)).error_code, 3);
  EXPECT_EQ(open(secret_key).error_code, 30);
}

// ---- the whole way ------------------------------------------------------------------------------

WriteCap parsed_write(const wire::OptBytes& bytes) {
  return std::move(WriteCap::parse(*bytes)).value();
}
ReadCap parsed_read(const wire::OptBytes& bytes) { return ReadCap::parse(*bytes).value(); }

// The newcomer and the member share nothing but the voucher and the network.
TEST_F(VoucherTest, NewcomerIsInducted_TheirFirstMessageIsRead) {
  RawClient newcomer(path());
  newcomer.handshake();
  const Bytes cap = to_bytes(pair_.write.view());
  const auto minted =
      newcomer.call<wire::VoucherMintReply>(wire::VoucherMint{fresh_id(), cap, "Zo\u00eb"});
  ASSERT_EQ(minted.error_code, 0);
  const auto rendezvous = parsed_write(minted.voucher_write_cap);
  const auto box0 = rendezvous.index();
  ASSERT_EQ(write_box(newcomer, rendezvous, box0, as_text(*minted.voucher_payload)).error_code, 0);

  const auto derived =
      call<wire::VoucherDeriveStreamReply>(wire::VoucherDeriveStream{{}, minted.voucher});
  ASSERT_EQ(derived.error_code, 0);
  EXPECT_EQ(derived.voucher_write_cap, minted.voucher_write_cap);
  const auto payload = read_box(*client_, parsed_read(derived.voucher_read_cap), box0);
  ASSERT_EQ(payload.error_code, 0);
  const Bytes who = to_bytes(as_bytes("where the others write"));
  const auto inducted = call<wire::VoucherInductReply>(
      wire::VoucherInduct{{}, minted.voucher, payload.plaintext, who});
  ASSERT_EQ(inducted.error_code, 0);
  EXPECT_EQ(inducted.display_name, "Zo\u00eb");
  const auto stream = parsed_write(inducted.voucher_write_cap);
  const auto box1 = stream.index().next().value();
  ASSERT_EQ(write_box(*client_, stream, box1, as_text(*inducted.sealed_reply)).error_code, 0);

  const auto sealed = read_box(newcomer, parsed_read(minted.voucher_read_cap), box1);
  ASSERT_EQ(sealed.error_code, 0);
  const auto opened = newcomer.call<wire::VoucherOpenReply>(
      wire::VoucherOpen{fresh_id(), minted.voucher_secret_key, sealed.plaintext, cap});
  ASSERT_EQ(opened.error_code, 0);
  EXPECT_EQ(opened.who_reply, who);
  EXPECT_EQ(opened.salt, inducted.salt);
  const auto live = parsed_write(opened.mutated_message_write_cap);
  EXPECT_EQ(to_bytes(live.read_cap().view()), inducted.mutated_message_read_cap);
  EXPECT_NE(to_bytes(live.view()), cap);

  ASSERT_EQ(write_box(newcomer, live, live.index(), "good morning").error_code, 0);
  const auto reader = parsed_read(inducted.mutated_message_read_cap);
  const auto message = read_box(*client_, reader, reader.index());
  ASSERT_EQ(message.error_code, 0);
  EXPECT_EQ(as_text(*message.plaintext), "good morning");
  // Who has seen the payload only, reads nothing: replica 1, box not found.
  EXPECT_EQ(read_box(*client_, pair_.read, pair_.read.index()).error_code, 1);
}

}  // namespace
}  // namespace taubenpost::localnet

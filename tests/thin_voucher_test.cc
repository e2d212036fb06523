// Voucher calls: the recorded replies of every kind, and replies that are not what they seem.
#include <gtest/gtest.h>

#include "support/fake_daemon.h"
#include "support/thin_world.h"
#include "support/vectors.h"
#include "thin/client.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;

// A reply of tests/vectors/cbor/replies.json.
wire::Response vector_reply(const std::string& name) {
  const test::Json file = test::load_vectors("cbor/replies.json");
  for (const test::Json& item : file.at("cases")) {
    if (item.at("name") != name) continue;
    const Bytes frame = test::hex(item.at("go_frame"));
    return must(wire::decode_response(ByteView(frame).subspan(wire::kFrameHeader)));
  }
  throw std::runtime_error("no such vector: " + name);
}

template <class Request, class Reply>
asio::awaitable<void> replies_once(World& world, Reply reply, Request& seen) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  seen = co_await connection->receive_a<Request>();
  co_await answer(connection, seen.query_id, std::move(reply));
}

// The client's side of one test: makes the call and keeps what came of it.
template <class Call, class Got>
asio::awaitable<void> calls(Call call, std::optional<Got>& got) {
  got.emplace(co_await call());
}

WriteCap message_cap() { return WriteCap(Bytes(168, 7)); }

std::optional<Result<MintedVoucher>> mint(wire::VoucherMintReply reply, wire::VoucherMint& seen) {
  World world;
  const WriteCap cap = message_cap();
  std::optional<Result<MintedVoucher>> got;
  const auto call = [&] { return world.client.voucher_mint(cap, "alice"); };
  run_both(world.io, calls(call, got), replies_once(world, std::move(reply), seen));
  return got;
}

TEST(ThinVoucher, MintReply_GivesEveryPart) {
  const auto reply = std::get<wire::VoucherMintReply>(vector_reply("voucher_mint_reply"));
  wire::VoucherMint seen;
  const auto got = mint(reply, seen);
  const MintedVoucher& minted = got->value();
  EXPECT_TRUE(equal(minted.voucher, *reply.voucher));
  EXPECT_EQ(minted.payload, *reply.voucher_payload);
  EXPECT_TRUE(equal(minted.secret_key.view(), *reply.voucher_secret_key));
  EXPECT_EQ(minted.public_key, *reply.voucher_public_key);
  EXPECT_TRUE(equal(minted.stream.write_cap.view(), *reply.voucher_write_cap));
  EXPECT_TRUE(equal(minted.stream.read_cap, *reply.voucher_read_cap));
  EXPECT_TRUE(equal(minted.stream.first, ByteView(*reply.voucher_read_cap).subspan(32)));
  EXPECT_EQ(seen.message_write_cap, Bytes(168, 7));
  EXPECT_EQ(seen.display_name, "alice");
}

TEST(ThinVoucher, MintReplyWithWrongSizes_IsInvalid) {
  const auto whole = std::get<wire::VoucherMintReply>(vector_reply("voucher_mint_reply"));
  std::vector<wire::VoucherMintReply> damaged(4, whole);
  damaged[0].voucher->pop_back();
  damaged[1].voucher_write_cap->push_back(0);
  damaged[2].voucher_read_cap.reset();
  damaged[3].voucher_secret_key.reset();
  for (const wire::VoucherMintReply& reply : damaged) {
    wire::VoucherMint seen;
    const auto got = mint(reply, seen);
    ASSERT_FALSE(*got);
    EXPECT_EQ(got->error().code, Errc::kInvalid);
  }
}

TEST(ThinVoucher, InductReply_GivesEveryPart) {
  const auto reply = std::get<wire::VoucherInductReply>(vector_reply("voucher_induct_reply"));
  World world;
  wire::VoucherInduct seen;
  std::optional<Result<InductedVoucher>> got;
  const Bytes payload{1, 2}, who_reply{3};
  const auto call = [&] { return world.client.voucher_induct(Bytes32{5}, payload, who_reply); };
  run_both(world.io, calls(call, got), replies_once(world, reply, seen));
  const InductedVoucher& inducted = got->value();
  EXPECT_EQ(inducted.display_name, reply.display_name);
  EXPECT_TRUE(equal(inducted.mutated_message_read_cap, *reply.mutated_message_read_cap));
  EXPECT_EQ(inducted.sealed_reply, *reply.sealed_reply);
  EXPECT_TRUE(equal(inducted.salt, *reply.salt));
  EXPECT_TRUE(equal(inducted.stream.write_cap.view(), *reply.voucher_write_cap));
  EXPECT_TRUE(equal(*seen.voucher, Bytes32{5}));
  EXPECT_EQ(seen.voucher_payload, payload);
  EXPECT_EQ(seen.who_reply, who_reply);
}

TEST(ThinVoucher, RefusedInduct_TellsTheCode) {
  const auto reply = std::get<wire::VoucherInductReply>(vector_reply("voucher_induct_reply_error"));
  World world;
  wire::VoucherInduct seen;
  std::optional<Result<InductedVoucher>> got;
  const auto call = [&] { return world.client.voucher_induct(Bytes32{5}, {}, {}); };
  run_both(world.io, calls(call, got), replies_once(world, reply, seen));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kRejected);
  EXPECT_EQ(got->error().peer_code, 28);
}

TEST(ThinVoucher, OpenReply_GivesEveryPart) {
  const auto reply = std::get<wire::VoucherOpenReply>(vector_reply("voucher_open_reply"));
  World world;
  wire::VoucherOpen seen;
  std::optional<Result<OpenedVoucher>> got;
  const SecretBytes key(Bytes(162, 9));
  const Bytes sealed{4, 5};
  const WriteCap cap = message_cap();
  const auto call = [&] { return world.client.voucher_open(key, sealed, cap); };
  run_both(world.io, calls(call, got), replies_once(world, reply, seen));
  EXPECT_EQ(got->value().who_reply, *reply.who_reply);
  EXPECT_EQ(got->value().salt, *reply.salt);
  EXPECT_TRUE(
      equal(got->value().mutated_message_write_cap.view(), *reply.mutated_message_write_cap));
  EXPECT_EQ(seen.voucher_secret_key, Bytes(162, 9));
  EXPECT_EQ(seen.sealed_reply, sealed);
}

TEST(ThinVoucher, DeriveStreamReply_GivesTheStream) {
  const auto reply =
      std::get<wire::VoucherDeriveStreamReply>(vector_reply("voucher_derive_stream_reply"));
  World world;
  wire::VoucherDeriveStream seen;
  std::optional<Result<KeyPair>> got;
  const auto call = [&] { return world.client.voucher_derive_stream(Bytes32{6}); };
  run_both(world.io, calls(call, got), replies_once(world, reply, seen));
  EXPECT_TRUE(equal(got->value().write_cap.view(), *reply.voucher_write_cap));
  EXPECT_TRUE(equal(got->value().read_cap, *reply.voucher_read_cap));
  EXPECT_TRUE(equal(*seen.voucher, Bytes32{6}));
}

}  // namespace
}  // namespace taubenpost::thin

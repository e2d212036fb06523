// Contact vouchers (thin-protocol 3.16 to 3.19): computed by the daemon, which keeps nothing.
#include <utility>

#include "thin/client.h"
#include "thin/impl.h"
#include "thin/reply.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

// The two capabilities of a stream; their sizes are not checked when the reply is decoded.
Result<KeyPair> stream_of(const char* call, const wire::OptBytes& write_cap,
                          const wire::OptBytes& read_cap) {
  if (!write_cap || write_cap->size() != WriteCap::size()) return incomplete(call);
  if (!read_cap || read_cap->size() != std::tuple_size_v<ReadCap>) return incomplete(call);
  KeyPair stream{WriteCap(*write_cap), to_array<std::tuple_size_v<ReadCap>>(*read_cap), {}};
  stream.first = first_index(stream.read_cap);
  return stream;
}

Bytes32 bytes32(ByteView view) { return to_array<32>(view); }

bool is_size(const wire::OptBytes& field, std::size_t size) {
  return field && field->size() == size;
}

}  // namespace

asio::awaitable<Result<MintedVoucher>> Client::voucher_mint(const WriteCap& message_write_cap,
                                                            std::string display_name, Limit limit) {
  constexpr const char* kCall = "voucher_mint";
  const std::shared_ptr<Impl> impl = impl_;
  if (!is_utf8(display_name)) co_return wrong("voucher_mint: the display name is not UTF-8");
  Result<Draft> request = Draft::make(
      wire::VoucherMint{std::nullopt, to_bytes(message_write_cap.view()), std::move(display_name)});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply = expect<wire::VoucherMintReply>(kCall, std::move(response));
  if (!reply) co_return reply.error();
  Result<KeyPair> stream = stream_of(kCall, reply->voucher_write_cap, reply->voucher_read_cap);
  if (!stream) co_return stream.error();
  if (!is_size(reply->voucher, 32) || !reply->voucher_payload || !reply->voucher_secret_key ||
      !reply->voucher_public_key)
    co_return incomplete(kCall);
  MintedVoucher minted{bytes32(*reply->voucher), std::move(*reply->voucher_payload),
                       std::move(*stream), SecretBytes(std::move(*reply->voucher_secret_key)),
                       std::move(*reply->voucher_public_key)};
  wipe_message(*reply);
  co_return minted;
}

asio::awaitable<Result<InductedVoucher>> Client::voucher_induct(Bytes32 voucher, ByteView payload,
                                                                ByteView who_reply, Limit limit) {
  constexpr const char* kCall = "voucher_induct";
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(
      wire::VoucherInduct{std::nullopt, to_bytes(voucher), to_bytes(payload), to_bytes(who_reply)});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply = expect<wire::VoucherInductReply>(kCall, std::move(response));
  if (!reply) co_return reply.error();
  Result<KeyPair> stream = stream_of(kCall, reply->voucher_write_cap, reply->voucher_read_cap);
  if (!stream) co_return stream.error();
  constexpr std::size_t kReadCap = std::tuple_size_v<ReadCap>;
  if (!is_size(reply->mutated_message_read_cap, kReadCap) || !reply->sealed_reply ||
      !is_size(reply->salt, 32))
    co_return incomplete(kCall);
  InductedVoucher inducted{
      std::move(reply->display_name), to_array<kReadCap>(*reply->mutated_message_read_cap),
      std::move(*reply->sealed_reply), std::move(*stream), bytes32(*reply->salt)};
  wipe_message(*reply);
  co_return inducted;
}

asio::awaitable<Result<OpenedVoucher>> Client::voucher_open(const SecretBytes& secret_key,
                                                            ByteView sealed_reply,
                                                            const WriteCap& message_write_cap,
                                                            Limit limit) {
  constexpr const char* kCall = "voucher_open";
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request =
      Draft::make(wire::VoucherOpen{std::nullopt, to_bytes(secret_key.view()),
                                    to_bytes(sealed_reply), to_bytes(message_write_cap.view())});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply = expect<wire::VoucherOpenReply>(kCall, std::move(response));
  if (!reply) co_return reply.error();
  if (!is_size(reply->mutated_message_write_cap, WriteCap::size())) co_return incomplete(kCall);
  OpenedVoucher opened{std::move(reply->who_reply).value_or(Bytes{}),
                       std::move(reply->salt).value_or(Bytes{}),
                       WriteCap(*reply->mutated_message_write_cap)};
  wipe_message(*reply);
  co_return opened;
}

asio::awaitable<Result<KeyPair>> Client::voucher_derive_stream(Bytes32 voucher, Limit limit) {
  constexpr const char* kCall = "voucher_derive_stream";
  const std::shared_ptr<Impl> impl = impl_;
  Result<Draft> request = Draft::make(wire::VoucherDeriveStream{std::nullopt, to_bytes(voucher)});
  Result<wire::Response> response =
      co_await impl->call(std::move(request), deadline_of(limit, kLocalLimit));
  auto reply = expect<wire::VoucherDeriveStreamReply>(kCall, std::move(response));
  if (!reply) co_return reply.error();
  Result<KeyPair> stream = stream_of(kCall, reply->voucher_write_cap, reply->voucher_read_cap);
  wipe_message(*reply);
  co_return stream;
}

}  // namespace taubenpost::thin

#include "localnet/voucher_calls.h"

#include <string>
#include <utility>
#include <vector>

#include "bacap/geometry.h"
#include "bacap/mkem.h"
#include "bacap/voucher.h"
#include "base/random.h"
#include "wire/errors.h"
#include "wire/voucher.h"

namespace taubenpost::localnet {
namespace {

using bacap::ReadCap;
using bacap::WriteCap;
using wire::ThinCode;

constexpr std::size_t kSaltSize = 32;

ByteView view_of(const wire::OptBytes& bytes) { return bytes ? ByteView(*bytes) : ByteView(); }

template <class Reply>
void put_stream(const WriteCap& stream, Reply& reply) {
  reply.voucher_write_cap = to_bytes(stream.view());
  reply.voucher_read_cap = to_bytes(stream.read_cap().view());
}

// ---- the calls: the code of the first violation, or the reply filled in -------------------------

ThinCode mint(const wire::VoucherMint& request, wire::VoucherMintReply& reply) {
  const auto cap = WriteCap::parse(view_of(request.message_write_cap));
  if (!cap) return ThinCode::kInvalidRequest;
  Bytes please_add =
      wire::encode_please_add({request.display_name, to_bytes(cap->read_cap().view())});
  Bytes signature = to_bytes(bacap::sign_please_add(cap.value(), please_add));
  Bytes signed_please_add =
      wire::encode_signed_please_add({std::move(please_add), std::move(signature)});
  auto keys = bacap::make_nike_key_pair();
  Bytes payload = wire::encode_voucher_payload({keys.public_key, std::move(signed_please_add)});
  const Bytes32 voucher = bacap::voucher_of(payload);
  const auto stream = bacap::voucher_stream(voucher);
  TP_CHECK(stream);  // a hash is as long as a voucher
  reply.voucher = to_bytes(voucher);
  reply.voucher_payload = std::move(payload);
  put_stream(stream.value(), reply);
  reply.voucher_secret_key = to_bytes(keys.private_key.view());
  reply.voucher_public_key = std::move(keys.public_key);
  return ThinCode::kSuccess;
}

// What a payload says of the joiner, once their signature is checked.
struct Joiner {
  std::string display_name;
  ReadCap message_cap;
  Bytes voucher_public_key;
};

ThinCode read_payload(ByteView bytes, Joiner& out) {
  auto payload = wire::decode_voucher_payload(bytes);
  if (!payload) return ThinCode::kInvalidRequest;
  const auto signed_please_add = wire::decode_signed_please_add(payload->signed_please_add);
  if (!signed_please_add) return ThinCode::kInvalidRequest;
  auto please_add = wire::decode_please_add(signed_please_add->please_add);
  if (!please_add) return ThinCode::kInvalidRequest;
  const auto cap = ReadCap::parse(please_add->message_read_cap);
  if (!cap) return ThinCode::kInvalidRequest;
  if (!bacap::verify_please_add(cap.value(), signed_please_add->please_add,
                                signed_please_add->signature))
    return ThinCode::kVoucherSignatureInvalid;
  out = Joiner{std::move(please_add->display_name), cap.value(),
               std::move(payload->voucher_public_key)};
  return ThinCode::kSuccess;
}

// kInvalid: the key is unusable.
Result<Bytes> seal(ByteView voucher_public_key, wire::VoucherReply content) {
  const SecretBytes plain = wire::encode_voucher_reply(content);
  auto sealed = bacap::encapsulate({voucher_public_key}, plain.view());
  if (!sealed) return sealed.error();
  return wire::encode_sealed_reply(
      {std::move(sealed->envelope), std::move(sealed->deks), std::move(sealed->sender.public_key)});
}

ThinCode induct(const wire::VoucherInduct& request, wire::VoucherInductReply& reply) {
  const auto stream = bacap::voucher_stream(view_of(request.voucher));
  if (!stream) return ThinCode::kInvalidRequest;
  const ByteView payload = view_of(request.voucher_payload);
  if (!equal(bacap::voucher_of(payload), view_of(request.voucher)))
    return ThinCode::kVoucherHashMismatch;
  Joiner joiner;
  const ThinCode code = read_payload(payload, joiner);
  if (code != ThinCode::kSuccess) return code;
  const auto salt = random_array<kSaltSize>();
  auto sealed =
      seal(joiner.voucher_public_key, {to_bytes(view_of(request.who_reply)), to_bytes(salt)});
  if (!sealed) return ThinCode::kInvalidRequest;
  reply.display_name = std::move(joiner.display_name);
  reply.mutated_message_read_cap = to_bytes(joiner.message_cap.mutated(salt).view());
  reply.sealed_reply = std::move(sealed).value();
  put_stream(stream.value(), reply);
  reply.salt = to_bytes(salt);
  return ThinCode::kSuccess;
}

Result<wire::VoucherReply> open_seal(ByteView secret_key, ByteView sealed_reply) {
  const auto sealed = wire::decode_sealed_reply(sealed_reply);
  if (!sealed) return sealed.error();
  const std::vector<ByteView> deks(sealed->deks.begin(), sealed->deks.end());
  auto opened =
      bacap::decapsulate(secret_key, sealed->ephemeral_public_key, deks, sealed->envelope);
  if (!opened) return opened.error();
  const SecretBytes plain(std::move(opened->message));
  return wire::decode_voucher_reply(plain.view());
}

// The salt may have any length, also none: the capability is mutated with what the seal holds.
ThinCode open(const wire::VoucherOpen& request, wire::VoucherOpenReply& reply) {
  const ByteView secret_key = view_of(request.voucher_secret_key);
  if (secret_key.size() != bacap::kNikePrivateKeySize) return ThinCode::kInvalidRequest;
  auto content = open_seal(secret_key, view_of(request.sealed_reply));
  if (!content) return ThinCode::kVoucherSealOpenFailed;
  const auto cap = WriteCap::parse(view_of(request.message_write_cap));
  if (!cap) return ThinCode::kInvalidRequest;
  reply.mutated_message_write_cap = to_bytes(cap->mutated(content->salt).view());
  reply.who_reply = std::move(content->who_reply);
  reply.salt = std::move(content->salt);
  return ThinCode::kSuccess;
}

ThinCode derive_stream(const wire::VoucherDeriveStream& request,
                       wire::VoucherDeriveStreamReply& reply) {
  const auto stream = bacap::voucher_stream(view_of(request.voucher));
  if (!stream) return ThinCode::kInvalidRequest;
  put_stream(stream.value(), reply);
  return ThinCode::kSuccess;
}

template <class Request, class Reply>
wire::Response answered(const Request& request, ThinCode (*call)(const Request&, Reply&)) {
  Reply reply;
  reply.error_code = wire::number(call(request, reply));
  reply.query_id = request.query_id;
  return reply;
}

}  // namespace

wire::Response answer(const Context&, const wire::VoucherMint& request) {
  return answered(request, mint);
}
wire::Response answer(const Context&, const wire::VoucherInduct& request) {
  return answered(request, induct);
}
wire::Response answer(const Context&, const wire::VoucherOpen& request) {
  return answered(request, open);
}
wire::Response answer(const Context&, const wire::VoucherDeriveStream& request) {
  return answered(request, derive_stream);
}

}  // namespace taubenpost::localnet

#include "wire/voucher.h"

#include <optional>
#include <string_view>
#include <utility>

#include "wire/cbor_reader.h"
#include "wire/cbor_writer.h"

namespace taubenpost::wire {
namespace {

using Kind = CborValue::Kind;

// Takes fields out of a map; the first thing that is wrong is remembered.
class Fields {
 public:
  explicit Fields(ByteView bytes) {
    auto item = read_cbor(bytes);
    if (!item) {
      fail(item.error().what);
    } else if (!item->is(Kind::kMap)) {
      fail("not a map");
    } else {
      map_ = std::move(item).value();
    }
    for (std::size_t i = 0; i < map_.items.size(); i += 2)
      if (map_.items[i].is(Kind::kBytes)) fail("a byte string as key");
  }

  void take(std::string_view key, std::string& to) {
    const CborValue* value = present(key);
    if (value == nullptr) return;
    if (!value->is(Kind::kText)) return fail(key);
    to = std::string(value->text());
  }
  void take(std::string_view key, Bytes& to) {
    if (const CborValue* value = present(key)) read(key, *value, to);
  }
  void take(std::string_view key, std::vector<Bytes>& to) {
    const CborValue* value = present(key);
    if (value == nullptr) return;
    if (!value->is(Kind::kArray)) return fail(key);
    for (const CborValue& element : value->items) {
      Bytes& next = to.emplace_back();
      if (!element.is(Kind::kNull)) read(key, element, next);
    }
  }
  template <class T>
  Result<T> result(std::string_view name, T value) const {
    if (failure_.empty()) return value;
    return error(Errc::kInvalid, "a malformed " + std::string(name) + ": " + failure_);
  }

 private:
  // Null if the field is missing or null.
  const CborValue* present(std::string_view key) const {
    const CborValue* value = map_.find(key);
    return value == nullptr || value->is(Kind::kNull) ? nullptr : value;
  }
  void read(std::string_view key, const CborValue& value, Bytes& to) {
    std::optional<Bytes> bytes = value.byte_string();
    if (!bytes) return fail(key);
    to = *std::move(bytes);
  }
  void fail(std::string_view why) {
    if (failure_.empty()) failure_ = std::string(why);
  }

  CborValue map_;
  std::string failure_;
};

}  // namespace

Bytes encode_please_add(const PleaseAdd& value) {
  CborWriter out;
  out.map(2);
  out.text("DisplayName").text(value.display_name);
  out.text("MessageReadCap").bytes(value.message_read_cap);
  return out.take();
}

Bytes encode_signed_please_add(const SignedPleaseAdd& value) {
  CborWriter out;
  out.map(2);
  out.text("PleaseAdd").bytes(value.please_add);
  out.text("Signature").bytes(value.signature);
  return out.take();
}

Bytes encode_voucher_payload(const VoucherPayload& value) {
  CborWriter out;
  out.map(2);
  out.text("VoucherPubKey").bytes(value.voucher_public_key);
  out.text("SignedPleaseAdd").bytes(value.signed_please_add);
  return out.take();
}

SecretBytes encode_voucher_reply(const VoucherReply& value) {
  CborWriter out;
  out.map(2);
  out.text("WhoReply").bytes(value.who_reply);
  out.text("VoucherSalt").bytes(value.salt);
  return SecretBytes(out.take());
}

Bytes encode_sealed_reply(const SealedReply& value) {
  CborWriter out;
  out.map(3);
  out.text("Envelope").bytes(value.envelope);
  out.text("DEKCiphertexts").array(value.deks.size());
  for (const Bytes& dek : value.deks) out.bytes(dek);
  out.text("EphemeralPublicKey").bytes(value.ephemeral_public_key);
  return out.take();
}

Result<PleaseAdd> decode_please_add(ByteView bytes) {
  Fields in(bytes);
  PleaseAdd out;
  in.take("DisplayName", out.display_name);
  in.take("MessageReadCap", out.message_read_cap);
  return in.result("PleaseAdd", std::move(out));
}

Result<SignedPleaseAdd> decode_signed_please_add(ByteView bytes) {
  Fields in(bytes);
  SignedPleaseAdd out;
  in.take("PleaseAdd", out.please_add);
  in.take("Signature", out.signature);
  return in.result("SignedPleaseAdd", std::move(out));
}

Result<VoucherPayload> decode_voucher_payload(ByteView bytes) {
  Fields in(bytes);
  VoucherPayload out;
  in.take("VoucherPubKey", out.voucher_public_key);
  in.take("SignedPleaseAdd", out.signed_please_add);
  return in.result("VoucherPayload", std::move(out));
}

Result<VoucherReply> decode_voucher_reply(ByteView bytes) {
  Fields in(bytes);
  VoucherReply out;
  in.take("WhoReply", out.who_reply);
  in.take("VoucherSalt", out.salt);
  return in.result("VoucherReply", std::move(out));
}

Result<SealedReply> decode_sealed_reply(ByteView bytes) {
  Fields in(bytes);
  SealedReply out;
  in.take("Envelope", out.envelope);
  in.take("DEKCiphertexts", out.deks);
  in.take("EphemeralPublicKey", out.ephemeral_public_key);
  return in.result("SealedReply", std::move(out));
}

}  // namespace taubenpost::wire

// Fuzzes the structures inside voucher calls: what decodes is the same after encoding it.
#include "wire/voucher.h"

using namespace taubenpost;

namespace {

ByteView view_of(const Bytes& bytes) { return bytes; }
ByteView view_of(const SecretBytes& bytes) { return bytes.view(); }

template <class Decode, class Encode>
void round_trip(ByteView bytes, Decode decode, Encode encode) {
  const auto value = decode(bytes);
  if (!value) return;
  const auto encoded = encode(*value);
  const auto again = decode(view_of(encoded));
  TP_CHECK(again);
  TP_CHECK(*again == *value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  round_trip(bytes, wire::decode_please_add, wire::encode_please_add);
  round_trip(bytes, wire::decode_signed_please_add, wire::encode_signed_please_add);
  round_trip(bytes, wire::decode_voucher_payload, wire::encode_voucher_payload);
  round_trip(bytes, wire::decode_voucher_reply, wire::encode_voucher_reply);
  round_trip(bytes, wire::decode_sealed_reply, wire::encode_sealed_reply);
  return 0;
}

// Fuzzes invitations: the text as it comes, and its bytes with a checksum that is right; and keys
// of pigeonhole-cp.
#include "base/bytes.h"
#include "crypto/hash.h"
#include "engine/channels.h"

using namespace taubenpost;

namespace {

void round_trip(std::string_view text) {
  const auto invitation = decode_invitation(text);
  if (!invitation) return;
  const std::string encoded = encode_invitation(*invitation);
  const auto again = decode_invitation(encoded);
  TP_CHECK(again);
  TP_CHECK(encode_invitation(*again) == encoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  round_trip(as_text(bytes));
  static_cast<void>(decode_foreign(as_text(bytes)));
  static_cast<void>(decode_foreign(to_base64(bytes) + "\n" + to_base64(bytes)));
  Bytes whole = to_bytes(bytes);
  append(whole, ByteView(crypto::blake2b_256(bytes)).first(4));
  round_trip("tp1" + to_base32(whole));
  return 0;
}

// Fuzzes directory documents, signed or not: what decodes is the same after encoding it.
#include "wire/pki.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const auto certified = wire::certified_document(bytes);
  const auto document = wire::parse_pki_document(certified ? ByteView(*certified) : bytes);
  if (!document) return 0;
  const Bytes encoded = wire::encode_pki_document(*document);
  const auto again = wire::parse_pki_document(encoded);
  TP_CHECK(again);
  TP_CHECK(wire::encode_pki_document(*again) == encoded);
  return 0;
}

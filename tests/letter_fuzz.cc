// Fuzzes what stands in a channel box, directory documents, signed or not, and descriptors.
#include "wire/letter.h"
#include "wire/pki.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView box(data, size);
  const auto content = wire::decode_box_content(box);
  if (content) {
    if (const auto* letter = std::get_if<wire::Letter>(&*content)) {
      TP_CHECK(wire::valid_name(letter->name));
      TP_CHECK(wire::decode_box_content(wire::encode_letter(*letter)));
    }
  }
  static_cast<void>(wire::parse_pki_document(box));
  static_cast<void>(wire::certified_document(box));
  static_cast<void>(wire::decode_descriptor(box));
  return 0;
}

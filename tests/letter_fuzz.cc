// Fuzzes what stands in a channel box: a letter that is understood is the same after encoding it.
#include "wire/letter.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto content = wire::decode_box_content({data, size});
  if (!content) return 0;
  const auto* letter = std::get_if<wire::Letter>(&*content);
  if (letter == nullptr) return 0;
  TP_CHECK(wire::valid_name(letter->name));
  const Bytes encoded = wire::encode_letter(*letter);
  const auto again = wire::decode_box_content(encoded);
  TP_CHECK(again && std::holds_alternative<wire::Letter>(*again));
  TP_CHECK(wire::encode_letter(std::get<wire::Letter>(*again)) == encoded);
  return 0;
}

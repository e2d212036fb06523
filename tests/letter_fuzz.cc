// Fuzzes what stands in a channel box: a letter, or a header of ours, that is understood is the
// same after encoding it.
#include "wire/letter.h"

using namespace taubenpost;

namespace {

void check_header(const wire::Foreign& header) {
  TP_CHECK(wire::valid_name(header.name));
  if (!header.marks) return;
  const Bytes encoded = wire::encode_stream_header(header.name, header.size, *header.marks);
  const auto again = wire::decode_box_content(encoded);
  TP_CHECK(again && std::holds_alternative<wire::Foreign>(*again));
  const auto& same = std::get<wire::Foreign>(*again);
  TP_CHECK(same.marks && same.header_size == encoded.size());
  TP_CHECK(wire::encode_stream_header(same.name, same.size, *same.marks) == encoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto content = wire::decode_box_content({data, size});
  if (!content) return 0;
  if (const auto* header = std::get_if<wire::Foreign>(&*content)) check_header(*header);
  if (const auto* receipt = std::get_if<wire::Receipt>(&*content)) {
    const Bytes encoded = wire::encode_receipt(*receipt);
    const auto again = wire::decode_box_content(encoded);
    TP_CHECK(again && std::holds_alternative<wire::Receipt>(*again));
    TP_CHECK(wire::encode_receipt(std::get<wire::Receipt>(*again)) == encoded);
  }
  const auto* letter = std::get_if<wire::Letter>(&*content);
  if (letter == nullptr) return 0;
  TP_CHECK(wire::valid_name(letter->name));
  const Bytes encoded = wire::encode_letter(*letter);
  const auto again = wire::decode_box_content(encoded);
  TP_CHECK(again && std::holds_alternative<wire::Letter>(*again));
  TP_CHECK(wire::encode_letter(std::get<wire::Letter>(*again)) == encoded);
  return 0;
}

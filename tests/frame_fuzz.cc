// Fuzzes the daemon's messages in both directions: whatever decodes must encode again.
#include "wire/frame.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView body(data, size);
  wire::RequestHead head;
  const auto request = wire::decode_request(body, &head);
  if (request && *request) TP_CHECK(wire::encode_request(**request));
  const auto response = wire::decode_response(body);
  if (response) static_cast<void>(wire::query_id_of(*response));
  return 0;
}

// Fuzzes what a courier reads: queries, and boxes of a copy stream of any split.
#include "bacap/copy_stream.h"
#include "bacap/padding.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  static_cast<void>(bacap::parse_courier_query(bytes));
  static_cast<void>(bacap::parse_courier_query_reply(bytes));
  static_cast<void>(bacap::parse_replica_inner_message(bytes));
  static_cast<void>(bacap::parse_replica_inner_reply(bytes));
  static_cast<void>(bacap::unpad(bytes));
  if (bytes.empty()) return 0;
  bacap::CopyStreamDecoder decoder(300, 751);
  const std::size_t step = bytes[0] + 1U;
  for (std::size_t at = 1; at < size; at += step)
    if (decoder.feed(bytes.subspan(at, std::min(step, size - at))).failed) break;
  return 0;
}

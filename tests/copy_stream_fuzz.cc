// Fuzzes the courier's reading of a copy stream, in boxes of any split: the first byte is the step.
#include "bacap/copy_stream.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  if (bytes.empty()) return 0;
  bacap::CopyStreamDecoder decoder(300, 751);
  const std::size_t step = bytes[0] + 1U;
  for (std::size_t at = 1; at < size; at += step) {
    const auto done = decoder.feed(bytes.subspan(at, std::min(step, size - at)));
    TP_CHECK(decoder.remaining() < 300 + 751 + step);
    if (done.failed) break;
  }
  return 0;
}

// Fuzzes the decoder of compressed contents: nothing comes out beyond what was promised, and never
// less without an error. The first two bytes are the promise.
#include <algorithm>

#include "files/zstd_stream.h"

using namespace taubenpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint64_t promised = read_be<std::uint16_t>({data, 2});
  const ByteView frame{data + 2, size - 2};
  ZstdReader reader(
      [frame](std::uint64_t offset, std::size_t length) -> Result<Bytes> {
        const std::size_t at = std::min<std::size_t>(offset, frame.size());
        return to_bytes(frame.subspan(at, std::min(length, frame.size() - at)));
      },
      promised);
  std::uint64_t decoded = 0;
  for (;;) {
    const Result<Bytes> piece = reader.next();
    if (!piece) return 0;
    decoded += piece->size();
    TP_CHECK(decoded <= promised);
    if (piece->empty()) break;
  }
  TP_CHECK(decoded == promised);
  return 0;
}

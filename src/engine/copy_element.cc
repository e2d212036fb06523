#include "engine/copy_element.h"

namespace taubenpost {

Result<std::uint64_t> epoch_of_first_envelope(ByteView element) {
  // flags (1), data length (4), envelope length (4), then the envelope: two replica ids (2), two
  // DEKs of 60 bytes, reply index (1), epoch (8, big-endian); pigeonhole 3.2 and 5.1.
  constexpr std::size_t kEpochOffset = 1 + 4 + 4 + 2 + 60 + 60 + 1;
  constexpr std::uint8_t kStartFlag = 1;
  if (element.size() < kEpochOffset + 8 || (element[0] & kStartFlag) == 0)
    return error(Errc::kRejected, "the daemon built a copy stream without a start");
  return read_be<std::uint64_t>(element.subspan(kEpochOffset));
}

}  // namespace taubenpost

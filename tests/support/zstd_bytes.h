// ZstdBytes: zstd frames byte by byte (RFC 8878), also ones that no encoder would write.
#pragma once

#include "base/bytes.h"

namespace taubenpost {

class ZstdBytes {
 public:
  // The header of a frame with a window of 2^`window_log` bytes, and nothing said about its length.
  explicit ZstdBytes(unsigned window_log = 20) {
    bytes_ = {0x28, 0xb5, 0x2f, 0xfd, 0, static_cast<std::uint8_t>((window_log - 10) << 3)};
  }
  // One that asks for a dictionary.
  static ZstdBytes with_dictionary(std::uint8_t id) {
    ZstdBytes frame;
    frame.bytes_[4] = 1;
    frame.bytes_.push_back(id);
    return frame;
  }
  ZstdBytes& raw(ByteView content, bool is_last) {
    block(0, content.size(), is_last);
    append(bytes_, content);
    return *this;
  }
  // The same byte so many times, at most 128 KiB: of four bytes here.
  ZstdBytes& run(std::uint8_t byte, std::size_t count, bool is_last) {
    block(1, count, is_last);
    bytes_.push_back(byte);
    return *this;
  }
  ZstdBytes& reserved() {
    block(3, 1, true);
    return *this;
  }
  Bytes take() { return std::move(bytes_); }

  // A frame that every decoder of ours must step over, or refuse.
  static Bytes skippable(ByteView content) {
    Bytes frame{0x50, 0x2a, 0x4d, 0x18};
    append_le(frame, static_cast<std::uint32_t>(content.size()));
    append(frame, content);
    return frame;
  }

 private:
  void block(unsigned type, std::size_t size, bool is_last) {
    const std::size_t head = (size << 3) | (type << 1) | (is_last ? 1U : 0U);
    for (int i = 0; i < 3; ++i) bytes_.push_back(static_cast<std::uint8_t>(head >> (8 * i)));
  }

  Bytes bytes_;
};

}  // namespace taubenpost

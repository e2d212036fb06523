// The copy stream: courier envelopes as one byte stream, cut into elements (pigeonhole 5).
#pragma once

#include <cstdint>
#include <vector>

#include "bacap/wire.h"

namespace taubenpost::bacap {

inline constexpr std::uint8_t kElementStart = 0x01;
inline constexpr std::uint8_t kElementFinal = 0x02;

// Builds elements of at most box_payload_max bytes. Always keeps at least one byte back until a
// flush, so that the final mark has an element to sit on.
class CopyStreamEncoder {
 public:
  // `box_payload_max` is P, at least 6.
  explicit CopyStreamEncoder(std::uint64_t box_payload_max);

  // For a call that is not the first of its stream.
  void suppress_start() { first_ = false; }
  // The residue of the call before; any length.
  void set_buffer(ByteView residue);
  const Bytes& buffer() const { return buffer_; }

  // Each returns the elements that became complete, serialised.
  std::vector<Bytes> add_envelope(ByteView envelope);
  std::vector<Bytes> flush();  // the last one is marked final; none if empty
  std::vector<Bytes> flush_without_final();

 private:
  std::vector<Bytes> full_elements();
  std::vector<Bytes> drain(bool is_final);
  Bytes element(ByteView chunk, bool is_final);

  const std::size_t chunk_;  // C = P − 5
  Bytes buffer_;
  bool first_ = true;
};

// The courier's side: box contents in, envelopes out.
class CopyStreamDecoder {
 public:
  // `box_payload_max` is P; an envelope is at most `envelope_max` bytes.
  CopyStreamDecoder(std::uint64_t box_payload_max, std::uint64_t envelope_max);

  struct Step {
    std::vector<CourierEnvelope> envelopes;  // completed by this box, also before an error
    bool failed = false;                     // malformed: nothing more may be fed
  };
  // The unpadded content of the next box.
  Step feed(ByteView box);
  // Sticky: an element with the final mark was seen.
  bool saw_final() const { return saw_final_; }
  // Bytes of an incomplete element or envelope.
  std::size_t remaining() const { return elements_.size() + stream_.size(); }

 private:
  bool take_elements();
  bool take_envelopes(std::vector<CourierEnvelope>& out);

  const std::size_t box_payload_max_;
  const std::size_t envelope_max_;
  Bytes elements_;  // level 2: not yet complete elements
  Bytes stream_;    // level 1: not yet complete envelopes
  bool saw_final_ = false;
};

}  // namespace taubenpost::bacap

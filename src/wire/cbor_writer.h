// Writes CBOR: shortest integers, definite lengths, entries in the order in which they are written.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace taubenpost::wire {

class CborWriter {
 public:
  CborWriter& map(std::size_t pairs);
  CborWriter& array(std::size_t elements);
  CborWriter& text(std::string_view value);
  CborWriter& bytes(ByteView value);
  CborWriter& number(std::uint64_t value);
  CborWriter& signed_number(std::int64_t value);
  CborWriter& boolean(bool value);
  CborWriter& null();
  // 64 bits wide.
  CborWriter& real(double value);
  // One item that is encoded already.
  CborWriter& raw(ByteView item);

  std::size_t size() const { return out_.size(); }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

}  // namespace taubenpost::wire

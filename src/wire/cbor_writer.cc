#include "wire/cbor_writer.h"

#include <cbor.h>

namespace taubenpost::wire {
namespace {

constexpr std::size_t kHeadMax = 9;

// Appends what one of libcbor's encoders makes.
template <class Encode>
void emit(Bytes& out, Encode encode) {
  unsigned char head[kHeadMax];
  const std::size_t size = encode(head);
  TP_CHECK(size > 0);
  out.insert(out.end(), head, head + size);
}

}  // namespace

CborWriter& CborWriter::map(std::size_t pairs) {
  emit(out_, [&](unsigned char* to) { return cbor_encode_map_start(pairs, to, kHeadMax); });
  return *this;
}
CborWriter& CborWriter::array(std::size_t elements) {
  emit(out_, [&](unsigned char* to) { return cbor_encode_array_start(elements, to, kHeadMax); });
  return *this;
}
CborWriter& CborWriter::text(std::string_view value) {
  emit(out_,
       [&](unsigned char* to) { return cbor_encode_string_start(value.size(), to, kHeadMax); });
  append(out_, as_bytes(value));
  return *this;
}
CborWriter& CborWriter::bytes(ByteView value) {
  emit(out_,
       [&](unsigned char* to) { return cbor_encode_bytestring_start(value.size(), to, kHeadMax); });
  append(out_, value);
  return *this;
}
CborWriter& CborWriter::number(std::uint64_t value) {
  emit(out_, [&](unsigned char* to) { return cbor_encode_uint(value, to, kHeadMax); });
  return *this;
}
CborWriter& CborWriter::signed_number(std::int64_t value) {
  if (value >= 0) return number(static_cast<std::uint64_t>(value));
  const auto magnitude = static_cast<std::uint64_t>(-(value + 1));
  emit(out_, [&](unsigned char* to) { return cbor_encode_negint(magnitude, to, kHeadMax); });
  return *this;
}
CborWriter& CborWriter::boolean(bool value) {
  emit(out_, [&](unsigned char* to) { return cbor_encode_bool(value, to, kHeadMax); });
  return *this;
}
CborWriter& CborWriter::null() {
  emit(out_, [&](unsigned char* to) { return cbor_encode_null(to, kHeadMax); });
  return *this;
}
CborWriter& CborWriter::real(double value) {
  emit(out_, [&](unsigned char* to) { return cbor_encode_double(value, to, kHeadMax); });
  return *this;
}
CborWriter& CborWriter::raw(ByteView item) {
  append(out_, item);
  return *this;
}

}  // namespace taubenpost::wire

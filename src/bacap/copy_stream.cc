#include "bacap/copy_stream.h"

namespace taubenpost::bacap {
namespace {

constexpr std::size_t kElementHeader = 5;

void drop_front(Bytes& bytes, std::size_t count) {
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

CopyStreamEncoder::CopyStreamEncoder(std::uint64_t box_payload_max)
    : chunk_(box_payload_max - kElementHeader) {
  TP_CHECK(box_payload_max > kElementHeader);
}

void CopyStreamEncoder::set_buffer(ByteView residue) { buffer_ = to_bytes(residue); }

std::vector<Bytes> CopyStreamEncoder::add_envelope(ByteView envelope) {
  append_be(buffer_, static_cast<std::uint32_t>(envelope.size()));
  append(buffer_, envelope);
  return full_elements();
}

std::vector<Bytes> CopyStreamEncoder::flush() { return drain(/*is_final=*/true); }

std::vector<Bytes> CopyStreamEncoder::flush_without_final() { return drain(/*is_final=*/false); }

// The buffer is cut once, at the end: one that came from outside may be many chunks long.
std::vector<Bytes> CopyStreamEncoder::full_elements() {
  std::vector<Bytes> out;
  std::size_t begin = 0;
  for (; buffer_.size() - begin > chunk_; begin += chunk_)
    out.push_back(element(ByteView(buffer_).subspan(begin, chunk_), /*is_final=*/false));
  drop_front(buffer_, begin);
  return out;
}

std::vector<Bytes> CopyStreamEncoder::drain(bool is_final) {
  std::vector<Bytes> out = full_elements();
  if (!buffer_.empty()) out.push_back(element(buffer_, is_final));
  buffer_.clear();
  return out;
}

Bytes CopyStreamEncoder::element(ByteView chunk, bool is_final) {
  CopyStreamElement out;
  if (first_) out.flags |= kElementStart;
  if (is_final) out.flags |= kElementFinal;
  first_ = false;
  out.data = to_bytes(chunk);
  return encode(out);
}

CopyStreamDecoder::CopyStreamDecoder(std::uint64_t box_payload_max, std::uint64_t envelope_max)
    : box_payload_max_(box_payload_max), envelope_max_(envelope_max) {}

// All complete elements first, then all complete envelopes: an element error comes before
// envelopes that are already complete.
CopyStreamDecoder::Step CopyStreamDecoder::feed(ByteView box) {
  Step step;
  append(elements_, box);
  step.failed = !take_elements() || !take_envelopes(step.envelopes);
  return step;
}

bool CopyStreamDecoder::take_elements() {
  while (elements_.size() >= kElementHeader) {
    const std::uint64_t length = read_be<std::uint32_t>(ByteView(elements_).subspan(1));
    const std::uint64_t total = kElementHeader + length;
    if (total > box_payload_max_) return false;
    if (elements_.size() < total) return true;
    if ((elements_[0] & kElementFinal) != 0) saw_final_ = true;
    append(stream_, ByteView(elements_).subspan(kElementHeader, length));
    drop_front(elements_, total);
  }
  return true;
}

bool CopyStreamDecoder::take_envelopes(std::vector<CourierEnvelope>& out) {
  while (stream_.size() >= 4) {
    const std::uint64_t length = read_be<std::uint32_t>(stream_);
    if (length > envelope_max_) return false;
    if (stream_.size() - 4 < length) return true;
    auto envelope = parse_courier_envelope(ByteView(stream_).subspan(4, length));
    if (!envelope || envelope->used != length) return false;
    out.push_back(std::move(envelope->value));
    drop_front(stream_, 4 + length);
  }
  return true;
}

}  // namespace taubenpost::bacap

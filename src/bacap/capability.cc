#include "bacap/capability.h"

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/curve.h"
#include "crypto/hash.h"

namespace taubenpost::bacap {
namespace {

constexpr std::string_view kMutationLabel = "bacap-mutate-kdf-state-v1";

Error malformed(std::string_view what) {
  return error(Errc::kInvalid, "malformed " + std::string(what));
}

// The KDF gives H, E, K; the index stores K, E, H.
IndexBytes index_of(std::uint64_t counter, ByteView derived) {
  TP_CHECK(derived.size() == 96);
  IndexBytes out;
  Bytes counter_bytes;
  append_le(counter_bytes, counter);
  std::copy(counter_bytes.begin(), counter_bytes.end(), out.begin());
  std::copy_n(derived.begin() + 64, 32, out.begin() + 8);
  std::copy_n(derived.begin() + 32, 32, out.begin() + 40);
  std::copy_n(derived.begin(), 32, out.begin() + 72);
  return out;
}

MessageBoxIndex checked(const IndexBytes& bytes) {
  Result<MessageBoxIndex> index = MessageBoxIndex::parse(bytes);
  return std::move(index).value();
}

MessageBoxIndex step(std::uint64_t counter, ByteView hkdf_state) {
  Bytes info;
  append_le(info, counter);
  SecretArray<96> derived;
  crypto::hkdf_blake2b(hkdf_state, {}, info, derived.writable());
  return checked(index_of(counter + 1, derived.view()));
}

}  // namespace

Result<MessageBoxIndex> MessageBoxIndex::parse(ByteView bytes) {
  if (bytes.size() != kIndexSize) return malformed("message box index");
  MessageBoxIndex index;
  std::copy(bytes.begin(), bytes.end(), index.bytes_.begin());
  return index;
}

MessageBoxIndex MessageBoxIndex::first_after(std::uint64_t counter, ByteView hkdf_state) {
  return step(counter, hkdf_state);
}

std::uint64_t MessageBoxIndex::counter() const { return read_le<std::uint64_t>(bytes_); }

Result<MessageBoxIndex> MessageBoxIndex::next() const {
  if (counter() == UINT64_MAX) return error(Errc::kInvalid, "the sequence has no further index");
  return step(counter(), hkdf_state());
}

Result<MessageBoxIndex> MessageBoxIndex::advanced_to(std::uint64_t target,
                                                     std::uint64_t steps_max) const {
  if (target < counter()) return error(Errc::kInvalid, "an index can't be rewound");
  if (target - counter() > steps_max) return error(Errc::kInvalid, "the index is too far ahead");
  MessageBoxIndex at = *this;
  while (at.counter() < target) at = step(at.counter(), at.hkdf_state());
  return at;
}

MessageBoxIndex MessageBoxIndex::mutated(ByteView salt) const {
  SecretArray<96> derived;
  crypto::hkdf_blake2b(hkdf_state(), salt, as_bytes(kMutationLabel), derived.writable());
  return checked(index_of(counter(), derived.view()));
}

bool is_on_stream(const MessageBoxIndex& from, const MessageBoxIndex& index,
                  std::uint64_t steps_max) {
  const Result<MessageBoxIndex> reached = from.advanced_to(index.counter(), steps_max);
  return reached && reached.value() == index;
}

Result<ReadCap> ReadCap::parse(ByteView bytes) {
  if (bytes.size() != kReadCapSize || !crypto::ed25519_point_ok(bytes.first(32)))
    return malformed("read capability");
  ReadCap cap;
  std::copy(bytes.begin(), bytes.end(), cap.bytes_.begin());
  return cap;
}

MessageBoxIndex ReadCap::index() const {
  return checked(to_array<kIndexSize>(ByteView(bytes_).subspan(32)));
}

ReadCap ReadCap::mutated(ByteView salt) const {
  ReadCap cap = *this;
  const IndexBytes index_bytes = index().mutated(salt).bytes();
  std::copy(index_bytes.begin(), index_bytes.end(), cap.bytes_.begin() + 32);
  return cap;
}

WriteCap WriteCap::from_seed(ByteView seed) {
  return from_stream(crypto::chacha20_keystream(seed, 80).view());
}

WriteCap WriteCap::from_stream(ByteView stream) {
  TP_CHECK(stream.size() == 80);
  std::array<std::uint8_t, 16> draw = to_array<16>(stream.subspan(64));
  draw[7] &= 0x3f;
  draw[15] &= 0x3f;
  const std::uint64_t counter = read_le<std::uint64_t>(ByteView(draw).first(8)) +
                                read_le<std::uint64_t>(ByteView(draw).subspan(8));
  const MessageBoxIndex first = MessageBoxIndex::first_after(counter, stream.subspan(32, 32));
  const SecretArray<64> root = crypto::ed25519_from_seed(stream.first(32));
  SecretArray<kWriteCapSize> bytes;
  std::copy(root.view().begin(), root.view().end(), bytes.writable().begin());
  std::copy(first.bytes().begin(), first.bytes().end(), bytes.writable().begin() + 64);
  return WriteCap(std::move(bytes));
}

Result<WriteCap> WriteCap::parse(ByteView bytes) {
  if (bytes.size() != kWriteCapSize) return malformed("write capability");
  const SecretArray<64> root = crypto::ed25519_from_seed(bytes.first(32));
  if (!equal(root.view().subspan(32), bytes.subspan(32, 32))) return malformed("write capability");
  return WriteCap(SecretArray<kWriteCapSize>(bytes));
}

MessageBoxIndex WriteCap::index() const {
  return checked(to_array<kIndexSize>(view().subspan(64)));
}

ReadCap WriteCap::read_cap() const {
  ReadCap cap;
  const ByteView tail = view().subspan(32);
  std::copy(tail.begin(), tail.end(), cap.bytes_.begin());
  return cap;
}

WriteCap WriteCap::mutated(ByteView salt) const {
  SecretArray<kWriteCapSize> bytes = bytes_.clone();
  const IndexBytes index_bytes = index().mutated(salt).bytes();
  std::copy(index_bytes.begin(), index_bytes.end(), bytes.writable().begin() + 64);
  return WriteCap(std::move(bytes));
}

}  // namespace taubenpost::bacap

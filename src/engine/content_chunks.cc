#include "engine/content_chunks.h"

#include <algorithm>

#include "crypto/hash.h"

namespace taubenpost {
namespace {

constexpr std::uint64_t kDigests = kSpoolSlice / sizeof(Bytes32);  // of a slice of the spool

}  // namespace

Result<Bytes> ContentChunks::read(std::uint64_t first, std::uint32_t count) const {
  const std::uint64_t begin = first * chunk_;
  const std::uint64_t end = std::min(begin + count * chunk_, job_.plan.size);
  TP_CHECK(begin < end);
  const std::uint64_t size = job_.source_kind == SourceKind::kInPlace ? kSpoolSlice : shape_.slice;
  Bytes chunks;
  for (std::uint64_t number = begin / size; number * size < end; ++number) {
    const Result<Bytes> plain = slice(number);
    if (!plain) return plain.error();
    const std::uint64_t at = number * size;
    append(chunks, ByteView(*plain)
                       .first(std::min(end - at, plain->size()))
                       .subspan(std::max(begin, at) - at));
  }
  return chunks;
}

Result<Bytes> ContentChunks::slice(std::uint64_t number) const {
  return job_.source_kind == SourceKind::kInPlace ? in_place(number) : spooled(number);
}

Result<Bytes> ContentChunks::spooled(std::uint64_t number) const {
  const std::uint64_t length = std::min(shape_.slice, shape_.size - number * shape_.slice);
  Result<Bytes> plain = files_.read_spool(job_.id, SliceIndex{number}, shape_.slice, length);
  // A damaged spool is the end of this job, not of the store.
  if (!plain && plain.error().code == Errc::kStoreBad)
    return error(Errc::kInvalid, plain.error().what, "send the file again");
  return plain;
}

Result<Bytes> ContentChunks::in_place(std::uint64_t number) const {
  const Result<Bytes> digests = spooled(number / kDigests);
  if (!digests) return digests.error();
  const std::uint64_t at = number * kSpoolSlice;
  Result<Bytes> plain = files_.read_in_place(job_.source, job_.identity, at,
                                             std::min(kSpoolSlice, job_.plan.size - at));
  if (!plain) return plain.error();
  const ByteView expected =
      ByteView(*digests).subspan(number % kDigests * sizeof(Bytes32), sizeof(Bytes32));
  if (!equal(crypto::blake2b_256(*plain), expected))
    return error(Errc::kSourceChanged, printable(job_.source, 4096) + ": changed since it was read",
                 "'taubenpost retry --restart' sends it anew, as it is now");
  return plain;
}

}  // namespace taubenpost

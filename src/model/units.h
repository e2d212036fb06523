// Units of a transfer, and the only conversions between them.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "base/strong_int.h"

namespace taubenpost {

using JobId = std::array<std::uint8_t, 16>;       // random; shown as base32
using ChannelId = std::array<std::uint8_t, 16>;   // random
using TransferId = std::array<std::uint8_t, 16>;  // the same for every recipient of a transfer
using StoreId = std::array<std::uint8_t, 16>;
using NetworkId = std::array<std::uint8_t, 32>;  // BLAKE2b-256 of the authorities' key hashes

using ChunkIndex = StrongInt<struct ChunkIndexTag, std::uint64_t>;  // 0-based, of a body
using ChunkCount = StrongInt<struct ChunkCountTag, std::uint64_t>;
using SliceIndex = StrongInt<struct SliceIndexTag, std::uint64_t>;      // 0-based, of a body
using BatchIndex = StrongInt<struct BatchIndexTag, std::uint32_t>;      // 0-based, of a job
using Generation = StrongInt<struct GenerationTag, std::uint32_t>;      // 1 is the first build
using ElementIndex = StrongInt<struct ElementIndexTag, std::uint32_t>;  // 0-based, of a generation
using RecipientIndex = StrongInt<struct RecipientIndexTag, std::uint32_t>;
using ByteOffset = StrongInt<struct ByteOffsetTag, std::uint64_t>;
using ByteSize = StrongInt<struct ByteSizeTag, std::uint64_t>;

inline constexpr std::uint64_t kIndexSize = 104;  // MessageBoxIndex (pigeonhole 1.1)
inline constexpr std::uint64_t kReadCapSize = 136;
inline constexpr std::uint64_t kWriteCapSize = 168;
using IndexBytes = std::array<std::uint8_t, kIndexSize>;
using ReadCapBytes = std::array<std::uint8_t, kReadCapSize>;

// Batches of a job by what they write: the body from 0 on, its letters, and the tombstones of its
// retraction over letters and body.
inline constexpr std::uint32_t kFirstCommitBatch = 0x80000000U;
inline constexpr std::uint32_t kFirstLetterTombstones = 0xc0000000U;
inline constexpr std::uint32_t kFirstBodyTombstones = 0xe0000000U;
constexpr bool is_body(BatchIndex batch) { return batch.value() < kFirstCommitBatch; }
constexpr bool is_commit(BatchIndex batch) {
  return batch.value() >= kFirstCommitBatch && batch.value() < kFirstLetterTombstones;
}
constexpr bool is_retraction(BatchIndex batch) { return batch.value() >= kFirstLetterTombstones; }

// Content bytes of one body box: *Max* less the four bytes that copy streams leave unused.
constexpr ByteSize chunk_size(ByteSize box_payload_max) {
  TP_CHECK(box_payload_max.value() > 4);
  return ByteSize{box_payload_max.value() - 4};
}

// Number of chunks that hold `size` bytes; nothing is ever built from 0 bytes, so 0 has none.
constexpr ChunkCount chunks_for(ByteSize size, ByteSize chunk) {
  TP_CHECK(chunk.value() > 0);
  return ChunkCount{size.value() / chunk.value() + (size.value() % chunk.value() != 0 ? 1 : 0)};
}

constexpr ByteOffset offset_of(ChunkIndex index, ByteSize chunk) {
  return ByteOffset{index.value() * chunk.value()};
}

// Length of one chunk: only the last chunk of a body is shorter.
constexpr ByteSize length_of(ChunkIndex index, ByteSize size, ByteSize chunk) {
  const std::uint64_t begin = index.value() * chunk.value();
  TP_CHECK(begin < size.value());
  const std::uint64_t rest = size.value() - begin;
  return ByteSize{rest < chunk.value() ? rest : chunk.value()};
}

static_assert(chunks_for(ByteSize{0}, ByteSize{10}) == ChunkCount{0});
static_assert(chunks_for(ByteSize{10}, ByteSize{10}) == ChunkCount{1});
static_assert(chunks_for(ByteSize{11}, ByteSize{10}) == ChunkCount{2});
static_assert(length_of(ChunkIndex{1}, ByteSize{11}, ByteSize{10}) == ByteSize{1});
static_assert(length_of(ChunkIndex{0}, ByteSize{10}, ByteSize{10}) == ByteSize{10});

}  // namespace taubenpost

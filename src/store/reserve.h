// The reserve: a file that is given up on a full disk, so that cancelling and purging find space.
//
// RocksDB needs some to open at all. Other programs can fill the disk to the last byte; what this
// program may write by itself ends earlier (committer.h).
#pragma once

#include <cstdint>
#include <filesystem>

namespace taubenpost {

inline constexpr std::uint64_t kReserveSize = 24U << 20;

// DIR/reserve, made where the disk has plenty. Without effect where that fails: it is a reserve.
void keep_reserve(const std::filesystem::path& dir);
// Gives it up where the disk is full.
void release_reserve(const std::filesystem::path& dir);

}  // namespace taubenpost

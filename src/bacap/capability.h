// BACAP capabilities: indices, read capabilities, write capabilities (pigeonhole 1.2 to 1.5).
//
// Pure functions over bytes. A write capability is a secret: it moves, wipes itself, and is cloned
// only on purpose. An index and a read capability are copied freely; who has a read capability can
// read, so they stay out of logs as well.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

namespace taubenpost::bacap {

inline constexpr std::size_t kIndexSize = 104;
inline constexpr std::size_t kReadCapSize = 136;
inline constexpr std::size_t kWriteCapSize = 168;
using IndexBytes = std::array<std::uint8_t, kIndexSize>;

// MessageBoxIndex: counter (8, little-endian), K (32), E (32), H (32).
class MessageBoxIndex {
 public:
  MessageBoxIndex() = default;
  // Any 104 bytes are an index; another length is kInvalid.
  static Result<MessageBoxIndex> parse(ByteView bytes);
  // The index after a pre-first state (i, H) whose K and E are undefined (1.3, step 4).
  static MessageBoxIndex first_after(std::uint64_t counter, ByteView hkdf_state);

  std::uint64_t counter() const;
  ByteView blinding_key() const { return ByteView(bytes_).subspan(8, 32); }     // K
  ByteView encryption_key() const { return ByteView(bytes_).subspan(40, 32); }  // E
  ByteView hkdf_state() const { return ByteView(bytes_).subspan(72, 32); }      // H
  const IndexBytes& bytes() const { return bytes_; }

  // kInvalid from counter 2^64 − 1: there is no next index.
  Result<MessageBoxIndex> next() const;
  // kInvalid if `counter` lies behind, or more than `steps_max` ahead: the cost is linear.
  Result<MessageBoxIndex> advanced_to(std::uint64_t counter, std::uint64_t steps_max) const;
  // Re-seeds the ratchet; the counter stays (1.5).
  MessageBoxIndex mutated(ByteView salt) const;

  bool operator==(const MessageBoxIndex&) const = default;

 private:
  IndexBytes bytes_{};
};

// Whether advancing `from` to the counter of `index` gives `index` (at most `steps_max` steps).
bool is_on_stream(const MessageBoxIndex& from, const MessageBoxIndex& index,
                  std::uint64_t steps_max);

class ReadCap {
 public:
  ReadCap() = default;
  // 136 bytes with a usable root key; else kInvalid.
  static Result<ReadCap> parse(ByteView bytes);

  ByteView view() const { return bytes_; }
  const std::array<std::uint8_t, kReadCapSize>& bytes() const { return bytes_; }
  ByteView root_key() const { return ByteView(bytes_).first(32); }
  MessageBoxIndex index() const;
  ReadCap mutated(ByteView salt) const;

 private:
  friend class WriteCap;
  std::array<std::uint8_t, kReadCapSize> bytes_{};
};

class WriteCap {
 public:
  // The capability that the daemon's new_keypair makes of a 32-byte seed (1.3).
  static WriteCap from_seed(ByteView seed);
  // The same constructor on another random stream of 80 bytes (vouchers).
  static WriteCap from_stream(ByteView stream);
  // 168 bytes whose public half matches the seed; else kInvalid.
  static Result<WriteCap> parse(ByteView bytes);

  WriteCap clone() const { return WriteCap(bytes_.clone()); }
  ByteView view() const { return bytes_.view(); }
  ByteView seed() const { return view().first(32); }
  ByteView root_key() const { return view().subspan(32, 32); }
  MessageBoxIndex index() const;
  ReadCap read_cap() const;
  WriteCap mutated(ByteView salt) const;

 private:
  explicit WriteCap(SecretArray<kWriteCapSize> bytes) : bytes_(std::move(bytes)) {}
  SecretArray<kWriteCapSize> bytes_;
};

}  // namespace taubenpost::bacap

// Secret key material: not copyable, wiped when it dies, never printed.
//
// SecretBytes holds any length, SecretArray<N> exactly N bytes. clone() is the only way to a second
// copy, so that every copy is visible in the code. There is no operator<< and no comparison.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"

namespace taubenpost {

// Overwrites the bytes in a way that the compiler does not remove.
void wipe(std::span<std::uint8_t> bytes);

template <std::size_t N>
class SecretArray {
 public:
  SecretArray() = default;
  explicit SecretArray(ByteView view) : bytes_(to_array<N>(view)) {}
  ~SecretArray() { wipe(bytes_); }
  SecretArray(SecretArray&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  SecretArray& operator=(SecretArray&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  SecretArray(const SecretArray&) = delete;
  SecretArray& operator=(const SecretArray&) = delete;

  SecretArray clone() const { return SecretArray(ByteView(bytes_)); }
  ByteView view() const { return bytes_; }
  std::span<std::uint8_t, N> writable() { return bytes_; }
  static constexpr std::size_t size() { return N; }

 private:
  std::array<std::uint8_t, N> bytes_{};
};

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(Bytes bytes) : bytes_(std::move(bytes)) {}
  explicit SecretBytes(ByteView view) : bytes_(to_bytes(view)) {}
  ~SecretBytes() { wipe(bytes_); }
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) {
    other.bytes_.clear();
  }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      wipe(bytes_);
      bytes_ = std::move(other.bytes_);
      other.bytes_.clear();
    }
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  SecretBytes clone() const { return SecretBytes(ByteView(bytes_)); }
  ByteView view() const { return bytes_; }
  Bytes& writable() { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

 private:
  Bytes bytes_;
};

}  // namespace taubenpost

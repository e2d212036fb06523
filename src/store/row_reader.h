// RowReader: the bounded counterpart of cereal::PortableBinaryOutputArchive.
//
// It reads the same bytes through the same serialize() functions, but never allocates more than the
// input can fill, and remembers the first failure: after it, every read leaves its target as it is.
#pragma once

#include <concepts>
#include <string>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/strong_int.h"

namespace taubenpost {

class RowReader {
 public:
  // The first byte says the byte order: only little-endian is written, so only that is read.
  RowReader(ByteView bytes, std::uint8_t version) : rest_(bytes), version_(version) {
    std::uint8_t little_endian = 0;
    read(little_endian);
    if (little_endian != 1) failed_ = true;
  }

  template <class... Fields>
  void operator()(Fields&... fields) {
    (read(fields), ...);
  }
  // The row version of these bytes.
  std::uint8_t version() const { return version_; }
  // Whether everything was well-formed and nothing is left.
  bool complete() const { return !failed_ && rest_.empty(); }

 private:
  // Up to `size` bytes are taken off the front; a shorter rest is a failure.
  ByteView take(std::uint64_t size) {
    if (failed_ || size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const ByteView front = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(static_cast<std::size_t>(size));
    return front;
  }
  std::uint64_t read_count() {
    std::uint64_t count = 0;
    read(count);
    if (count > rest_.size()) failed_ = true;  // every element is at least one byte
    return failed_ ? 0 : count;
  }

  template <std::integral Int>
  void read(Int& value) {
    const ByteView bytes = take(sizeof(Int));
    if (failed_) return;
    value = static_cast<Int>(read_le<std::make_unsigned_t<Int>>(bytes));
  }
  void read(bool& value) {
    std::uint8_t byte = 0;
    read(byte);
    if (byte > 1) failed_ = true;
    value = byte == 1;
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void read(Enum& value) {
    std::underlying_type_t<Enum> number = 0;
    read(number);
    if (!failed_ && !is_stored_value(static_cast<Enum>(number))) failed_ = true;
    if (!failed_) value = static_cast<Enum>(number);
  }
  template <class Tag, class Rep>
  void read(StrongInt<Tag, Rep>& value) {
    Rep number = 0;
    read(number);
    value = StrongInt<Tag, Rep>{number};
  }
  template <std::size_t N>
  void read(std::array<std::uint8_t, N>& value) {
    const ByteView bytes = take(N);
    if (!failed_) value = to_array<N>(bytes);
  }
  void read(std::string& value) { value = as_text(take(read_count())); }
  void read(Bytes& value) { value = to_bytes(take(read_count())); }
  template <class Element>
  void read(std::vector<Element>& value) {
    // Grown element by element, so that a lying count costs no more than the bytes that are there.
    for (std::uint64_t count = read_count(); count > 0 && !failed_; --count) {
      Element element{};
      read(element);
      if (!failed_) value.push_back(std::move(element));
    }
  }
  template <class Row>
    requires std::is_class_v<Row>
  void read(Row& row) {
    serialize(*this, row);
  }

  ByteView rest_;
  const std::uint8_t version_;
  bool failed_ = false;
};

}  // namespace taubenpost

// StrongInt: an unsigned integer that only mixes with its own kind.
//
// Index (0-based), count, byte offset and byte size are different kinds here. The only ways from
// one kind to another are the named functions in model/units.h, so every off-by-one decision has
// one place and one test.
#pragma once

#include <compare>
#include <concepts>

namespace taubenpost {

template <class Tag, std::unsigned_integral Rep>
class StrongInt {
 public:
  using rep = Rep;
  constexpr StrongInt() = default;
  explicit constexpr StrongInt(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongInt, StrongInt) = default;

 private:
  Rep value_ = 0;
};

}  // namespace taubenpost

// Arithmetic on sizes that a file claims.
#ifndef GRAFT_BASE_CHECKED_SIZE_H_
#define GRAFT_BASE_CHECKED_SIZE_H_

#include <cstdint>
#include <optional>

namespace graft {

// An unsigned 64-bit size that remembers an overflow: once a step overflows, the result of the
// whole expression has no value. So every step is checked, and the test stands in one place.
class CheckedSize {
 public:
  constexpr CheckedSize(uint64_t value) : value_(value) {}  // NOLINT: a number is a size

  constexpr CheckedSize& operator+=(CheckedSize other) {
    overflow_ |= other.overflow_ | __builtin_add_overflow(value_, other.value_, &value_);
    return *this;
  }
  constexpr CheckedSize& operator*=(CheckedSize other) {
    overflow_ |= other.overflow_ | __builtin_mul_overflow(value_, other.value_, &value_);
    return *this;
  }
  friend constexpr CheckedSize operator+(CheckedSize a, CheckedSize b) { return a += b; }
  friend constexpr CheckedSize operator*(CheckedSize a, CheckedSize b) { return a *= b; }

  // nullopt when a step overflowed.
  constexpr std::optional<uint64_t> value() const {
    if (overflow_) return std::nullopt;
    return value_;
  }

 private:
  uint64_t value_;
  bool overflow_ = false;
};

}  // namespace graft

#endif  // GRAFT_BASE_CHECKED_SIZE_H_

// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>

namespace carafe::test {

/// SplitMix64 (Steele, Lea, Flood 2014): one word of state, so a failing run is repeated from its seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  /// 0 to bound - 1; the bias of the remainder does not matter here.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  /// low to high, both included.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept { return low + below(high - low + 1); }
  bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }
  /// 0 to most, each power of two as likely as the next: many small, few large.
  std::uint64_t log_uniform(std::uint64_t most) noexcept {
    const std::uint64_t bits = 64 - static_cast<std::uint64_t>(__builtin_clzll(most | 1));
    const std::uint64_t limit = std::uint64_t{1} << between(0, bits);
    const std::uint64_t value = below(limit);
    return value > most ? below(most + 1) : value;
  }

 private:
  std::uint64_t state_;
};

/// The environment variable `name` as a number, else `otherwise`.
inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace carafe::test

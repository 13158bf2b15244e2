// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/settings.h"

/// Which keys are asked for, in which order, and what their values look like. All random numbers are drawn before the clock starts; what
/// remains in the loop is a sequential read of 4 bytes and about 2 ns of making a key, the same for every store.
namespace carafe::bench {

/// Bijective on 32 bits (Pelle Evensen's and Chris Wellon's "lowbias32"): scatters ranks and numbers over keys.
inline std::uint32_t scatter(std::uint32_t x) noexcept {
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  x ^= x >> 16;
  return x;
}

/// The first 8 bytes of the value of key number `index`, by which every value is checked.
inline std::uint64_t check_of(std::uint32_t index) noexcept { return (std::uint64_t{index} + 1) * 0x9e3779b97f4a7c15ULL; }

/// "user/" + 8 letters a..p + "/bio": made with a dozen instructions, so that keys need no memory of their own to be read from.
inline void write_key(std::uint32_t index, char* out) noexcept {
  std::uint64_t nibbles = index;
  nibbles = (nibbles | (nibbles << 16)) & 0x0000ffff0000ffffULL;
  nibbles = (nibbles | (nibbles << 8)) & 0x00ff00ff00ff00ffULL;
  nibbles = (nibbles | (nibbles << 4)) & 0x0f0f0f0f0f0f0f0fULL;
  nibbles += 0x6161616161616161ULL;
  std::memcpy(out, "user/", 5);
  std::memcpy(out + 5, &nibbles, 8);
  std::memcpy(out + 13, "/bio", 4);
}
static_assert(kKeyBytes == 5 + 8 + 4);

inline void write_check(std::uint32_t index, char* value) noexcept {
  const std::uint64_t check = check_of(index);
  std::memcpy(value, &check, sizeof(check));
}

/// True when `value` is the one of key number `index`, as far as length and first 8 bytes tell.
inline bool value_matches(std::uint64_t check, std::size_t value_bytes, std::string_view value) noexcept {
  std::uint64_t found = 0;
  if (value.size() != value_bytes) return false;
  std::memcpy(&found, value.data(), sizeof(found));
  return found == check;
}

/// How uneven a sequence is, counted from the sequence itself.
struct Skew {
  double hottest_percent = 0;   // share of the most frequent key
  double top_1_percent = 0;     // share of the most frequent 1 % of the keys, in percent
  double distinct_percent = 0;  // keys that occur at all, of all keys
};

/// A precomputed order of accesses: key numbers, with the top bit set where the access is a write.
class Sequence {
 public:
  static constexpr std::uint32_t kWriteBit = 0x80000000U;

  /// Every key equally likely, drawn with replacement. `first` is the number of the first key.
  static Sequence uniform(std::uint32_t keys, double write_share = 0, std::uint32_t first = 0) {
    std::mt19937_64 random(kSeed);
    Sequence s(keys);
    for (auto& index : s.indexes_) index = first + static_cast<std::uint32_t>(((random() >> 32) * keys) >> 32);
    s.measure_skew(first, keys);
    s.mark_writes(write_share);
    return s;
  }

  /// Rank r drawn with probability proportional to 1 / r^exponent, ranks scattered over the keys so that neighbours in rank are none in
  /// the order of insertion.
  static Sequence zipf(std::uint32_t keys, double exponent = kZipfExponent, double write_share = 0) {
    std::vector<double> cumulated(keys);
    double sum = 0;
    for (std::uint32_t rank = 0; rank < keys; ++rank) cumulated[rank] = sum += std::pow(rank + 1.0, -exponent);
    std::vector<std::uint32_t> key_of_rank(keys);
    for (std::uint32_t i = 0; i < keys; ++i) key_of_rank[i] = i;
    std::mt19937_64 random(kSeed);
    std::shuffle(key_of_rank.begin(), key_of_rank.end(), random);
    std::uniform_real_distribution<double> point(0, sum);
    Sequence s(keys);
    for (auto& index : s.indexes_) {
      const auto at = std::upper_bound(cumulated.begin(), cumulated.end(), point(random)) - cumulated.begin();
      index = key_of_rank[std::min(static_cast<std::size_t>(at), key_of_rank.size() - 1)];
    }
    s.measure_skew(0, keys);
    s.mark_writes(write_share);
    return s;
  }

  /// Every key once, in no order; what follows after `keys` accesses is padding.
  static Sequence permutation(std::uint32_t keys) {
    std::mt19937_64 random(kSeed);
    Sequence s(keys);
    for (std::uint32_t i = 0; i < s.indexes_.size(); ++i) s.indexes_[i] = i % keys;
    std::shuffle(s.indexes_.begin(), s.indexes_.begin() + keys, random);
    s.measure_skew(0, keys);
    return s;
  }

  /// first, first + 1, ...: keys that were never asked for.
  static Sequence counting(std::uint32_t first = 0) {
    Sequence s(1);
    s.indexes_.clear();
    s.first_ = first;
    return s;
  }

  /// Always the same key.
  static Sequence one_key(std::uint32_t index, double write_share = 0) {
    Sequence s(1);
    std::fill(s.indexes_.begin(), s.indexes_.end(), index);
    s.measure_skew(index, 1);
    s.mark_writes(write_share);
    return s;
  }

  [[nodiscard]] std::uint32_t at(std::size_t position) const noexcept {
    if (indexes_.empty()) return (first_ + static_cast<std::uint32_t>(position)) & ~kWriteBit;
    return indexes_[position & mask_];
  }
  [[nodiscard]] std::size_t size() const noexcept { return indexes_.size(); }
  [[nodiscard]] const Skew& skew() const noexcept { return skew_; }

 private:
  static constexpr std::uint64_t kSeed = 20240229;

  /// Twice as many accesses as keys, then it begins again: a key's line has long left the caches by then.
  explicit Sequence(std::uint32_t keys)
      : indexes_(std::bit_ceil(std::max<std::size_t>(std::size_t{2} * keys, 4096))), mask_(indexes_.size() - 1) {}

  void mark_writes(double share) {
    if (share <= 0) return;
    std::mt19937_64 random(kSeed + 1);
    std::bernoulli_distribution write(share);
    for (auto& index : indexes_) {
      if (write(random)) index |= kWriteBit;
    }
  }

  void measure_skew(std::uint32_t first, std::uint32_t keys) {
    std::vector<std::uint32_t> times(keys);
    for (const auto index : indexes_) ++times[index - first];
    std::sort(times.begin(), times.end(), std::greater<>());
    const double all = static_cast<double>(indexes_.size());
    std::uint64_t top = 0;
    for (std::uint32_t i = 0; i < std::max(keys / 100, 1U); ++i) top += times[i];
    skew_.hottest_percent = 100.0 * times[0] / all;
    skew_.top_1_percent = 100.0 * static_cast<double>(top) / all;
    skew_.distinct_percent = 100.0 * static_cast<double>(std::count_if(times.begin(), times.end(), [](auto n) { return n > 0; })) / keys;
  }

  std::vector<std::uint32_t> indexes_;
  std::size_t mask_;
  std::uint32_t first_ = 0;
  Skew skew_;
};

/// One access, ready to be made.
struct Access {
  char key_bytes[kKeyBytes];
  bool write;
  std::uint32_t index;
  std::uint64_t check;
  char* value;  // of the stream; valid until seven more accesses were taken

  [[nodiscard]] std::string_view key() const noexcept { return {key_bytes, kKeyBytes}; }
};

/// Walks a sequence and makes keys (and values, when asked) eight at a time: a key that was written just before it is hashed would make the
/// hash wait for the store buffer, which no real caller's key does.
class AccessStream {
 public:
  /// `value_bytes` 0: no values are made. Processes that share a sequence begin at different places.
  AccessStream(const Sequence& sequence, std::size_t value_bytes, std::size_t start = 0)
      : sequence_(sequence), position_(start), value_bytes_(value_bytes), values_(kBatch * value_bytes, 'v') {}

  AccessStream(const AccessStream&) = delete;
  AccessStream& operator=(const AccessStream&) = delete;

  const Access& next() noexcept {
    if (taken_ == kBatch) refill();
    return batch_[taken_++];
  }
  /// Where the next batch begins; where another stream may continue.
  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::string_view value_of(const Access& access) const noexcept { return {access.value, value_bytes_}; }

 private:
  static constexpr std::size_t kBatch = 8;

  void refill() noexcept {
    for (std::size_t i = 0; i < kBatch; ++i) {
      const std::uint32_t word = sequence_.at(position_++);
      Access& access = batch_[i];
      access.index = word & ~Sequence::kWriteBit;
      access.write = (word & Sequence::kWriteBit) != 0;
      access.check = check_of(access.index);
      write_key(access.index, access.key_bytes);
      if (value_bytes_ != 0) {
        access.value = values_.data() + i * value_bytes_;
        std::memcpy(access.value, &access.check, sizeof(access.check));
      }
    }
    taken_ = 0;
  }

  const Sequence& sequence_;
  std::size_t position_;
  std::size_t value_bytes_;
  std::size_t taken_ = kBatch;
  std::vector<char> values_;
  std::array<Access, kBatch> batch_{};
};

/// Makes key and value of any number, outside of the measured loops.
class ItemMaker {
 public:
  explicit ItemMaker(std::size_t value_bytes) : value_(value_bytes, 'v') {}
  std::string_view key(std::uint32_t index) noexcept {
    write_key(index, key_);
    return {key_, kKeyBytes};
  }
  std::string_view value(std::uint32_t index) noexcept {
    write_check(index, value_.data());
    return value_;
  }

 private:
  char key_[kKeyBytes] = {};
  std::string value_;
};

}  // namespace carafe::bench

// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/touch.h"
#include "evict/key_id.h"

namespace carafe {

/// Five fingerprints of 12 bits in a word, the newest lowest:
///
///   bit 59    48 47    36 35    24 23    12 11     0
///       | oldest |        |        |        | newest |      0: none
///
/// A put shifts the others up, so each word is a small FIFO; a hole is filled first.
struct GhostWord {
  static constexpr std::uint32_t kBits = 12;
  static constexpr std::uint32_t kWays = 5;
  static constexpr std::uint64_t kMask = (1U << kBits) - 1;

  static constexpr std::uint64_t fingerprint(KeyId id) noexcept {
    const std::uint64_t bits = (id.spread() >> 8) & kMask;
    return bits != 0 ? bits : 1;
  }
  static constexpr std::uint64_t with(std::uint64_t word, KeyId id) noexcept {
    std::uint32_t hole = 0;
    while (hole + 1 < kWays && ((word >> (hole * kBits)) & kMask) != 0) ++hole;
    const std::uint64_t shifted = (std::uint64_t{1} << ((hole + 1) * kBits)) - 1;
    return (word & ~shifted) | (((word << kBits) | fingerprint(id)) & shifted);
  }
  /// True, and the fingerprint is gone from `word`, if it was there.
  static constexpr bool take(std::uint64_t& word, KeyId id) noexcept {
    for (std::uint32_t way = 0; way < kWays; ++way)
      if (((word >> (way * kBits)) & kMask) == fingerprint(id)) {
        word &= ~(kMask << (way * kBits));
        return true;
      }
    return false;
  }
};

/// Fingerprints of what was thrown out lately: a key that comes back while its ghost is here was thrown out too early (ARC, Megiddo and
/// Modha 2003; S3-FIFO's ghost queue, Yang et al. 2023). About as many as there are chunks: half as many costs 0.6 points of hit
/// ratio, twice as many 0.4. Racy: of two puts into one word at a time, one is lost. One cache line a call.
class Ghosts {
 public:
  Ghosts(Atomic<std::uint64_t>* words, std::uint64_t in_use) noexcept : words_(words), in_use_(in_use) {}

  void put(KeyId id) const noexcept {
    if (in_use_ == 0) return;
    Atomic<std::uint64_t>& word = at(id);
    word.store(GhostWord::with(word.load(kRelaxed), id), kRelaxed);
  }
  /// The key's ghosts: they will be needed soon.
  void touch(KeyId id) const noexcept {
    if (in_use_ != 0) carafe::touch(&at(id));
  }
  [[nodiscard]] bool take(KeyId id) const noexcept {
    if (in_use_ == 0) return false;
    Atomic<std::uint64_t>& word = at(id);
    std::uint64_t seen = word.load(kRelaxed);
    if (!GhostWord::take(seen, id)) return false;
    word.store(seen, kRelaxed);
    return true;
  }

 private:
  [[nodiscard]] Atomic<std::uint64_t>& at(KeyId id) const noexcept { return words_[((id.spread() >> 32) * in_use_) >> 32]; }

  Atomic<std::uint64_t>* words_;
  std::uint64_t in_use_;
};

}  // namespace carafe

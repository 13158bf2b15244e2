// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>

#include "base/racy_copy.h"
#include "layout/bucket.h"

#if defined(__SSE2__) && !defined(CARAFE_WORDWISE)
#include <emmintrin.h>
#define CARAFE_TAG_MATCH_SSE2 1
#endif

namespace carafe {

/// Which of a bucket's entries bear `tag`: bit i for entry i. A hint, to be confirmed by an atomic load of the entry: the wide loads
/// promise no order and no atomicity beyond a word. The portable way, also for ThreadSanitizer; the twin of the one below.
[[nodiscard]] inline std::uint32_t match_tags_portably(const Bucket& bucket, std::uint32_t tag) noexcept {
  std::uint32_t found = 0;
  for (std::uint32_t i = 0; i < kEntriesPerBucket; ++i) found |= (Entry::tag(bucket.entries[i].load(kRelaxed)) == tag ? 1U : 0U) << i;
  return found;
}

#ifdef CARAFE_TAG_MATCH_SSE2
/// Seven comparisons in a dozen instructions: a tag fills the upper twenty bits of its entry's upper half.
[[nodiscard]] inline std::uint32_t match_tags(const Bucket& bucket, std::uint32_t tag) noexcept {
  static_assert(kTagBits == 20 && kEntriesPerBucket == 7 && std::endian::native == std::endian::little);
  const auto* line = reinterpret_cast<const __m128*>(&bucket);  // version, entry 0 | 1, 2 | 3, 4 | 5, 6
  const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
  const __m128i low = _mm_castps_si128(
      _mm_shuffle_ps(_mm_load_ps(reinterpret_cast<const float*>(line)), _mm_load_ps(reinterpret_cast<const float*>(line + 1)), 0xdd));
  const __m128i high = _mm_castps_si128(
      _mm_shuffle_ps(_mm_load_ps(reinterpret_cast<const float*>(line + 2)), _mm_load_ps(reinterpret_cast<const float*>(line + 3)), 0xdd));
  const int in_low = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(_mm_srli_epi32(low, 12), wanted)));
  const int in_high = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(_mm_srli_epi32(high, 12), wanted)));
  return static_cast<std::uint32_t>((in_low | (in_high << 4)) >> 1);  // the first word is the version
}
#else
[[nodiscard]] inline std::uint32_t match_tags(const Bucket& bucket, std::uint32_t tag) noexcept { return match_tags_portably(bucket, tag); }
#endif

}  // namespace carafe

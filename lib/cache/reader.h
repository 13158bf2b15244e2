// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "cache/items.h"

namespace carafe {

enum class ReadResult : std::uint8_t {
  kHit,
  kStale,   ///< A value past its soft time; copied all the same.
  kNone,    ///< The answer is that there is no value.
  kFailed,  ///< Computing it failed a moment ago.
  kMiss,
  kContended,
  kCorrupt
};

/// What a reader may want to know besides the value.
struct ReadDetails {
  std::uint64_t version = 0;  // version_token
  std::uint64_t expiry_ms = kNeverExpires;
  std::uint64_t soft = 0;  // Extension::soft; 0: it has none

  /// When a get begins to miss.
  [[nodiscard]] std::uint64_t fresh_until_ms() const noexcept {
    return soft == 0 ? expiry_ms : std::min(expiry_ms, Extension::soft_ms(soft));
  }
};

/// Reads without a lock (a seqlock with many writers: the version of a bucket goes up after each change, and before the memory of
/// what was replaced is used again; so what was copied under one version is whole). A miss is validated in both buckets. A reader
/// that keeps losing looks at the chunk's own word, which changes only when that very item goes; then it tries the stripe's lock;
/// then it is a counted miss. It never waits.
class Reader {
 public:
  Reader(const Engine& engine, const Worker& me) noexcept : engine_(engine), me_(me) {}

  /// Copies the value into `value` if it is not nullptr. May throw std::bad_alloc from there, and holds nothing then.
  [[nodiscard]] ReadResult read(const Key& key, std::string* value, ReadDetails* details, bool counts_as_use) const {
    const ReadResult result = read_item(key, value, details, counts_as_use);
    return has_changed_hands(engine_.view, key) ? ReadResult::kMiss : result;
  }

 private:
  [[nodiscard]] ReadResult read_item(const Key& key, std::string* value, ReadDetails* details, bool counts_as_use) const;
  [[nodiscard]] ReadResult read_patiently(const Key& key, std::string* value, ReadDetails* details) const;
  [[nodiscard]] ReadResult read_locked(const Key& key, std::string* value, ReadDetails* details) const;
  [[nodiscard]] bool copy(ItemView item, std::string& value) const;
  [[nodiscard]] bool copy_chain(ItemView item, std::string& value) const;

  const Engine& engine_;
  const Worker& me_;
};

}  // namespace carafe

// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "cache/writer.h"

namespace carafe {

/// Single flight: of all callers in all processes that miss a key at once, one computes its value (memcached's leases, Nishtala et al.,
/// "Scaling Memcache at Facebook", NSDI 2013; here with an owner whose death can be proven).
///
/// A lease is an item without a value: it stands in the key's bucket, whoever gets the key misses, and its extension says who the owner is.
/// So all that is promised of items holds of it: it is published by one store, a death leaves it whole, it can be evicted, and set, erase
/// and clear make it go. That is the fence: a fill happens only while that very lease is there (version_token), so nothing computed before
/// an invalidation is stored after it. Where there is a value past its soft time, that item itself is the lease: it bears its refresher.
///
/// Who waits sleeps on a word of the stripe (`lease_seq`), which goes up whenever a lease of the stripe has gone; and looks every
/// kLookNs whether the owner has died, since nobody tells that.
class Leases {
 public:
  Leases(const Engine& engine, const Worker& me) noexcept : engine_(engine), me_(me) {}

  enum class Answer : std::uint8_t {
    kGranted,  ///< It is ours: compute, then fill or abandon.
    kHeld,     ///< Another one computes.
    kPresent,  ///< There is an answer.
    kNone,     ///< None can be had: no room, or a stripe that is busy.
  };
  struct Grant {
    Answer answer = Answer::kNone;
    std::uint64_t token = 0;
  };

  /// Asks for the key's lease, for a value with these tags, begun when they say. Takes it over from an owner that is proven dead. As a set,
  /// but for the copy.
  [[nodiscard]] Grant ask(const Key& key, Answers answers, const ItemTraits& tags) const noexcept;
  /// Asks for the lease on a newer value than that one, which stays.
  [[nodiscard]] Grant ask_refresh(const Key& key, std::uint64_t version) const noexcept;
  /// Stores the value if the lease is still there; else kStale, and nothing is stored.
  [[nodiscard]] Status fill(const Key& key, std::uint64_t token, std::string_view value, const ItemTraits& traits) const noexcept;
  /// Gives the lease back: the next one who waits gets it.
  void abandon(const Key& key, std::uint64_t token) const noexcept { static_cast<void>(Writer(engine_, me_).give_lease_back(key, token)); }
  /// Sleeps until the key's lease may have gone or its owner may have died, but not beyond `deadline_ns`. False when that has come.
  [[nodiscard]] bool wait(const Key& key, Answers answers, std::uint64_t deadline_ns) const noexcept;

 private:
  static constexpr std::uint64_t kLookNs = 20'000'000;

  struct Seen {
    Answer answer = Answer::kNone;
    std::uint64_t owner = 0;  // LockWord, where kHeld
    std::uint64_t soft = 0;   // version_token of a value that can be refreshed where it is
  };
  [[nodiscard]] Seen look(const Key& key, Answers answers) const noexcept;
  [[nodiscard]] bool is_dead(std::uint64_t owner) const noexcept;

  const Engine& engine_;
  const Worker& me_;
};

}  // namespace carafe

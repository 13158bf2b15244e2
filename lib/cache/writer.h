// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "cache/items.h"
#include "cache/stripe_guard.h"
#include "carafe/cache.h"
#include "expiry/ttl.h"

namespace carafe {

/// What must hold of the key for a write to happen.
/// kLease: the lease named by the version is still there, which is the fence of a load (cache/leases.h); else kStale.
enum class Condition : std::uint8_t { kAlways, kAbsent, kPresent, kVersion, kLease };

/// Names one stored value for ever: where it is and how often that chunk was claimed.
[[nodiscard]] inline std::uint64_t version_token(std::uint64_t offset, std::uint64_t side) noexcept {
  return ((offset >> 3) << 24) | SideWord::generation(side);
}

/// The verbs that change something. Each: claim and fill outside any lock, then lock the stripe and publish:
///
///   1  side = kLinked        not yet reachable; from here on the hand may take it, if we die
///   2  entry = {tag, chunk}  the moment it becomes visible
///   3  version++             nobody copies the old one under the new version
///   4  side[old] = kFree
///
/// A death between any two leaves a valid table: what remains is a chunk claimed by the dead, or linked without an entry, and the
/// hand takes both.
class Writer {
 public:
  Writer(const Engine& engine, const Worker& me) noexcept : engine_(engine), me_(me) {}

  [[nodiscard]] Status store(const Key& key, std::string_view value, Expiry expiry, Condition condition,
                             std::uint64_t version = 0) const noexcept;
  [[nodiscard]] Status erase(const Key& key, Condition condition = Condition::kAlways, std::uint64_t version = 0) const noexcept;
  /// Puts our lease where the key has neither value nor lease, or one of `replaced` (LockWord, 0: nobody). kExists: there is a value;
  /// kVersionChanged: another one has the lease.
  [[nodiscard]] Status plant_lease(const Key& key, std::uint64_t replaced, std::uint64_t& token) const noexcept;
  [[nodiscard]] Counter increment(const Key& key, std::int64_t delta, std::int64_t initial, Expiry expiry) const noexcept;
  [[nodiscard]] Status touch(const Key& key, Expiry expiry) const noexcept;

 private:
  /// A filled item that nobody sees yet.
  struct Draft {
    Claim head;
    std::uint64_t bytes = 0;  // of all its chunks
    ItemHeader header;
    std::uint64_t expiry_ms = kNeverExpires;
    std::uint64_t lease_owner = 0;  // LockWord; 0: a value
    std::uint64_t first_part = 0;   // PartRef, and how many there are
    std::uint32_t parts = 0;
  };

  [[nodiscard]] Draft draft(const Key& key, std::string_view value, std::uint64_t expiry_ms, bool expires,
                            std::uint32_t epoch) const noexcept;
  [[nodiscard]] bool draft_chain(Draft& draft, const Key& key, std::string_view value, std::uint32_t epoch) const noexcept;
  [[nodiscard]] Claim claim(const Key& key, std::uint32_t size_class) const noexcept;
  void note_epoch(std::uint32_t page, std::uint32_t epoch) const noexcept;
  void note_expiry_of(const Chunk& chunk, std::uint64_t at_ms) const noexcept;
  void discard(const Draft& draft) const noexcept;
  void write_head(const Draft& draft, const Key& key) const noexcept;
  /// Steps 1 to 4. `entry` is empty, or the one of the item to replace (`old`). Lock held.
  void publish_locked(const Key& key, const Draft& draft, Atomic<std::uint64_t>* entry, const Found& old) const noexcept;
  void remove_locked(const Key& key, const Found& found) const noexcept;

  /// An entry for a new key, in `entry`; false: the lock was let go to rebuild the table, so look again. On the last attempt whatever
  /// is coldest in the key's buckets has to go: it is then `old`. Lock held.
  [[nodiscard]] bool find_room(StripeGuard& guard, const Key& key, const Table& table, int attempt, Atomic<std::uint64_t>*& entry,
                               Found& old) const noexcept;
  [[nodiscard]] Status judge(const Found& found, bool live, Condition condition, std::uint64_t version) const noexcept;
  [[nodiscard]] Status busy() const noexcept;

  const Engine& engine_;
  const Worker& me_;
};

}  // namespace carafe

// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "cache/item_traits.h"
#include "cache/items.h"
#include "cache/stripe_guard.h"
#include "carafe/keyspace.h"
#include "expiry/ttl.h"

namespace carafe {

/// What must hold of the key for a write to happen.
/// kLease: the lease named by the version is still there and ours, which is the fence of a load (cache/leases.h); else kStale.
enum class Condition : std::uint8_t { kAlways, kAbsent, kPresent, kVersion, kLease };

/// What, besides a value, is an answer to whoever asks for a lease.
struct Answers {
  bool none = false;
  bool failed = false;
  [[nodiscard]] bool has(Validity validity) const noexcept {
    return validity == Validity::kValue || (none && validity == Validity::kNone) || (failed && validity == Validity::kFailed);
  }
};

/// A lease that its living owner neither fills nor gives back keeps others waiting: for that a stripe is waited for longer.
inline constexpr std::uint64_t kLeasePatience = 5;
[[nodiscard]] constexpr std::uint64_t patience_of(Condition condition) noexcept {
  return condition == Condition::kLease ? kLeasePatience : 1;
}

/// Names one stored value for ever: where it is and how often that chunk was claimed.
[[nodiscard]] inline std::uint64_t version_token(std::uint64_t offset, std::uint64_t side) noexcept {
  return ((offset >> 3) << 24) | SideWord::generation(side);
}

/// The verbs that change something. kStale from any of them: the record of the key's namespace has changed hands, so look that up again.
/// Each: claim and fill outside any lock, then lock the stripe and publish:
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

  [[nodiscard]] Status store(const Key& key, std::string_view value, const ItemTraits& traits, Condition condition,
                             std::uint64_t version = 0) const noexcept;
  [[nodiscard]] Status erase(const Key& key, Condition condition = Condition::kAlways, std::uint64_t version = 0) const noexcept;
  [[nodiscard]] Counter increment(const Key& key, std::int64_t delta, std::int64_t initial, Expiry expiry,
                                  std::uint64_t stamp) const noexcept;
  [[nodiscard]] Status touch(const Key& key, Expiry expiry) const noexcept;

  /// Puts our lease where the key has neither an answer nor a lease, or that of `replaced` (LockWord, 0: nobody). kExists: there is an
  /// answer; kVersionChanged: another one has the lease. A value past its soft time stays, and we are its refresher.
  [[nodiscard]] Status plant_lease(const Key& key, const ItemTraits& traits, Answers answers, std::uint64_t replaced,
                                   std::uint64_t& token) const noexcept;
  /// Makes us the refresher of that very item, fresh or stale, in place of nobody or of `replaced`. kVersionChanged: another one is.
  [[nodiscard]] Status take_refresh(const Key& key, std::uint64_t version, std::uint64_t replaced, std::uint64_t& token) const noexcept;
  /// Whether an item can bear the lease on its successor. What has ended cannot: it would be collected, and the lease with it.
  [[nodiscard]] static bool is_refreshable(const View& view, const ItemView& item) noexcept {
    return item.is(Extension::kSoft) && !is_invalidated(view, item) && !has_expired(item.expiry_ms());
  }
  /// Ends our lease without a value. kOk, kStale, or kBusy: then it is ours still.
  [[nodiscard]] Status give_lease_back(const Key& key, std::uint64_t token) const noexcept;
  /// Who computes a value for that item, if what they compute may still be stored. 0: nobody. Lock held.
  [[nodiscard]] std::uint64_t loader_of(const Found& found) const noexcept;

 private:
  /// A filled item that nobody sees yet.
  struct Draft {
    Claim head;
    std::uint64_t bytes = 0;  // of all its chunks
    ItemHeader header;
    std::uint64_t expiry_ms = kNeverExpires;
    std::uint64_t soft = 0;
    std::array<std::uint16_t, kMaxItemTags> tags{};
    std::uint64_t first_part = 0;  // PartRef, and how many there are
    std::uint32_t parts = 0;
  };

  [[nodiscard]] Draft draft(const Key& key, std::string_view value, const ItemTraits& traits, std::uint32_t epoch) const noexcept;
  [[nodiscard]] bool draft_chain(Draft& draft, const Key& key, std::string_view value, std::uint32_t epoch) const noexcept;
  [[nodiscard]] Claim claim(const Key& key, std::uint32_t size_class) const noexcept;
  void note_epoch(std::uint32_t page, std::uint32_t epoch) const noexcept;
  void note_expiry_of(const Chunk& chunk, std::uint64_t at_ms) const noexcept;
  void discard(const Draft& draft) const noexcept;
  void write_head(const Draft& draft, const Key& key) const noexcept;
  void write_extension(std::byte* to, const Draft& draft) const noexcept;
  /// Takes over the extension of the item that the draft replaces, as it stands. Lock held.
  void copy_extension_locked(const Draft& draft, const ItemView& from) const noexcept;
  /// What was made of a value is as old as that: an invalidation that has its number but has not written it down takes both. Lock held.
  void copy_stamp_locked(Draft& draft, const ItemView& from) const noexcept;
  void prolong_locked(const Found& found, std::uint64_t at_ms) const noexcept;
  /// Has a chunk that holds `bytes`: false when the lock had to be let go for it, so look again; then `made.head` may be empty. Lock held.
  [[nodiscard]] bool fits_locked(StripeGuard& guard, const Key& key, Draft& made, std::size_t bytes) const noexcept;
  /// Steps 1 to 4. `entry` is empty, or the one of the item to replace (`old`). Lock held.
  void publish_locked(const Key& key, const Draft& draft, Atomic<std::uint64_t>* entry, const Found& old) const noexcept;
  void remove_locked(const Key& key, const Found& found) const noexcept;
  [[nodiscard]] bool become_refresher_locked(const Found& found, std::uint64_t replaced, std::uint64_t& token) const noexcept;

  /// An entry for a new key, in `entry`; false: the lock was let go to rebuild the table, so look again. On the last attempt whatever
  /// is coldest in the key's buckets has to go: it is then `old`. Lock held.
  [[nodiscard]] bool find_room(StripeGuard& guard, const Key& key, const Table& table, int attempt, Atomic<std::uint64_t>*& entry,
                               Found& old) const noexcept;
  [[nodiscard]] Status judge(const Found& found, bool live, Condition condition, std::uint64_t version) const noexcept;
  [[nodiscard]] bool is_our_lease(const Found& found, std::uint64_t token) const noexcept;
  [[nodiscard]] bool are_invalidated(const ItemTraits& traits) const noexcept;
  [[nodiscard]] Status busy() const noexcept;

  const Engine& engine_;
  const Worker& me_;
};

}  // namespace carafe

// SPDX-License-Identifier: MIT
#include <algorithm>

#include "all.h"
#include "shelves.h"

namespace carafe::replay {
namespace {

/// T1: seen once lately; T2: at least twice. B1, B2: ghosts of both. `target_` is how much T1 should have, and a ghost's hit moves it.
/// The paper counts pages of one size; with sizes, each step is by the item's charge.
class Arc : public Policy {
 public:
  explicit Arc(const Room& room) : capacity_(room.capacity), shelves_(room.objects, 4) {}

  bool contains(KeyId key) const override { return shelves_.is_on(kT1, key) || shelves_.is_on(kT2, key); }
  void hit(KeyId key) override { shelves_.move(kT2, key); }

  void insert(KeyId key, Charge charge) override {
    const Shelves::Shelf ghost = shelves_.where(key);
    if (ghost == kB1) {
      target_ = std::min(static_cast<double>(capacity_), target_ + step(kB2, kB1, charge));
    } else if (ghost == kB2) {
      target_ = std::max(0.0, target_ - step(kB1, kB2, charge));
    }
    if (ghost != Shelves::kNowhere) {
      if (charge > capacity_) return shelves_.take(key);
      make_room(charge, ghost == kB2);
      shelves_.take(key);
      shelves_.push(kT2, key, charge);
      return;
    }
    if (charge > capacity_) return;
    forget_ghosts(charge);
    make_room(charge, false);
    shelves_.push(kT1, key, charge);
  }

  void erase(KeyId key) override {
    if (shelves_.where(key) != Shelves::kNowhere) shelves_.take(key);
  }

 private:
  static constexpr Shelves::Shelf kT1 = 0;
  static constexpr Shelves::Shelf kT2 = 1;
  static constexpr Shelves::Shelf kB1 = 2;
  static constexpr Shelves::Shelf kB2 = 3;

  [[nodiscard]] double step(Shelves::Shelf other, Shelves::Shelf own, Charge charge) const noexcept {
    const double ratio = static_cast<double>(shelves_.charge(other)) / static_cast<double>(shelves_.charge(own));
    return std::max(1.0, ratio) * static_cast<double>(charge);
  }

  /// Case IV of the paper: T1 with B1 holds at most the capacity, all four twice as much.
  void forget_ghosts(Charge charge) {
    while (shelves_.charge(kT1) + shelves_.charge(kB1) + charge > capacity_ && !(shelves_.empty(kB1) && shelves_.empty(kT1))) {
      if (shelves_.empty(kB1)) {
        shelves_.take(shelves_.oldest(kT1));  // T1 alone fills the room: its oldest leaves no ghost
      } else {
        shelves_.take(shelves_.oldest(kB1));
      }
    }
    while (total() + charge > 2 * capacity_ && !shelves_.empty(kB2)) shelves_.take(shelves_.oldest(kB2));
  }

  /// REPLACE of the paper; `from_b2`: for a ghost of B2 that comes back.
  void make_room(Charge charge, bool from_b2) {
    while (shelves_.charge(kT1) + shelves_.charge(kT2) + charge > capacity_) {
      const auto recent = static_cast<double>(shelves_.charge(kT1));
      if (!shelves_.empty(kT1) && (recent > target_ || (from_b2 && recent == target_) || shelves_.empty(kT2))) {
        shelves_.move(kB1, shelves_.oldest(kT1));
      } else {
        shelves_.move(kB2, shelves_.oldest(kT2));
      }
    }
  }

  [[nodiscard]] Charge total() const noexcept {
    return shelves_.charge(kT1) + shelves_.charge(kT2) + shelves_.charge(kB1) + shelves_.charge(kB2);
  }

  Charge capacity_;
  double target_ = 0;
  Shelves shelves_;
};

}  // namespace

std::unique_ptr<Policy> make_arc(const Room& room) { return std::make_unique<Arc>(room); }

}  // namespace carafe::replay

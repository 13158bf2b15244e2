// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include "all.h"
#include "shelves.h"

namespace carafe::replay {
namespace {

/// As libCacheSim has it: newcomers into a small queue; two hits there, or a return while a ghost remembers the key, bring it to the main one.
class S3Fifo : public Policy {
 public:
  explicit S3Fifo(const Room& room)
      : capacity_(room.capacity),
        small_capacity_(room.capacity / 10),
        ghost_capacity_(room.capacity * 9 / 10),
        shelves_(room.objects, 3),
        counters_(room.objects) {}

  bool contains(KeyId key) const override { return shelves_.is_on(kSmall, key) || shelves_.is_on(kMain, key); }
  void hit(KeyId key) override {
    if (counters_[key] < kMost) ++counters_[key];
  }
  void insert(KeyId key, Charge charge) override {
    const bool remembered = shelves_.is_on(kGhost, key);
    if (remembered) shelves_.take(key);
    if (charge > capacity_) return;
    while (used() + charge > capacity_) evict();
    shelves_.push(remembered ? kMain : kSmall, key, charge);
    counters_[key] = 0;
  }
  void erase(KeyId key) override {
    if (shelves_.where(key) != Shelves::kNowhere) shelves_.take(key);
  }

 private:
  static constexpr Shelves::Shelf kSmall = 0;
  static constexpr Shelves::Shelf kMain = 1;
  static constexpr Shelves::Shelf kGhost = 2;
  static constexpr std::uint8_t kMost = 3;
  static constexpr std::uint8_t kToMain = 2;

  [[nodiscard]] Charge used() const noexcept { return shelves_.charge(kSmall) + shelves_.charge(kMain); }

  void evict() {
    if (shelves_.charge(kMain) > capacity_ - small_capacity_ || shelves_.empty(kSmall)) return evict_from_main();
    while (!shelves_.empty(kSmall)) {
      const KeyId key = shelves_.oldest(kSmall);
      if (counters_[key] < kToMain) return remember(key);
      shelves_.move(kMain, key);
      counters_[key] = 0;
    }
  }

  void evict_from_main() {
    for (;;) {
      const KeyId key = shelves_.oldest(kMain);
      if (counters_[key] == 0) return shelves_.take(key);
      --counters_[key];
      shelves_.move(kMain, key);
    }
  }

  void remember(KeyId key) {
    const Charge charge = shelves_.charge_of(key);
    if (charge > ghost_capacity_) return shelves_.take(key);
    while (shelves_.charge(kGhost) + charge > ghost_capacity_) shelves_.take(shelves_.oldest(kGhost));
    shelves_.move(kGhost, key);
  }

  Charge capacity_;
  Charge small_capacity_;
  Charge ghost_capacity_;
  Shelves shelves_;
  std::vector<std::uint8_t> counters_;
};

}  // namespace

std::unique_ptr<Policy> make_s3fifo(const Room& room) { return std::make_unique<S3Fifo>(room); }

}  // namespace carafe::replay

// SPDX-License-Identifier: MIT
#include <vector>

#include "all.h"
#include "shelves.h"

namespace carafe::replay {
namespace {

/// The ring as a queue: where the hand passes an item by, it goes to the front.
class Clock : public Policy {
 public:
  Clock(const Room& room, std::uint8_t most) : capacity_(room.capacity), most_(most), shelves_(room.objects, 1), counters_(room.objects) {}

  bool contains(KeyId key) const override { return shelves_.is_on(0, key); }
  void hit(KeyId key) override {
    if (counters_[key] < most_) ++counters_[key];
  }
  void insert(KeyId key, Charge charge) override {
    if (charge > capacity_) return;
    while (shelves_.charge(0) + charge > capacity_) evict();
    shelves_.push(0, key, charge);
    counters_[key] = 0;
  }
  void erase(KeyId key) override {
    if (contains(key)) shelves_.take(key);
  }

 private:
  void evict() {
    for (;;) {
      const KeyId key = shelves_.oldest(0);
      if (counters_[key] == 0) return shelves_.take(key);
      --counters_[key];
      shelves_.move(0, key);
    }
  }

  Charge capacity_;
  std::uint8_t most_;
  Shelves shelves_;
  std::vector<std::uint8_t> counters_;
};

}  // namespace

std::unique_ptr<Policy> make_clock1(const Room& room) { return std::make_unique<Clock>(room, std::uint8_t{1}); }
std::unique_ptr<Policy> make_clock2(const Room& room) { return std::make_unique<Clock>(room, std::uint8_t{3}); }

}  // namespace carafe::replay

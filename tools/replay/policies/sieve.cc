// SPDX-License-Identifier: MIT
#include <vector>

#include "all.h"
#include "shelves.h"

namespace carafe::replay {
namespace {

/// Like a clock of one bit whose survivors stay where they are, while newcomers go to the front.
class Sieve : public Policy {
 public:
  explicit Sieve(const Room& room) : capacity_(room.capacity), shelves_(room.objects, 1), visited_(room.objects) {}

  bool contains(KeyId key) const override { return shelves_.is_on(0, key); }
  void hit(KeyId key) override { visited_[key] = 1; }
  void insert(KeyId key, Charge charge) override {
    if (charge > capacity_) return;
    while (shelves_.charge(0) + charge > capacity_) evict();
    shelves_.push(0, key, charge);
    visited_[key] = 0;
  }
  void erase(KeyId key) override {
    if (!contains(key)) return;
    if (hand_ == key) hand_ = shelves_.younger(key);
    shelves_.take(key);
  }

 private:
  void evict() {
    KeyId key = hand_ == kNobody ? shelves_.oldest(0) : hand_;
    while (visited_[key] != 0) {
      visited_[key] = 0;
      key = shelves_.younger(key);
      if (key == kNobody) key = shelves_.oldest(0);
    }
    hand_ = shelves_.younger(key);
    shelves_.take(key);
  }

  Charge capacity_;
  Shelves shelves_;
  std::vector<std::uint8_t> visited_;
  KeyId hand_ = kNobody;  // the next to be looked at; kNobody: the oldest
};

}  // namespace

std::unique_ptr<Policy> make_sieve(const Room& room) { return std::make_unique<Sieve>(room); }

}  // namespace carafe::replay

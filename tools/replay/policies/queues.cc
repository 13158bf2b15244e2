// SPDX-License-Identifier: MIT
/// LRU and FIFO: one queue; a hit brings an item to its front, or does nothing.
#include "all.h"
#include "shelves.h"

namespace carafe::replay {
namespace {

class Queue : public Policy {
 public:
  Queue(const Room& room, bool hits_renew) : capacity_(room.capacity), hits_renew_(hits_renew), shelves_(room.objects, 1) {}

  bool contains(KeyId key) const override { return shelves_.is_on(0, key); }
  void hit(KeyId key) override {
    if (hits_renew_) shelves_.move(0, key);
  }
  void insert(KeyId key, Charge charge) override {
    if (charge > capacity_) return;
    while (shelves_.charge(0) + charge > capacity_) shelves_.take(shelves_.oldest(0));
    shelves_.push(0, key, charge);
  }
  void erase(KeyId key) override {
    if (contains(key)) shelves_.take(key);
  }

 private:
  Charge capacity_;
  bool hits_renew_;
  Shelves shelves_;
};

}  // namespace

std::unique_ptr<Policy> make_lru(const Room& room) { return std::make_unique<Queue>(room, true); }
std::unique_ptr<Policy> make_fifo(const Room& room) { return std::make_unique<Queue>(room, false); }

}  // namespace carafe::replay

// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <vector>

#include "all.h"
#include "frequency_sketch.h"
#include "shelves.h"

namespace carafe::replay {
namespace {

/// A window (LRU) for newcomers; a main part (segmented LRU: probation, protected) that a newcomer enters only when the sketch has seen it
/// more often than the main part's victim. The window's share starts at 1 % and follows the hit ratio: a step in the direction that helped
/// last, smaller each time, started over when the hit ratio jumps.
class WTinyLfu : public Policy {
 public:
  explicit WTinyLfu(const Room& room)
      : capacity_(room.capacity),
        window_capacity_(std::max<Charge>(1, room.capacity / 100)),
        step_(-kFirstStep * static_cast<double>(room.capacity)),
        shelves_(room.objects, 3),
        sketch_(room) {}

  bool contains(KeyId key) const override { return shelves_.where(key) != Shelves::kNowhere; }

  void hit(KeyId key) override {
    count(key, true);
    if (shelves_.is_on(kProbation, key)) {
      shelves_.move(kProtected, key);
      demote();
    } else {
      shelves_.move(shelves_.where(key), key);
    }
  }

  void insert(KeyId key, Charge charge) override {
    count(key, false);
    if (charge > capacity_) return;
    shelves_.push(kWindow, key, charge);
    settle();
  }

  void erase(KeyId key) override {
    if (contains(key)) shelves_.take(key);
  }

 private:
  static constexpr Shelves::Shelf kWindow = 0;
  static constexpr Shelves::Shelf kProbation = 1;
  static constexpr Shelves::Shelf kProtected = 2;
  static constexpr double kFirstStep = 0.0625;  // of the room, as in Caffeine
  static constexpr double kDecay = 0.98;
  static constexpr double kRestart = 0.05;  // a change of the hit ratio that means another workload

  [[nodiscard]] Charge main_charge() const noexcept { return shelves_.charge(kProbation) + shelves_.charge(kProtected); }
  [[nodiscard]] Charge used() const noexcept { return shelves_.charge(kWindow) + main_charge(); }

  void demote() {
    const Charge most = (capacity_ - window_capacity_) * 8 / 10;
    while (shelves_.charge(kProtected) > most) shelves_.move(kProbation, shelves_.oldest(kProtected));
  }

  /// What overflows the window knocks at the main part; whoever loses leaves.
  void settle() {
    while (shelves_.charge(kWindow) > window_capacity_) {
      const KeyId candidate = shelves_.oldest(kWindow);
      shelves_.move(kProbation, candidate);
      while (used() > capacity_) {
        const KeyId victim = victim_besides(candidate);
        const bool candidate_loses = victim == kNobody || sketch_.estimate(candidate) <= sketch_.estimate(victim);
        shelves_.take(candidate_loses ? candidate : victim);
        if (candidate_loses) break;
      }
    }
    while (used() > capacity_) shelves_.take(victim_besides(kNobody));
  }

  [[nodiscard]] KeyId victim_besides(KeyId candidate) const noexcept {
    KeyId victim = shelves_.oldest(kProbation);
    if (victim == candidate && victim != kNobody) victim = shelves_.younger(victim);
    if (victim != kNobody) return victim;
    if (!shelves_.empty(kProtected)) return shelves_.oldest(kProtected);
    return candidate == kNobody ? shelves_.oldest(kWindow) : kNobody;
  }

  void count(KeyId key, bool is_hit) {
    sketch_.add(key);
    hits_ += is_hit ? 1 : 0;
    if (++requests_ < sketch_.period()) return;
    climb(static_cast<double>(hits_) / static_cast<double>(requests_));
    hits_ = requests_ = 0;
  }

  void climb(double hit_ratio) {
    const double change = hit_ratio - last_hit_ratio_;
    const double wanted = change >= 0 ? step_ : -step_;
    step_ = std::fabs(change) >= kRestart ? std::copysign(kFirstStep * static_cast<double>(capacity_), wanted) : wanted * kDecay;
    last_hit_ratio_ = hit_ratio;
    const double window = std::clamp(static_cast<double>(window_capacity_) + wanted, 1.0, static_cast<double>(capacity_) * 0.8);
    window_capacity_ = static_cast<Charge>(window);
    demote();
    // A larger window is filled from probation, a smaller one gives its oldest to it; nothing is evicted for that.
    while (shelves_.charge(kWindow) > window_capacity_) shelves_.move(kProbation, shelves_.oldest(kWindow));
    while (!shelves_.empty(kProbation) && shelves_.charge(kWindow) + shelves_.charge_of(shelves_.oldest(kProbation)) <= window_capacity_ &&
           main_is_over())
      shelves_.move(kWindow, shelves_.oldest(kProbation));
  }
  [[nodiscard]] bool main_is_over() const noexcept { return main_charge() > capacity_ - window_capacity_; }

  Charge capacity_;
  Charge window_capacity_;
  double step_;
  double last_hit_ratio_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t requests_ = 0;
  Shelves shelves_;
  FrequencySketch sketch_;
};

}  // namespace

std::unique_ptr<Policy> make_wtinylfu(const Room& room) { return std::make_unique<WTinyLfu>(room); }

}  // namespace carafe::replay

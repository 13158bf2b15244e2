// SPDX-License-Identifier: MIT
#include "optimum.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "policies/shelves.h"

namespace carafe::replay {
namespace {

class Optimum : public Policy {
 public:
  Optimum(const Room& room, const NextUse& next_use)
      : capacity_(room.capacity), next_use_(next_use), next_(room.objects), held_(room.objects, 1) {}

  void at(std::size_t position) override { now_ = position; }
  bool contains(KeyId key) const override { return held_.is_on(0, key); }
  void hit(KeyId key) override { expect(key); }
  void insert(KeyId key, Charge charge) override {
    if (charge > capacity_) return;
    while (held_.charge(0) + charge > capacity_) evict();
    held_.push(0, key, charge);
    expect(key);
  }
  void erase(KeyId key) override {
    if (contains(key)) held_.take(key);
  }

 private:
  void expect(KeyId key) {
    next_[key] = next_use_[now_];
    latest_.emplace(next_[key], key);
  }
  void evict() {
    for (;;) {
      const auto [use, key] = latest_.top();
      latest_.pop();
      if (contains(key) && next_[key] == use) return held_.take(key);  // else it was used or went since: a later entry counts
    }
  }

  Charge capacity_;
  const NextUse& next_use_;
  std::size_t now_ = 0;
  std::vector<std::uint32_t> next_;                              // of the keys held
  std::priority_queue<std::pair<std::uint32_t, KeyId>> latest_;  // with outdated entries
  Shelves held_;
};

}  // namespace

NextUse next_uses(const Trace& trace) {
  NextUse next(trace.size(), kNever);
  std::vector<std::uint32_t> coming(trace.keys.size(), kNever);
  for (std::size_t i = trace.size(); i-- > 0;) {
    const Request request = trace[i];
    next[i] = coming[request.key];
    coming[request.key] = request.op == Op::kGet ? static_cast<std::uint32_t>(i) : kNever;
  }
  return next;
}

std::unique_ptr<Policy> make_optimum(const Room& room, const NextUse& next_use) { return std::make_unique<Optimum>(room, next_use); }

std::uint64_t most_hits_possible(const Trace& trace, const NextUse& next_use, Charge capacity, const Charging& charging) {
  constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();
  std::vector<double> costs;
  std::vector<std::uint64_t> latest_end(trace.keys.size());  // when each key's item has expired at the latest, whenever it was set
  for (std::size_t i = 0; i < trace.size(); ++i) {
    const Request request = trace[i];
    std::uint64_t& end = latest_end[request.key];
    end = std::max(end, request.ttl_ms == kNoTtl ? kNoEnd : request.t_ms + request.ttl_ms);
    if (next_use[i] == kNever || request.op == Op::kDelete || trace[next_use[i]].t_ms >= end) continue;
    costs.push_back(static_cast<double>(next_use[i] - i) * static_cast<double>(charging.of(request)));
  }
  std::sort(costs.begin(), costs.end());
  double room = static_cast<double>(capacity) * static_cast<double>(trace.size());
  std::uint64_t hits = 0;
  for (const double cost : costs) {
    if (cost > room) break;
    room -= cost;
    ++hits;
  }
  return hits;
}

}  // namespace carafe::replay

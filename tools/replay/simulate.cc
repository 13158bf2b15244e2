// SPDX-License-Identifier: MIT
#include "simulate.h"

#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace carafe::replay {
namespace {

/// Knows when which key expires, and tells the policy in time. A key's latest deadline counts; entries of older ones are passed over.
class Deadlines {
 public:
  Deadlines(const Trace& trace, Policy& policy) : policy_(policy), of_key_(trace.columns().ttls ? trace.keys.size() : 0) {}

  void set(const Request& request) {
    if (of_key_.empty()) return;
    of_key_[request.key] = 0;
    if (request.ttl_ms == kNoTtl) return;
    const std::uint64_t end = request.t_ms + request.ttl_ms;
    of_key_[request.key] = end;
    queue_.emplace(end, request.key);
  }
  void pass(std::uint64_t now_ms) {
    while (!queue_.empty() && queue_.top().first <= now_ms) {
      const auto [end, key] = queue_.top();
      queue_.pop();
      if (of_key_[key] == end) policy_.erase(key);
    }
  }

 private:
  using Entry = std::pair<std::uint64_t, KeyId>;
  Policy& policy_;
  std::vector<std::uint64_t> of_key_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
};

}  // namespace

Outcome simulate(const Trace& trace, Policy& policy, const Charging& charging) {
  Outcome outcome;
  Deadlines deadlines(trace, policy);
  std::vector<Charge> stored(charging.by_bytes && trace.columns().ops ? trace.keys.size() : 0);
  const auto store = [&](const Request& request) {
    policy.insert(request.key, charging.of(request));
    if (!stored.empty()) stored[request.key] = charging.of(request);
    deadlines.set(request);
  };
  for (std::size_t i = 0; i < trace.size(); ++i) {
    const Request request = trace[i];
    deadlines.pass(request.t_ms);
    policy.at(i);
    const bool there = policy.contains(request.key);
    if (request.op == Op::kDelete) {
      policy.erase(request.key);
    } else if (request.op == Op::kSet) {
      if (there && (stored.empty() || stored[request.key] == charging.of(request))) {
        policy.hit(request.key);
        deadlines.set(request);
      } else {
        policy.erase(request.key);
        store(request);
      }
    } else {
      ++outcome.gets;
      if (there) {
        ++outcome.hits;
        policy.hit(request.key);
      } else {
        store(request);
      }
    }
  }
  return outcome;
}

}  // namespace carafe::replay

// SPDX-License-Identifier: MIT
#include "model/weak/machine.h"

#include <cstdio>
#include <cstring>

namespace carafe::weak {
namespace {

constexpr std::uint64_t kMostSteps = 100'000;  // of one execution: beyond, somebody turns in circles

const char* name_of(std::memory_order order) noexcept {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    default:
      return "?";
  }
}

bool is_modelled(std::memory_order order) noexcept {
  return order == std::memory_order_relaxed || order == std::memory_order_acquire || order == std::memory_order_release ||
         order == std::memory_order_acq_rel;
}

}  // namespace

Machine* Machine::running_ = nullptr;

Verdict Machine::explore(const std::vector<Body>& bodies, const std::function<void()>& begin, const std::function<std::string()>& judge,
                         const Limits& limits, const std::vector<Rule>& rules) {
  bodies_ = &bodies;
  rules_ = &rules;
  preemptions_ = limits.preemptions;
  verdict_ = {};
  touched_.clear();
  met_.clear();
  newly_met_.clear();
  known_sites_.clear();
  while (threads_.size() < bodies.size()) threads_.push_back(std::make_unique<Thread>());
  // Begun anew when threads turn out to meet somewhere else as well, since there they have to be interrupted, too.
  for (bool again = true; again;) {
    again = false;
    choices_ = {};
    for (;;) {
      ++verdict_.executions;
      if (run_once(bodies, begin) && verdict_.violation.empty()) verdict_.violation = judge();
      if (verdict_.executions == limits.shown) fail("shown because asked for");
      if (!verdict_.violation.empty()) {
        const Verdict found = verdict_;
        choices_.rewind();
        tracing_ = true;
        static_cast<void>(run_once(bodies, begin));
        tracing_ = false;
        const std::string trace = verdict_.trace;
        verdict_ = found;
        verdict_.trace = trace;
        return verdict_;
      }
      again = again || !newly_met_.empty();
      met_.insert(newly_met_.begin(), newly_met_.end());
      newly_met_.clear();
      if (again && preemptions_ > 0) break;
      if (!choices_.advance()) {
        verdict_.complete = true;
        return verdict_;
      }
      if (verdict_.executions >= limits.executions) return verdict_;
    }
  }
  return verdict_;
}

bool Machine::can_run(std::size_t thread) const {
  const Thread& t = *threads_[thread];
  return !t.fiber.has_ended() && !(t.waits && memory_.stores(t.looked_at) == t.stores_then);
}

bool Machine::run_once(const std::vector<Body>& bodies, const std::function<void()>& begin) {
  choices_.rewind();
  memory_.forget();
  calm_.clear();
  steps_ = 0;
  preemptions_left_ = preemptions_;
  wanted_ = kNobody;
  begin();
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    threads_[i]->perspective = {};
    threads_[i]->waits = false;
    threads_[i]->fiber.start(bodies[i].run);
  }
  int stalls = 0;
  std::vector<std::size_t> ready;
  for (;;) {
    ready.clear();
    bool waiting = false;
    std::size_t observer = kNobody;
    std::size_t heir = kNobody;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      if (threads_[i]->fiber.has_ended()) continue;
      if (bodies[i].role == Role::kObserver) {
        if (observer == kNobody) observer = i;
      } else if (bodies[i].role == Role::kHeir) {
        if (heir == kNobody) heir = i;
      } else if (can_run(i)) {
        ready.push_back(i);
      } else {
        waiting = true;
      }
    }
    if (ready.empty() && waiting) {
      // Each waits for another. Some waits end by themselves after a few rounds; a deadlock does not.
      if (++stalls > 200) {
        fail("nobody can go on");
        return false;
      }
      for (std::size_t i = 0; i < bodies.size(); ++i) threads_[i]->waits = false;
      continue;
    }
    if (ready.empty() && observer == kNobody) {
      if (heir == kNobody) return true;
      for (std::size_t i = 0; i < bodies.size(); ++i) threads_[heir]->perspective.seen.join(threads_[i]->perspective.seen);
      observer = heir;
    }
    if (wanted_ != kNobody) {
      now_ = wanted_;
    } else {
      now_ = ready.empty() ? observer : ready[choices_.choose(ready.size())];
    }
    wanted_ = kNobody;
    threads_[now_]->waits = false;
    running_ = this;
    threads_[now_]->fiber.resume();
    running_ = nullptr;
    if (steps_ > kMostSteps) {
      fail("an execution without end");
      return false;
    }
  }
}

void Machine::fail(std::string what) {
  if (verdict_.violation.empty()) verdict_.violation = std::move(what);
}

/// Before an access to shared memory: perhaps another thread goes first.
void Machine::step_before(const void* at, bool writes) {
  if (++steps_ > kMostSteps) threads_[now_]->fiber.leave();  // and is not resumed
  if ((*bodies_)[now_].role != Role::kWorker) return;
  Touch& touch = touched_[at];
  std::uint32_t& mine = writes ? touch.writes : touch.reads;
  if (const std::uint32_t bit = 1U << now_; (mine & bit) == 0) {
    mine |= bit;
    const std::uint32_t all = touch.reads | touch.writes;
    // From the next execution on, since this one has to run the same way when it is run again.
    if (touch.writes != 0 && (all & (all - 1)) != 0 && met_.count(at) == 0) newly_met_.push_back(at);
  }
  if (preemptions_left_ == 0 || met_.count(at) == 0) return;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < threads_.size() && i < bodies_->size(); ++i)
    if (i != now_ && (*bodies_)[i].role == Role::kWorker && can_run(i)) others.push_back(i);
  const std::size_t chosen = choices_.choose(others.size() + 1);
  if (chosen == 0) return;
  --preemptions_left_;
  wanted_ = others[chosen - 1];
  threads_[now_]->fiber.leave();
}

/// gcc adds a template's arguments to its name.
static std::string plain_name(const char* function) {
  const std::string name = function;
  const std::size_t arguments = name.find('<');
  return arguments == 0 ? name : name.substr(0, arguments);
}

std::memory_order Machine::weaken(Op op, Kind kind, std::memory_order order, const Site& site) {
  if (!is_modelled(order)) fail("an order that is not modelled");
  if (order == std::memory_order_relaxed) return order;
  if (known_sites_.insert({site.function, site.line, op, kind}).second)
    verdict_.sites.insert({plain_name(site.function), op, kind, site.line});
  for (const Rule& rule : *rules_) {
    if (rule.op != op || (op != Op::kFence && rule.kind != kind) || (rule.line != 0 && rule.line != site.line)) continue;
    if (rule.function != plain_name(site.function)) continue;
    ++verdict_.weakened;
    return std::memory_order_relaxed;
  }
  return order;
}

void Machine::note(const char* what, const void* at, Kind kind, std::uint64_t value, std::memory_order order, const Site& site,
                   bool stale) {
  if (at != nullptr && memory_.stores(at) == 1) return;  // nobody has changed that
  char line[320];
  const char* file = std::strrchr(site.file, '/');
  std::snprintf(line, sizeof line, "%-10s %-6s %-11s @%-7llu %016llx %s%-8s %s (%s:%d)\n", (*bodies_)[now_].name.c_str(), what,
                ::carafe::weak::name_of(kind),
                static_cast<unsigned long long>(at == nullptr || kind == Kind::kFlag ? 0 : places_.offset(at)),
                static_cast<unsigned long long>(value), name_of(order), stale ? ", stale" : "", site.function,
                file == nullptr ? site.file : file + 1, site.line);
  verdict_.trace += line;
}

std::uint64_t Machine::load(const void* at, unsigned bytes, std::memory_order order, const Site& site) {
  const Kind kind = places_.of(at);
  if (is_calm(kind)) {
    const auto found = calm_.find(at);
    return found == calm_.end() ? peek(at, bytes) : found->second;
  }
  step_before(at, false);
  order = weaken(Op::kLoad, kind, order, site);
  Thread& me = *threads_[now_];
  me.looked_at = at;
  const std::uint64_t value = memory_.load(at, bytes, order, me.perspective, is_lock(kind));
  if (tracing_) note("load", at, kind, value, order, site, memory_.was_stale());
  return value;
}

void Machine::store(const void* at, unsigned bytes, std::uint64_t value, std::memory_order order, const Site& site) {
  const Kind kind = places_.of(at);
  if (is_calm(kind)) {
    calm_[at] = value;
    return;
  }
  step_before(at, true);
  order = weaken(Op::kStore, kind, order, site);
  memory_.store(at, bytes, value, order, threads_[now_]->perspective);
  if (tracing_) note("store", at, kind, value, order, site, false);
}

std::uint64_t Machine::change(const void* at, unsigned bytes, std::memory_order success, std::memory_order failure,
                              const std::function<Memory::Decision(std::uint64_t)>& decide, const Site& site) {
  const Kind kind = places_.of(at);
  if (is_calm(kind)) {
    const auto found = calm_.find(at);
    const std::uint64_t seen = found == calm_.end() ? peek(at, bytes) : found->second;
    if (const Memory::Decision decision = decide(seen); decision.write) calm_[at] = decision.value;
    return seen;
  }
  step_before(at, true);
  success = weaken(Op::kChange, kind, success, site);
  Thread& me = *threads_[now_];
  me.looked_at = at;
  const std::uint64_t seen = memory_.change(at, bytes, success, failure, me.perspective, is_lock(kind), decide);
  if (tracing_) {
    const Memory::Decision decision = decide(seen);
    note(decision.write ? "change" : "fails", at, kind, decision.write ? decision.value : seen, success, site, memory_.was_stale());
  }
  return seen;
}

void Machine::fence(std::memory_order order, const Site& site) {
  order = weaken(Op::kFence, Kind::kPrivate, order, site);
  memory_.fence(order, threads_[now_]->perspective);
  if (tracing_) note("fence", nullptr, Kind::kPrivate, 0, order, site, false);
}

void Machine::pause() {
  Thread& me = *threads_[now_];
  me.waits = true;
  me.stores_then = memory_.stores(me.looked_at);
  me.fiber.leave();
}

}  // namespace carafe::weak

// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "model/weak/checked_atomic.h"
#include "model/weak/choices.h"
#include "model/weak/fiber.h"
#include "model/weak/memory.h"
#include "model/weak/places.h"

namespace carafe::weak {

enum class Op : std::uint8_t { kLoad, kStore, kChange, kFence };

/// Weakens the accesses of one kind that one function makes: to relaxed, and a relaxed fence is none.
struct Rule {
  std::string function;
  Op op = Op::kLoad;
  Kind kind = Kind::kPrivate;  // of no matter for a fence
  int line = 0;                // 0: any
};

/// What a thread of a scenario is to the others.
enum class Role : std::uint8_t {
  kWorker,
  /// Changes nothing that the others look at; so it runs when they have ended, and still meets everything that it could have met in
  /// their midst, since its loads may take any older store.
  kObserver,
  /// Comes last, and after all others in the sense of happens-before: as one who has joined them.
  kHeir,
};

struct Body {
  std::string name;
  Role role = Role::kWorker;
  std::function<void()> run;
};

struct Limits {
  int preemptions = 2;  // of workers, an execution
  std::uint64_t executions = 20'000'000;
  std::uint64_t shown = 0;  // the execution to trace as if something were wrong with it
};

/// An access with an order, as the source has it.
using OrderedSite = std::tuple<std::string, Op, Kind, int>;

struct Verdict {
  std::uint64_t executions = 0;
  bool complete = false;        // nothing was left to explore, within the limit of preemptions
  std::string violation;        // empty: none
  std::string trace;            // of the execution with the violation
  std::uint64_t weakened = 0;   // accesses that met a rule
  std::set<OrderedSite> sites;  // all with an order stronger than relaxed
};

/// Runs threads on the product's code in every way that the limits allow.
class Machine {
 public:
  explicit Machine(const Places& places) : places_(places), memory_(choices_) {}

  /// `judge` says what was wrong with an execution, or nothing; `begin` comes before each.
  Verdict explore(const std::vector<Body>& bodies, const std::function<void()>& begin, const std::function<std::string()>& judge,
                  const Limits& limits, const std::vector<Rule>& rules);

  /// The one that runs, if any.
  [[nodiscard]] static Machine* running() noexcept { return running_; }

  std::uint64_t load(const void* at, unsigned bytes, std::memory_order order, const Site& site);
  void store(const void* at, unsigned bytes, std::uint64_t value, std::memory_order order, const Site& site);
  std::uint64_t change(const void* at, unsigned bytes, std::memory_order success, std::memory_order failure,
                       const std::function<Memory::Decision(std::uint64_t)>& decide, const Site& site);
  void fence(std::memory_order order, const Site& site);
  void pause();
  [[nodiscard]] bool is_shared(const void* at) const noexcept { return !is_calm(places_.of(at)); }

 private:
  struct Thread {
    Perspective perspective;
    Fiber fiber;
    bool waits = false;  // until the location it looked at last has another store
    const void* looked_at = nullptr;
    std::size_t stores_then = 0;
  };
  /// Who touches a location in any execution, as bits: workers meet only where two of them do, and one writes.
  struct Touch {
    std::uint32_t reads = 0;
    std::uint32_t writes = 0;
  };

  bool run_once(const std::vector<Body>& bodies, const std::function<void()>& begin);
  [[nodiscard]] bool can_run(std::size_t thread) const;
  void step_before(const void* at, bool writes);
  std::memory_order weaken(Op op, Kind kind, std::memory_order order, const Site& site);
  void note(const char* what, const void* at, Kind kind, std::uint64_t value, std::memory_order order, const Site& site, bool stale);
  void fail(std::string what);

  static Machine* running_;

  const Places& places_;
  Choices choices_;
  Memory memory_;
  std::unordered_map<const void*, std::uint64_t> calm_;
  const std::vector<Body>* bodies_ = nullptr;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::size_t now_ = 0;           // the thread that runs
  std::size_t wanted_ = kNobody;  // the one it gave way to
  int preemptions_left_ = 0;
  int preemptions_ = 0;
  std::uint64_t steps_ = 0;
  std::unordered_map<const void*, Touch> touched_;
  std::vector<const void*> newly_met_;
  std::unordered_set<const void*> met_;  // where workers are known to meet
  const std::vector<Rule>* rules_ = nullptr;
  Verdict verdict_;
  std::set<std::tuple<const void*, int, Op, Kind>> known_sites_;  // as verdict_.sites, but compared without a text
  bool tracing_ = false;

  static constexpr std::size_t kNobody = ~std::size_t{0};
};

}  // namespace carafe::weak

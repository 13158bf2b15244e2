// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "crash/harness.h"

/// Scenarios of what is not evicted: mutexes, and what is done once a host.
namespace carafe::test {
namespace scenario {

/// After a death at a mutex that was unlocked once at most: it can be had at once, and says whether who died held it.
inline std::string check_mutex(Stage& stage) {
  bool held = false;
  for (std::uint64_t i = 0; i < stage.view().geometry().named_count; ++i) {
    const NamedSlot& slot = stage.view().named_slot(i);
    if (slot.holder.load(kAcquire) == 0) continue;
    held = true;
    if (slot.seq.load(kAcquire) != 0) return "who waits was told that the mutex is free before it was, and sleeps on";
  }
  NamedMutex mutex(stage.cache(), "nightly");
  if (!mutex.try_lock()) return "the mutex is held by nobody alive, and cannot be had";
  if (mutex.recovered() != held) return "the mutex does not say what became of who had it before";
  mutex.unlock();
  if (!mutex.try_lock() || mutex.recovered()) return "the mutex is not as it was after it was taken over and unlocked";
  return "";
}

/// After a death while warming up: it was done, or it is due and the next one does it; then it is done.
inline std::string check_warm_up(Stage& stage) {
  bool ran = false;
  const WarmUp answer = stage.cache().warm_once("prices", [&ran](Cache&) { ran = true; });
  if (answer == WarmUp::kElsewhere) return "nobody alive warms up, and nobody can";
  if (ran != (answer == WarmUp::kDone)) return "warm_once did not do what it says";
  if (!ran && !stage.cache().contains("key")) return "warmed up, it is said, and it was not";
  if (stage.cache().warm_once("prices", [](Cache&) {}) != WarmUp::kAlready) return "warming up is due twice";
  return "";
}

}  // namespace scenario

/// `others`, and these.
inline std::vector<Scenario> and_named(std::vector<Scenario> others) {
  using namespace scenario;
  const auto make_mutex = [](Stage& stage) { stage.mutex.emplace(stage.cache(), "nightly"); };
  const auto lock_mutex = [make_mutex](Stage& stage) {
    make_mutex(stage);
    static_cast<void>(stage.mutex->try_lock());
  };
  const auto warm_up = [](WarmUp wanted) {
    return [wanted](Stage& stage) {
      return stage.cache().warm_once("prices", [](Cache& warm) { static_cast<void>(warm.set("key", text('b', 100))); }) == wanted;
    };
  };
  const std::vector<Scenario> named = {
      {.name = "named mutex: a new one, locked and unlocked",
       .prepare = [](Stage&) {},
       .operation =
           [](Stage& stage) {
             NamedMutex mutex(stage.cache(), "nightly");
             return mutex.lock() == Status::kOk;
           },
       .inside = &check_mutex},
      {.name = "named mutex: locked and unlocked, and somebody waits",
       .prepare =
           [make_mutex](Stage& stage) {
             make_mutex(stage);
             stage.mutex.reset();
             for (std::uint64_t i = 0; i < stage.view().geometry().named_count; ++i) stage.view().named_slot(i).waiters.store(1, kRelaxed);
           },
       .operation =
           [](Stage& stage) {
             if (stage.mutex->lock() != Status::kOk || stage.mutex->recovered()) return false;
             stage.mutex->unlock();
             return true;
           },
       .every_instruction = true,
       .before = make_mutex,
       .inside = &check_mutex},
      {.name = "named mutex: taken over from a dead holder",
       .prepare = [lock_mutex](Stage& stage) { stage.kill_a_worker(lock_mutex); },
       .operation =
           [](Stage& stage) {
             if (!stage.mutex->try_lock() || !stage.mutex->recovered()) return false;
             stage.mutex->unlock();
             return true;
           },
       .before = make_mutex,
       .inside = &check_mutex},
      {.name = "warm_once: runs", .prepare = [](Stage&) {}, .operation = warm_up(WarmUp::kDone), .inside = &check_warm_up},
      {.name = "warm_once: was done",
       .prepare = [warm_up](Stage& stage) { static_cast<void>(warm_up(WarmUp::kDone)(stage)); },
       .operation = warm_up(WarmUp::kAlready),
       .inside = &check_warm_up},
      {.name = "warm_once: is due again after a clear",
       .prepare =
           [warm_up](Stage& stage) {
             static_cast<void>(warm_up(WarmUp::kDone)(stage));
             stage.cache().clear();
           },
       .operation = warm_up(WarmUp::kDone),
       .inside = &check_warm_up},
      {.name = "warm_once: after who was at it died",
       .prepare =
           [](Stage& stage) {
             stage.kill_a_worker([](Stage& of) {
               of.cache().warm_once("prices", [](Cache&) {
                 for (;;) ::kill(::getpid(), SIGKILL);
               });
             });
           },
       .operation = warm_up(WarmUp::kDone),
       .inside = &check_warm_up},
  };
  others.insert(others.end(), named.begin(), named.end());
  return others;
}

}  // namespace carafe::test

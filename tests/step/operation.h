// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "carafe/cache.h"
#include "crash/stage.h"
#include "step/puppet.h"

namespace carafe::test {

/// One operation as data, so that the same words tell a puppet what to do and the judge what may come of it.
struct Operation {
  enum Verb : std::uint8_t {
    kGet,
    kGetVersioned,
    kGetView,
    kSet,
    kAdd,
    kErase,
    kIncrement,
    kCompareAndSet,
    kTouch,
    kClear,
    kRemove,
    kLook,
    kAsk,
    kFill,
    kAbandon,
    kInvalidateTag,
    kEnter,
    kDrop
  };
  Verb verb = kGet;
  std::string key = {};
  std::string_view value = {};  // lives as long as the test: text(), or a literal
  std::uint64_t version = 0;    // kCompareAndSet
  std::string tag = {};         // of what is stored; or kInvalidateTag
  std::string space = {};       // a namespace; else none

  /// What the model calls its key: what a namespace holds is nowhere else.
  [[nodiscard]] std::string name() const { return space.empty() ? key : space + ":" + key; }
};

/// Whether it reads one key and does nothing else.
[[nodiscard]] inline bool is_get(const Operation& operation) noexcept {
  return operation.verb == Operation::kGet || operation.verb == Operation::kGetVersioned || operation.verb == Operation::kGetView;
}

/// The words of a scenario.
namespace play {
inline Operation get(std::string key) { return {Operation::kGet, std::move(key), {}}; }
/// By the Reader alone, without a glance before it.
inline Operation get_versioned(std::string key) { return {Operation::kGetVersioned, std::move(key), {}}; }
/// In place; what the visitor keeps is what it saw last.
inline Operation get_view(std::string key) { return {Operation::kGetView, std::move(key), {}}; }
inline Operation set(std::string key, std::string_view value) { return {Operation::kSet, std::move(key), value}; }
inline Operation add(std::string key, std::string_view value) { return {Operation::kAdd, std::move(key), value}; }
inline Operation erase(std::string key) { return {Operation::kErase, std::move(key), {}}; }
inline Operation increment(std::string key) { return {Operation::kIncrement, std::move(key), {}}; }
inline Operation compare_and_set(std::string key, std::uint64_t version, std::string_view value) {
  return {Operation::kCompareAndSet, std::move(key), value, version};
}
/// Gives an hour to live; which moves an item that was stored for ever.
inline Operation touch(std::string key) { return {Operation::kTouch, std::move(key), {}}; }
inline Operation clear() { return {Operation::kClear, {}, {}}; }
/// Retires and unlinks the segment.
inline Operation remove() { return {Operation::kRemove, {}, {}}; }
/// try_load. kOk: the lease is ours, kExists: there is a value, kVersionChanged: neither. A puppet has one ticket at a time.
inline Operation ask(std::string key) { return {Operation::kAsk, std::move(key), {}}; }
/// Of the ticket that the last ask brought; kNotFound where that had no lease.
inline Operation fill(std::string key, std::string_view value) { return {Operation::kFill, std::move(key), value}; }
inline Operation abandon(std::string key) { return {Operation::kAbandon, std::move(key), {}}; }
/// verify() and for_each.
inline Operation look() { return {Operation::kLook, {}, {}}; }
inline Operation invalidate_tag(std::string tag) { return {.verb = Operation::kInvalidateTag, .tag = std::move(tag)}; }
/// Finds or makes a namespace.
inline Operation enter(std::string space) { return {.verb = Operation::kEnter, .space = std::move(space)}; }
inline Operation drop(std::string space) { return {.verb = Operation::kDrop, .space = std::move(space)}; }

/// What is stored has that tag.
inline Operation tagged(std::string tag, Operation operation) {
  operation.tag = std::move(tag);
  return operation;
}
/// In a namespace. By a handle that the stage has, or a new one.
inline Operation in(std::string space, Operation operation) {
  operation.space = std::move(space);
  return operation;
}
}  // namespace play

/// Stands for a value where only equality matters; never 0.
[[nodiscard]] inline std::uint64_t name_of_value(std::string_view value) { return hash_key(value, 99) | 1; }

/// Keys that every scenario has and no operation names: each has its value throughout, unless it was evicted, cleared or removed.
[[nodiscard]] inline std::string bystander(int number) { return "other" + std::to_string(number); }
[[nodiscard]] inline bool is_bystander(std::string_view key) { return key.substr(0, 5) == "other"; }
inline constexpr int kBystanders = 61;

/// Who looks at everything: what verify() says, and how many bystanders for_each sees.
inline void look_at_everything(Cache& cache, Outcome& outcome, std::string& problem) {
  std::set<std::string> seen;
  cache.for_each([&](std::string_view key, std::string_view) {
    if (!seen.emplace(key).second) problem = "for_each saw \"" + std::string(key) + "\" twice";
    if (is_bystander(key)) ++outcome.number;
  });
  const VerifyReport report = cache.verify();
  if (!report.ok) problem = "verify: " + report.problems.front();
}

/// Whether it is carried out by a handle on a namespace: which cannot be had (kBusy) while another one is making or dropping some.
[[nodiscard]] inline bool needs_handle(const Operation& operation) noexcept {
  return !operation.space.empty() && operation.verb != Operation::kFill && operation.verb != Operation::kAbandon &&
         operation.verb != Operation::kDrop;
}

/// Carries `operation` out. What a get or an ask found is in `stage.reused`.
inline void perform(Stage& stage, const Operation& operation, Outcome& outcome, std::string& problem) {
  Cache& cache = stage.cache();
  Namespace* space = nullptr;
  if (needs_handle(operation)) {
    try {
      space = &stage.in(operation.space);
    } catch (const Error& error) {
      outcome.status = error.status();
      return;
    }
  }
  Keyspace& keys = space == nullptr ? static_cast<Keyspace&>(cache) : *space;
  Tags tags;
  if (!operation.tag.empty()) tags.add(operation.tag);
  switch (operation.verb) {
    case Operation::kGet:
      outcome.status = keys.get(operation.key, stage.reused);
      return;
    case Operation::kGetVersioned: {
      std::optional<Versioned> found = keys.get_versioned(operation.key);
      outcome.status = found ? Status::kOk : Status::kNotFound;
      if (!found) return;
      stage.reused = std::move(found->value);
      outcome.number = static_cast<std::int64_t>(found->version);
      return;
    }
    case Operation::kGetView:
      outcome.status = keys.get_view(operation.key, [&stage](std::string_view value) { stage.reused.assign(value); });
      return;
    case Operation::kSet:
      outcome.status = keys.set(operation.key, operation.value, {.tags = tags});
      return;
    case Operation::kAdd:
      outcome.status = keys.add(operation.key, operation.value, {.tags = tags});
      return;
    case Operation::kErase:
      outcome.status = keys.erase(operation.key);
      return;
    case Operation::kIncrement: {
      const Counter counter = keys.increment(operation.key, 1);
      outcome.status = counter.status;
      outcome.number = counter.value;
      return;
    }
    case Operation::kCompareAndSet:
      outcome.status = keys.compare_and_set(operation.key, operation.version, operation.value);
      return;
    case Operation::kTouch:
      outcome.status = keys.touch(operation.key, std::chrono::hours(1));
      return;
    case Operation::kClear:
      if (space == nullptr) {
        cache.clear();
      } else {
        space->clear();
      }
      outcome.status = Status::kOk;
      return;
    case Operation::kRemove:
      outcome.status = Cache::remove(stage.name()) ? Status::kOk : Status::kNotFound;
      return;
    case Operation::kLook:
      outcome.status = Status::kOk;
      look_at_everything(cache, outcome, problem);
      return;
    case Operation::kAsk:
      stage.ticket.emplace(keys.try_load(operation.key, {.tags = tags}));
      if (stage.ticket->has_value()) stage.reused = stage.ticket->value();
      outcome.status = stage.ticket->has_value() ? Status::kExists : stage.ticket->owns_lease() ? Status::kOk : Status::kVersionChanged;
      return;
    case Operation::kFill:
      outcome.status = stage.ticket && stage.ticket->owns_lease() ? stage.ticket->fill(operation.value, {.tags = tags}) : Status::kNotFound;
      return;
    case Operation::kAbandon:
      outcome.status = stage.ticket->owns_lease() ? Status::kOk : Status::kNotFound;
      stage.ticket->abandon();
      return;
    case Operation::kInvalidateTag:
      outcome.status = cache.invalidate_tag(operation.tag);
      return;
    case Operation::kEnter:
      outcome.status = Status::kOk;
      return;
    case Operation::kDrop:
      outcome.status = cache.drop_namespace(operation.space) ? Status::kOk : Status::kNotFound;
      return;
  }
}

/// Whether it brought a value home.
[[nodiscard]] inline bool found_a_value(const Operation& operation, const Outcome& outcome) noexcept {
  return (is_get(operation) && outcome.status == Status::kOk) || (operation.verb == Operation::kAsk && outcome.status == Status::kExists);
}

/// What one puppet carries out, in order.
using Part = std::vector<Operation>;

[[nodiscard]] inline std::string to_string(const Operation& operation) {
  constexpr const char* kVerbs[] = {"get",   "get_versioned", "get_view", "set",  "add", "erase", "increment", "compare_and_set",
                                    "touch", "clear",         "remove",   "look", "ask", "fill",  "abandon",   "invalidate_tag",
                                    "enter", "drop"};
  return kVerbs[operation.verb] + ("(" + operation.name()) + (operation.tag.empty() ? ")" : " #" + operation.tag + ")");
}

}  // namespace carafe::test

// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "step/operation.h"

namespace carafe::test {

/// What an item holds, in the model. `made` names the store that made it (0: it was there before): compare_and_set minds which.
struct Item {
  std::uint64_t value = 0;  // name_of_value
  std::int64_t number = 0;  // its value, if it is a counter
  std::uint64_t made = 0;
  std::string tag = {};
  std::int64_t version = 0;  // 0: nobody has asked yet
};

/// In place of a name_of_value: a lease. And in place of a puppet, as its owner: one who is dead.
inline constexpr std::uint64_t kLease = 2;
inline constexpr std::uint32_t kDead = ~0U;

struct Promise {
  std::uint32_t puppet = kDead;         // who computes it
  std::string tag = {};                 // of what will be stored, unless the fill says another one
  std::set<std::string> outdated = {};  // tags invalidated since: what is computed may be from before
};

/// A cache as a map: what its operations mean when they happen at one moment each.
struct Model {
  std::map<std::string, Item> items;
  std::map<std::string, Promise> leases;  // such a key has no item
  std::set<std::uint32_t> tickets;        // puppets that were given a lease and have neither filled nor abandoned it
  std::set<std::string> spaces;           // namespaces that there are
  bool cleared = false;
  bool removed = false;
  std::uint64_t stores = 0;

  void store(const std::string& name, const std::string& tag, std::uint64_t value, std::int64_t number = 0) {
    items[name] = {value, number, ++stores, tag};
    leases.erase(name);
  }
  /// Of what one operation, a tag's invalidation, a namespace's clear or its drop, takes away: what bears the name, or all for "".
  void invalidate(const Operation& operation, const std::string& name = {}) {
    const std::string prefix = operation.space + ":";
    const auto is_meant = [&](const auto& entry) {
      if (!name.empty() && entry.first != name) return false;
      return operation.verb == Operation::kInvalidateTag ? entry.second.tag == operation.tag : entry.first.starts_with(prefix);
    };
    std::erase_if(items, is_meant);
    std::erase_if(leases, is_meant);
    if (operation.verb != Operation::kInvalidateTag) return;
    for (auto& [key, lease] : leases)
      if (name.empty() || key == name) lease.outdated.insert(operation.tag);
  }

  /// Lets `operation` of `puppet` happen now, with the outcome that it had. False when it cannot have had that one.
  /// `busy_is_right`: another writer was within an operation meanwhile. `tight`: there may be no room.
  [[nodiscard]] bool apply(const Operation& operation, const Outcome& outcome, std::uint32_t puppet, bool busy_is_right, bool tight) {
    const std::string name = operation.name();
    const auto found = items.find(name);
    const bool present = !removed && found != items.end();
    if (outcome.status == Status::kBusy && needs_handle(operation)) return busy_is_right;
    switch (operation.verb) {
      case Operation::kGetVersioned:
        // One item has one version.
        if (outcome.status == Status::kOk && present && found->second.version == 0) found->second.version = outcome.number;
        if (outcome.status == Status::kOk && present && found->second.version != outcome.number) return false;
        [[fallthrough]];
      case Operation::kGetView:
      case Operation::kGet:
        if (outcome.status == Status::kOk) return present && found->second.value == outcome.value;
        return (outcome.status == Status::kNotFound && !present) || (outcome.status == Status::kRetired && removed);
      case Operation::kLook:
        return outcome.status == Status::kOk && (tight || cleared || removed || outcome.number == kBystanders);
      case Operation::kAsk:
        return apply_ask(operation, outcome, puppet, busy_is_right || tight);
      case Operation::kFill:
        return apply_fill(operation, outcome, puppet, busy_is_right, tight);
      case Operation::kAbandon:
        if (outcome.status == Status::kOk && owns(puppet, name)) leases.erase(name);
        return (tickets.erase(puppet) != 0) == (outcome.status != Status::kNotFound) && (outcome.status != Status::kBusy || busy_is_right);
      case Operation::kInvalidateTag:
        invalidate(operation);
        return outcome.status == Status::kOk;
      case Operation::kEnter:
        spaces.insert(operation.space);
        return outcome.status == Status::kOk;
      case Operation::kDrop:
        // A write that has the namespace made stores in it later.
        if (outcome.status == Status::kNotFound) return !spaces.contains(operation.space) || busy_is_right;
        invalidate(operation);
        return outcome.status == Status::kOk && (spaces.erase(operation.space) != 0 || busy_is_right);
      case Operation::kClear:
        if (!operation.space.empty()) {
          invalidate(operation);
          return true;
        }
        items.clear();
        leases.clear();
        cleared = true;
        return true;
      case Operation::kRemove:
        removed = true;
        return outcome.status == Status::kOk;
      default:
        break;
    }
    // What writes has more to say.
    if (!operation.space.empty()) spaces.insert(operation.space);
    switch (outcome.status) {
      case Status::kBusy:
        return busy_is_right;
      case Status::kRetired:
        return removed;
      case Status::kNoSpace:
        items.erase(name);
        leases.erase(name);
        return tight;
      case Status::kExists:
        return operation.verb == Operation::kAdd && present;
      case Status::kNotFound:
        if (operation.verb == Operation::kErase) leases.erase(name);
        return (operation.verb == Operation::kErase || operation.verb == Operation::kCompareAndSet ||
                operation.verb == Operation::kTouch) &&
               !present;
      case Status::kVersionChanged:
        return operation.verb == Operation::kCompareAndSet && present && found->second.made != 0;
      case Status::kOk:
        break;
      default:
        return false;
    }
    if (removed) return false;
    switch (operation.verb) {
      case Operation::kSet:
        store(name, operation.tag, name_of_value(operation.value));
        return true;
      case Operation::kAdd:
        if (present) return false;
        store(name, operation.tag, name_of_value(operation.value));
        return true;
      case Operation::kErase:
        if (!present) return false;
        items.erase(found);
        return true;
      case Operation::kIncrement: {
        const std::int64_t sum = (present ? found->second.number : 0) + 1;
        store(name, operation.tag, name_of_value(std::to_string(sum)), sum);
        return outcome.number == sum;
      }
      case Operation::kCompareAndSet:
        if (!present || found->second.made != 0) return false;
        store(name, operation.tag, name_of_value(operation.value));
        return true;
      case Operation::kTouch:
        return present;
      default:
        return false;
    }
  }

 private:
  [[nodiscard]] bool owns(std::uint32_t puppet, const std::string& key) const {
    const auto lease = leases.find(key);
    return lease != leases.end() && lease->second.puppet == puppet;
  }
  [[nodiscard]] bool apply_ask(const Operation& operation, const Outcome& outcome, std::uint32_t puppet, bool none_is_right) {
    const std::string name = operation.name();
    const auto found = items.find(name);
    const bool present = !removed && found != items.end();
    const bool held = !removed && leases.contains(name) && !owns(kDead, name);
    tickets.erase(puppet);
    if (!operation.space.empty()) spaces.insert(operation.space);
    if (outcome.status == Status::kExists) return present && found->second.value == outcome.value;
    if (outcome.status == Status::kVersionChanged) return held || none_is_right;
    if (removed || present || held) return false;
    leases[name] = {puppet, operation.tag};
    tickets.insert(puppet);
    return true;
  }
  /// A lease is a state of its key: it is gone as soon as anything else happens to that, and then nothing is stored.
  [[nodiscard]] bool apply_fill(const Operation& operation, const Outcome& outcome, std::uint32_t puppet, bool busy_is_right, bool tight) {
    if (tickets.erase(puppet) == 0) return outcome.status == Status::kNotFound;
    if (outcome.status == Status::kBusy) return busy_is_right;
    const std::string name = operation.name();
    if (removed || !owns(puppet, name)) return outcome.status == Status::kStale;
    const Promise lease = leases[name];
    leases.erase(name);
    if (lease.outdated.contains(operation.tag)) return outcome.status == Status::kStale;
    if (outcome.status == Status::kNoSpace) return tight;
    store(name, operation.tag.empty() ? lease.tag : operation.tag, name_of_value(operation.value),
          std::strtoll(std::string(operation.value).c_str(), nullptr, 10));
    return outcome.status == Status::kOk;
  }
};

/// An operation that was carried out, and by whom.
struct Event {
  const Operation* operation = nullptr;
  Outcome outcome;
  std::uint32_t puppet = 0;
};

struct Circumstances {
  bool tight = false;         // room is short
  bool readers_lock = false;  // a reader that lost sixteen times takes its stripe's lock
};

/// Whether some order explains what was seen: one in which each operation happens at one moment between its begin and its end, with the
/// outcome that it had, and after which the keys hold what was found in the end (Herlihy and Wing 1990, by trying all orders: there are
/// but a few operations). Where room is tight, an item may be evicted at any moment; but once it is gone, it is gone.
class History {
 public:
  /// `begin`: what the keys of the operations hold at first. `end`: what they were found to hold; 0 for nothing.
  History(std::vector<Event> events, const Model& begin, const std::map<std::string, std::uint64_t>& end, Circumstances circumstances)
      : events_(std::move(events)), end_(end), tight_(circumstances.tight), readers_lock_(circumstances.readers_lock) {
    explained_ = search(begin, std::vector<bool>(events_.size(), false));
  }
  [[nodiscard]] bool is_explained() const noexcept { return explained_; }

 private:
  [[nodiscard]] bool may_be_next(std::size_t number, const std::vector<bool>& done) const {
    for (std::size_t i = 0; i < events_.size(); ++i)
      if (!done[i] && i != number && events_[i].outcome.ended < events_[number].outcome.began) return false;
    return true;
  }
  /// Whether another puppet, that may have had a lock, was within an operation meanwhile.
  [[nodiscard]] bool meets_a_writer(const Event& event) const {
    for (const Event& other : events_)
      if (other.puppet != event.puppet && (readers_lock_ || !is_get(*other.operation)) && other.operation->verb != Operation::kLook &&
          other.outcome.began <= event.outcome.ended && event.outcome.began <= other.outcome.ended)
        return true;
    return false;
  }
  [[nodiscard]] bool is_the_end(const Model& model) const {
    for (const auto& [key, value] : end_) {
      const auto found = model.items.find(key);
      const bool present = !model.removed && found != model.items.end();
      if (model.leases.contains(key) != (value == kLease)) return false;
      if (value == 0 || value == kLease ? present : !present || found->second.value != value) return false;
    }
    return true;
  }
  /// From here on, after any evictions that may happen now.
  bool search(const Model& model, const std::vector<bool>& done) {
    if (step(model, done)) return true;
    if (!tight_) return false;
    for (const auto& [key, item] : model.items) {
      Model evicted = model;
      evicted.items.erase(key);
      if (search(evicted, done)) return true;
    }
    for (const auto& [key, owner] : model.leases) {
      Model evicted = model;
      evicted.leases.erase(key);
      if (search(evicted, done)) return true;
    }
    return false;
  }
  bool step(const Model& model, const std::vector<bool>& done) {
    bool all = true;
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (done[i]) continue;
      all = false;
      if (!may_be_next(i, done)) continue;
      if (happens(model, i, events_[i].outcome, done)) return true;
      if (events_[i].operation->verb != Operation::kAbandon || events_[i].outcome.status != Status::kOk) continue;
      Outcome refused = events_[i].outcome;  // which nobody is told
      refused.status = Status::kBusy;
      if (happens(model, i, refused, done)) return true;
    }
    return all && is_the_end(model);
  }
  bool happens(Model model, std::size_t number, const Outcome& outcome, std::vector<bool> done) {
    const Event& event = events_[number];
    if (!model.apply(*event.operation, outcome, event.puppet, meets_a_writer(event), tight_)) return false;
    done[number] = true;
    return search(model, done) || (is_begun_early(model, number, done) && search(model, done));
  }
  /// What is stored was begun when its operation was: an invalidation that took place meanwhile is of that, too. Whether there was one.
  [[nodiscard]] bool is_begun_early(Model& model, std::size_t number, const std::vector<bool>& done) const {
    const Event& event = events_[number];
    bool early = false;
    if (event.outcome.status != Status::kOk || is_get(*event.operation) || event.operation->key.empty()) return false;
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const Operation& other = *events_[i].operation;
      if (i == number || !done[i] || events_[i].outcome.ended < event.outcome.began || events_[i].outcome.status != Status::kOk) continue;
      if (other.verb != Operation::kInvalidateTag &&
          (other.space.empty() || (other.verb != Operation::kClear && other.verb != Operation::kDrop)))
        continue;
      model.invalidate(other, event.operation->name());
      early = true;
    }
    return early;
  }

  const std::vector<Event> events_;
  const std::map<std::string, std::uint64_t>& end_;
  const bool tight_;
  const bool readers_lock_;
  bool explained_ = false;
};

}  // namespace carafe::test

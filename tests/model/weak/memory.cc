// SPDX-License-Identifier: MIT
#include "model/weak/memory.h"

#include <cassert>
#include <cstring>

namespace carafe::weak {
namespace {

constexpr Time kGap = Time{1} << 40;

bool acquires(std::memory_order order) noexcept { return order == std::memory_order_acquire || order == std::memory_order_acq_rel; }
bool releases(std::memory_order order) noexcept { return order == std::memory_order_release || order == std::memory_order_acq_rel; }

}  // namespace

std::uint64_t peek(const void* at, unsigned bytes) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, at, bytes);
  return value;
}

void Memory::forget() {
  numbers_.clear();
  used_ = 0;
  views_used_ = 1;
}

std::size_t Memory::keep(const View& view) {
  if (views_used_ == views_.size()) views_.emplace_back();
  views_[views_used_] = view;
  return views_used_++;
}

std::size_t Memory::number_of(const void* at, unsigned bytes) {
  if (const std::size_t* known = numbers_.find(at)) return *known;
  if (used_ == locations_.size()) locations_.emplace_back();
  locations_[used_].stores.assign(1, {0, peek(at, bytes), 0, false});
  numbers_.put(at, used_);
  return used_++;
}

std::size_t Memory::stores(const void* at) const {
  const std::size_t* number = numbers_.find(at);
  return number == nullptr ? 1 : locations_[*number].stores.size();
}

std::uint64_t Memory::newest(const void* at, unsigned bytes) const {
  const std::size_t* number = numbers_.find(at);
  return number == nullptr ? peek(at, bytes) : locations_[*number].stores.back().value;
}

void Memory::read(std::size_t location, const Store& store, std::memory_order order, Perspective& me) {
  me.seen.raise(location, store.time);
  if (store.view != 0) (acquires(order) ? me.seen : me.pending).join(views_[store.view]);
  stale_ = locations_[location].stores.back().time != store.time;
}

std::uint64_t Memory::load(const void* at, unsigned bytes, std::memory_order order, Perspective& me, bool newest) {
  stale_ = false;
  const std::size_t* number = numbers_.find(at);
  if (number == nullptr) return peek(at, bytes);
  const std::vector<Store>& stores = locations_[*number].stores;
  const Time least = me.seen[*number];
  candidates_.clear();
  for (std::size_t i = newest ? stores.size() - 1 : 0; i < stores.size(); ++i) {
    if (stores[i].time < least) continue;
    // The same value with a larger view allows nothing that the smaller one does not.
    bool covered = false;
    for (std::size_t kept : candidates_)
      covered = covered || (stores[kept].value == stores[i].value && views_[stores[kept].view].is_within(views_[stores[i].view]));
    if (!covered) candidates_.push_back(i);
  }
  const std::size_t chosen = choices_.choose(candidates_.size());
  const Store store = stores[candidates_[candidates_.size() - 1 - chosen]];  // the newest first
  read(*number, store, order, me);
  return store.value;
}

void Memory::insert(std::size_t location, std::size_t after, std::uint64_t value, std::size_t view, bool glued, Perspective& me) {
  std::vector<Store>& stores = locations_[location].stores;
  const Time before = stores[after].time;
  const Time time = after + 1 == stores.size() ? before + kGap : before + (stores[after + 1].time - before) / 2;
  assert(time > before);
  stores.insert(stores.begin() + static_cast<std::ptrdiff_t>(after) + 1, {time, value, view, glued});
  me.seen.raise(location, time);
}

void Memory::store(const void* at, unsigned bytes, std::uint64_t value, std::memory_order order, Perspective& me) {
  const std::size_t number = number_of(at, bytes);
  const std::vector<Store>& stores = locations_[number].stores;
  candidates_.clear();
  for (std::size_t i = 0; i < stores.size(); ++i)
    if (stores[i].time >= me.seen[number] && (i + 1 == stores.size() || !stores[i + 1].glued)) candidates_.push_back(i);
  const std::size_t after = candidates_[candidates_.size() - 1 - choices_.choose(candidates_.size())];
  insert(number, after, value, releases(order) ? 0 : me.fenced, false, me);
  // The view it carries knows the store itself.
  if (releases(order)) locations_[number].stores[after + 1].view = keep(me.seen);
}

std::uint64_t Memory::change(const void* at, unsigned bytes, std::memory_order success, std::memory_order failure, Perspective& me,
                             bool newest, const std::function<Decision(std::uint64_t)>& decide) {
  const std::size_t number = number_of(at, bytes);
  const std::vector<Store>& stores = locations_[number].stores;
  candidates_.clear();
  for (std::size_t i = newest ? stores.size() - 1 : 0; i < stores.size(); ++i) {
    if (stores[i].time < me.seen[number]) continue;
    const bool taken = i + 1 < stores.size() && stores[i + 1].glued;  // somebody else's change comes right after it
    if (!taken || !decide(stores[i].value).write) candidates_.push_back(i);
  }
  const std::size_t chosen = candidates_[candidates_.size() - 1 - choices_.choose(candidates_.size())];
  const Store from = stores[chosen];
  const Decision decision = decide(from.value);
  read(number, from, decision.write ? success : failure, me);
  if (!decision.write) return from.value;
  insert(number, chosen, decision.value, 0, true, me);
  // It goes on with what it read: a release sequence.
  View carried = releases(success) ? me.seen : views_[me.fenced];
  carried.join(views_[from.view]);
  locations_[number].stores[chosen + 1].view = keep(carried);
  return from.value;
}

void Memory::fence(std::memory_order order, Perspective& me) {
  if (acquires(order)) me.seen.join(me.pending);
  if (releases(order)) me.fenced = keep(me.seen);
}

}  // namespace carafe::weak

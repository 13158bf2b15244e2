// SPDX-License-Identifier: MIT
#include "carafe/memory_store.h"

#include <condition_variable>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "expiry/ttl.h"
#include "store/rules.h"

namespace carafe {
namespace {

constexpr std::size_t kItemOverheadBytes = 128;  // of a node in the list, one in the index, and what malloc adds
constexpr std::size_t kLeastCapacityBytes = 4 << 10;
constexpr std::size_t kLargestShare = 4;  // a value takes a quarter of the capacity at most, as in Cache

}  // namespace

inline namespace v0 {

/// All functions but the constructor need `mutex` held.
struct MemoryStore::State {
  /// A load that runs. It may store its value while it is the one in `flights`: who outdates the key takes it away from there.
  struct Flight {
    std::condition_variable over;
    bool ended = false;
  };

  struct Item {
    std::string key;
    std::optional<std::string> value;  // empty: a loader found that there is nothing
    std::uint64_t ends_at_ms = kNeverExpires;

    [[nodiscard]] std::size_t bytes() const noexcept { return key.size() + (value ? value->size() : 0) + kItemOverheadBytes; }
  };

  using Items = std::list<Item>;

  explicit State(std::size_t capacity) : capacity_bytes(capacity) {}

  /// The item, moved to the front; nullptr where there is none.
  Item* find(std::string_view key) {
    const auto found = index.find(key);
    if (found == index.end()) return nullptr;
    const Items::iterator item = found->second;
    if (item->ends_at_ms <= now_ms()) {
      remove(item);
      return nullptr;
    }
    items.splice(items.begin(), items, item);
    return &*item;
  }

  void remove(Items::iterator item) {
    used_bytes -= item->bytes();
    index.erase(item->key);
    items.erase(item);
  }

  void remove(std::string_view key) {
    if (const auto found = index.find(key); found != index.end()) remove(found->second);
  }

  /// Replaces what the key held. `ttl` of zero or less only removes.
  Status put(std::string_view key, std::optional<std::string_view> value, std::chrono::milliseconds ttl) {
    remove(key);
    if (value && value->size() > capacity_bytes / kLargestShare) return Status::kTooLarge;
    const Expiry expiry = Expiry::from_ttl(ttl);
    if (expiry.already) return Status::kOk;
    Items fresh;  // complete before anything is linked: an allocation may fail
    fresh.push_back({std::string(key), value ? std::optional<std::string>(*value) : std::nullopt, expiry.at_ms});
    const std::size_t bytes = fresh.front().bytes();
    if (bytes > capacity_bytes) return Status::kTooLarge;  // a long key in a small store
    index.emplace(fresh.front().key, fresh.begin());
    items.splice(items.begin(), fresh);
    used_bytes += bytes;
    while (used_bytes > capacity_bytes) remove(std::prev(items.end()));
    return Status::kOk;
  }

  static void end(Flight& flight) noexcept {
    flight.ended = true;
    flight.over.notify_all();
  }

  /// Keeps out what is being computed for the key; those who wait for it start anew.
  void outdate(std::string_view key) {
    const auto found = flights.find(key);
    if (found == flights.end()) return;
    end(*found->second);
    flights.erase(found);
  }

  [[nodiscard]] bool is_current(std::string_view key, const std::shared_ptr<Flight>& flight) const {
    const auto found = flights.find(key);
    return found != flights.end() && found->second == flight;
  }

  std::mutex mutex;
  const std::size_t capacity_bytes;
  std::size_t used_bytes = 0;
  Items items;  // the one used last in front
  std::unordered_map<std::string_view, Items::iterator> index;
  std::map<std::string, std::shared_ptr<Flight>, std::less<>> flights;
};

MemoryStore::MemoryStore(std::size_t capacity_bytes) {
  if (capacity_bytes < kLeastCapacityBytes)
    throw Error(Status::kBadOption, "carafe: a MemoryStore of " + std::to_string(capacity_bytes) +
                                        " bytes: " + std::to_string(kLeastCapacityBytes) + " is the least");
  state_ = std::make_unique<State>(capacity_bytes);
}

MemoryStore::MemoryStore(MemoryStore&&) noexcept = default;
MemoryStore& MemoryStore::operator=(MemoryStore&&) noexcept = default;
MemoryStore::~MemoryStore() = default;

std::optional<std::string> MemoryStore::get(std::string_view key) {
  const std::lock_guard lock(state_->mutex);
  const State::Item* item = state_->find(key);
  return item != nullptr ? item->value : std::nullopt;
}

bool MemoryStore::contains(std::string_view key) {
  const std::lock_guard lock(state_->mutex);
  const State::Item* item = state_->find(key);
  return item != nullptr && item->value.has_value();
}

Status MemoryStore::set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) {
  if (!is_valid_key(key)) return Status::kBadKey;
  const std::lock_guard lock(state_->mutex);
  state_->outdate(key);
  return state_->put(key, value, ttl);
}

Status MemoryStore::erase(std::string_view key) {
  if (!is_valid_key(key)) return Status::kBadKey;
  const std::lock_guard lock(state_->mutex);
  state_->outdate(key);
  const State::Item* item = state_->find(key);
  const bool had_value = item != nullptr && item->value.has_value();
  state_->remove(key);
  return had_value ? Status::kOk : Status::kNotFound;
}

std::uint64_t MemoryStore::erase_prefix(std::string_view prefix) {
  const std::lock_guard lock(state_->mutex);
  auto& flights = state_->flights;
  for (auto flight = flights.lower_bound(prefix); flight != flights.end() && flight->first.starts_with(prefix);) {
    State::end(*flight->second);
    flight = flights.erase(flight);
  }
  std::uint64_t erased = 0;
  for (auto item = state_->items.begin(); item != state_->items.end();) {
    const auto next = std::next(item);
    if (item->key.starts_with(prefix)) {
      if (item->value && item->ends_at_ms > now_ms()) ++erased;
      state_->remove(item);
    }
    item = next;
  }
  return erased;
}

void MemoryStore::clear() {
  const std::lock_guard lock(state_->mutex);
  for (const auto& [key, flight] : state_->flights) State::end(*flight);
  state_->flights.clear();
  state_->index.clear();
  state_->items.clear();
  state_->used_bytes = 0;
}

std::optional<std::string> MemoryStore::load(std::string_view key, const detail::LoadFunction& loader, const LoadOptions& options,
                                             detail::Nothing nothing) {
  if (!is_valid_key(key)) return loader();
  const auto give_up = end_of_wait(options);
  const auto mine = std::make_shared<State::Flight>();
  for (std::unique_lock lock(state_->mutex);;) {
    if (const State::Item* item = state_->find(key); item != nullptr && (item->value || nothing == detail::Nothing::kIsAnAnswer))
      return item->value;
    const auto [place, is_ours] = state_->flights.try_emplace(std::string(key), mine);
    if (is_ours) break;
    const std::shared_ptr<State::Flight> theirs = place->second;
    if (!theirs->over.wait_until(lock, give_up, [&theirs] { return theirs->ended; })) {
      lock.unlock();
      return loader();  // waited in vain: what is computed without a lease is not stored
    }
  }

  struct Ending {  // also when the loader throws: the next one who waits tries then
    ~Ending() {
      const std::lock_guard lock(state.mutex);
      if (state.is_current(key, flight)) state.outdate(key);
    }
    State& state;
    std::string_view key;
    const std::shared_ptr<State::Flight>& flight;
  } const ending{*state_, key, mine};
  std::optional<std::string> answer = loader();
  const std::chrono::milliseconds ttl = ttl_of_answer(answer, options, key);
  const std::lock_guard lock(state_->mutex);
  if (state_->is_current(key, mine)) {
    static_cast<void>(state_->put(key, answer, ttl));
    state_->outdate(key);
  }
  return answer;
}

}  // namespace v0
}  // namespace carafe

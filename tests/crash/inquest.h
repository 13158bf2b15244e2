// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "carafe/cache.h"
#include "crash/anatomy.h"
#include "crash/nursery.h"
#include "crash/stage.h"

namespace carafe::test {

/// What a key holds.
struct Held {
  std::string value;
  std::optional<std::chrono::milliseconds> ttl;
  friend bool operator==(const Held&, const Held&) = default;
};

/// Where a key is, in one text: "key", or "@namespace/key".
struct Where {
  std::optional<Namespace> space;
  Cache& cache;
  std::string key;

  [[nodiscard]] static Where of(Cache& cache, const std::string& text) {
    const std::size_t slash = text.find('/');
    if (text[0] != '@' || slash == std::string::npos) return {std::nullopt, cache, text};
    return {cache.in(text.substr(1, slash - 1)), cache, text.substr(slash + 1)};
  }
  [[nodiscard]] Keyspace& keys() noexcept { return space ? static_cast<Keyspace&>(*space) : cache; }
};

/// Calls visit(where, value) for every value of every namespace.
template <typename Visit>
void for_each_value(Cache& cache, Visit&& visit) {
  cache.for_each([&](std::string_view key, std::string_view value) { visit(std::string(key), value); });
  for (const NamespaceStats& each : cache.namespaces())
    cache.in(each.name).for_each(
        [&](std::string_view key, std::string_view value) { visit("@" + each.name + "/" + std::string(key), value); });
}

/// All that a cache holds, and what it has counted.
struct Picture {
  std::map<std::string, Held> items;
  Stats stats;
  std::uint64_t unreferenced = 0;

  [[nodiscard]] static Picture of(Cache& cache) {
    Picture picture;
    for_each_value(cache, [&](const std::string& where, std::string_view value) { picture.items[where] = {std::string(value), {}}; });
    for (auto& [where, held] : picture.items) {
      Where at = Where::of(cache, where);
      held.ttl = at.keys().remaining_ttl(at.key);
    }
    picture.stats = cache.stats();
    picture.unreferenced = cache.verify().unreferenced;
    return picture;
  }
};

/// Items that a new segment holds in the end when ever new keys of the sweep's size are set.
[[nodiscard]] std::uint64_t room_of_a_fresh_segment();

/// Looks at what a death has left behind, from a process that was attached all the time.
class Inquest {
 public:
  /// Longest time an operation may take. Beyond it, a second look decides: this machine may have been busy.
  static constexpr std::uint64_t kMostNs = 50'000'000;

  Inquest(Stage& stage, Board& board, Picture before, Picture after)
      : stage_(stage), cache_(stage.cache()), board_(board), before_(std::move(before)), after_(std::move(after)) {}

  struct Findings {
    std::vector<std::string> problems;
    bool slow = false;  // an operation took too long; counts as a problem when nothing else is wrong and it does so again
  };

  /// Everything; the segment is worn out afterwards.
  [[nodiscard]] Findings hold(bool newcomer_first) {
    findings_ = {};
    check_structure("after the death");
    check_counters();
    check_keys();
    if (newcomer_first) check_newcomer();
    check_writes();
    if (!newcomer_first) check_newcomer();
    check_sums();
    sweep();
    return std::move(findings_);
  }

 private:
  static constexpr std::size_t kSweepBytes = 2'600;  // of an item; three a page of 8 KiB

  void problem(std::string what) {
    if (findings_.problems.size() < 12) findings_.problems.push_back(std::move(what));
  }

  template <typename Operation>
  auto timed(Operation&& operation) {
    const std::uint64_t begin = now_ns();
    auto answer = operation();
    if (now_ns() - begin > kMostNs) findings_.slow = true;
    return answer;
  }

  void check_structure(const std::string& when) {
    const VerifyReport report = cache_.verify();
    for (const std::string& what : report.problems) problem("verify " + when + ": " + what);
  }

  /// Counters never go back, and never run ahead of what the operation would have counted.
  void check_counters() {
    const Stats now = cache_.stats();
    const auto between = [&](const char* name, std::uint64_t Stats::*field) {
      if (now.*field < before_.stats.*field || now.*field > after_.stats.*field)
        problem(std::string(name) + " is " + std::to_string(now.*field) + ", not from " + std::to_string(before_.stats.*field) + " to " +
                std::to_string(after_.stats.*field));
    };
    between("hits", &Stats::hits);
    between("misses", &Stats::misses);
    between("sets", &Stats::sets);
    between("erases", &Stats::erases);
    between("evictions", &Stats::evictions);
    between("expirations", &Stats::expirations);
    between("clears", &Stats::clears);
    between("too_large", &Stats::too_large);
    between("no_space", &Stats::no_space);
    between("corruptions", &Stats::corruptions);
    between("pages_moved", &Stats::pages_moved);
    between("index_rebuilds", &Stats::index_rebuilds);
    between("registrations", &Stats::registrations);
    between("busy", &Stats::busy);
  }

  [[nodiscard]] static bool is_as_in(const Picture& picture, const std::string& key, const std::optional<Held>& now) {
    const auto found = picture.items.find(key);
    return found == picture.items.end() ? !now.has_value() : now.has_value() && *now == found->second;
  }

  /// Every key holds what it held, or what it would hold.
  void check_keys() {
    std::set<std::string> keys;
    for (const auto& [key, held] : before_.items) keys.insert(key);
    for (const auto& [key, held] : after_.items) keys.insert(key);
    for_each_value(cache_, [&](const std::string& key, std::string_view) {
      if (!keys.contains(key)) problem("for_each sees the key \"" + key.substr(0, 40) + "\", which nobody set");
    });
    const Stats start = cache_.stats();
    std::uint64_t hits = 0;
    std::string value;
    for (const std::string& key : keys) {
      Where at = Where::of(cache_, key);
      const Status status = timed([&] { return at.keys().get(at.key, value); });
      std::optional<Held> now;
      if (status == Status::kOk) {
        now = {value, at.keys().remaining_ttl(at.key)};
        ++hits;
      } else if (status != Status::kNotFound) {
        problem("get(" + key + ") says " + std::string(to_string(status)));
        continue;
      }
      if (!is_as_in(before_, key, now) && !is_as_in(after_, key, now))
        problem(key + (now ? " holds neither its old nor its new value" : " is gone"));
    }
    const Stats end = cache_.stats();
    if (end.hits - start.hits != hits || end.misses - start.misses != keys.size() - hits || end.gets != end.hits + end.misses)
      problem("the gets of this look were not counted: " + std::to_string(hits) + " hits of " + std::to_string(keys.size()) + ", counted " +
              std::to_string(end.hits - start.hits) + " and " + std::to_string(end.misses - start.misses) + " misses");
    all_keys_ = std::move(keys);
  }

  /// A worker that attaches only now finds its slot, and can work.
  void check_newcomer() {
    const Act act{[](Stage& stage) {
                    return stage.cache().set("newcomer", text('n', 50)) == Status::kOk && stage.cache().get("newcomer") == text('n', 50);
                  },
                  {},
                  false};
    const Sentence live;
    const int status = fork_and_execute(stage_, board_, act, live);
    if (status != 0 || !board_.as_wanted) problem("a worker that attached after the death could not work (" + std::to_string(status) + ")");
    if (cache_.stats().workers != 1) problem("live workers: " + std::to_string(cache_.stats().workers) + ", not 1");
  }

  /// Every key can be written, and a few that nobody has seen.
  void check_writes() {
    for (int i = 0; i < 48; ++i) all_keys_.insert("new" + std::to_string(i));
    std::string value;
    std::string got;
    for (const std::string& key : all_keys_) {
      const auto old = before_.items.find(key);
      value = old == before_.items.end() ? std::string(text('w', 60)) : old->second.value;
      if (!value.empty()) value[0] = static_cast<char>(value[0] ^ 1);
      Where at = Where::of(cache_, key);
      const Status status = timed([&] { return at.keys().set(at.key, value); });
      if (status != Status::kOk) {
        problem("set(" + key + ") says " + std::string(to_string(status)));
        continue;
      }
      if (timed([&] { return at.keys().get(at.key, got); }) != Status::kOk || got != value)
        problem("what was set under " + key + " is not there");
    }
  }

  void check_items(const Anatomy& anatomy, const std::string& when) {
    const Stats stats = cache_.stats();
    if (stats.items != anatomy.current_items)
      problem(when + " stats say " + std::to_string(stats.items) + " items, there are " + std::to_string(anatomy.current_items));
    std::uint64_t seen = 0;
    for_each_value(cache_, [&](const std::string&, std::string_view) { ++seen; });
    if (seen != anatomy.live_items)
      problem(when + " for_each sees " + std::to_string(seen) + " items, there are " + std::to_string(anatomy.live_items));
  }

  void check_sums() {
    check_items(Anatomy::of(stage_.view()), "after writing every key");
    check_structure("after writing every key");
  }

  bool set_new_key(std::size_t chunk_bytes, std::size_t header_bytes = 8) {
    const std::string key = "sweep" + std::to_string(10'000 + next_key_++);
    const Status status = cache_.set(key, text('s', chunk_bytes - header_bytes - key.size()));
    if (status != Status::kOk) problem("during the sweep set says " + std::string(to_string(status)));
    Stage::advance(std::chrono::milliseconds(1));
    return status == Status::kOk;
  }

  /// Sets new keys of one size until nothing is left of the dead in its class, or its hand has come round twice, so has been everywhere
  /// once.
  void go_round(const SlabStats& slab, std::size_t header_bytes) {
    const auto& hand = stage_.view().size_class(slab.size_class).sweep_hand;
    std::uint64_t position = hand.load(kRelaxed);
    const std::uint64_t a_page = slab.chunks / slab.pages;
    int rounds = 0;
    for (std::uint64_t sets = 0; rounds < 2; ++sets) {
      if (sets % a_page == 0 && Anatomy::of(stage_.view()).debris[slab.size_class] == 0) return;
      if (sets > a_page * stage_.view().geometry().page_count)
        return problem("the sweep of " + std::to_string(slab.chunk_bytes) + " bytes does not go round");
      if (!set_new_key(slab.chunk_bytes, header_bytes)) return;
      const std::uint64_t now = hand.load(kRelaxed);
      if (now < position) ++rounds;
      position = now;
    }
  }

  /// New keys of each size in which something is left of the dead, until the sweep has gone round.
  void sweep() {
    stage_.go_on_from_the_latest();
    const std::uint64_t pages = stage_.view().geometry().page_count;
    for (std::uint64_t i = 0; i < 3 * pages; ++i)  // until the pool is empty: from here on only hands have room to give
      if (!set_new_key(kSweepBytes)) return;
    std::uint64_t largest = 0;
    for (const SlabStats& slab : cache_.slabs())
      if (!slab.is_index) largest = slab.chunk_bytes;
    for (const SlabStats& slab : cache_.slabs())
      if (!slab.is_index && slab.pages != 0) go_round(slab, slab.chunk_bytes == largest ? 16 : 8);
    // The index has no hand: others' hands look after it, at most once a second, some pages at a time.
    const auto index_debris = [&] {
      const Anatomy anatomy = Anatomy::of(stage_.view());
      std::uint64_t count = 0;
      for (const SlabStats& slab : cache_.slabs()) count += slab.is_index ? anatomy.debris[slab.size_class] : 0;
      return count;
    };
    for (std::uint64_t i = 0; i < 5'000 && (i % 100 != 0 || index_debris() != 0); ++i)
      if (!set_new_key(kSweepBytes)) return;
    const Stats stats = cache_.stats();
    const VerifyReport report = cache_.verify();
    for (const std::string& what : report.problems) problem("verify after the sweep: " + what);
    std::uint64_t used_pages = 0;
    std::uint64_t item_bytes = 0;
    for (const SlabStats& slab : cache_.slabs()) {
      used_pages += slab.pages;
      if (slab.claimed != 0)
        problem(std::to_string(slab.claimed) + " chunks of " + std::to_string(slab.chunk_bytes) + " bytes (" +
                (slab.is_index ? "index" : "items") + ") are still claimed by the dead after the sweep");
      if (!slab.is_index) item_bytes += slab.used * slab.chunk_bytes;
    }
    if (pages - used_pages != stats.pages_free)
      problem("after the sweep " + std::to_string(pages - used_pages) + " pages are in no class, " + std::to_string(stats.pages_free) +
              " in the pool");
    if (item_bytes != stats.bytes_used)
      problem("after the sweep chunks of " + std::to_string(item_bytes) + " bytes are used, stats say " + std::to_string(stats.bytes_used));
    const Anatomy anatomy = Anatomy::of(stage_.view());
    for (const SlabStats& slab : cache_.slabs())
      if (anatomy.debris[slab.size_class] != slab.claimed)
        problem(std::to_string(anatomy.debris[slab.size_class] - slab.claimed) + " chunks of " + std::to_string(slab.chunk_bytes) +
                " bytes (" + (slab.is_index ? "index" : "items") + ") are used by nothing after the sweep");
    check_items(anatomy, "after the sweep");
    refill();
  }

  /// As many items as in a fresh segment find room, at the latest when the index has been looked after a few times.
  void refill() {
    cache_.clear();
    const std::uint64_t fresh = room_of_a_fresh_segment();
    for (int second = 0; second < 5 && cache_.stats().items * 100 < fresh * 98; ++second)
      for (std::uint64_t i = 0; i < (second == 0 ? 4 * stage_.view().geometry().page_count : 1'000); ++i)
        if (!set_new_key(kSweepBytes)) return;
    const std::uint64_t items = cache_.stats().items;
    if (items * 100 < fresh * 98)
      problem("after a clear there is room for " + std::to_string(items) + " items, " + std::to_string(fresh) + " in a fresh segment");
  }

  friend std::uint64_t room_of_a_fresh_segment();

  Stage& stage_;
  Cache& cache_;
  Board& board_;
  const Picture before_;
  const Picture after_;
  std::set<std::string> all_keys_;
  std::uint64_t next_key_ = 0;
  Findings findings_;
};

inline std::uint64_t room_of_a_fresh_segment() {
  static const std::uint64_t room = [] {
    Options options = with_capacity(Stage::kCapacity);
    Cache cache = Cache::create_anonymous(options);
    for (std::uint64_t i = 0; i < 4 * cache.info().pages; ++i)
      static_cast<void>(cache.set("sweep" + std::to_string(10'000 + i), text('s', Inquest::kSweepBytes - 18)));
    return cache.stats().items;
  }();
  return room;
}

}  // namespace carafe::test

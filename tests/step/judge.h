// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cache/items.h"
#include "crash/anatomy.h"
#include "crash/stage.h"
#include "index/table.h"
#include "step/history.h"
#include "step/play.h"
#include "step/troupe.h"

namespace carafe::test {

/// Which record a namespace has; 0 for none.
[[nodiscard]] inline std::uint32_t number_of(const View& view, std::string_view space) {
  for (std::uint32_t number = 1; number <= view.geometry().namespace_count; ++number) {
    const NamespaceRecord& record = view.namespace_record(number - 1);
    if (NamespaceWord::is_used(record.word.load(kRelaxed)) && record.name_bytes.load(kRelaxed) == space.size() &&
        std::memcmp(record.text, space.data(), space.size()) == 0)
      return number;
  }
  return 0;
}

/// What the segment was found to hold in the end: the same for the same bytes.
struct End {
  std::vector<std::string> problems;
  std::map<std::string, std::uint64_t> values;  // of the keys that the operations name
  std::uint64_t bystanders_lost = 0;
  Stats stats;
};

/// Knows what a play began with, and says what is wrong with how it ended.
class Judge {
 public:
  /// Looks at the stage as the play finds it.
  Judge(Stage& stage, const Play& play) : stage_(stage), play_(play) {
    Cache& cache = stage_.cache();
    std::string value;
    for (const Part& part : play_.parts)
      for (const Operation& operation : part) {
        if (operation.key.empty()) continue;
        const std::string name = operation.name();
        named_[name] = operation;
        if (is_lease(operation)) begin_.leases[name] = {};
        if (read(operation, value)) begin_.items[name] = {name_of_value(value), std::strtoll(value.c_str(), nullptr, 10)};
      }
    for (const NamespaceStats& space : cache.namespaces()) begin_.spaces.insert(space.name);
    cache.for_each([&](std::string_view key, std::string_view held) {
      if (!named_.contains(std::string(key))) bystanders_[std::string(key)] = name_of_value(held);
    });
    find_tags();
    stage_.restore();
    before_ = cache.stats();
  }

  /// What the counters said before the play.
  [[nodiscard]] const Stats& before() const noexcept { return before_; }

  /// The segment as the play left it; changes it.
  [[nodiscard]] End examine() {
    Cache& cache = stage_.cache();
    End end;
    end.stats = cache.stats();
    const bool removed = end.stats.retired;
    const bool cleared = end.stats.clears != 0;  // what it left behind is collected when room is needed
    for (const std::string& problem : cache.verify().problems) end.problems.push_back("verify: " + problem);
    std::uint64_t used_bytes = 0;
    for (const SlabStats& slab : cache.slabs()) {
      if (slab.claimed != 0)
        end.problems.push_back(std::to_string(slab.claimed) + " chunks of " + std::to_string(slab.chunk_bytes) +
                               " bytes are still claimed");
      if (!slab.is_index) used_bytes += slab.used * slab.chunk_bytes;
    }
    const Anatomy anatomy = Anatomy::of(stage_.view());
    std::uint64_t debris = 0;
    for (const std::uint64_t count : anatomy.debris) debris += count;
    if (!cleared && debris != 0) end.problems.push_back(std::to_string(debris) + " chunks are used by nothing");
    if (!cleared && used_bytes != end.stats.bytes_used)
      end.problems.push_back("chunks of " + std::to_string(used_bytes) + " bytes are used, stats say " +
                             std::to_string(end.stats.bytes_used));
    if (anatomy.current_items != end.stats.items)
      end.problems.push_back("there are " + std::to_string(anatomy.current_items) + " items, stats say " + std::to_string(end.stats.items));
    for (std::uint64_t i = 0; i < stage_.view().geometry().stripe_count; ++i)
      if (stage_.view().stripe(i).lock.load(kRelaxed) != 0) end.problems.push_back("stripe " + std::to_string(i) + " is still locked");
    for (std::uint64_t i = 0; i < stage_.view().geometry().page_count; ++i)
      if (stage_.view().page_info(i).lock.load(kRelaxed) != 0) end.problems.push_back("page " + std::to_string(i) + " is still locked");

    std::string value;
    for (const auto& [name, operation] : named_)
      end.values[name] = read(operation, value) ? name_of_value(value) : is_lease(operation) && !removed ? kLease : 0;
    for (const auto& [key, held] : bystanders_) {
      if (cache.get(key, value) != Status::kOk) {
        ++end.bystanders_lost;
      } else if (cleared || removed) {
        end.problems.push_back(key + " is there again");
      } else if (name_of_value(value) != held) {
        end.problems.push_back(key + " has a value that nobody stored there");
      }
    }
    if (!cleared && !removed && end.bystanders_lost > (play_.tight ? end.stats.evictions - before_.evictions : 0))
      end.problems.push_back(std::to_string(end.bystanders_lost) + " items are gone that nobody touched, " +
                             std::to_string(end.stats.evictions - before_.evictions) + " evictions were counted");
    return end;
  }

  /// All that is wrong with that end, after those answers.
  [[nodiscard]] std::vector<std::string> judge(const End& end, const Performance& performance) const {
    std::vector<std::string> problems = end.problems;
    std::vector<Event> events;
    std::map<std::string, std::uint64_t> count;
    std::map<std::string, std::uint64_t> perhaps;  // and so many more
    bool cleared = false;
    for (std::uint32_t puppet = 0; puppet < play_.parts.size(); ++puppet) {
      const Strings& strings = performance.strings[puppet];
      if (strings.problem[0] != '\0') problems.emplace_back(strings.problem);
      for (std::size_t i = 0; i < play_.parts[puppet].size(); ++i) {
        const Operation& operation = play_.parts[puppet][i];
        const Outcome& outcome = strings.outcomes[i];
        if (!outcome.finished) problems.push_back(to_string(operation) + " never came to its end");
        events.push_back({&operation, outcome, puppet});
        const bool ok = outcome.status == Status::kOk;
        // Who found no handle is counted nowhere.
        (operation.space.empty() ? count : perhaps)["busy"] += outcome.status == Status::kBusy ? 1 : 0;
        switch (operation.verb) {
          case Operation::kGet:
          case Operation::kGetVersioned:
          case Operation::kGetView:
            if (outcome.status == Status::kBusy) break;  // no handle
            ++count[ok ? "hits" : "misses"];
            break;
          case Operation::kErase:
            count["erases"] += ok ? 1 : 0;
            break;
          case Operation::kAsk:
            count["loads"] += ok ? 1 : 0;
            if (outcome.status == Status::kBusy) break;  // no handle
            count["hits"] += outcome.status == Status::kExists ? 1 : 0;
            count["misses"] += outcome.status == Status::kExists ? 0 : 1;
            perhaps["misses"] += 2;  // a value came, and was gone again
            perhaps["busy"] += outcome.status == Status::kVersionChanged ? 1 : 0;
            break;
          case Operation::kFill:
            count["sets"] += ok ? 1 : 0;
            count["stale_fills"] += outcome.status == Status::kStale ? 1 : 0;
            break;
          case Operation::kAbandon:
            perhaps["busy"] += ok ? 1 : 0;
            break;
          case Operation::kClear:
            if (!operation.space.empty()) break;
            ++count["clears"];
            cleared = true;
            break;
          case Operation::kSet:
          case Operation::kAdd:
          case Operation::kIncrement:
          case Operation::kCompareAndSet:
            count["sets"] += ok ? 1 : 0;
            break;
          default:
            break;
        }
      }
    }
    const auto compare = [&](const char* name, std::uint64_t Stats::*field, bool exactly) {
      const std::uint64_t counted = end.stats.*field - before_.*field;
      if (counted > count[name] + perhaps[name] || (exactly && counted < count[name]))
        problems.push_back(std::string(name) + ": counted " + std::to_string(counted) + ", there were " + std::to_string(count[name]));
    };
    compare("hits", &Stats::hits, true);
    compare("misses", &Stats::misses, true);
    compare("sets", &Stats::sets, !cleared);  // what came before the clear is not kept, and not counted
    compare("erases", &Stats::erases, true);
    compare("busy", &Stats::busy, true);
    compare("clears", &Stats::clears, true);
    compare("loads", &Stats::loads, true);
    compare("stale_fills", &Stats::stale_fills, true);
    perhaps["load_take_overs"] = begin_.leases.size();
    compare("load_take_overs", &Stats::load_take_overs, true);
    compare("corruptions", &Stats::corruptions, true);
    compare("reader_contended", &Stats::reader_contended, true);
    compare("recoveries", &Stats::recoveries, true);  // nobody died
    if (!cleared) compare("reclaimed_chunks", &Stats::reclaimed_chunks, true);
    if (!play_.tight) compare("evictions", &Stats::evictions, true);
    if (!History(events, begin_, end.values, {play_.tight, play_.harries}).is_explained()) {
      std::string what = "no order explains it: ";
      for (const Event& event : events) what += describe(event) + "; ";
      for (const auto& [key, value] : end.values)
        what += "in the end " + key + (value == 0 ? " is absent; " : value == kLease ? " is a lease; " : " = " + name(value) + "; ");
      problems.push_back(what);
    }
    return problems;
  }

 private:
  /// Which of what there was at first has which tag: told from the bytes, since reads are on trial.
  void find_tags() {
    const View& view = stage_.view();
    for (const Part& part : play_.parts)
      for (const Operation& invalidation : part) {
        if (invalidation.verb != Operation::kInvalidateTag) continue;
        stage_.restore();
        static_cast<void>(stage_.cache().invalidate_tag(invalidation.tag));
        std::uint64_t place = 0;
        while (view.tag(place).load(kRelaxed) != view.header().stamp.load(kRelaxed)) ++place;
        for (auto& [name, item] : begin_.items) {
          const ItemView found = find(named_[name]);
          for (std::size_t i = 0; found && i < Extension::tags(found.header.extension); ++i)
            if (found.tag_place(i) == place) item.tag = invalidation.tag;
        }
      }
  }
  /// By a new handle: an older one may remember where its namespace was in another performance.
  [[nodiscard]] bool read(const Operation& operation, std::string& value) const {
    if (operation.space.empty()) return stage_.cache().get(operation.key, value) == Status::kOk;
    if (number_of(stage_.view(), operation.space) == 0) return false;
    return stage_.cache().in(operation.space).get(operation.key, value) == Status::kOk;
  }
  /// What there is for its key, whether it counts or not.
  [[nodiscard]] ItemView find(const Operation& operation) const {
    const View& view = stage_.view();
    const std::uint32_t number = number_of(view, operation.space);
    if (number == 0 && !operation.space.empty()) return {};
    const std::uint32_t epoch = view.header().epoch.load(kRelaxed);
    for (std::uint32_t stripe = 0; stripe < view.geometry().stripe_count; ++stripe) {
      const Table table = Table::of(view, stripe);
      for (std::uint32_t i = 0; i < table.count; ++i)
        for (const auto& entry : table.buckets[i].entries) {
          const std::uint64_t word = entry.load(kRelaxed);
          const ItemView item = word == Entry::kEmpty ? ItemView{} : ItemView::at(view, Entry::offset(word));
          if (item && is_current(item.header, epoch) && item.has_key(Key{.text = operation.key, .space = number})) return item;
        }
    }
    return {};
  }
  /// Whether somebody is said to compute the value of its key.
  [[nodiscard]] bool is_lease(const Operation& operation) const {
    const ItemView item = find(operation);
    return item && validity_of(stage_.view(), item) == Validity::kLease;
  }
  [[nodiscard]] std::string name(std::uint64_t value) const {
    for (const auto& [key, item] : begin_.items)
      if (item.value == value) return "the value of " + key + " at first";
    for (const Part& part : play_.parts)
      for (const Operation& operation : part)
        if (name_of_value(operation.value) == value) return "the value of " + to_string(operation);
    for (int number = -10; number < 100; ++number)
      if (name_of_value(std::to_string(number)) == value) return std::to_string(number);
    return "A VALUE THAT NOBODY STORED";
  }
  [[nodiscard]] std::string describe(const Event& event) const {
    std::string text = std::to_string(event.puppet) + ": " + to_string(*event.operation) + " in moves " +
                       std::to_string(event.outcome.began) + " to " + std::to_string(event.outcome.ended) + " says " +
                       std::string(carafe::to_string(event.outcome.status));
    if (event.outcome.value != 0) text += ", " + name(event.outcome.value);
    if (event.operation->verb == Operation::kIncrement || event.operation->verb == Operation::kLook ||
        event.operation->verb == Operation::kGetVersioned)
      text += ", " + std::to_string(event.outcome.number);
    return text;
  }
  [[nodiscard]] static std::string_view to_string_of(Status status) { return carafe::to_string(status); }

  Stage& stage_;
  const Play& play_;
  std::map<std::string, Operation> named_;  // Operation::name, and one of those that have it
  Model begin_;
  std::map<std::string, std::uint64_t> bystanders_;
  Stats before_;
};

}  // namespace carafe::test

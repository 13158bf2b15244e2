// SPDX-License-Identifier: MIT
#include "stat_watch.h"

#include <fmt/format.h>

#include <array>

#include "carafe/cache.h"
#include "exit_code.h"
#include "output.h"
#include "text.h"
#include "watching.h"

namespace carafe::tool {
namespace {

constexpr int kLinesPerHeader = 20;

struct Moment {
  std::int64_t time_ns = 0;
  Stats stats;
};

/// What happened between two moments of one segment.
class Interval {
 public:
  Interval(const Moment& from, const Moment& to)
      : from_(from.stats), to_(to.stats), seconds_(static_cast<double>(to.time_ns - from.time_ns) / 1e9) {}
  [[nodiscard]] std::uint64_t change(std::uint64_t Stats::*counter) const {
    return to_.*counter > from_.*counter ? to_.*counter - from_.*counter : 0;
  }
  [[nodiscard]] double rate(std::uint64_t Stats::*counter) const {
    return seconds_ > 0 ? static_cast<double>(change(counter)) / seconds_ : 0.0;
  }
  [[nodiscard]] double seconds() const { return seconds_; }
  [[nodiscard]] const Stats& now() const { return to_; }
  [[nodiscard]] double used_ratio() const {
    return to_.capacity_bytes == 0 ? 0.0 : static_cast<double>(to_.bytes_used) / static_cast<double>(to_.capacity_bytes);
  }

 private:
  const Stats& from_;
  const Stats& to_;
  double seconds_;
};

constexpr std::array<const char*, 11> kHeaders = {"gets/s",    "hit%",         "1m-hit%", "sets/s", "evict/s", "expire/s",
                                                  "retries/s", "lock-waits/s", "used%",   "items",  "workers"};

std::string line_of(const std::array<std::string, kHeaders.size()>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i)
    line += fmt::format("{}{:>{}}", i == 0 ? "" : " ", cells[i], std::max<std::size_t>(std::string_view(kHeaders[i]).size(), 9));
  return line + "\n";
}

std::string header_line(const Context& context) {
  std::array<std::string, kHeaders.size()> names;
  std::copy(kHeaders.begin(), kHeaders.end(), names.begin());
  std::string line = line_of(names);
  return context.color() ? "\x1b[1m" + line.substr(0, line.size() - 1) + "\x1b[0m\n" : line;
}

std::string text_of(const Context& context, const Interval& interval) {
  const auto rate = [&](std::uint64_t Stats::*counter) { return rate_text(context, interval.rate(counter)); };
  const WindowStats& minute = interval.now().windows[1];
  return line_of({rate(&Stats::gets), percent_text(interval.change(&Stats::hits), interval.change(&Stats::gets)),
                  percent_text(minute.hits, minute.gets), rate(&Stats::sets), rate(&Stats::evictions), rate(&Stats::expirations),
                  rate(&Stats::reader_retries), rate(&Stats::lock_waits), fmt::format("{:.1f}", 100 * interval.used_ratio()),
                  count_text(context, interval.now().items), count_text(context, interval.now().workers)});
}

Json json_of(const std::string& name, const Interval& interval) {
  const std::uint64_t gets = interval.change(&Stats::gets);
  const std::uint64_t hits = interval.change(&Stats::hits);
  const WindowStats& minute = interval.now().windows[1];
  return Json{{"name", name},
              {"seconds", interval.seconds()},
              {"gets", gets},
              {"hits", hits},
              {"misses", interval.change(&Stats::misses)},
              {"hit_ratio", gets == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(gets)},
              {"hit_ratio_1m", minute.hit_ratio()},
              {"sets", interval.change(&Stats::sets)},
              {"evictions", interval.change(&Stats::evictions)},
              {"expirations", interval.change(&Stats::expirations)},
              {"reader_retries", interval.change(&Stats::reader_retries)},
              {"lock_waits", interval.change(&Stats::lock_waits)},
              {"items", interval.now().items},
              {"bytes_used", interval.now().bytes_used},
              {"capacity_bytes", interval.now().capacity_bytes},
              {"workers", interval.now().workers}};
}

}  // namespace

int watch(const Context& context, const std::string& name, double interval_seconds, std::uint64_t count) {
  WatchedSegment segment(name);
  Ticker ticker(interval_seconds);
  Moment last{monotonic_ns(), segment.cache().stats()};
  for (std::uint64_t line = 0; (count == 0 || line < count) && !reader_is_gone(); ++line) {
    if (!context.json && line % kLinesPerHeader == 0 && (line == 0 || context.terminal)) print(header_line(context));
    flush();
    if (!ticker.wait()) break;
    Moment now{monotonic_ns(), segment.cache().stats()};
    if (segment.follow()) {
      now.stats = segment.cache().stats();
      last = {now.time_ns, now.stats};
    }
    if (context.json) {
      print(json_of(name, Interval(last, now)).dump() + "\n");
    } else {
      print(text_of(context, Interval(last, now)));
    }
    flush();
    last = now;
  }
  return kDone;
}

}  // namespace carafe::tool

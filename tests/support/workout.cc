// SPDX-License-Identifier: MIT
#include "support/workout.h"

#include <chrono>
#include <thread>

#include "support/values.h"

namespace carafe::test {
namespace {

/// The first thing that was wrong, with the round it was wrong in.
class Findings {
 public:
  void begin(std::uint64_t round) noexcept { round_ = round; }
  void check(bool fine, const char* what) {
    if (!fine && text_.empty()) text_ = std::string(what) + " in round " + std::to_string(round_);
  }
  void check_status(Status got, Status expected, const char* what) {
    if (got != expected) check(false, (std::string(what) + " says " + std::string(to_string(got))).c_str());
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::uint64_t round_ = 0;
  std::string text_;
};

}  // namespace

Status insist(const std::function<Status()>& operation) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (;;) {
    const Status status = operation();
    if (status != Status::kBusy || std::chrono::steady_clock::now() > give_up) return status;
    std::this_thread::yield();
  }
}

std::string workout(Cache& cache, const std::string& tag, std::uint64_t rounds) {
  Findings findings;
  const std::string counter_key = tag + "-counter";
  static_cast<void>(insist([&] { return cache.erase(counter_key); }));
  std::string reused;
  for (std::uint64_t round = 0; round < rounds && findings.text().empty(); ++round) {
    findings.begin(round);
    const std::string key = numbered_key(tag, round % 10);
    const std::string value = value_for(key, round, 24 + round % 400);
    const std::string next = value_for(key, ~round, 24 + round % 100);
    findings.check_status(insist([&] { return cache.set(key, value); }), Status::kOk, "set");
    findings.check(cache.get(key) == value, "get after set: another value");
    findings.check_status(insist([&] { return cache.add(key, next); }), Status::kExists, "add");
    const auto seen = cache.get_versioned(key);
    findings.check(seen.has_value() && seen->value == value, "get_versioned: another value");
    if (seen)
      findings.check_status(insist([&] { return cache.compare_and_set(key, seen->version, next); }), Status::kOk, "compare_and_set");
    findings.check_status(cache.get(key, reused), Status::kOk, "get into a string");
    findings.check(reused == next, "get after compare_and_set: another value");
    findings.check_status(insist([&] { return cache.touch(key, std::chrono::hours(1)); }), Status::kOk, "touch");
    findings.check(cache.contains(key), "contains after touch");
    Counter counter;
    findings.check_status(insist([&] { return (counter = cache.increment(counter_key, 1)).status; }), Status::kOk, "increment");
    findings.check(counter.value == static_cast<std::int64_t>(round) + 1, "increment: another sum");
    if (round % 3 == 0) {
      findings.check_status(insist([&] { return cache.erase(key); }), Status::kOk, "erase");
      findings.check(!cache.get(key).has_value(), "get after erase: a value");
    }
  }
  return findings.text();
}

}  // namespace carafe::test

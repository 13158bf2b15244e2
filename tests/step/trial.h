// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "crash/relaunch.h"
#include "crash/stage.h"
#include "step/judge.h"
#include "step/play.h"
#include "step/schedule.h"
#include "step/troupe.h"
#include "support/random.h"

namespace carafe::test {

#if CARAFE_CAN_STEP

/// How much is done. A run of a schedule takes about a millisecond.
struct Thoroughness {
  bool full = number_from_environment("CARAFE_STEP_FULL", 0) != 0;
  /// Stop before every instruction, not only before those that others could notice.
  bool every_instruction = number_from_environment("CARAFE_STEP_EVERY", 0) != 0;
  std::uint64_t seed = number_from_environment("CARAFE_STEP_SEED", static_cast<std::uint64_t>(std::time(nullptr)));
  std::uint64_t short_stops = full ? ~0ULL : 100;  // an operation with no more stops than that is stopped at each of them
  std::uint64_t stops = number_from_environment("CARAFE_STEP_STOPS", 24);                       // of another one
  std::uint64_t pairs = number_from_environment("CARAFE_STEP_PAIRS", full ? 20'000 : 8);        // of stops, per order of the puppets
  std::uint64_t all_pairs = number_from_environment("CARAFE_STEP_PAIRS", full ? 20'000 : 800);  // where a play wants all
  /// Of a loop at one place, so many rounds: to come to a later one takes a trap for each before it.
  std::uint32_t rounds = full ? ~0U : 24;
};

/// Carries out the schedules of one play, and judges.
class Trial {
 public:
  struct Totals {
    std::uint64_t duels = 0, schedules = 0, ends = 0, violations = 0;
  };

  explicit Trial(const Duel& duel) : duel_(duel), stage_(Stage::Kind::kNamed, patient_options()), memory_(sizeof(Performance)) {}
  ~Trial() { ::unlink(stage_.other_name().path().c_str()); }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  void run() {
    const std::uint64_t begin = now_ns();
    for (int i = 0; i < kBystanders; ++i) stage_.put(bystander(i), text('o', 150 + static_cast<std::size_t>(i % 3) * 100));
    play_ = duel_.prepare(stage_);
    // So that a removed segment can get its name back.
    if (::link(stage_.name().path().c_str(), stage_.other_name().path().c_str()) != 0) throw std::runtime_error("step test: cannot link");
    stage_.save();
    judge_ = std::make_unique<Judge>(stage_, play_);
    director_ = std::make_unique<Director>(stage_, performance(), play_.parts);
    if (!rehearse()) return;
    for (std::uint32_t i = 0; i < play_.parts.size(); ++i) survey(i);
    if (const char* only = std::getenv("CARAFE_STEP_SCHEDULE")) {
      play_schedule(parse(only, play_.parts, places_));
    } else {
      if (play_.harries) {
        harry();
      } else {
        one_switch();
        two_switches();
        there_and_back_twice();
      }
    }
    report(now_ns() - begin);
  }

  [[nodiscard]] static Totals& grand_total() {
    static Totals totals;
    return totals;
  }

 private:
  [[nodiscard]] static Options patient_options() {
    Options options = with_capacity(Stage::kCapacity);
    options.lock_wait = std::chrono::milliseconds(1);  // a stopped puppet does not let go of its lock any sooner
    return options;
  }
  [[nodiscard]] Performance& performance() { return memory_.as<Performance>(); }

  // --- schedules

  /// One after the other, nobody stopped.
  bool rehearse() {
    const std::uint64_t violations = totals_.violations;
    play_schedule({});
    if (totals_.violations != violations) return false;
    if (play_.took_the_way && !play_.took_the_way(judge_->before(), last_end_->stats)) {
      ADD_FAILURE() << duel_.name << ": it went, but not the way that this duel is about";
      return false;
    }
    return true;
  }

  /// Where puppet `number` can stop: found by letting it play alone.
  void survey(std::uint32_t number) {
    const std::uintptr_t vdso = ::getauxval(AT_SYSINFO_EHDR);
    places_.emplace_back();
    // A look at everything has too many instructions to be stepped in the short run: there it happens while others are stopped.
    if ((play_.parts[number][0].verb == Operation::kLook && !how_much_.full) || (play_.harries && number == 1)) {
      places_.back().emplace_back();
      return;
    }
    for (std::size_t operation = 0; operation < play_.parts[number].size(); ++operation) {
      Performance& all = performance();
      all.move_count = 0;
      if (play_.begun && number != 0) all.moves[all.move_count++] = {0, {}};
      for (std::size_t i = 0; i <= operation; ++i)
        all.moves[all.move_count++] = {number, {i == operation ? Stop::kSurvey : Stop::kNowhere, 0, 0}};
      director_->perform();
      restore();
      std::unordered_map<std::uintptr_t, std::uint32_t> visits;
      std::vector<Place> places;
      for (std::uint32_t i = 0; i < all.survey.count; ++i) {
        const std::uint32_t visit = ++visits[all.survey.at[i]];
        const bool telling = all.survey.kind[i] != Survey::kPlain;
        if ((!telling && !how_much_.every_instruction) || visit > how_much_.rounds || all.survey.at[i] - vdso < 3 * 4096) continue;
        places.push_back({i, all.survey.kind[i], {Stop::kAtAddress, visit, all.survey.at[i]}, concerns_readers(all.survey, i)});
      }
      instructions_ += all.survey.count;
      places_.back().push_back(std::move(places));
    }
  }

  /// Whether it touches what a get's answer depends on: the header, namespaces, tags, the directory, the pages. All else are counts, locks
  /// and advice.
  [[nodiscard]] bool concerns_readers(const Survey& survey, std::uint32_t instruction) const noexcept {
    const Geometry& geometry = stage_.view().geometry();
    const std::uint32_t where = survey.where[instruction];
    return survey.kind[instruction] == Survey::kSyscall || where < geometry.workers_at ||
           (where >= geometry.namespaces_at && where < geometry.namespace_lanes_at) ||
           (where >= geometry.tags_at && where < geometry.named_at) || (where >= geometry.directory_at && where < geometry.classes_at) ||
           where >= geometry.pages_at;
  }

  /// What every schedule begins with.
  [[nodiscard]] Schedule opening() const { return play_.begun ? Schedule{to_the_end(0)} : Schedule{}; }
  /// The number of the operation that `puppet` begins with after that.
  [[nodiscard]] std::size_t first_of(std::uint32_t puppet) const noexcept { return play_.begun && puppet == 0 ? 1 : 0; }
  [[nodiscard]] static Step to_the_end(std::uint32_t puppet) { return {puppet, '*', 0, {}}; }
  [[nodiscard]] static Step to(std::uint32_t puppet, const Place& place) { return {puppet, '@', place.instruction, place.stop}; }
  /// All operations of a puppet, from the first one that is not done.
  void append_all(Schedule& schedule, std::uint32_t puppet) const {
    for (std::size_t i = 0; i < play_.parts[puppet].size(); ++i) schedule.push_back(to_the_end(puppet));
  }
  [[nodiscard]] std::uint32_t puppets() const noexcept { return static_cast<std::uint32_t>(play_.parts.size()); }

  /// Calls visit(number) for all of `count` numbers, or for `most` of them, others each time.
  template <typename Visit>
  void some_of(std::uint64_t count, std::uint64_t most, Visit&& visit) {
    if (count <= most) {
      for (std::uint64_t i = 0; i < count; ++i) visit(i);
      return;
    }
    for (std::uint64_t i = 0; i < most; ++i) visit(i * count / most + random_.below(std::max<std::uint64_t>(1, count / most)));
  }

  /// Where to stop the first operation of `number` in a pair of stops. With a get among the two, only what bears on its answer: its own loads, and
  /// the other one's stores, since a reader does not notice what others read.
  [[nodiscard]] std::vector<Place> telling_places(std::uint32_t number) const {
    const std::vector<Place>& all = places_[number][first_of(number)];
    const auto is_reader = [&](std::uint32_t puppet) { return is_get(play_.parts[puppet][first_of(puppet)]); };
    const bool reads = is_reader(number);
    const bool against_reader = is_reader(number == 0 ? 1 : 0);
    if (how_much_.full || (!reads && !against_reader)) return all;
    std::vector<Place> telling;
    for (const Place& place : all)
      if (place.concerns_readers && place.kind != (reads ? Survey::kStore : Survey::kLoad)) telling.push_back(place);
    return telling;
  }

  /// X to i, all others whole, X on; for every puppet X and every i of each of its operations.
  void one_switch() {
    for (std::uint32_t x = 0; x < puppets(); ++x)
      for (std::size_t operation = first_of(x); operation < places_[x].size(); ++operation) {
        const std::vector<Place>& places = places_[x][operation];
        some_of(places.size(), places.size() <= how_much_.short_stops ? places.size() : how_much_.stops, [&](std::uint64_t i) {
          Schedule schedule = opening();
          schedule.insert(schedule.end(), operation - first_of(x), to_the_end(x));
          schedule.push_back(to(x, places[i]));
          for (std::uint32_t y = 0; y < puppets(); ++y)
            if (y != x) append_all(schedule, y);
          append_all(schedule, x);
          play_schedule(schedule);
        });
      }
  }

  /// X to i, Y to j, a third one whole if there is one, X to the end, Y to the end; for i and j of their first operations.
  void two_switches() {
    for (std::uint32_t x = 0; x < puppets(); ++x)
      for (std::uint32_t y = 0; y < puppets(); ++y) {
        if (x == y || (puppets() == 3 && (x == 2 || y == 2))) continue;
        const std::vector<Place> of_x = telling_places(x);
        const std::vector<Place> of_y = telling_places(y);
        // The first puppet is the reader, and it is what it has seen before the writer's stores that tells.
        const std::uint64_t some = how_much_.pairs * (puppets() == 3 ? 12 : 1);
        const std::uint64_t most = !play_.all_pairs ? some : x == 0 ? how_much_.all_pairs : how_much_.all_pairs / 10;
        some_of(of_x.size() * of_y.size(), most, [&](std::uint64_t pair) {
          Schedule schedule = opening();
          schedule.push_back(to(x, of_x[pair / of_y.size()]));
          schedule.push_back(to(y, of_y[pair % of_y.size()]));
          if (puppets() == 3) append_all(schedule, 2);
          append_all(schedule, x);
          append_all(schedule, y);
          play_schedule(schedule);
        });
      }
  }

  /// X to i, Y's first operation whole, X to its j-th access from there (of a second attempt, perhaps), Y's other operations, X to the end.
  void there_and_back_twice() {
    for (std::uint32_t x = 0; x < puppets(); ++x)
      for (std::uint32_t y = 0; y < puppets(); ++y) {
        if (x == y || puppets() == 3 || play_.parts[y].size() < first_of(y) + 2) continue;
        const std::vector<Place>& of_x = places_[x][first_of(x)];
        const std::uint64_t most = how_much_.pairs;
        some_of(of_x.size() * of_x.size(), most, [&](std::uint64_t pair) {
          Schedule schedule = opening();
          schedule.push_back(to(x, of_x[pair / of_x.size()]));
          schedule.push_back(to_the_end(y));
          const auto count = static_cast<std::uint32_t>(pair % of_x.size()) + 1;
          schedule.push_back({x, '+', count, {Stop::kAtAccess, count, 0}});
          append_all(schedule, y);
          append_all(schedule, x);
          play_schedule(schedule);
        });
      }
  }

  /// X to i, and then again and again an operation of Y and some accesses of X: first just so few that X loses each of its attempts, then
  /// others, while it tries in other ways.
  void harry() {
    constexpr std::size_t kRounds = 22;
    constexpr std::uint64_t kFewest = 12;
    const std::vector<Place>& of_x = places_[0][0];
    some_of(of_x.size() * kFewest, how_much_.all_pairs / 10, [&](std::uint64_t pair) {
      Schedule schedule = {to(0, of_x[pair / kFewest])};
      for (std::size_t i = 0; i < play_.parts[1].size(); ++i) {
        const auto count = static_cast<std::uint32_t>(i < kRounds ? of_x.size() / 3 : pair % kFewest + 1);
        schedule.push_back(to_the_end(1));
        schedule.push_back({0, '+', count, {Stop::kAtAccess, count, 0}});
      }
      append_all(schedule, 0);
      play_schedule(schedule);
    });
  }

  // --- one performance, and what is right

  void restore(bool untouched_since_digest = false) {
    if (untouched_since_digest) {
      stage_.restore_digested();
    } else {
      stage_.restore();
    }
    if (::access(stage_.name().path().c_str(), F_OK) != 0)
      static_cast<void>(::link(stage_.other_name().path().c_str(), stage_.name().path().c_str()));
  }

  void play_schedule(const Schedule& schedule) {
    if (totals_.violations >= kMostViolations) return;
    Performance& all = performance();
    all.move_count = 0;
    for (const Step& step : schedule)
      if (all.move_count < Performance::kMostMoves) all.moves[all.move_count++] = {step.puppet, step.stop};
    director_->perform();
    ++totals_.schedules;
    std::vector<std::string> problems;
    if (all.trouble[0] != '\0') {
      problems.emplace_back(all.trouble);
      restore();
    } else {
      const End& end = look_at_the_end();
      last_end_ = &end;
      problems = judge_->judge(end, all);
    }
    if (!problems.empty()) fail(schedule, problems);
  }

  /// The segment as it was left; then it is restored.
  const End& look_at_the_end() {
    stage_.forget_pids();
    const auto [found, fresh] = ends_.try_emplace(stage_.digest());
    if (fresh) found->second = judge_->examine();
    restore(!fresh);
    return found->second;
  }

  void fail(const Schedule& schedule, const std::vector<std::string>& problems) {
    if (++totals_.violations > 5) return;
    std::string all;
    for (const std::string& problem : problems) all += "\n    " + problem;
    ADD_FAILURE() << duel_.name << ": after CARAFE_STEP_SCHEDULE=" << (schedule.empty() ? "none" : write(schedule)) << all;
  }

  void report(std::uint64_t ns) {
    totals_.duels = 1;
    totals_.ends = ends_.size();
    std::string stops;
    for (const auto& puppet : places_)
      for (const auto& places : puppet) stops += (stops.empty() ? "" : "+") + std::to_string(places.size());
    std::printf("%-58s %6llu instructions, stops %-16s %6llu schedules, %4llu ends, %llu violations, %.1f s\n", duel_.name.c_str(),
                number(instructions_), stops.c_str(), number(totals_.schedules), number(totals_.ends), number(totals_.violations),
                static_cast<double>(ns) / 1e9);
    std::fflush(stdout);
    Totals& all = grand_total();
    all.duels += 1;
    all.schedules += totals_.schedules;
    all.ends += totals_.ends;
    all.violations += totals_.violations;
  }
  static unsigned long long number(std::uint64_t value) { return value; }

  static constexpr std::uint64_t kMostViolations = 50;

  const Duel& duel_;
  const Thoroughness how_much_;
  Random random_{how_much_.seed};
  Stage stage_;
  SharedMemory memory_;
  Play play_;
  std::unique_ptr<Director> director_;
  std::unique_ptr<Judge> judge_;
  Places places_;
  std::unordered_map<std::uint64_t, End> ends_;
  const End* last_end_ = nullptr;
  std::uint64_t instructions_ = 0;
  Totals totals_;
};

#endif

}  // namespace carafe::test

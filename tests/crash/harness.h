// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sys/auxv.h>
#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "carafe/cache.h"
#include "crash/anatomy.h"
#include "crash/guillotine.h"
#include "crash/inquest.h"
#include "crash/nursery.h"
#include "crash/relaunch.h"
#include "crash/stage.h"
#include "support/random.h"
#include "support/test_name.h"

namespace carafe::test {

/// One operation, and what it finds. README.md has an example.
struct Scenario {
  const char* name;
  std::function<void(Stage&)> prepare;
  std::function<bool(Stage&)> operation;                                           // in the child; whether it went as it should
  std::function<bool(const Stats& before, const Stats& after)> took_the_way = {};  // that it did what the scenario is about
  bool every_instruction = false;                                                  // in the short run too
  bool registered = true;                                                          // the child has its worker slot before
  std::function<void(Stage&)> before = {};                                         // in the child, before anything is counted
  Stage::Kind kind = Stage::Kind::kNamed;
  std::function<std::string(Stage&)> inside = {};   // looks at what else the segment holds, before all else; what is wrong, or ""
  std::function<std::string(Stage&)> outside = {};  // looks at what lies outside the segment, and puts it back; what is wrong, or ""
};

/// Where the worker comes that takes over: in the dead one's slot, whose incarnation then is the proof, or in another, so that it is the
/// byte lock.
enum class Slot { kSame, kOther };

/// Whether a dead worker still holds what is to be taken over from it.
inline bool holds_the_stripe(Stage& stage) { return stage.view().stripe(stage.stripe_of(stage.key)).lock.load(kAcquire) != 0; }
inline bool holds_a_page(Stage& stage) {
  for (std::uint64_t page = 0; page < stage.view().geometry().page_count; ++page)
    if (stage.view().page_info(page).lock.load(kAcquire) != 0) return true;
  return false;
}

/// Leaves behind a worker that was killed in `operation` while it held the stripe of `stage.key` (or what else `holds` looks for), at the
/// `fourth`-th (0 to 3) of four places among all at which it does.
inline void kill_a_holder(Stage& stage, const std::function<bool(Stage&)>& operation, Slot slot, unsigned fourth,
                          bool (*holds)(Stage&) = &holds_the_stripe) {
  SharedMemory memory(sizeof(Board));
  Board& board = memory.as<Board>();
  const Act act{operation, {}, true};
  pid_t keeper = -1;
  if (slot == Slot::kOther) {  // who has the next slot, until the victim is dead
    keeper = ::_Fork();
    if (keeper == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      board.as_wanted = !stage.cache().contains("nobody");
      for (;;) ::pause();
    }
    while (!static_cast<volatile bool&>(board.as_wanted)) ::usleep(100);
  }
  stage.save();
  // Every store, where they can be told; else every step.
  Sentence survey;
  survey.mode = CARAFE_CAN_STEP ? Sentence::kSurvey : Sentence::kAtStep;
  static_cast<void>(fork_and_execute(stage, board, act, survey));
  stage.restore();
  std::vector<Sentence> kills;
  std::unordered_map<std::uintptr_t, std::uint32_t> visits;
  for (std::uint32_t i = 1; CARAFE_CAN_STEP && i <= board.instructions; ++i) {
    const Sentence kill{.mode = Sentence::kAtInstruction, .address = board.next[i], .visit = ++visits[board.next[i]]};
    if (board.kind[i] == Board::kStore) kills.push_back(kill);
  }
  for (std::uint32_t i = 1; !CARAFE_CAN_STEP && i <= board.steps; ++i) kills.push_back({.mode = Sentence::kAtStep, .number = i});
  std::vector<Sentence> holding;
  for (const Sentence& kill : kills) {
    const int status = fork_and_execute(stage, board, act, kill);
    if (WIFSIGNALED(status) && holds(stage)) holding.push_back(kill);
    stage.restore();
  }
  if (holding.size() < 2) throw std::runtime_error("crash test: the operation never holds what it should");
  static_cast<void>(fork_and_execute(stage, board, act, holding[(2 * fourth + 1) * holding.size() / 8]));
  if (keeper > 0) {
    ::kill(keeper, SIGKILL);
    ::waitpid(keeper, nullptr, 0);
  }
}

inline void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

/// Kills a scenario's child again and again, and counts.
class Trial {
 public:
  enum class By { kSteps, kInstructions };

  struct Totals {
    std::uint64_t scenarios = 0, points = 0, stores = 0, kills = 0, states = 0, violations = 0;
  };

  Trial(const Scenario& scenario, By by)
      : scenario_(scenario), by_(by), stage_(scenario.kind), memory_(sizeof(Board)), watch_(stage_.view()) {}

  void run() {
    stage_.put("other", text('o', 77));
    for (int i = 0; i < 60; ++i) stage_.put("other" + std::to_string(i), text('o', 150 + static_cast<std::size_t>(i % 3) * 100));
    scenario_.prepare(stage_);
    stage_.save();
    const Act act{scenario_.operation, scenario_.before, scenario_.registered};
    nursery_ = std::make_unique<Nursery>(stage_, board(), act);
    if (!rehearse()) return;
    const std::vector<Kill> kills = plan();
    watch_.begin();
    last_digest_ = 0;
    for (const Kill& kill : kills)
      if (!carry_out(kill) || violations_ >= 10) break;
    EXPECT_LE(missed_ * 50, kills.size()) << scenario_.name << ": the operation is not the same from run to run";
    report();
  }

  [[nodiscard]] static Totals& grand_total() {
    static Totals totals;
    return totals;
  }
  static void print_totals(const char* what) {
    const Totals& all = grand_total();
    std::printf("in all: %llu scenarios, %llu %s, %llu kills, %llu states, %llu violations\n", number(all.scenarios), number(all.points),
                what, number(all.kills), number(all.states), number(all.violations));
  }
  /// Names of the CARAFE_STEPs at which somebody was killed.
  [[nodiscard]] static std::unordered_set<std::string>& steps_seen() {
    static std::unordered_set<std::string> names;
    return names;
  }

 private:
  struct Kill {
    std::uint64_t number = 0;  // of the instruction, or of the step
    Sentence sentence;
    bool after_gap = false;  // stores since the one before were left out
  };
  /// In the short run: of a long operation every so many-th instruction only, beside all that store or call the system.
  static constexpr std::uint64_t kMostKills = 300;

  [[nodiscard]] Board& board() { return memory_.as<Board>(); }

  [[nodiscard]] static std::string describe_end(int status) {
    if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
    return "exited with " + std::to_string(WEXITSTATUS(status));
  }

  /// Lets the operation end alive: what it comes to, and how many landmarks and instructions it has.
  bool rehearse() {
    const Picture before = Picture::of(stage_.cache());
    stage_.restore();
    Sentence sentence;
    sentence.mode = Sentence::kAtStep;  // beyond the last one, so it only counts
    int status = nursery_->execute(sentence);
    if (status != 0 || !board().finished || !board().as_wanted) {
      ADD_FAILURE() << scenario_.name << ": the operation did not go as it should; the child " << describe_end(status);
      return false;
    }
    stage_.forget_pids();
    const std::uint64_t alive = stage_.digest();
    totals_.points = board().steps;
    const Picture after = Picture::of(stage_.cache());
    stage_.restore();
    if (scenario_.took_the_way && !scenario_.took_the_way(before.stats, after.stats)) {
      ADD_FAILURE() << scenario_.name << ": the operation went, but not the way that this scenario is about";
      return false;
    }
    if (!look_outside("when nobody was killed")) return false;
    if (by_ == By::kInstructions) {
      sentence.mode = Sentence::kSurvey;
      status = nursery_->execute(sentence);
      stage_.forget_pids();
      if (status != 0 || !board().finished || stage_.digest() != alive) {
        ADD_FAILURE() << scenario_.name << ": under the trap flag the operation came to something else; the child " << describe_end(status);
        return false;
      }
      stage_.restore();
      static_cast<void>(look_outside("after the survey"));
    }
    inquest_ = std::make_unique<Inquest>(stage_, board(), before, after);
    // Nobody has died yet, so everything has to be well.
    const Inquest::Findings findings = inquest_->hold(false);
    stage_.restore();
    for (const std::string& problem : findings.problems) ADD_FAILURE() << scenario_.name << ", before any kill: " << problem;
    return findings.problems.empty();
  }

  [[nodiscard]] std::vector<Kill> plan() {
    std::vector<Kill> kills;
    const std::uint64_t only = number_from_environment("CARAFE_CRASH_AT", 0);
    if (by_ == By::kSteps) {
      for (std::uint32_t i = 1; i <= totals_.points; ++i)
        if (only == 0 || only == i) kills.push_back({.number = i, .sentence = {.mode = Sentence::kAtStep, .number = i}});
      return kills;
    }
    const Board& survey = board();
    totals_.points = survey.instructions;
    // 1: every instruction. 2: every one that stores or calls the system, so every state that can be left behind.
    const std::uint64_t full = number_from_environment("CARAFE_CRASH_FULL", 0);
    const bool brief = number_from_environment("CARAFE_TEST_SHORT", 0) != 0;
    const std::uint64_t stride =
        full == 1 || (scenario_.every_instruction && !brief) ? 1 : std::max<std::uint64_t>(7, totals_.points / kMostKills);
    const auto turn = static_cast<std::uint64_t>(std::time(nullptr));
    const std::uintptr_t vdso = ::getauxval(AT_SYSINFO_EHDR);
    std::unordered_map<std::uintptr_t, std::uint32_t> visits;
    bool gap = false;
    for (std::uint32_t i = 1; i <= survey.instructions; ++i) {
      const std::uint32_t visit = ++visits[survey.next[i]];
      totals_.stores += survey.kind[i] == Board::kStore ? 1 : 0;
      // A loop that copies or clears stores at one place again and again.
      const bool telling = survey.kind[i] != Board::kPlain && (full != 0 || visit <= 16 || (visit + turn) % 8 == 0);
      if (only != 0 ? only != i : !telling && (i + turn) % stride != 0) {
        gap |= survey.kind[i] != Board::kPlain;
        continue;
      }
      Kill kill{.number = i,
                .sentence = {.mode = Sentence::kAtInstruction, .number = i, .address = survey.next[i], .visit = visit},
                .after_gap = std::exchange(gap, false)};
      if (survey.next[i] - vdso < 3 * 4096) kill.sentence.mode = Sentence::kByTrapFlag;
      kills.push_back(kill);
    }
    return kills;
  }

  /// False when nothing more can be done.
  bool carry_out(const Kill& kill) {
    for (int attempt = 0;; ++attempt) {
      const int status = nursery_->execute(kill.sentence);
      last_step_ = board().last_step;
      if (status == 0 && board().finished) {
        ++missed_;  // it took another way this time: a clock was read while it ticked
        lost_track_ = true;
        stage_.restore();
        return look_outside("after it ended alive");
      }
      if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        fail(kill, {"the child " + describe_end(status)});
        stage_.restore();
        return false;
      }
      stage_.forget_pids();
      ++totals_.kills;
      if (last_step_ != nullptr) steps_seen().insert(last_step_);
      const std::uint64_t digest = stage_.digest();
      std::string order;
      if (kill.after_gap || lost_track_) {
        watch_.skip();
        lost_track_ = false;
      } else if (digest != last_digest_ && attempt == 0) {
        order = watch_.next();
      }
      last_digest_ = digest;
      const bool fresh = states_.insert(digest).second || scenario_.outside;
      if (!fresh && order.empty() && attempt == 0) {  // the same bytes were looked at before
        if (digest != 0) stage_.restore();
        return true;
      }
      const std::string inside = scenario_.inside ? scenario_.inside(stage_) : "";
      Inquest::Findings findings = inquest_->hold(kill.number % 2 == 0);
      stage_.restore();
      if (!inside.empty()) findings.problems.push_back(inside);
      const std::string outside = scenario_.outside ? scenario_.outside(stage_) : "";
      if (!outside.empty()) findings.problems.push_back(outside);
      if (!order.empty()) findings.problems.push_back(order);
      if (findings.problems.empty() && findings.slow) {
        if (attempt < 4) continue;
        findings.problems.push_back("an operation took longer than 50 ms, five times");
      }
      if (!findings.problems.empty()) fail(kill, findings.problems);
      return true;
    }
  }

  bool look_outside(const char* when) {
    const std::string outside = scenario_.outside ? scenario_.outside(stage_) : "";
    if (!outside.empty()) ADD_FAILURE() << scenario_.name << " " << when << ": " << outside;
    return outside.empty();
  }

  void fail(const Kill& kill, const std::vector<std::string>& problems) {
    ++violations_;
    std::string all;
    for (const std::string& problem : problems) all += "\n    " + problem;
    char where[32] = "";
#if CARAFE_CAN_STEP
    extern const char carafe_test_executable_start[] asm("__executable_start");
    std::snprintf(where, sizeof where, "0x%zx", kill.sentence.address - reinterpret_cast<std::uintptr_t>(carafe_test_executable_start));
#endif
    ADD_FAILURE() << scenario_.name << ": killed at " << (by_ == By::kSteps ? "step " : "instruction ") << kill.number << " of "
                  << totals_.points << (by_ == By::kSteps ? ", " : ", before ") << (by_ == By::kSteps ? last_step_ : where)
                  << " (again: CARAFE_CRASH_AT=" << kill.number << ")" << all;
  }

  void report() {
    totals_.scenarios = 1;
    totals_.states = states_.size();
    totals_.violations = violations_;
    if (by_ == By::kSteps)
      std::printf("%-52s %5llu steps, %5llu kills, %5llu states, %llu violations\n", scenario_.name, number(totals_.points),
                  number(totals_.kills), number(totals_.states), number(totals_.violations));
    else
      std::printf("%-52s %6llu instructions, %4llu stores, %6llu kills, %4llu states, %llu violations\n", scenario_.name,
                  number(totals_.points), number(totals_.stores), number(totals_.kills), number(totals_.states),
                  number(totals_.violations));
    std::fflush(stdout);
    Totals& all = grand_total();
    all.scenarios += 1;
    all.points += totals_.points;
    all.stores += totals_.stores;
    all.kills += totals_.kills;
    all.states += totals_.states;
    all.violations += totals_.violations;
  }
  static unsigned long long number(std::uint64_t value) { return value; }

  const Scenario& scenario_;
  const By by_;
  Stage stage_;
  SharedMemory memory_;
  std::unique_ptr<Nursery> nursery_;
  bool lost_track_ = false;  // what the watch saw last is not what came before the next kill
  std::unique_ptr<Inquest> inquest_;
  std::unordered_set<std::uint64_t> states_;
  const char* last_step_ = nullptr;
  OrderWatch watch_;
  std::uint64_t last_digest_ = 0;
  std::uint64_t missed_ = 0;
  std::uint64_t violations_ = 0;
  Totals totals_;
};

inline std::string name_of_scenario(const ::testing::TestParamInfo<Scenario>& info) { return test_name(info.param.name); }

}  // namespace carafe::test

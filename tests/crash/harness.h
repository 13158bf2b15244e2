// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "carafe/cache.h"
#include "crash/guillotine.h"
#include "crash/inquest.h"
#include "crash/nursery.h"
#include "crash/stage.h"
#include "support/random.h"

namespace carafe::test {

/// One operation, and what it finds. README.md has an example.
struct Scenario {
  const char* name;
  std::function<void(Stage&)> prepare;
  std::function<bool(Stage&)> operation;                                             // in the child; whether it went as it should
  std::function<bool(const Stats& before, const Stats& after)> took_the_way = {};   // that it did what the scenario is about
  bool every_instruction = false;                                                    // in the short run too
  std::uint32_t landmark_stride = 1;                                                 // in the short run: one landmark of so many
  bool registered = true;                                                            // the child has its worker slot before
  std::function<void(Stage&)> before = {};                                           // in the child, before anything is counted
  Stage::Kind kind = Stage::Kind::kNamed;
  std::function<std::string(Stage&)> outside = {};  // looks at what lies outside the segment, and puts it back; what is wrong, or ""
};

inline void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

/// Kills a scenario's child again and again, and counts.
class Trial {
 public:
  enum class By { kSteps, kInstructions };

  struct Totals {
    std::uint64_t scenarios = 0, instructions = 0, landmarks = 0, kills = 0, states = 0, violations = 0;
  };

  Trial(const Scenario& scenario, By by) : scenario_(scenario), by_(by), stage_(scenario.kind), memory_(sizeof(Board)) {}

  void run() {
    stage_.put("other", text('o', 77));
    for (int i = 0; i < 60; ++i) stage_.put("other" + std::to_string(i), text('o', 20 + static_cast<std::size_t>(i % 4) * 90));
    scenario_.prepare(stage_);
    stage_.save();
    const Act act{scenario_.operation, scenario_.before, scenario_.registered};
    nursery_ = std::make_unique<Nursery>(stage_, board(), act);
    if (!rehearse()) return;
    const std::vector<Kill> kills = plan();
    std::uint64_t done = 0;
    for (const Kill& kill : kills) {
      if (!carry_out(kill)) break;
      ++done;
      if (violations_ >= 10) break;
    }
    totals_.kills = done;
    report();
  }

  [[nodiscard]] static Totals& grand_total() {
    static Totals totals;
    return totals;
  }
  [[nodiscard]] static std::unordered_set<std::string>& steps_seen() {
    static std::unordered_set<std::string> names;
    return names;
  }

 private:
  struct Kill {
    KillPoint at;
    std::uint64_t number = 0;  // of the instruction, or of the step
  };

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
    sentence.steps_only = true;
    int status = nursery_->execute(sentence);
    if (status != 0 || !board().finished || !board().as_wanted) {
      ADD_FAILURE() << scenario_.name << ": the operation did not go as it should; the child " << describe_end(status);
      return false;
    }
    stage_.forget_pids();
    const std::uint64_t alive = stage_.digest();
    totals_.landmarks = board().landmarks;
    const Picture after = Picture::of(stage_.cache());
    stage_.restore();
    if (scenario_.took_the_way && !scenario_.took_the_way(before.stats, after.stats)) {
      ADD_FAILURE() << scenario_.name << ": the operation went, but not the way that this scenario is about";
      return false;
    }
    if (!look_outside("when nobody was killed")) return false;
    if (by_ == By::kInstructions) {
      sentence = {};
      sentence.mode = Sentence::kSurvey;
      status = nursery_->execute(sentence);
      stage_.forget_pids();
      if (status != 0 || !board().finished || stage_.digest() != alive) {
        ADD_FAILURE() << scenario_.name << ": under the trap flag the operation came to something else; the child " << describe_end(status);
        return false;
      }
      stage_.restore();
      static_cast<void>(look_outside("after the survey"));
      totals_.landmarks = std::min(board().landmarks, Board::kMostLandmarks - 1);
      totals_.instructions = board().instructions;
      landmarks_.assign(board().seen, board().seen + totals_.landmarks + 1);
      landmarks_[0] = {0, Landmark::kBegin};
    }
    inquest_ = std::make_unique<Inquest>(stage_, board(), before, after);
    // Nobody has died yet: so everything has to be well, and this is the room there should be.
    const Inquest::Findings findings = inquest_->hold(0, false);
    expected_items_ = findings.items;
    stage_.restore();
    for (const std::string& problem : findings.problems) ADD_FAILURE() << scenario_.name << ", before any kill: " << problem;
    return findings.problems.empty();
  }

  [[nodiscard]] std::vector<Kill> plan() const {
    std::vector<Kill> kills;
    if (const char* only = std::getenv("CARAFE_CRASH_AT")) {  // landmark.instructions
      Kill kill;
      char* end = nullptr;
      kill.at.landmark = static_cast<std::uint32_t>(std::strtoul(only, &end, 10));
      if (*end == '.') kill.at.instructions = static_cast<std::uint32_t>(std::strtoul(end + 1, nullptr, 10));
      return {kill};
    }
    if (by_ == By::kSteps) {
      for (std::uint32_t i = 1; i <= totals_.landmarks; ++i) kills.push_back({{i, 0}, i});
      return kills;
    }
    const bool full = number_from_environment("CARAFE_CRASH_FULL", 0) != 0;
    const bool brief = number_from_environment("CARAFE_TEST_SHORT", 0) != 0;
    std::uint64_t stride = 1;
    if (!full && !scenario_.every_instruction) stride = std::max<std::uint64_t>(7, totals_.instructions / 40);
    if (!full && brief) stride = std::max<std::uint64_t>(stride, totals_.instructions / 40);
    const auto turn = static_cast<std::uint64_t>(std::time(nullptr));
    const std::uint64_t landmark_stride = full ? 1 : scenario_.landmark_stride;
    std::uint64_t instruction = 1 + turn % stride;
    for (std::uint32_t i = 0; i < landmarks_.size(); ++i) {
      const std::uint64_t begin = landmarks_[i].instructions;
      const std::uint64_t end = i + 1 < landmarks_.size() ? landmarks_[i + 1].instructions : totals_.instructions;
      if (i > 0 && (landmark_stride == 1 || landmarks_[i].kind != Landmark::kStore || i % landmark_stride == turn % landmark_stride))
        kills.push_back({{i, 0}, begin});
      for (; instruction < end; instruction += stride)
        if (instruction > begin) kills.push_back({{i, static_cast<std::uint32_t>(instruction - begin)}, instruction});
    }
    return kills;
  }

  /// False when the operation ended alive, or nothing more can be done.
  bool carry_out(const Kill& kill) {
    for (int attempt = 0;; ++attempt) {
      Sentence sentence;
      sentence.mode = Sentence::kKill;
      sentence.steps_only = by_ == By::kSteps;
      sentence.at = kill.at;
      const int status = nursery_->execute(sentence);
      if (board().last_step != nullptr) steps_seen().insert(board().last_step);
      if (status == 0 && board().finished) {  // the counts differ a little from run to run: it was through already
        stage_.restore();
        return look_outside("after it ended alive") && by_ == By::kInstructions;
      }
      if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        last_step_ = board().last_step;
        last_at_ = board().at;
        fail(kill, {"the child " + describe_end(status)});
        stage_.restore();
        return false;
      }
      last_step_ = board().last_step;
      last_at_ = board().at;
      stage_.forget_pids();
      const bool fresh = states_.insert(stage_.digest()).second || scenario_.outside;
      if (!fresh && attempt == 0) {
        stage_.restore();
        return true;
      }
      Inquest::Findings findings = inquest_->hold(expected_items_, kill.number % 2 == 0);
      stage_.restore();
      const std::string outside = scenario_.outside ? scenario_.outside(stage_) : "";
      if (!outside.empty()) findings.problems.push_back(outside);
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
    char where[96];
    extern const char carafe_test_executable_start[] asm("__executable_start");
    std::snprintf(where, sizeof where, "%zx", last_at_ == 0 ? 0 : last_at_ - reinterpret_cast<std::uintptr_t>(carafe_test_executable_start));
    ADD_FAILURE() << scenario_.name << ": killed at " << (by_ == By::kSteps ? "step " : "instruction ") << kill.number
                  << " (CARAFE_CRASH_AT=" << kill.at.landmark << "." << kill.at.instructions << "; last step: "
                  << (last_step_ == nullptr ? "none" : last_step_) << "; addr2line 0x" << where << ")" << all;
  }

  void report() {
    totals_.scenarios = 1;
    totals_.states = states_.size();
    totals_.violations = violations_;
    if (by_ == By::kSteps)
      std::printf("%-52s %5llu steps, %5llu kills, %5llu states, %llu violations\n", scenario_.name, number(totals_.landmarks),
                  number(totals_.kills), number(totals_.states), number(totals_.violations));
    else
      std::printf("%-52s %6llu instructions, %5llu landmarks, %6llu kills, %5llu states, %llu violations\n", scenario_.name,
                  number(totals_.instructions), number(totals_.landmarks), number(totals_.kills), number(totals_.states),
                  number(totals_.violations));
    std::fflush(stdout);
    Totals& all = grand_total();
    all.scenarios += 1;
    all.instructions += totals_.instructions;
    all.landmarks += totals_.landmarks;
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
  std::unique_ptr<Inquest> inquest_;
  std::vector<Board::Seen> landmarks_;
  std::unordered_set<std::uint64_t> states_;
  const char* last_step_ = nullptr;
  std::uintptr_t last_at_ = 0;
  std::uint64_t expected_items_ = 0;
  std::uint64_t violations_ = 0;
  Totals totals_;
};

}  // namespace carafe::test

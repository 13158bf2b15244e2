// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstring>
#include <functional>
#include <utility>

#include "base/step.h"
#include "cache/engine.h"
#include "crash/nursery.h"

/// Ways to be somewhere at the very moment that mattered: at a CARAFE_STEP by its name.
namespace carafe::test {

/// A worker carries out `operation` and is killed when it first comes to `step`.
inline void kill_at(Stage& stage, const char* step, const std::function<bool(Stage&)>& operation) {
  SharedMemory memory(sizeof(Board));
  const int status = fork_and_execute(stage, memory.as<Board>(), {operation, {}}, {.mode = Sentence::kAtNamedStep, .name = step});
  ASSERT_TRUE(WIFSIGNALED(status)) << "the operation never came to \"" << step << "\"";
}

/// While it lives: the first time that this process comes to `step`, `what` is done there.
class AtStep {
 public:
  AtStep(const char* step, std::function<void()> what) : step_(step), what_(std::move(what)) {
    current_ = this;
    step_hook = [](const char* name) {
      if (std::strcmp(name, current_->step_) != 0) return;
      step_hook = nullptr;
      current_->was_there_ = true;
      current_->what_();
    };
  }
  AtStep(const AtStep&) = delete;
  AtStep& operator=(const AtStep&) = delete;
  ~AtStep() {
    step_hook = nullptr;
    EXPECT_TRUE(was_there_) << "nobody came to \"" << step_ << "\"";
  }

 private:
  static inline AtStep* current_ = nullptr;
  const char* step_;
  std::function<void()> what_;
  bool was_there_ = false;
};

/// One more worker of a segment, with all that is inside. Those of one process are each other's peers as those of two are.
struct Peer : Engine {
  explicit Peer(std::string_view name) : Engine(open_segment(name, {}, false), 20'000'000) {}
  const Worker me = worker();
};

}  // namespace carafe::test

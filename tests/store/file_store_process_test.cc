// SPDX-License-Identifier: MIT
// A FileStore among processes: one computation for all of them, and the dead give it up.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "carafe/file_store.h"
#include "support/child.h"
#include "support/fake_clock.h"
#include "support/scratch.h"
#include "support/scratch_directory.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;

class FileStoreProcessTest : public ::testing::Test {
 protected:
  /// Says something to the parent: a file of that name.
  void say(const std::string& word) const { std::filesystem::create_directory(board_.path() + "/" + word); }
  [[nodiscard]] bool heard(const std::string& word) const { return std::filesystem::exists(board_.path() + "/" + word); }
  [[nodiscard]] std::size_t words() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(board_.path())) ++count;
    return count;
  }
  /// Another process that has the lease on "key", and is at it for longer than any test.
  [[nodiscard]] Child compute_for_a_minute() {
    Child owner = Child::fork([&] {
      static_cast<void>(store_.get_or_load("key", [&] {
        say("computing");
        std::this_thread::sleep_for(60s);
        return "never";
      }));
      return 0;
    });
    EXPECT_TRUE(eventually(10s, [&] { return heard("computing"); }));
    return owner;
  }

  ScratchDirectory board_;
  ScratchDirectory directory_;
  FileStore store_ = FileStore::open(directory_.path());
};

TEST_F(FileStoreProcessTest, ProcessesComputeOnce) {
  std::vector<Child> children;
  for (int i = 0; i < 6; ++i)
    children.push_back(Child::fork([&] {
      for (int key = 0; key < 10; ++key) {
        const std::string value = store_.get_or_load("key" + std::to_string(key), [&] {
          say(std::to_string(key) + " by " + std::to_string(::getpid()));
          std::this_thread::sleep_for(20ms);
          return "value" + std::to_string(key);
        });
        CHILD_REQUIRE(value == "value" + std::to_string(key));
      }
      return 0;
    }));
  for (Child& child : children) EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(words(), 10U);
}

TEST_F(FileStoreProcessTest, TheDeadGiveUpTheirLease) {
  Child owner = compute_for_a_minute();
  EXPECT_EQ(store_.get_or_load("key", [] { return "lone"; }, {.max_wait = 100ms}), "lone") << "alive: nobody may take it over";
  EXPECT_FALSE(store_.get("key"));
  Child waiter = Child::fork([&] { return store_.get_or_load("key", [] { return "taken over"; }) == "taken over" ? 0 : 1; });
  std::this_thread::sleep_for(50ms);
  const auto killed = std::chrono::steady_clock::now();
  owner.kill();
  EXPECT_EQ(waiter.wait(10s), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - killed, 2s);
  EXPECT_EQ(store_.get("key"), "taken over");
}

TEST_F(FileStoreProcessTest, AChildForkedByALoaderDoesNotKeepTheLease) {
  FakeClock clock;
  Child child;
  EXPECT_EQ(store_.get_or_load("key",
                               [&] {
                                 child = Child::fork([] { return static_cast<int>(::sleep(60)); });
                                 return "value";
                               },
                               {.ttl = 1s}),
            "value");
  clock.advance(2s);
  EXPECT_EQ(store_.get_or_load("key", [] { return "new"; }, {.max_wait = 1s}), "new");
  EXPECT_EQ(store_.get("key"), "new");
}

TEST_F(FileStoreProcessTest, WhatTheDeadLeftIsSwept) {
  Child owner = compute_for_a_minute();
  EXPECT_EQ(store_.sweep(), 0U) << "alive";
  owner.kill();
  EXPECT_EQ(store_.sweep(), 1U);
}

TEST_F(FileStoreProcessTest, AnEraseElsewhereKeepsOutWhatIsBeingComputed) {
  const std::pair<std::string, std::function<void()>> changes[] = {
      {"erase", [&] { EXPECT_EQ(store_.erase("key"), Status::kNotFound); }},
      {"set", [&] { EXPECT_EQ(store_.set("key", "new"), Status::kOk); }},
      {"erase_prefix", [&] { EXPECT_EQ(store_.erase_prefix("k"), 0U); }},
      {"clear", [&] { store_.clear(); }},
  };
  for (const auto& [name, make] : changes) {
    const std::string& change = name;  // clang 14 captures no structured binding
    Child owner = Child::fork([&] {
      return store_.get_or_load("key",
                                [&] {
                                  say(change);
                                  while (!heard(change + " done")) std::this_thread::sleep_for(1ms);
                                  return "old";
                                }) == "old"
                 ? 0
                 : 1;
    });
    ASSERT_TRUE(eventually(10s, [&] { return heard(change); }));
    make();
    say(change + " done");
    EXPECT_EQ(owner.wait(10s), 0);
    EXPECT_NE(store_.get("key").value_or(""), "old") << change;
    static_cast<void>(store_.erase("key"));
  }
}

TEST_F(FileStoreProcessTest, KilledAtAnyMomentItLeavesNoTornValue) {
  const std::string value(100'000, 'v');
  for (int round = 0; round < 30; ++round) {
    Child child = Child::fork([&] {
      for (int i = 0;; ++i) {
        static_cast<void>(store_.set("set" + std::to_string(i % 3), value));
        static_cast<void>(store_.get_or_load("load" + std::to_string(i % 3), [&] { return value; }));
        static_cast<void>(store_.erase("load" + std::to_string((i + 1) % 3)));
      }
      return 0;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + round));
    child.kill();
    for (int i = 0; i < 3; ++i)
      for (const char* kind : {"set", "load"}) {
        const auto found = store_.get(kind + std::to_string(i));
        EXPECT_TRUE(!found || *found == value) << "torn";
        EXPECT_EQ(store_.get_or_load(kind + std::to_string(i), [&] { return value; }, {.max_wait = 1s}), value);
        EXPECT_TRUE(store_.get(kind + std::to_string(i))) << "the dead one's lease was not taken over";
      }
  }
}

}  // namespace
}  // namespace carafe::test

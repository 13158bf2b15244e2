// SPDX-License-Identifier: MIT
// What a reader does whose neighbours never hold still: a few tries, the chunk's own word, one try of the lock, then a miss that is counted as
// contended. It ends, whatever goes on around it, and what it brings home is whole.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <utility>

#include "cache/reader.h"
#include "cache/stripe_guard.h"
#include "cache/writer.h"
#include "crash/guillotine.h"
#include "support/fake_clock.h"
#include "support/small_engine.h"

namespace carafe {
namespace {

namespace guillotine = test::guillotine;

#if CARAFE_CAN_STEP

/// While it lives, something is done after every `pace`-th instruction of this thread.
class Unrest {
 public:
  Unrest(std::uint64_t pace, std::function<void(std::uint64_t round)> once) : once_(std::move(once)), pace_(pace) {
    current_ = this;
    guillotine::handle(SIGTRAP, [](int, siginfo_t*, void*) {
      Unrest& self = *current_;
      if (++self.instructions_ % self.pace_ == 0) self.once_(self.instructions_ / self.pace_);
    });
    guillotine::set_trap_flag(guillotine::kTrapFlag);
  }
  Unrest(const Unrest&) = delete;
  Unrest& operator=(const Unrest&) = delete;
  ~Unrest() {
    guillotine::clear_trap_flag();
    ::signal(SIGTRAP, SIG_DFL);
  }

 private:
  static inline Unrest* current_ = nullptr;
  const std::function<void(std::uint64_t)> once_;
  const std::uint64_t pace_;
  std::uint64_t instructions_ = 0;
};

class PatientReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    short_value_ = std::string(200, 's');
    long_value_ = std::string(9'000, 'l');
    ASSERT_EQ(Writer(engine_, me_).store(key_, short_value_, ItemTraits{}, Condition::kAlways), Status::kOk);
    ASSERT_EQ(Writer(engine_, me_).store(long_, long_value_, ItemTraits{}, Condition::kAlways), Status::kOk);
  }

  [[nodiscard]] Table table(const Key& key) const { return Table::of(engine_.view, key.stripe); }
  /// As a writer that changes something in both buckets, but without anything that it changes.
  static void disturb(const Table& table, const Key& key) { table.raise_versions(key.tag); }

  /// Reads amid unrest of each pace. Whatever is a hit is the whole value.
  void read_all(const Key& key, const std::string& value, const std::function<void(std::uint64_t round)>& unrest) {
    std::string got;
    got.reserve(value.size());
    for (const std::uint64_t pace : {1U, 2U, 5U, 17U, 40U, 90U, 200U})
      for (int i = 0; i < 3; ++i) {
        ReadDetails details;
        ReadResult result{};
        {
          const Unrest now(pace + static_cast<std::uint64_t>(i), unrest);
          result = Reader(engine_, me_).read(key, i % 3 == 0 ? nullptr : &got, i % 2 == 0 ? &details : nullptr, true);
        }
        if (result == ReadResult::kHit && i % 3 != 0) {
          EXPECT_EQ(got, value) << "pace " << pace;
        }
        ++results_[static_cast<std::size_t>(result)];
      }
  }
  void read_in_peace(const Key& key, const std::string& value) {
    std::string got;
    ASSERT_EQ(Reader(engine_, me_).read(key, &got, nullptr, true), ReadResult::kHit);
    ASSERT_EQ(got, value);
  }
  [[nodiscard]] int count(ReadResult result) const { return results_[static_cast<std::size_t>(result)]; }
  [[nodiscard]] std::uint64_t retries() const {
    return me_.lane->counters[static_cast<std::size_t>(CounterId::k_reader_retries)].load(kRelaxed);
  }

  Engine engine_ = test::small_engine();
  const Worker me_ = engine_.worker();
  const Key key_ = Key::of(engine_, "key");
  const Key long_ = Key::of(engine_, "long");
  const Key absent_ = Key::of(engine_, "absent");
  std::string short_value_;
  std::string long_value_;
  int results_[7] = {};
};

TEST_F(PatientReaderTest, FindsItsItemThoughItsNeighboursNeverHoldStill) {
  for (const Key& key : {key_, long_}) {
    read_all(key, key.text == "key" ? short_value_ : long_value_, [&key, t = table(key)](std::uint64_t) { disturb(t, key); });
  }
  EXPECT_GT(retries(), 200U) << "nobody was disturbed: this tested nothing";
  EXPECT_EQ(count(ReadResult::kMiss) + count(ReadResult::kContended) + count(ReadResult::kCorrupt), 0);
}

TEST_F(PatientReaderTest, MissesWhatIsNotThere) {
  ASSERT_EQ(Writer(engine_, me_).store(absent_, "x", ItemTraits{}, Condition::kAlways), Status::kOk);  // so that there is a table
  ASSERT_EQ(Writer(engine_, me_).erase(absent_), Status::kOk);
  read_all(absent_, "", [&, t = table(absent_)](std::uint64_t) { disturb(t, absent_); });
  EXPECT_GT(retries(), 100U);
  EXPECT_EQ(count(ReadResult::kHit) + count(ReadResult::kContended) + count(ReadResult::kCorrupt), 0);
}

TEST_F(PatientReaderTest, MissesWhatHasExpired) {
  test::FakeClock clock;
  ASSERT_EQ(
      Writer(engine_, me_).store(key_, short_value_, ItemTraits{.expiry = Expiry::from_ttl(std::chrono::seconds(1))}, Condition::kAlways),
      Status::kOk);
  clock.advance(std::chrono::seconds(2));
  read_all(key_, short_value_, [&, t = table(key_)](std::uint64_t) { disturb(t, key_); });
  EXPECT_GT(retries(), 100U);
  EXPECT_EQ(count(ReadResult::kHit) + count(ReadResult::kContended) + count(ReadResult::kCorrupt), 0);
}

/// Its chunk changes hands, or its page its class, all the time: then the lock is tried, and whoever holds it has the last word.
TEST_F(PatientReaderTest, GivesUpWhereNothingHoldsStill) {
  const Found found = find_locked(engine_, table(key_), key_, engine_.epoch());
  ASSERT_TRUE(found);
  auto& side = engine_.slabs.side(found.chunk);
  auto& page_class = engine_.view.page_class(found.chunk.page);
  auto& directory = engine_.view.directory(key_.stripe);
  const std::uint64_t side_word = side.load();
  const std::uint64_t directory_word = directory.load();
  const std::uint32_t class_word = page_class.load();
  const Table t = table(key_);
  const std::function<void(std::uint64_t)> kinds[] = {
      [&](std::uint64_t round) { side.store(SideWord::linked(static_cast<std::uint32_t>(round), key_.stripe, key_.tag)); },
      [&](std::uint64_t round) { side.store(round % 2 == 0 ? side_word : SideWord::free(1)); },
      [&](std::uint64_t round) { page_class.store(round % 2 == 0 ? class_word : kNoClass); },
      [&](std::uint64_t round) { directory.store(directory_word ^ (round & 0xff)); },
      [&](std::uint64_t round) { directory.store(round % 2 == 0 ? directory_word : DirectoryWord::none(7)); },
      [&](std::uint64_t round) { found.entry->store(round % 2 == 0 ? found.word : Entry::kEmpty); },
  };
  for (const auto& kind : kinds) {
    read_all(key_, short_value_, [&](std::uint64_t round) {
      kind(round);
      disturb(t, key_);
    });
    side.store(side_word);
    directory.store(directory_word);
    page_class.store(class_word);
    found.entry->store(found.word);
    read_in_peace(key_, short_value_);
  }
}

/// The lock's holder does not let go: then it is a miss, at once. So it is for who has no slot to lock with.
TEST_F(PatientReaderTest, WaitsForNobody) {
  const Found found = find_locked(engine_, table(key_), key_, engine_.epoch());
  ASSERT_TRUE(found);
  auto& side = engine_.slabs.side(found.chunk);
  const auto changing_hands = [&, t = table(key_)](std::uint64_t round) {
    side.store(SideWord::linked(static_cast<std::uint32_t>(round), key_.stripe, key_.tag));
    disturb(t, key_);
  };
  {
    const StripeGuard held = StripeGuard::wait(engine_, me_, key_.stripe);
    ASSERT_TRUE(held);
    read_all(key_, short_value_, changing_hands);
  }
  EXPECT_GT(count(ReadResult::kContended), 0);
  Worker stranger = me_;
  stranger.word = 0;
  const Unrest unrest(1, changing_hands);
  EXPECT_EQ(Reader(engine_, stranger).read(key_, nullptr, nullptr, false), ReadResult::kContended);
}

/// With the lock nothing is allocated: who needs more room is told to come again.
TEST_F(PatientReaderTest, AllocatesNothingUnderTheLock) {
  const Found found = find_locked(engine_, table(long_), long_, engine_.epoch());
  ASSERT_TRUE(found);
  auto& directory = engine_.view.directory(long_.stripe);
  const std::uint64_t word = directory.load();
  std::string got;
  ReadResult result{};
  {
    const Unrest unrest(1, [&, t = table(long_)](std::uint64_t round) {
      directory.store(word ^ (round & 0xff));  // never the same table twice: no copy is even begun
      disturb(t, long_);
    });
    result = Reader(engine_, me_).read(long_, &got, nullptr, false);
  }
  EXPECT_TRUE(result == ReadResult::kContended || (result == ReadResult::kHit && got == long_value_));
  directory.store(word);
}

#else

TEST(PatientReaderTest, IsNotSteppedHere) { GTEST_SKIP() << "needs the trap flag of x86-64, and no sanitizer"; }

#endif

}  // namespace
}  // namespace carafe

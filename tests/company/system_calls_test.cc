// SPDX-License-Identifier: MIT
/// Each system call of opening, creating, removing, registering after a fork and following a name fails in its turn, in each way that is
/// in the table (as SQLite tests do). What has to come of it is in the table too: a carafe::Error of that status which names the segment,
/// the reason and a remedy, with nothing left behind; or that the operation goes on without it. Then it is done again, undisturbed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "carafe/carafe.h"
#include "company/faults.h"
#include "company/footprint.h"
#include "company/inmate.h"
#include "support/child.h"
#include "support/fake_clock.h"
#include "support/scratch.h"
#include "support/shared_memory.h"
#include "support/workout.h"

namespace carafe::test {
namespace {

using namespace std::chrono_literals;
using faults::Place;
using faults::Shot;

struct Row {
  Place place;
  int error;
  std::vector<Status> expected;  // any of these; kOk: it goes on without
  const char* operation = "";    // only where the operation's name begins so; the first row that fits is taken
};

const std::vector<Row>& table() {
  using S = Status;
  static const std::vector<Row> rows = {
      {Place::kLstatSegment, EACCES, {S::kNoPermission}, "remove"},
      {Place::kLstatSegment, ENOMEM, {S::kSystem}, "remove"},
      {Place::kLstatSegment, EACCES, {S::kOk}},  // create looks only to save itself work: the link decides
      {Place::kLstatSegment, ENOMEM, {S::kOk}},
      {Place::kOpenTmpfile, EACCES, {S::kNoPermission}},
      {Place::kOpenTmpfile, EROFS, {S::kNoPermission}},
      {Place::kOpenTmpfile, ENOSPC, {S::kOutOfMemory}},
      {Place::kOpenTmpfile, EMFILE, {S::kSystem}},
      {Place::kOpenTmpfile, ENFILE, {S::kSystem}},
      {Place::kOpenTmpfile, EOPNOTSUPP, {S::kSystem}},
      {Place::kOpenSegment, EACCES, {S::kNoPermission}},
      {Place::kOpenSegment, EROFS, {S::kNoPermission}},
      {Place::kOpenSegment, EMFILE, {S::kSystem}},
      {Place::kOpenSegment, ENOMEM, {S::kSystem}},
      {Place::kOpenSegment, ELOOP, {S::kOk}, "remove"},  // not a segment, so nothing to retire
      {Place::kOpenSegment, ELOOP, {S::kNotASegment}},
      {Place::kOpenAgain, EMFILE, {S::kNoWorkerSlot}, "anonymous"},
      {Place::kOpenAgain, ENOENT, {S::kNoWorkerSlot}, "anonymous"},
      {Place::kOpenAgain, EMFILE, {S::kOk}},  // by name, then
      {Place::kOpenAgain, ENOENT, {S::kOk}},
      {Place::kFstat, EIO, {S::kSystem, S::kNoWorkerSlot, S::kOk}},  // of the file; of the slot's descriptor; before closing
      {Place::kReadHeader, EIO, {S::kSystem}},
      {Place::kAcl, EIO, {S::kOk}, "create"},  // of its own file; whoever opens it asks again
      {Place::kAcl, EIO, {S::kOk}, "anonymous"},
      {Place::kAcl, EIO, {S::kOk}, "open_or_create of none"},
      {Place::kAcl, EIO, {S::kSystem}},  // in doubt there is one
      {Place::kAcl, EOPNOTSUPP, {S::kOk}},
      {Place::kFchown, EPERM, {S::kNoPermission}},
      {Place::kFchmod, EPERM, {S::kSystem}},
      {Place::kCgroup, EACCES, {S::kOk}},
      {Place::kCgroup, EMFILE, {S::kOk}},
      {Place::kFstatfs, EIO, {S::kOk}},
      {Place::kFallocate, ENOSPC, {S::kOutOfMemory}},
      {Place::kFallocate, ENOMEM, {S::kOutOfMemory}},
      {Place::kFallocate, EIO, {S::kSystem}},
      {Place::kFallocate, EINTR, {S::kOk}},
      {Place::kFallocate, EOPNOTSUPP, {S::kOk}},  // libc writes to every page then
      {Place::kMapSegment, ENOMEM, {S::kSystem}},
      {Place::kMapSegment, EAGAIN, {S::kSystem}},
      {Place::kMapToken, ENOMEM, {S::kNoWorkerSlot}},
      {Place::kMapIdentity, ENOMEM, {S::kSystem}},
      {Place::kAdviseDontdump, EINVAL, {S::kOk}},
      {Place::kAdviseWipeonfork, EINVAL, {S::kSystem}},
      {Place::kAdviseWipeonfork, ENOMEM, {S::kSystem}},
      {Place::kAdviseDontfork, ENOMEM, {S::kNoWorkerSlot}},
      {Place::kMapAligned, ENOMEM, {S::kOk}},  // small pages, then
      {Place::kAdviseHugepage, EINVAL, {S::kOk}},
      {Place::kAdviseCollapse, EINVAL, {S::kOk}},  // before Linux 6.1
      {Place::kAdviseCollapse, ENOMEM, {S::kOk}},
      {Place::kAdviseCollapse, EAGAIN, {S::kOk}},
      {Place::kAdvisePopulate, EINVAL, {S::kOk}},  // before Linux 5.14: by touching
      {Place::kAdvisePopulate, ENOMEM, {S::kOk}},
      {Place::kAdvisePopulate, EINTR, {S::kOk}},
      {Place::kGetMempolicy, EPERM, {S::kOk}},  // a sandbox, or a kernel without NUMA
      {Place::kGetMempolicy, ENOSYS, {S::kOk}},
      {Place::kMbind, EPERM, {S::kOk}},
      {Place::kGetrandom, ENOSYS, {S::kSystem}},
      {Place::kGetrandom, EINTR, {S::kOk}},
      {Place::kTimeNamespace, EACCES, {S::kOk}},
      {Place::kBootId, EACCES, {S::kOk}},
      {Place::kLinkat, ENOENT, {S::kOk, S::kSystem}},  // no /proc: by descriptor, which older kernels let only root do
      {Place::kLinkat, EACCES, {S::kNoPermission}},
      {Place::kLinkat, ENOSPC, {S::kOutOfMemory}},
      {Place::kLinkat, EIO, {S::kSystem}},
      {Place::kLinkat, EEXIST, {S::kOk}, "open_or_create"},  // somebody else's, who removed it at once: another try
      {Place::kLinkat, EEXIST, {S::kSegmentExists}},
      {Place::kUnlink, EACCES, {S::kNoPermission}},
      {Place::kUnlink, EROFS, {S::kNoPermission}},
      {Place::kUnlink, EIO, {S::kSystem}},
      {Place::kMemfd, EMFILE, {S::kSystem}},
      {Place::kMemfd, ENOSYS, {S::kSystem}},
      {Place::kMemfd, EINVAL, {S::kOk}},  // a kernel that does not know the newest flag
      {Place::kSeal, EINVAL, {S::kOk}},
      {Place::kSeal, EPERM, {S::kOk}},
      {Place::kLockByte, ENOLCK, {S::kNoWorkerSlot}},
      {Place::kLockByte, EINVAL, {S::kNoWorkerSlot}},
      {Place::kLockByte, EAGAIN, {S::kOk}},  // the next slot
  };
  return rows;
}

/// The `variant`-th way in which `place` fails within `operation`; nullptr when there are not so many.
const Row* row_of(Place place, const std::string& operation, int variant) {
  std::set<int> errors;
  for (const Row& row : table()) {
    if (row.place != place || operation.rfind(row.operation, 0) != 0 || !errors.insert(row.error).second) continue;
    if (variant-- == 0) return &row;
  }
  return nullptr;
}

/// Whether a row allows that. A handle that follows its name says kCannotReopen for all that an open would throw.
bool allows(const Row& row, const std::string& operation, Status status) {
  for (const Status expected : row.expected) {
    if (expected == status) return true;
    const bool thrown = expected != Status::kOk && expected != Status::kNoWorkerSlot;
    if (operation == "follow" && status == Status::kCannotReopen && thrown) return true;
  }
  return false;
}

struct Operation {
  std::string name;
  std::string shown;              // how errors name the segment
  std::function<void()> prepare;  // makes what it needs, in the process that will do it
  std::function<Status()> act;    // undisturbed it says kOk
  std::function<void()> prepare_parent = [] {};
};

class SystemCallsTest : public ::testing::Test {
 protected:
  struct Board {
    Shot shot;
  };

  /// Runs `body` without any atfork handler, so that a handle which this process has is unregistered in it.
  int in_clone(const std::function<void()>& body) {
    return Cloned(0,
                  [&] {
                    body();
                    return verdict();
                  })
        .wait();
  }

  std::vector<Operation> operations() {
    Options shared = with_capacity(kMiB);
    shared.mode = 0660;
    shared.group = std::to_string(::getegid());
    Options huge = with_capacity(4 * kMiB);
    huge.pages = Pages::kHuge;
    huge.populate = Populate::kAtOpening;
    huge.interleave = true;
    const auto nothing = [] {};
    const auto made = [this] { static_cast<void>(Cache::create(name_, with_capacity(kMiB))); };
    const auto keep = [this](Cache cache) {
      cache_ = std::move(cache);
      return Status::kOk;
    };
    const auto first_set = [this] {
      clock_->advance(2s);  // a worker that found no slot looks again after a second
      return cache_->set("key", "value");
    };
    return {
        {"create", name_.str(), nothing, [this, keep] { return keep(Cache::create(name_, with_capacity(kMiB))); }},
        {"create for a group", name_.str(), nothing, [this, keep, shared] { return keep(Cache::create(name_, shared)); }},
        {"create on huge pages", name_.str(), nothing, [this, keep, huge] { return keep(Cache::create(name_, huge)); }},
        {"anonymous: create", "anonymous segment", nothing, [keep] { return keep(Cache::create_anonymous(with_capacity(kMiB))); }},
        {"open", name_.str(), made, [this, keep] { return keep(Cache::open(name_)); }},
        {"open_read_only", name_.str(), made, [this, keep] { return keep(Cache::open_read_only(name_)); }},
        {"open_or_create of one", name_.str(), made, [this, keep] { return keep(Cache::open_or_create(name_)); }},
        {"open_or_create of none", name_.str(), nothing, [this, keep] { return keep(Cache::open_or_create(name_, with_capacity(kMiB))); }},
        {"remove", name_.str(), made, [this] { return Cache::remove(name_) ? Status::kOk : Status::kNotFound; }},
        {"first set after fork", name_.str(), nothing, first_set, [this] { cache_ = Cache::create(name_, with_capacity(kMiB)); }},
        {"anonymous: first set after fork", "", nothing, first_set, [this] { cache_ = Cache::create_anonymous(with_capacity(kMiB)); }},
        {"follow", name_.str(),
         [this, made] {
           cache_ = Cache::create(name_, with_capacity(kMiB));
           EXPECT_TRUE(Cache::remove(name_));
           made();
         },
         first_set},
    };
  }

  /// One attempt, in a process of its own: the n-th call fails in its `variant`-th way.
  void attempt(const Operation& operation, int variant, int n) {
    FakeClock clock;
    clock_ = &clock;
    operation.prepare();
    const std::uint64_t alive = workers_alive();
    const Footprint before = Footprint::take(name_.str());
    faults::arm(n, [](Place place) {
      const Row* row = row_of(place, current_->name, variant_);
      return row != nullptr ? row->error : 0;
    });
    const auto [status, what] = outcome_of(operation);
    const Shot shot = board_.shot = faults::disarm();
    SCOPED_TRACE(operation.name + ", call " + std::to_string(n) + ": " + faults::to_string(shot.place) + ", " + std::strerror(shot.error));
    const Row* row = shot.reached ? row_of(shot.place, operation.name, variant) : nullptr;
    EXPECT_TRUE(!shot.reached || row != nullptr || variant > 0) << "the table has no row for this call";
    EXPECT_EQ(faults::unknown_calls(), "") << "calls that faults.h does not know";
    if (row == nullptr) {
      EXPECT_EQ(status, Status::kOk) << what;
    } else {
      EXPECT_TRUE(allows(*row, operation.name, status)) << to_string(status) << ": " << what;
    }
    if (status != Status::kOk) {
      if (!what.empty()) expect_clear(what, operation, status, shot.place, shot.error);
      // Whether a descriptor is still ours is asked by fstat before it is closed; where that fails it is rather left open. And a handle that
      // followed, but found no slot, has moved on.
      if (operation.name != "follow" || status != Status::kNoWorkerSlot) {
        EXPECT_EQ(Footprint::take(name_.str()).beyond(before, shot.place == Place::kFstat ? 1 : 0), "") << "left behind";
      }
      EXPECT_EQ(workers_alive(), alive) << "a slot was left taken";
      const auto [again, why] = outcome_of(operation);
      EXPECT_EQ(again, Status::kOk) << "undisturbed: " << why;
    }
    if (cache_ && operation.name != "open_read_only") {
      EXPECT_EQ(workout(*cache_, "after", 2), "");
    }
  }

  /// Live workers of the segment, whoever they are; looked at through a handle that is closed again.
  std::uint64_t workers_alive() {
    std::uint64_t count = 0;
    try {
      const Cache look = Cache::open_read_only(name_);
      for (const WorkerStats& worker : look.workers()) count += worker.alive ? 1 : 0;
    } catch (const Error&) {  // there is none
    }
    return count;
  }

  static std::pair<Status, std::string> outcome_of(const Operation& operation) {
    try {
      return {operation.act(), ""};
    } catch (const Error& error) {
      return {error.status(), error.what()};
    } catch (const std::exception& error) {
      ADD_FAILURE() << "not a carafe::Error: " << error.what();
      return {Status::kOk, ""};
    }
  }

  static void expect_clear(const std::string& what, const Operation& operation, Status status, Place place, int error) {
    EXPECT_NE(what.find(operation.shown), std::string::npos) << "does not name the segment: " << what;
    EXPECT_NE(what.find("; "), std::string::npos) << "names no remedy: " << what;
    if ((status == Status::kSystem || status == Status::kNoWorkerSlot) && place != Place::kFstat) {  // a stale file, that would be
      EXPECT_NE(what.find(std::strerror(error)), std::string::npos) << "does not say why: " << what;
    }
  }

  /// All attempts on all operations.
  int fail_each_call() {
    const std::vector<Operation> all = operations();
    for (const Operation& operation : all) {  // undisturbed, so that the heap and the libraries have what they need
      FakeClock clock;
      clock_ = &clock;
      operation.prepare_parent();
      operation.prepare();
      EXPECT_EQ(outcome_of(operation).first, Status::kOk) << operation.name;
      tidy();
    }
    try {
      throw Error(Status::kOk, "loads what unwinding needs");
    } catch (const Error&) {
    }
    std::string why;
    if (!faults::install(why)) return forbidden(why);
    std::set<const Row*> met;
    int failed = 0;
    int wrong = 0;  // counted, since a clone inherits what has failed here
    for (const Operation& operation : all) {
      current_ = &operation;
      operation.prepare_parent();
      std::vector<Place> places;  // of the calls that can fail, found out in the first round
      bool more = true;
      for (variant_ = 0; more; ++variant_) {
        more = false;
        for (int n = 1; variant_ == 0 || n <= static_cast<int>(places.size()); ++n) {
          if (variant_ > 0 && row_of(places[static_cast<std::size_t>(n) - 1], operation.name, variant_) == nullptr) continue;
          board_.shot = {};
          wrong += in_clone([&] { attempt(operation, variant_, n); }) == 0 ? 0 : 1;
          if (!cache_) tidy();
          const Shot shot = board_.shot;
          if (!shot.reached) break;
          if (variant_ == 0) places.push_back(shot.place);
          if (shot.error == 0) continue;
          more = true;
          ++failed;
          met.insert(row_of(shot.place, operation.name, variant_));
        }
      }
      tidy();
    }
    EXPECT_EQ(wrong, 0) << "attempts; what was wrong with them is said above";
    const bool one_node = Cache::create_anonymous(with_capacity(kMiB)).memory().numa_nodes < 2;  // then nothing is interleaved
    for (const Row& row : table()) {
      if (row.place == Place::kMbind && one_node) continue;
      EXPECT_EQ(met.count(&row), 1U) << "nothing came to " << faults::to_string(row.place) << ", " << std::strerror(row.error) << ", \""
                                     << row.operation << '"';
    }
    std::fprintf(stderr, "%d failures of system calls injected\n", failed);
    return verdict();
  }

  void tidy() {
    cache_.reset();
    ::unlink(name_.path().c_str());
  }

  ScratchName name_{"calls"};
  SharedMemory memory_{sizeof(Board)};
  Board& board_ = memory_.as<Board>();
  std::optional<Cache> cache_;
  FakeClock* clock_ = nullptr;
  inline static const Operation* current_ = nullptr;
  inline static int variant_ = 0;
};

TEST_F(SystemCallsTest, EachOneThatFailsHasItsErrorAndLeavesNothingBehind) {
  if (CARAFE_CAN_INJECT == 0) GTEST_SKIP() << "only on x86-64, and without sanitizers";
  Child child = Child::fork([this] { return fail_each_call(); });
  CARAFE_EXPECT_FINE(child);
}

}  // namespace
}  // namespace carafe::test

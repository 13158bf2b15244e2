// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/small_engine.h"

namespace carafe {
namespace {

/// Runs `body` in a forked child; true when it returned true there.
template <typename Body>
bool in_child(Body&& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class RegistryProcessTest : public testing::Test {
 protected:
  Engine engine_ = test::small_engine(4);
};

TEST_F(RegistryProcessTest, AChildNeverSharesItsParentsIdentity) {
  const std::uint64_t parent = engine_.worker().word;
  ASSERT_NE(parent, 0U);
  EXPECT_TRUE(in_child([&] {
    const Worker child = engine_.worker();
    return child.word != 0 && child.word != parent && child.id.slot != LockWord::owner(parent).slot;
  }));
  EXPECT_EQ(engine_.worker().word, parent);
}

TEST_F(RegistryProcessTest, ASlotIsReusedWithANewIncarnationAndTheFormerTenantIsDead) {
  const Worker me = engine_.worker();
  for (std::uint32_t round = 1; round <= 20; ++round) {
    EXPECT_TRUE(in_child([&] {
      const Worker child = engine_.worker();
      return child.id.slot == 1 && child.id.incarnation == round;
    }));
    EXPECT_TRUE(engine_.liveness.is_dead({1, round}, me.id));
  }
  EXPECT_FALSE(engine_.liveness.is_dead(me.id, me.id));
}

TEST_F(RegistryProcessTest, ALivingWorkerLivesHoweverManyCome) {
  const Worker me = engine_.worker();
  for (int round = 0; round < 8; ++round) {
    EXPECT_TRUE(in_child([&] {
      const Worker child = engine_.worker();
      return child.word != 0 && !engine_.liveness.is_dead(me.id, child.id);
    }));
    EXPECT_EQ(engine_.view.worker(me.id.slot).incarnation.load(), me.id.incarnation);
  }
}

TEST_F(RegistryProcessTest, AFullTableSaysSoAndHealsWhenAWorkerDies) {
  ASSERT_NE(engine_.worker().word, 0U);
  pid_t held[3];
  for (pid_t& pid : held) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    pid = ::fork();
    if (pid == 0) {
      const bool fine = engine_.worker().word != 0 && ::write(ready[1], "x", 1) == 1;
      while (fine) ::pause();
      ::_exit(1);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  EXPECT_TRUE(in_child([&] { return engine_.worker().word == 0 && engine_.registry->error() == 0; }));
  ::kill(held[1], SIGKILL);
  ::waitpid(held[1], nullptr, 0);
  EXPECT_TRUE(in_child([&] { return engine_.worker().word != 0; }));
  for (pid_t pid : {held[0], held[2]}) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

TEST_F(RegistryProcessTest, NonsenseProvesNoDeath) {
  const WorkerId me = engine_.worker().id;
  EXPECT_FALSE(engine_.liveness.is_dead({4000, 1}, me));
  EXPECT_FALSE(engine_.liveness.is_dead({0, 0}, me));
  EXPECT_FALSE(engine_.liveness.is_claimant_dead({4095, 1}, me));
}

TEST_F(RegistryProcessTest, AProbeThroughAForeignDescriptorSaysAlive) {
  const Worker me = engine_.worker();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const bool fine = engine_.worker().word != 0 && ::write(ready[1], "x", 1) == 1;
    while (fine) ::pause();
    ::_exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  const WorkerId dead{1, engine_.view.worker(1).incarnation.load()};
  ASSERT_TRUE(engine_.liveness.is_dead(dead, me.id));
  const int saved = ::dup(engine_.segment.fd.get());
  ASSERT_EQ(::dup2(ready[0], engine_.segment.fd.get()), engine_.segment.fd.get());  // somebody closed it and reused the number
  EXPECT_FALSE(engine_.liveness.is_dead(dead, me.id));
  ::dup2(saved, engine_.segment.fd.get());
  for (int fd : {saved, ready[0], ready[1]}) ::close(fd);
}

}  // namespace
}  // namespace carafe

// SPDX-License-Identifier: MIT
#pragma once

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include "base/atomic.h"
#include "carafe/status.h"
#include "crash/guillotine.h"

/// A process on strings: it carries out operations, but only while it has the turn, and stops within one before an instruction that was
/// named beforehand. Others then do what they like, as long as they like; it goes on when it is told to, and may be stopped again.
///
/// The means are those of crash/guillotine.h (a breakpoint in a private copy of the code; the trap flag; the segment protected, so that
/// each access of it is seen), but nobody is killed: whoever meets its stop gives the turn back and sleeps in the signal handler.
namespace carafe::test {

/// Where a puppet stops: before an instruction, nothing of which has been done.
struct Stop {
  enum Kind : std::uint32_t {
    kNowhere,    ///< It carries the operation out.
    kAtAddress,  ///< Before the instruction at `address`, on the `count`-th visit.
    kAtAccess,   ///< Before the `count`-th access to the segment from here on.
    kSurvey,     ///< Nowhere, but each instruction is noted.
  };
  Kind kind = kNowhere;
  std::uint32_t count = 0;
  std::uintptr_t address = 0;
};

/// The instructions of an operation, in order, and what others can see of them.
struct Survey {
  enum Kind : std::uint8_t { kPlain, kLoad, kStore, kSyscall };
  static constexpr std::uint32_t kMostInstructions = 400'000;
  std::uint32_t count = 0;
  std::uintptr_t at[kMostInstructions];
  std::uint32_t where[kMostInstructions];  // in the segment, of what it touched first
  Kind kind[kMostInstructions];
};

/// What an operation came to.
struct Outcome {
  Status status = Status::kOk;
  bool finished = false;
  std::uint32_t began = 0;  // in which move of the schedule
  std::uint32_t ended = 0;
  std::uint64_t value = 0;  // name_of_value, of what a get or an ask found
  std::int64_t number = 0;  // of an increment; of a look, how many bystanders it saw
};

/// Between a puppet and who moves it; in memory that they share. All zero at first.
struct Strings {
  static constexpr std::uint32_t kMostOperations = 36;
  enum State : std::uint32_t { kReady, kStopped, kFinished };
  Atomic<std::uint32_t> puppets_turn;  // 1 or 0; a futex
  State state = kReady;                // when it has not the turn. kReady: before its next operation; kFinished: there is none
  Stop stop;                           // of the move that begins
  std::uint32_t operations = 0;        // finished
  Outcome outcomes[kMostOperations];
  char problem[200] = {};  // what a look saw
};

#if CARAFE_CAN_STEP

namespace puppet {

/// State of this process as a puppet. Signal handlers work on it; there is one thread.
struct Self {
  Strings* strings = nullptr;
  Survey* survey = nullptr;
  guillotine::Region segment;
  Stop stop;
  std::array<std::byte*, 2> opened{};  // pages of the protected segment that are accessible for one instruction
  unsigned char original = 0;          // of the byte that int3 stands in for
  bool stepping_over = false;
  std::uintptr_t after_syscall = 0;  // survey: a system call comes next, and this is where it returns
};
inline Self self;

using guillotine::call;
using guillotine::kTrapFlag;

/// Without the C library, in which the breakpoint may lie.
inline void futex(Atomic<std::uint32_t>& word, long operation, std::uint32_t value) noexcept {
  long result;
  register long timeout asm("r10") = 0;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(SYS_futex), "D"(&word), "S"(operation), "d"(static_cast<long>(value)), "r"(timeout)
               : "rcx", "r11", "memory");
}

inline void protect(int protection) noexcept {
  call(SYS_mprotect, reinterpret_cast<long>(self.segment.at), static_cast<long>(self.segment.bytes), protection);
}

/// Arms what the stop asks for.
inline void arm() noexcept {
  self.stop = self.strings->stop;
  if (self.stop.kind == Stop::kAtAddress) {
    // Two pages: the instruction may lie across. Text is private: this process gets a copy.
    call(SYS_mprotect, reinterpret_cast<long>(guillotine::os_page_of(self.stop.address)), 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    auto* place = reinterpret_cast<volatile unsigned char*>(self.stop.address);
    self.original = *place;
    *place = guillotine::kInt3;
  } else if (self.stop.kind != Stop::kNowhere) {
    protect(PROT_NONE);
  }
}

inline void disarm() noexcept {
  if (self.stop.kind == Stop::kAtAddress) {
    *reinterpret_cast<volatile unsigned char*>(self.stop.address) = self.original;
  } else if (self.stop.kind != Stop::kNowhere) {
    protect(PROT_READ | PROT_WRITE);
  }
  self.stop = {};
}

/// Gives the turn back and sleeps until it comes again.
inline void wait_for_turn(Strings::State state) noexcept {
  Strings& strings = *self.strings;
  strings.state = state;
  strings.puppets_turn.store(0, std::memory_order_seq_cst);
  futex(strings.puppets_turn, FUTEX_WAKE, 1);
  while (strings.puppets_turn.load(std::memory_order_seq_cst) == 0) futex(strings.puppets_turn, FUTEX_WAIT, 0);
}

inline void note(std::uintptr_t at) noexcept {
  Survey& survey = *self.survey;
  if (survey.count == Survey::kMostInstructions) return;
  survey.at[survey.count] = at;
  survey.where[survey.count] = 0;
  survey.kind[survey.count++] = Survey::kPlain;
}
inline void mark(Survey::Kind kind, std::size_t where = 0) noexcept {
  if (self.survey->count == 0) return;
  self.survey->kind[self.survey->count - 1] = kind;
  self.survey->where[self.survey->count - 1] = static_cast<std::uint32_t>(where);
}

/// An access to the protected segment: the stop, or it is let through, alone.
inline void on_access(int, siginfo_t* info, void* context) {
  if (self.stop.kind == Stop::kNowhere || !self.segment.holds(info->si_addr)) {
    ::signal(SIGSEGV, SIG_DFL);  // a real one: it happens again, and ends the puppet
    return;
  }
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const bool first_page = self.opened[0] == nullptr;
  if (self.stop.kind == Stop::kAtAccess && first_page && --self.stop.count == 0) {
    disarm();
    wait_for_turn(Strings::kStopped);
    arm();
    return;
  }
  if (self.stop.kind == Stop::kSurvey) {
    if (self.survey->count == 0) note(static_cast<std::uintptr_t>(registers[REG_RIP]));
    const auto where = static_cast<std::size_t>(static_cast<std::byte*>(info->si_addr) - self.segment.at);
    constexpr long long kWrite = 2;  // of a page fault's error code
    if ((registers[REG_ERR] & kWrite) != 0) {
      mark(Survey::kStore, where);
    } else if (first_page) {
      mark(Survey::kLoad, where);
    }
  }
  std::byte* page = guillotine::os_page_of(reinterpret_cast<std::uintptr_t>(info->si_addr));
  self.opened[first_page ? 0 : 1] = page;
  call(SYS_mprotect, reinterpret_cast<long>(page), 4096, PROT_READ | PROT_WRITE);
  registers[REG_EFL] |= kTrapFlag;
}

/// The breakpoint; or one instruction was carried out.
inline void on_trap(int, siginfo_t*, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  for (std::byte*& page : self.opened) {
    if (page != nullptr) call(SYS_mprotect, reinterpret_cast<long>(page), 4096, PROT_NONE);
    page = nullptr;
  }
  if (self.stop.kind == Stop::kSurvey) {
    const auto next = static_cast<std::uintptr_t>(registers[REG_RIP]);
    if (self.after_syscall != 0 && next != self.after_syscall) note(self.after_syscall);         // no trap comes right after one
    if (self.survey->count == 0 || next != self.survey->at[self.survey->count - 1]) note(next);  // else one more round of `rep`
    const auto* code = reinterpret_cast<const unsigned char*>(next);
    self.after_syscall = code[0] == 0x0f && code[1] == 0x05 ? next + 2 : 0;
    if (self.after_syscall != 0) mark(Survey::kSyscall);
    return;
  }
  if (self.stop.kind != Stop::kAtAddress) {
    registers[REG_EFL] &= ~kTrapFlag;
    return;
  }
  auto* place = reinterpret_cast<volatile unsigned char*>(self.stop.address);
  if (self.stepping_over) {
    self.stepping_over = false;
    *place = guillotine::kInt3;
    registers[REG_EFL] &= ~kTrapFlag;
    return;
  }
  registers[REG_RIP] = static_cast<long long>(self.stop.address);
  if (--self.stop.count == 0) {
    disarm();
    wait_for_turn(Strings::kStopped);
    arm();
    return;
  }
  *place = self.original;
  registers[REG_EFL] |= kTrapFlag;
  self.stepping_over = true;
}

/// Makes this process a puppet; returns when it gets the turn for the first time.
inline void hang_up(Strings& strings, Survey& survey, std::byte* segment, std::size_t bytes) noexcept {
  self.strings = &strings;
  self.survey = &survey;
  self.segment = {segment, bytes};
  guillotine::handle(SIGSEGV, &on_access);
  guillotine::handle(SIGTRAP, &on_trap);
  wait_for_turn(Strings::kReady);
}

/// Carries out `operation` under the stop of this move, and of those that follow.
template <typename Operation>
__attribute__((noinline)) void carry_out(const Operation& operation) {
  const bool survey = self.strings->stop.kind == Stop::kSurvey;
  if (survey) self.survey->count = 0;
  self.after_syscall = 0;
  arm();
  guillotine::set_trap_flag(survey ? kTrapFlag : 0);
  operation();
  guillotine::clear_trap_flag();
  disarm();
}

}  // namespace puppet

#endif
}  // namespace carafe::test

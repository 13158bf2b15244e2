// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>

#include "base/step.h"

/// Runs an operation in a forked child and kills it (SIGKILL, by itself) at a point that is counted, not timed.
///
/// Landmarks are what is counted first, in whatever order they come:
///
///   step     a CARAFE_STEP was reached                                         (step_hook)
///   store    an instruction that writes to the segment has been carried out   (the child has it mapped read-only, and is let
///            through for one instruction at a time: SIGSEGV, then SIGTRAP)
///   syscall  the library is about to make a system call, or has just made one (seccomp, SIGSYS)
///
/// Nothing else changes what others can see, so a kill at each landmark is every state that a kill can leave behind. Within, instructions
/// are counted by the trap flag. A trap costs up to 20 us in a virtual machine, so only the last few before the end are stepped.
///
///   landmark 0   landmark 1        landmark 2
///   |------------|-----------------|---->
///                 i i i i i i i i X            {landmark 1, instructions 9}
namespace carafe::test {

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
inline constexpr bool kCanStep = true;
#else
inline constexpr bool kCanStep = false;
#endif

struct KillPoint {
  std::uint32_t landmark = 0;  // 0: the beginning of the operation
  std::uint32_t instructions = 0;
};

enum class Landmark : std::uint8_t { kBegin, kStep, kStore, kSyscall };

/// What to do to the child.
struct Sentence {
  enum Mode : std::uint32_t { kLive, kKill, kSurvey };
  Mode mode = kLive;
  bool steps_only = false;  // the only landmarks are CARAFE_STEPs
  KillPoint at;
  const char* at_step = nullptr;  // instead of `at`: the first CARAFE_STEP of this name
};

/// What the child tells, in memory shared with it.
struct Board {
  static constexpr std::uint32_t kMostLandmarks = 100'000;
  struct Seen {
    std::uint64_t instructions;  // since the beginning
    Landmark kind;
  };
  bool finished = false;
  bool as_wanted = false;
  std::uint32_t landmarks = 0;
  std::uint64_t instructions = 0;   // survey: in all; else: since the landmark
  const char* last_step = nullptr;  // a literal, at the same address in every fork
  std::uintptr_t at = 0;            // where the last counted instruction stood
  Seen seen[kMostLandmarks];        // survey: all landmarks, from 1 on
};

namespace guillotine {

struct Region {
  std::byte* at = nullptr;
  std::size_t bytes = 0;
};

/// State of a child under way. Signal handlers and the hook work on it; there is one thread.
struct Scaffold {
  Board* board = nullptr;
  Sentence sentence;
  pid_t self = 0;
  bool stepping = false;
  std::uint64_t counted = 0;
  std::array<Region, 8> regions{};
  std::array<std::byte*, 2> opened{};  // pages that are writable for one instruction
};
inline Scaffold scaffold;

inline std::byte* page_of(const void* address) noexcept {
  return reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(address) & ~std::uintptr_t{4095});
}

[[noreturn]] inline void die() noexcept {
  for (;;) ::kill(scaffold.self, SIGKILL);
}

/// Notes a landmark; true: count instructions from here on.
inline bool pass(Landmark kind) noexcept {
  Board& board = *scaffold.board;
  const std::uint32_t number = ++board.landmarks;
  if (scaffold.sentence.mode == Sentence::kSurvey && number < Board::kMostLandmarks) board.seen[number] = {scaffold.counted, kind};
  if (scaffold.sentence.mode != Sentence::kKill || scaffold.sentence.at_step != nullptr || number != scaffold.sentence.at.landmark)
    return false;
  if (scaffold.sentence.at.instructions == 0) die();
  scaffold.counted = 0;
  scaffold.stepping = true;
  return true;
}

inline void set_trap_flag() noexcept {
#ifdef __x86_64__
  asm volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
#endif
}
inline void clear_trap_flag() noexcept {
#ifdef __x86_64__
  asm volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
#endif
}

inline void on_step(const char* name) {
  if (scaffold.board == nullptr) return;
  scaffold.board->last_step = name;
  if (scaffold.sentence.at_step != nullptr && std::strcmp(name, scaffold.sentence.at_step) == 0) die();
  if (pass(Landmark::kStep)) set_trap_flag();
}

#ifdef __x86_64__
constexpr long long kTrapFlag = 0x100;

inline Region* region_of(const void* address) noexcept {
  const auto* byte = static_cast<const std::byte*>(address);
  for (Region& region : scaffold.regions)
    if (byte >= region.at && byte < region.at + region.bytes) return &region;
  return nullptr;
}

inline void protect(std::byte* at, std::size_t bytes) noexcept {
  for (Region& region : scaffold.regions)
    if (region.at == nullptr) {
      if (::mprotect(at, bytes, PROT_READ) == 0) region = {at, bytes};
      return;
    }
}

/// A store to the segment: lets it through, alone.
inline void on_store(int, siginfo_t* info, void* context) {
  auto* user = static_cast<ucontext_t*>(context);
  std::byte* page = page_of(info->si_addr);
  if (region_of(page) == nullptr) {
    ::signal(SIGSEGV, SIG_DFL);  // a real one: happens again, and ends the child
    return;
  }
  scaffold.opened[scaffold.opened[0] == nullptr ? 0 : 1] = page;
  ::mprotect(page, 4096, PROT_READ | PROT_WRITE);
  user->uc_mcontext.gregs[REG_EFL] |= kTrapFlag;
}

/// One instruction was carried out.
inline void on_instruction(int, siginfo_t*, void* context) {
  auto* user = static_cast<ucontext_t*>(context);
  if (scaffold.stepping) {
    ++scaffold.counted;
    scaffold.board->instructions = scaffold.counted;
    scaffold.board->at = static_cast<std::uintptr_t>(user->uc_mcontext.gregs[REG_RIP]);
    if (scaffold.sentence.mode == Sentence::kKill && scaffold.counted == scaffold.sentence.at.instructions) die();
  }
  if (scaffold.opened[0] != nullptr) {
    for (std::byte*& page : scaffold.opened) {
      if (page != nullptr) ::mprotect(page, 4096, PROT_READ);
      page = nullptr;
    }
    scaffold.board->at = static_cast<std::uintptr_t>(user->uc_mcontext.gregs[REG_RIP]);
    pass(Landmark::kStore);
  }
  if (scaffold.stepping)
    user->uc_mcontext.gregs[REG_EFL] |= kTrapFlag;
  else
    user->uc_mcontext.gregs[REG_EFL] &= ~kTrapFlag;
}

extern "C" long carafe_test_syscall(long number, long a, long b, long c, long d, long e, long f);
extern "C" const char carafe_test_syscall_done[];
asm(R"(
  .text
  .type carafe_test_syscall, @function
carafe_test_syscall:
  movq %rdi, %rax
  movq %rsi, %rdi
  movq %rdx, %rsi
  movq %rcx, %rdx
  movq %r8, %r10
  movq %r9, %r8
  movq 8(%rsp), %r9
  syscall
carafe_test_syscall_done:
  ret
  .size carafe_test_syscall, . - carafe_test_syscall
)");

/// A system call: made here in the library's stead.
inline void on_syscall(int, siginfo_t* info, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const long number = info->si_syscall;
  scaffold.board->at = static_cast<std::uintptr_t>(registers[REG_RIP]);
  pass(Landmark::kSyscall);
  // What the kernel writes to, it has to be allowed to.
  const Region* filled = nullptr;
  if (number == SYS_getrandom) filled = region_of(reinterpret_cast<void*>(registers[REG_RDI]));
  if (filled != nullptr) ::mprotect(filled->at, filled->bytes, PROT_READ | PROT_WRITE);
  const long result = carafe_test_syscall(number, registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], registers[REG_R10],
                                          registers[REG_R8], registers[REG_R9]);
  if (filled != nullptr) ::mprotect(filled->at, filled->bytes, PROT_READ);
  registers[REG_RAX] = result;
  const bool shared_for_writing = number == SYS_mmap && result > 0 && (registers[REG_RDX] & PROT_WRITE) != 0 &&
                                  (registers[REG_R10] & MAP_SHARED) != 0 && registers[REG_R8] >= 0;
  if (shared_for_writing) protect(reinterpret_cast<std::byte*>(result), static_cast<std::size_t>(registers[REG_RSI]));
  if (number == SYS_munmap)
    if (Region* region = region_of(reinterpret_cast<void*>(registers[REG_RDI]))) *region = {};
  pass(Landmark::kSyscall);
  if (scaffold.stepping) registers[REG_EFL] |= kTrapFlag;
}

/// Sends the calls that change what others see to on_syscall. Without effect where that is not allowed.
inline void watch_syscalls() noexcept {
  const auto done = reinterpret_cast<std::uintptr_t>(carafe_test_syscall_done);
  constexpr unsigned kWatched[] = {SYS_open,   SYS_openat,       SYS_close,     SYS_fcntl,    SYS_mmap,   SYS_munmap, SYS_madvise,
                                   SYS_linkat, SYS_unlink,       SYS_fallocate, SYS_fchmod,   SYS_fchown, SYS_futex,  SYS_ftruncate,
                                   SYS_unlinkat, SYS_memfd_create, SYS_pread64,   SYS_getrandom};
  constexpr auto kCalls = static_cast<std::uint8_t>(std::size(kWatched));
  std::array<sock_filter, kCalls + 8> program{};
  std::size_t at = 0;
  const auto put = [&](sock_filter line) { program[at++] = line; };
  const auto load = [&](std::uint32_t offset) { put(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); };
  load(offsetof(seccomp_data, instruction_pointer));
  put(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(done), 0, 3));
  load(offsetof(seccomp_data, instruction_pointer) + 4);
  put(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(done >> 32), 0, 1));
  put(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  load(offsetof(seccomp_data, nr));
  for (std::uint8_t i = 0; i < kCalls; ++i) {
    const auto jump = static_cast<std::uint8_t>(kCalls - i);
    put(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kWatched[i], jump, 0));
  }
  put(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  put(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
  const sock_fprog filter{static_cast<unsigned short>(at), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

inline void handle(int signal, void (*handler)(int, siginfo_t*, void*)) noexcept {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(signal, &action, nullptr);
}
#endif

/// In the child: carries out `operation` under the sentence. Returns if it was not killed.
inline void execute(Board& board, const Sentence& sentence, std::byte* segment, std::size_t bytes, const std::function<bool()>& operation) {
  scaffold.board = &board;
  scaffold.sentence = sentence;
  scaffold.self = ::getpid();
#ifdef CARAFE_STEPS
  step_hook = &on_step;
#endif
#ifdef __x86_64__
  if (kCanStep && !sentence.steps_only) {
    handle(SIGSEGV, &on_store);
    handle(SIGTRAP, &on_instruction);
    handle(SIGSYS, &on_syscall);
    if (segment != nullptr) protect(segment, bytes);
    watch_syscalls();
  }
#else
  static_cast<void>(segment), static_cast<void>(bytes);
#endif
  scaffold.stepping = kCanStep && (sentence.mode == Sentence::kSurvey ||
                                   (sentence.mode == Sentence::kKill && sentence.at.landmark == 0 && sentence.at.instructions > 0));
  if (scaffold.stepping) set_trap_flag();
  const bool as_wanted = operation();
  if (kCanStep) clear_trap_flag();
  scaffold.stepping = false;
  scaffold.sentence.mode = Sentence::kLive;
  board.as_wanted = as_wanted;
  board.finished = true;
}

}  // namespace guillotine
}  // namespace carafe::test

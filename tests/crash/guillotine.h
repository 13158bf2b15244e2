// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#include "base/step.h"

/// Runs an operation in a forked child and kills it (SIGKILL, by itself) at a point that is counted, not timed:
///
///   kAtStep         at the n-th CARAFE_STEP.
///   kSurvey         not at all, but carried out under the trap flag, and every instruction's address is noted; also which of them
///                   stored something into the segment (the child has it read-only, and is let through for one instruction).
///   kAtInstruction  after the n-th instruction of the survey: a breakpoint (int3) where that is, and which visit of the place is meant.
///   kByTrapFlag     the same by counting n traps: for places where no breakpoint can be set (the kernel's vdso).
///
/// The trap flag alone would do, but a trap costs up to 20 us in a virtual machine, and n of them n/2 times over are too many. A breakpoint
/// costs a tenth, and is met a few times at most; it is passed by way of another one at the instruction that the survey says comes next.
namespace carafe::test {

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CARAFE_CAN_STEP 1
#else
#define CARAFE_CAN_STEP 0
#endif

/// What to do to the child.
struct Sentence {
  enum Mode : std::uint32_t { kLive, kAtStep, kAtNamedStep, kSurvey, kAtInstruction, kByTrapFlag };
  Mode mode = kLive;
  std::uint32_t number = 0;    // kAtStep: of the step; else of the instruction; from 1 on
  const char* name = nullptr;  // kAtNamedStep: the first of this name. A literal, at the same address in every fork
  std::uintptr_t address = 0;  // kAtInstruction: where, and on which visit
  std::uint32_t visit = 0;
};

/// What the child tells, in memory shared with it.
struct Board {
  static constexpr std::uint32_t kMostInstructions = 400'000;
  enum Kind : std::uint8_t { kPlain, kStore, kSyscall };
  bool finished = false;
  bool as_wanted = false;
  std::uint32_t steps = 0;
  const char* last_step = nullptr;
  // The survey. Instruction i, counted from 1, has been carried out when `next[i]` is about to be; `kind[i]` is what it was.
  std::uint32_t instructions = 0;
  std::uintptr_t next[kMostInstructions];
  Kind kind[kMostInstructions];
};

namespace guillotine {

struct Region {
  std::byte* at = nullptr;
  std::size_t bytes = 0;
  [[nodiscard]] bool holds(const void* address) const noexcept { return at != nullptr && address >= at && address < at + bytes; }
};

/// State of a child under way. Signal handlers and the hook work on it; there is one thread.
struct Scaffold {
  Board* board = nullptr;
  Sentence sentence;
  long self = 0;
  std::array<Region, 2> protected_{};  // survey: the segment, as it was mapped before and as the operation has mapped it
  std::array<std::byte*, 2> opened{};  // survey: pages of it that are writable for one instruction
  std::uintptr_t after_syscall = 0;    // survey: a system call was made, or one is about to be, and this is where it returns
  long mapping_bytes = 0;              // survey: it maps that much of a file, shared and for writing
  std::uint32_t at = 0;                // kAtInstruction: of the survey's instructions, where the breakpoint was last met
  unsigned char original = 0;          // of the byte that int3 stands in for
  std::uintptr_t next = 0;             // while it is passed: where the other breakpoint is; 0: the trap flag is on instead
  unsigned char next_original = 0;
  bool passing = false;
};
inline Scaffold scaffold;

inline void on_step(const char* name) {
  if (scaffold.board == nullptr) return;
  scaffold.board->last_step = name;
  ++scaffold.board->steps;
  const Sentence& sentence = scaffold.sentence;
  if ((sentence.mode == Sentence::kAtStep && scaffold.board->steps == sentence.number) ||
      (sentence.mode == Sentence::kAtNamedStep && std::strcmp(name, sentence.name) == 0))
    for (;;) ::kill(::getpid(), SIGKILL);
}

#if CARAFE_CAN_STEP
inline constexpr long kTrapFlag = 0x100;
inline constexpr unsigned char kInt3 = 0xcc;

inline std::byte* os_page_of(std::uintptr_t address) noexcept { return reinterpret_cast<std::byte*>(address & ~std::uintptr_t{4095}); }

/// A system call without the C library, in which the breakpoint may lie.
inline long call(long number, long a, long b, long c) noexcept {
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

/// With 0x100 or with 0, so that what follows is the same code in every mode.
inline void set_trap_flag(long flag) noexcept { asm volatile("pushfq; orq %0, (%%rsp); popfq" ::"r"(flag) : "memory", "cc"); }
inline void clear_trap_flag() noexcept { asm volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc"); }

/// Survey: a store to the segment. Lets it through, alone.
inline void on_store(int, siginfo_t* info, void* context) {
  if (!scaffold.protected_[0].holds(info->si_addr) && !scaffold.protected_[1].holds(info->si_addr)) {
    ::signal(SIGSEGV, SIG_DFL);  // a real one: it happens again, and ends the child
    return;
  }
  std::byte* page = os_page_of(reinterpret_cast<std::uintptr_t>(info->si_addr));
  scaffold.opened[scaffold.opened[0] == nullptr ? 0 : 1] = page;
  ::mprotect(page, 4096, PROT_READ | PROT_WRITE);
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] |= kTrapFlag;
}

inline void note(std::uintptr_t next, Board::Kind kind) noexcept {
  Board& board = *scaffold.board;
  if (board.instructions + 1 < Board::kMostInstructions) ++board.instructions;
  board.next[board.instructions] = next;
  board.kind[board.instructions] = kind;
}

inline void protect(Region& region, std::byte* at, std::size_t bytes) noexcept {
  if (at != nullptr && ::mprotect(at, bytes, PROT_READ) == 0) region = {at, bytes};
}

/// Survey: a system call comes next. What it maps for writing is a segment, and has to be watched; what the kernel writes cannot be.
inline void before_syscall(const gregset_t& registers) noexcept {
  const bool shared_file = (registers[REG_R10] & MAP_SHARED) != 0 && registers[REG_R8] >= 0;
  if (registers[REG_RAX] == SYS_mmap && shared_file && (registers[REG_RDX] & PROT_WRITE) != 0) scaffold.mapping_bytes = registers[REG_RSI];
  Region& own = scaffold.protected_[1];
  const auto* pointer = reinterpret_cast<const void*>(registers[REG_RDI]);
  if ((registers[REG_RAX] == SYS_getrandom || registers[REG_RAX] == SYS_munmap) && own.holds(pointer)) {
    ::mprotect(own.at, own.bytes, PROT_READ | PROT_WRITE);
    own = {};
  }
}

/// Survey: an instruction was carried out.
inline void on_instruction(int, siginfo_t*, void* context) {
  const auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto next = static_cast<std::uintptr_t>(registers[REG_RIP]);
  const bool stored = scaffold.opened[0] != nullptr;
  for (std::byte*& page : scaffold.opened) {
    if (page != nullptr) ::mprotect(page, 4096, PROT_READ);
    page = nullptr;
  }
  Board& board = *scaffold.board;
  if (scaffold.after_syscall != 0 && next != scaffold.after_syscall) note(scaffold.after_syscall, Board::kSyscall);
  if (next != board.next[board.instructions])  // else one more round of a string instruction
    note(next, stored ? Board::kStore : scaffold.after_syscall != 0 ? Board::kSyscall : Board::kPlain);
  else if (stored)
    board.kind[board.instructions] = Board::kStore;
  if (scaffold.sentence.mode == Sentence::kByTrapFlag && board.instructions >= scaffold.sentence.number)
    for (;;) call(SYS_kill, scaffold.self, SIGKILL, 0);
  if (scaffold.mapping_bytes != 0 && scaffold.after_syscall != 0 && registers[REG_RAX] > 0)
    protect(scaffold.protected_[1], reinterpret_cast<std::byte*>(registers[REG_RAX]), static_cast<std::size_t>(scaffold.mapping_bytes));
  scaffold.mapping_bytes = 0;
  const auto* code = reinterpret_cast<const unsigned char*>(next);
  scaffold.after_syscall = code[0] == 0x0f && code[1] == 0x05 ? next + 2 : 0;
  if (scaffold.after_syscall != 0 && scaffold.sentence.mode == Sentence::kSurvey) before_syscall(registers);
}

inline unsigned char exchange_byte(std::uintptr_t address, unsigned char byte) noexcept {
  auto* place = reinterpret_cast<volatile unsigned char*>(address);
  const unsigned char before = *place;
  *place = byte;
  return before;
}

/// One page of text: writable, and still to be executed. Text is private: the child gets a copy.
inline bool make_writable(std::uintptr_t address) noexcept {
  return call(SYS_mprotect, reinterpret_cast<long>(os_page_of(address)), 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
}

/// The instruction that comes after the one at the breakpoint, this time; 0: it is the same one, or none is known.
inline std::uintptr_t find_next() noexcept {
  const Board& board = *scaffold.board;
  std::uint32_t& at = scaffold.at;
  for (++at; at < board.instructions; ++at)
    if (board.next[at] == scaffold.sentence.address) return board.next[at + 1] != board.next[at] ? board.next[at + 1] : 0;
  return 0;
}

/// The breakpoint, or the one instruction after it has been passed.
inline void on_breakpoint(int, siginfo_t*, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const std::uintptr_t place = scaffold.sentence.address;
  if (scaffold.passing) {
    scaffold.passing = false;
    if (scaffold.next != 0) {
      exchange_byte(scaffold.next, scaffold.next_original);
      registers[REG_RIP] = static_cast<long long>(scaffold.next);
    }
    exchange_byte(place, kInt3);
    registers[REG_EFL] &= ~kTrapFlag;
    return;
  }
  if (--scaffold.sentence.visit == 0)
    for (;;) call(SYS_kill, scaffold.self, SIGKILL, 0);
  registers[REG_RIP] = static_cast<long long>(place);
  exchange_byte(place, scaffold.original);
  scaffold.passing = true;
  scaffold.next = find_next();
  if (scaffold.next != 0 && os_page_of(scaffold.next) != os_page_of(place) && !make_writable(scaffold.next)) scaffold.next = 0;
  if (scaffold.next != 0) {
    scaffold.next_original = exchange_byte(scaffold.next, kInt3);
  } else {
    registers[REG_EFL] |= kTrapFlag;
  }
}

inline void set_breakpoint() noexcept {
  static_cast<void>(make_writable(scaffold.sentence.address));
  scaffold.original = exchange_byte(scaffold.sentence.address, kInt3);
}

inline void handle(int signal, void (*handler)(int, siginfo_t*, void*)) noexcept {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(signal, &action, nullptr);
}
#endif

/// In the child: carries out `operation` under the sentence. Returns if it was not killed.
template <typename Operation>
__attribute__((noinline)) void execute(Board& board, const Sentence& sentence, [[maybe_unused]] std::byte* segment,
                                       [[maybe_unused]] std::size_t bytes, const Operation& operation) {
  scaffold.board = &board;
  scaffold.sentence = sentence;
  scaffold.self = ::getpid();
#ifdef CARAFE_STEPS
  if (sentence.mode == Sentence::kAtStep || sentence.mode == Sentence::kAtNamedStep) step_hook = &on_step;
#endif
#if CARAFE_CAN_STEP
  const bool stepped = sentence.mode == Sentence::kSurvey || sentence.mode == Sentence::kByTrapFlag;
  if (stepped) {
    board.instructions = 0;
    board.next[0] = 0;
    handle(SIGTRAP, &on_instruction);
    handle(SIGSEGV, &on_store);
    if (sentence.mode == Sentence::kSurvey) protect(scaffold.protected_[0], segment, bytes);
  }
  if (sentence.mode == Sentence::kAtInstruction) {
    handle(SIGTRAP, &on_breakpoint);
    set_breakpoint();
  }
  set_trap_flag(stepped ? kTrapFlag : 0);
#endif
  const bool as_wanted = operation();
#if CARAFE_CAN_STEP
  clear_trap_flag();
#endif
  scaffold.sentence.mode = Sentence::kLive;
  board.as_wanted = as_wanted;
  board.finished = true;
}

}  // namespace guillotine
}  // namespace carafe::test

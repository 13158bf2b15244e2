// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "company/inmate.h"

#if defined(__x86_64__) && !CARAFE_ADDRESS_SANITIZER
#define CARAFE_CAN_INJECT 1
#else
#define CARAFE_CAN_INJECT 0
#endif

/// Makes system calls of this process fail on demand, each one in its turn.
///
/// seccomp sends all calls but a few to a SIGSYS handler of this very process. That carries them out from one instruction which the filter
/// lets pass; or, when the turn has come, answers with an errno instead. So it needs no preload, no tracer and no privileges, and sees
/// what libc and the C++ library do on the way too. The filter stays for good: install it in a forked child. x86-64, one thread, no
/// sanitizer (its runtime calls the system too).
namespace carafe::test::faults {

/// Where a call is made: what is called, and on what.
enum class Place {
  kLstatSegment,
  kOpenTmpfile,
  kOpenSegment,
  kOpenAgain,
  kFstat,
  kReadHeader,
  kAcl,
  kFchown,
  kFchmod,
  kCgroup,
  kFstatfs,
  kFallocate,
  kMapSegment,
  kMapToken,
  kMapIdentity,
  kAdviseDontdump,
  kAdviseWipeonfork,
  kAdviseDontfork,
  kMapAligned,
  kAdviseHugepage,
  kAdviseCollapse,
  kAdvisePopulate,
  kGetMempolicy,
  kMbind,
  kGetrandom,
  kTimeNamespace,
  kBootId,
  kLinkat,
  kUnlink,
  kMemfd,
  kSeal,
  kLockByte,
  kProbeByte,
  kHarmless,  // never made to fail: it means nothing to us, or cannot happen
  kUnknown,   // not thought of yet
};

inline const char* to_string(Place place) noexcept {
  constexpr const char* kNames[] = {"lstat of the segment's name",
                                    "open(O_TMPFILE)",
                                    "open of the segment",
                                    "open of /proc/self/fd/N",
                                    "fstat",
                                    "pread of the header",
                                    "fgetxattr",
                                    "fchown",
                                    "fchmod",
                                    "reading the cgroup's files",
                                    "fstatfs",
                                    "fallocate",
                                    "mmap of the segment",
                                    "mmap of the slot's page",
                                    "mmap of the identity page",
                                    "madvise(MADV_DONTDUMP)",
                                    "madvise(MADV_WIPEONFORK)",
                                    "madvise(MADV_DONTFORK)",
                                    "mmap of a place for huge pages",
                                    "madvise(MADV_HUGEPAGE)",
                                    "madvise(MADV_COLLAPSE)",
                                    "madvise(MADV_POPULATE_WRITE)",
                                    "get_mempolicy",
                                    "mbind",
                                    "getrandom",
                                    "stat of the time namespace",
                                    "reading the boot id",
                                    "linkat",
                                    "unlink",
                                    "memfd_create",
                                    "fcntl(F_ADD_SEALS)",
                                    "fcntl(F_OFD_SETLK)",
                                    "fcntl(F_OFD_GETLK)",
                                    "harmless",
                                    "unknown"};
  return kNames[static_cast<std::size_t>(place)];
}

/// The errno that a call at `place` answers with; 0: none, it is carried out.
using Choice = int (*)(Place place);

/// What became of an armed fault.
struct Shot {
  bool reached = false;  // there was an n-th call
  Place place = Place::kHarmless;
  int error = 0;  // that it answered with
};

#if CARAFE_CAN_INJECT

extern "C" long carafe_passed_system_call(long number, long a, long b, long c, long d, long e, long f);
extern "C" const char carafe_after_system_call[];
__asm__(
    ".pushsection .text\n"
    ".weak carafe_passed_system_call, carafe_after_system_call\n"
    "carafe_passed_system_call:\n"
    "  mov %rdi, %rax\n"
    "  mov %rsi, %rdi\n"
    "  mov %rdx, %rsi\n"
    "  mov %rcx, %rdx\n"
    "  mov %r8, %r10\n"
    "  mov %r9, %r8\n"
    "  mov 8(%rsp), %r9\n"
    "  syscall\n"
    "carafe_after_system_call:\n"
    "  ret\n"
    ".popsection\n");

struct State {
  int countdown = 0;
  Choice choose = nullptr;
  Shot shot;
  std::set<long> unknown;
};
inline State state;

inline bool starts(const char* text, std::string_view with) noexcept { return std::strncmp(text, with.data(), with.size()) == 0; }

inline Place place_of_path(const char* path, long flags) noexcept {
  if (starts(path, "/dev/shm/carafe.")) return Place::kOpenSegment;
  if (starts(path, "/dev/shm")) return (flags & O_TMPFILE) == O_TMPFILE ? Place::kOpenTmpfile : Place::kUnknown;
  if (starts(path, "/proc/self/fd/")) return Place::kOpenAgain;
  if (starts(path, "/proc/self/cgroup") || starts(path, "/sys/fs/cgroup")) return Place::kCgroup;
  if (starts(path, "/proc/sys/kernel/random/boot_id")) return Place::kBootId;
  return Place::kUnknown;
}

/// What is done to a descriptor: `ours` where it is the segment's file.
inline Place place_of_descriptor(long fd, Place ours) noexcept {
  char link[32];
  char path[256] = {};
  std::snprintf(link, sizeof link, "/proc/self/fd/%ld", fd);
  const long length =
      carafe_passed_system_call(SYS_readlink, reinterpret_cast<long>(link), reinterpret_cast<long>(path), sizeof path - 1, 0, 0, 0);
  if (length <= 0) return ours;
  for (const char* start : {"/proc/", "/sys/"}) {
    // The kernel may give /proc/self as /proc/PID.
    if (!starts(path, start)) continue;
    return std::strstr(path, "boot_id") != nullptr ? Place::kBootId : Place::kCgroup;
  }
  return ours;
}

constexpr long kPopulateWrite = 23;  // MADV_POPULATE_WRITE and MADV_COLLAPSE, which older headers lack
constexpr long kCollapse = 25;

inline Place classify(long number, const long (&a)[6]) noexcept {
  switch (number) {
    case SYS_openat:
      return place_of_path(reinterpret_cast<const char*>(a[1]), a[2]);
    case SYS_newfstatat: {
      const char* path = reinterpret_cast<const char*>(a[1]);
      if (*path == '\0') return place_of_descriptor(a[0], Place::kFstat);
      if (starts(path, "/dev/shm/carafe.")) return Place::kLstatSegment;
      return starts(path, "/proc/self/ns/time") ? Place::kTimeNamespace : Place::kUnknown;
    }
    case SYS_fstat:
      return place_of_descriptor(a[0], Place::kFstat);
    case SYS_read:
    case SYS_readv:
      return place_of_descriptor(a[0], Place::kUnknown);
    case SYS_pread64:
      return Place::kReadHeader;
    case SYS_fgetxattr:
      return Place::kAcl;
    case SYS_fchown:
      return Place::kFchown;
    case SYS_fchmod:
      return Place::kFchmod;
    case SYS_fstatfs:
      return Place::kFstatfs;
    case SYS_fallocate:
      return Place::kFallocate;
    case SYS_fremovexattr:  // where the folder has a default ACL
    case SYS_pwrite64:      // libc, where fallocate is not supported
    case SYS_ioctl:
    case SYS_lseek:
    case SYS_poll:
      return Place::kHarmless;
    case SYS_mmap:
      if (static_cast<int>(a[4]) >= 0) return a[1] == 4096 ? Place::kMapToken : Place::kMapSegment;
      if (a[2] == PROT_NONE) return Place::kMapAligned;
      return a[1] == 4096 ? Place::kMapIdentity : Place::kHarmless;  // the heap's are larger
    case SYS_madvise:
      if (a[2] == MADV_DONTDUMP) return Place::kAdviseDontdump;
      if (a[2] == MADV_WIPEONFORK) return Place::kAdviseWipeonfork;
      if (a[2] == MADV_DONTFORK) return Place::kAdviseDontfork;
      if (a[2] == MADV_HUGEPAGE) return Place::kAdviseHugepage;
      if (a[2] == kCollapse) return Place::kAdviseCollapse;
      return a[2] == kPopulateWrite ? Place::kAdvisePopulate : Place::kUnknown;
    case SYS_get_mempolicy:
      return Place::kGetMempolicy;
    case SYS_mbind:
      return Place::kMbind;
    case SYS_getrandom:
      return Place::kGetrandom;
    case SYS_linkat:
      return Place::kLinkat;
    case SYS_unlink:
    case SYS_unlinkat:
      return Place::kUnlink;
    case SYS_memfd_create:
      return Place::kMemfd;
    case SYS_fcntl:
      if (a[1] == F_ADD_SEALS) return Place::kSeal;
      if (a[1] == F_OFD_SETLK) return Place::kLockByte;
      if (a[1] == F_OFD_GETLK) return Place::kProbeByte;
      return a[1] == F_GETFL || a[1] == F_GETFD ? Place::kHarmless : Place::kUnknown;
    default:
      return Place::kUnknown;
  }
}

inline void on_system_call(int, siginfo_t* info, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const long number = info->si_syscall;
  const long a[6] = {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX], registers[REG_R10], registers[REG_R8], registers[REG_R9]};
  if (state.countdown > 0) {
    const Place place = classify(number, a);
    if (place == Place::kUnknown) {
      state.unknown.insert(number);
    } else if (place != Place::kHarmless && --state.countdown == 0) {
      state.shot = {true, place, state.choose(place)};
      if (state.shot.error != 0) {
        registers[REG_RAX] = -state.shot.error;
        return;
      }
    }
  }
  registers[REG_RAX] = carafe_passed_system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/// Calls that go straight to the kernel: what the handler itself, fork and the end of a process are made of, and what cannot fail or may
/// not (the kernel closes a descriptor even when close says EINTR).
inline constexpr unsigned kPassed[] = {SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_rt_sigaction,    SYS_exit,
                                       SYS_exit_group,   SYS_close,          SYS_munmap,          SYS_mprotect,
                                       SYS_brk,          SYS_futex,          SYS_clone,           SYS_clone3,
                                       SYS_fork,         SYS_vfork,          SYS_wait4,           SYS_kill,
                                       SYS_tgkill,       SYS_getpid,         SYS_getppid,         SYS_gettid,
                                       SYS_geteuid,      SYS_getuid,         SYS_getegid,         SYS_getgid,
                                       SYS_sched_yield,  SYS_nanosleep,      SYS_clock_nanosleep, SYS_write,
                                       SYS_writev,       SYS_prctl,          SYS_set_robust_list, SYS_set_tid_address,
                                       SYS_rseq,         SYS_execve,         SYS_clock_gettime};

/// False, with the reason in `why`, where it cannot be done.
[[nodiscard]] inline bool install(std::string& why) {
  struct sigaction action {};
  action.sa_sigaction = &on_system_call;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  ::sigaction(SIGSYS, &action, nullptr);

  const auto field = [](std::size_t offset) { return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); };
  const auto pass = sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const auto passed_at = reinterpret_cast<std::uint64_t>(&carafe_after_system_call);
  const std::size_t ip = offsetof(seccomp_data, instruction_pointer);
  std::vector<sock_filter> program = {
      field(offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      pass,
      field(ip),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(passed_at), 0, 3),
      field(ip + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(passed_at >> 32), 0, 1),
      pass,
      field(offsetof(seccomp_data, nr)),
  };
  for (const unsigned number : kPassed) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    program.push_back(pass);
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0) return true;
  why = std::string("no seccomp filter here: ") + std::strerror(errno);
  return false;
}

/// From now on the n-th call, from 1, at a place that can fail is the one.
inline void arm(int n, Choice choose) noexcept {
  state.choose = choose;
  state.shot = {};
  state.countdown = n;
}
inline Shot disarm() noexcept {
  state.countdown = 0;
  return state.shot;
}
/// Numbers of the calls at no known place that were made while armed; empty when there were none.
[[nodiscard]] inline std::string unknown_calls() {
  std::string text;
  for (const long number : state.unknown) text += " " + std::to_string(number);
  return text;
}

#else

[[nodiscard]] inline bool install(std::string& why) {
  why = "only on x86-64, and without sanitizers";
  return false;
}
inline void arm(int, Choice) noexcept {}
inline Shot disarm() noexcept { return {}; }
[[nodiscard]] inline std::string unknown_calls() { return {}; }

#endif

}  // namespace carafe::test::faults

// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#if defined(__SANITIZE_ADDRESS__)
#define CARAFE_FUZZ_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CARAFE_FUZZ_ASAN 1
#endif
#endif

namespace carafe::fuzz {

#ifdef CARAFE_FUZZ_ASAN
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// What must hold whatever the input: else the program ends, and the fuzzer keeps the input.
inline void require(bool holds, const std::string& what) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "fuzz: violated: %s\n", what.c_str());
  std::abort();
}

/// Bounds the processor time (not wall time: machines are busy) of what runs while it lives.
class Bounded {
 public:
  Bounded(const char* what, std::uint64_t most_ms) noexcept
      : what_(what), most_ns_(most_ms * 1'000'000 * (kSanitized ? 5 : 1)), begin_ns_(now_ns()) {}
  ~Bounded() {
    const std::uint64_t took = now_ns() - begin_ns_;
    if (took > longest_ns) {
      longest_ns = took;
      longest = what_;
    }
    if (took > most_ns_) {
      std::fprintf(stderr, "fuzz: violated: %s took %.1f ms of processor time, at most %.1f are allowed\n", what_,
                   static_cast<double>(took) / 1e6, static_cast<double>(most_ns_) / 1e6);
      std::abort();
    }
  }
  Bounded(const Bounded&) = delete;
  Bounded& operator=(const Bounded&) = delete;

  /// The longest so far in this process, and what it was.
  static inline std::uint64_t longest_ns = 0;
  static inline const char* longest = "nothing";

 private:
  static std::uint64_t now_ns() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
  }

  const char* what_;
  std::uint64_t most_ns_;
  std::uint64_t begin_ns_;
};

}  // namespace carafe::fuzz

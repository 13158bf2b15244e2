// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/atomic.h"

#if defined(__SANITIZE_THREAD__)
#define CARAFE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CARAFE_TSAN 1
#endif
#endif

// Where every shared word has to be an atomic, and nothing may be copied by wider loads.
#if defined(CARAFE_TSAN) || defined(CARAFE_CHECKED_ATOMICS)
#define CARAFE_WORDWISE 1
#endif

#ifndef CARAFE_CHECKED_ATOMICS  // else base/atomic.h brought these functions along
namespace carafe {

/// Copies between payload and private memory that may race with a writer: the reader validates a version afterwards and
/// throws torn bytes away (Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012). Under
/// ThreadSanitizer every byte is a relaxed atomic, which is what the C++ model asks for; elsewhere it is memcpy, which
/// compiles to the same loads but wider.
inline void racy_copy_out(void* to, const std::byte* from, std::size_t bytes) noexcept {
#ifdef CARAFE_TSAN
  auto* out = static_cast<std::byte*>(to);
  for (std::size_t i = 0; i < bytes;) {
    if (bytes - i >= 8 && (reinterpret_cast<std::uintptr_t>(from + i) & 7) == 0) {
      const std::uint64_t word = __atomic_load_n(reinterpret_cast<const std::uint64_t*>(from + i), __ATOMIC_RELAXED);
      std::memcpy(out + i, &word, 8);
      i += 8;
    } else {
      __atomic_load(from + i, out + i, __ATOMIC_RELAXED);
      ++i;
    }
  }
#else
  std::memcpy(to, from, bytes);
#endif
}

inline void racy_copy_in(std::byte* to, const void* from, std::size_t bytes) noexcept {
#ifdef CARAFE_TSAN
  const auto* in = static_cast<const std::byte*>(from);
  for (std::size_t i = 0; i < bytes;) {
    if (bytes - i >= 8 && (reinterpret_cast<std::uintptr_t>(to + i) & 7) == 0) {
      std::uint64_t word = 0;
      std::memcpy(&word, in + i, 8);
      __atomic_store_n(reinterpret_cast<std::uint64_t*>(to + i), word, __ATOMIC_RELAXED);
      i += 8;
    } else {
      __atomic_store_n(reinterpret_cast<unsigned char*>(to + i), static_cast<unsigned char>(in[i]), __ATOMIC_RELAXED);
      ++i;
    }
  }
#else
  if (bytes != 0) std::memcpy(to, from, bytes);  // an empty view's data may be null
#endif
}

inline bool racy_equal(const std::byte* shared, const void* own, std::size_t bytes) noexcept {
#ifdef CARAFE_TSAN
  const auto* in = static_cast<const unsigned char*>(own);
  for (std::size_t i = 0; i < bytes; ++i)
    if (__atomic_load_n(reinterpret_cast<const unsigned char*>(shared + i), __ATOMIC_RELAXED) != in[i]) return false;
  return true;
#else
  return bytes == 0 || std::memcmp(shared, own, bytes) == 0;
#endif
}

/// One load of a word that a writer may be changing. `from` is aligned to 8.
inline std::uint64_t racy_load(const std::byte* from) noexcept {
  return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(from), __ATOMIC_RELAXED);
}
inline void racy_store(std::byte* to, std::uint64_t word) noexcept {
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(to), word, __ATOMIC_RELAXED);
}

}  // namespace carafe
#endif

namespace carafe {

/// Into a string, which gets as many bytes. May throw std::bad_alloc.
inline void racy_assign(std::string& to, const std::byte* from, std::size_t bytes) {
#ifdef CARAFE_WORDWISE
  to.resize(bytes);
  racy_copy_out(to.data(), from, bytes);
#else
  // Who reuses a string mostly reads values of one length.
  if (to.size() == bytes) {
    racy_copy_out(to.data(), from, bytes);
  } else {
    to.assign(reinterpret_cast<const char*>(from), bytes);
  }
#endif
}

}  // namespace carafe

// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "layout/side_word.h"
#include "segment/view.h"
#include "slab/free_hints.h"
#include "slab/probation_bits.h"
#include "slab/size_classes.h"
#include "workers/worker.h"

namespace carafe {

/// One chunk: where it is, by number and by offset, and the class its page had when we looked.
struct Chunk {
  std::uint64_t offset = 0;
  std::uint32_t page = 0;
  std::uint32_t index = 0;
  std::uint32_t size_class = kNoClass;
};

/// A chunk that this worker claimed: nobody else will touch it until it is linked, given back, or its claimant is proven dead.
struct Claim {
  Chunk chunk;
  std::uint64_t word = 0;  // its side word
  std::byte* bytes = nullptr;
  explicit operator bool() const noexcept { return bytes != nullptr; }
};

/// How a newcomer begins.
enum class Standing : std::uint8_t {
  kMain,       ///< As one that may stay: a replaced item, a part of a chain, a key that came back.
  kProbation,  ///< As one that has to prove itself.
};

/// Pages, chunks and their ownership words. Knows nothing of items.
class Slabs {
 public:
  Slabs(const View& view, const SizeClasses& classes, FreeHints& hints) noexcept : view_(view), classes_(classes), hints_(hints) {}

  [[nodiscard]] const SizeClasses& classes() const noexcept { return classes_; }

  /// The chunk that starts at `offset`, a number read from the segment. False when there is none.
  [[nodiscard]] bool locate(std::uint64_t offset, Chunk& chunk) const noexcept;
  /// Chunk `index` of a page of `size_class`.
  [[nodiscard]] Chunk chunk_at(std::uint32_t page, std::uint32_t index, std::uint32_t size_class) const noexcept {
    const ClassShape& shape = classes_.shape(size_class);
    return {view_.page_offset(page) + shape.chunks_at + std::uint64_t{shape.chunk_bytes} * index, page, index, size_class};
  }
  [[nodiscard]] Atomic<std::uint64_t>& side(const Chunk& chunk) const noexcept { return side(chunk.page, chunk.index); }
  [[nodiscard]] Atomic<std::uint64_t>& side(std::uint32_t page, std::uint32_t index) const noexcept {
    return reinterpret_cast<Atomic<std::uint64_t>*>(view_.page(page))[index];
  }
  [[nodiscard]] std::uint32_t page_class(std::uint32_t page) const noexcept {
    const std::uint32_t found = view_.page_class(page).load(kAcquire);
    return found < classes_.count() ? found : kNoClass;
  }

  /// Claims `chunk` if its word is `seen` (free, or claimed by the dead). The page's lock must be held, also to say at once how it begins.
  [[nodiscard]] Claim claim_page_locked(const Chunk& chunk, std::uint64_t seen, const Worker& me) const noexcept;
  /// What a claim of a linked chunk (unlinked under its stripe's lock just now) amounts to.
  [[nodiscard]] Claim take_linked(const Chunk& chunk, std::uint64_t seen, const Worker& me) const noexcept;

  /// Claims a chunk that this process freed lately.
  [[nodiscard]] Claim claim_hinted(std::uint32_t size_class, Standing standing, const Worker& me) const noexcept;
  [[nodiscard]] bool has_hint(std::uint32_t size_class) const noexcept;
  /// Claims a chunk that some page's bitmap says is free.
  [[nodiscard]] Claim claim_free(std::uint32_t size_class, Standing standing, const Worker& me) const noexcept;
  /// Gives a page of the pool to `size_class`. False when the pool is empty.
  [[nodiscard]] bool take_pool_page(std::uint32_t size_class, const Worker& me) const noexcept;
  /// Gives that page to `size_class` if it is in the pool.
  [[nodiscard]] bool adopt_page(std::uint32_t page, std::uint32_t size_class, const Worker& me) const noexcept;
  /// Notes that a page left the pool.
  void unpool_one() const noexcept;
  /// Counts anew what deaths may have left wrong: how many pages the pool and each class have. Walks the page classes.
  void recount_pages() const noexcept;

  /// Of a page whose lock is held; reading is free to anybody, and advice.
  [[nodiscard]] ProbationBits probation_bits(std::uint32_t page, std::uint32_t size_class) const noexcept {
    const ClassShape& shape = classes_.shape(size_class);
    return {reinterpret_cast<Atomic<std::uint64_t>*>(view_.page(page) + shape.probation_at), shape.is_index ? 0 : shape.bitmap_words()};
  }
  [[nodiscard]] bool is_on_probation(const Chunk& chunk) const noexcept {
    return !classes_.shape(chunk.size_class).is_index && probation_bits(chunk.page, chunk.size_class).is_set(chunk.index);
  }
  /// Says how what a claimed chunk will hold begins. What it held before may have been a newcomer: from one to the next nothing changes but
  /// its age. The page's lock must be held.
  void begin_page_locked(const Chunk& chunk, Standing standing) const noexcept;
  void end_probation_page_locked(const Chunk& chunk) const noexcept;

  /// Frees a chunk whose word is `seen`: linked or a part, unreferenced now and its stripe's lock held; or our own claim.
  void release(const Chunk& chunk, std::uint64_t seen) const noexcept;
  /// Gives the page back to the pool if nothing is in it.
  void release_page_if_empty(std::uint32_t page, const Worker& me) const noexcept;
  /// The same by looking at every side word, whatever the counts say. True when it did.
  bool retire_page_if_empty(std::uint32_t page, std::uint32_t size_class, const Worker& me) const noexcept;
  /// Cuts an unused page for `size_class`. Its lock must be held, and its class be kNoClass.
  void format_page_locked(std::uint32_t page, std::uint32_t size_class) const noexcept;
  /// Returns a page whose chunks are all free to the pool. Its lock must be held.
  void retire_page_locked(std::uint32_t page, std::uint32_t size_class) const noexcept;

  /// Whether it would pay to move what is left in a page of tables to the other pages of its class: little is, and they have room.
  [[nodiscard]] bool is_worth_draining(std::uint32_t page) const noexcept;
  /// Puts nothing new into the page for a while. Ends by itself, so a death in the meantime does not matter.
  void drain(std::uint32_t page) const noexcept;

  /// Makes a page's bitmap say what its side words say. Its lock must be held.
  void rebuild_bitmap_page_locked(std::uint32_t page, std::uint32_t size_class) const noexcept;

  /// A page's lock, tried for a few hundred nanoseconds.
  [[nodiscard]] bool lock_page(std::uint32_t page, const Worker& me) const noexcept;
  void unlock_page(std::uint32_t page) const noexcept;

 private:
  [[nodiscard]] Atomic<std::uint64_t>* bitmap(std::uint32_t page, const ClassShape& shape) const noexcept {
    return reinterpret_cast<Atomic<std::uint64_t>*>(view_.page(page) + shape.bitmap_at);
  }
  [[nodiscard]] bool is_draining(std::uint32_t page) const noexcept;
  void mark_free(const Chunk& chunk) const noexcept;
  void note_free(ClassState& state, std::uint32_t page) const noexcept;
  void mark_used(const Chunk& chunk) const noexcept;
  [[nodiscard]] Claim claim_in_page(std::uint32_t page, std::uint32_t size_class, Standing standing, const Worker& me) const noexcept;

  const View& view_;
  const SizeClasses& classes_;
  FreeHints& hints_;
};

}  // namespace carafe

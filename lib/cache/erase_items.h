// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <string_view>

#include "base/touch.h"
#include "cache/writer.h"

namespace carafe {

/// Goes through the keys of one namespace by the index, without a lock, and erases those that `matches` says yes to. What is there
/// throughout is met, whatever moves meanwhile: a bucket that changed under the look is looked at again (a lease may have become a value in
/// it), and a stripe whose entries moved is begun anew.
template <typename Matches>
class ItemEraser {
 public:
  ItemEraser(const Engine& engine, const Worker& me, NamespaceId space, Matches& matches) noexcept
      : engine_(engine), me_(me), space_(space), matches_(matches) {}

  /// How many values went.
  std::uint64_t run() noexcept {
    for (std::uint32_t stripe = 0; stripe < engine_.view.geometry().stripe_count; ++stripe) {
      busy_ = false;
      for (int attempt = 0; attempt < kMostPasses && !pass(stripe); ++attempt) {
      }
    }
    return erased_;
  }

 private:
  static constexpr int kMostPasses = 64;
  static constexpr int kMostLooks = 64;  // at a bucket without the lock
  static constexpr int kMostKeys = 8;    // a look: more come only while others put them there
  static constexpr std::uint32_t kAhead = 2;

  /// False when entries moved, or the table was replaced, so that one may have been passed by.
  bool pass(std::uint32_t stripe) noexcept {
    const std::uint32_t moves = engine_.view.stripe(stripe).moves.load(kAcquire);
    const std::uint64_t word = engine_.view.directory(stripe).load(kAcquire);
    const Table table = Table::from_word(engine_.view, word);
    for (std::uint32_t i = 0; i < table.count && !busy_; ++i) {
      if (i + kAhead < table.count) touch_items(table.buckets[i + kAhead]);
      clean(stripe, table.buckets[i]);
    }
    atomic_fence(kAcquire);
    return engine_.view.directory(stripe).load(kRelaxed) == word && engine_.view.stripe(stripe).moves.load(kRelaxed) == moves;
  }

  void touch_items(Bucket& bucket) const noexcept {
    for (auto& entry : bucket.entries)
      if (const auto* item = engine_.view.chunk(Entry::offset(entry.load(kRelaxed)), 8)) touch(item);
  }

  void clean(std::uint32_t stripe, Bucket& bucket) noexcept {
    for (int look = 0; look < kMostLooks; ++look) {
      const std::uint64_t version = bucket.version.load(kAcquire);
      for (int i = 0; i < kMostKeys && find(stripe, bucket) && erase(); ++i) {
      }
      if (busy_) return;
      atomic_fence(kAcquire);
      if (!found_ && bucket.version.load(kRelaxed) == version) return;
    }
    // It never holds still: under the lock it must.
    for (int look = 0; look < kMostKeys; ++look) {
      {
        const StripeGuard guard = StripeGuard::wait(engine_, me_, stripe);
        if (!guard || !find(stripe, bucket)) return;
      }
      if (!erase()) return;
    }
  }

  /// The first key of the bucket that matches, in key_. One that belongs elsewhere is torn, or damaged.
  bool find(std::uint32_t stripe, Bucket& bucket) noexcept {
    const std::uint32_t epoch = engine_.epoch();
    for (auto& entry : bucket.entries) {
      const std::uint64_t word = entry.load(kAcquire);
      if (word == Entry::kEmpty) continue;
      const ItemView item = ItemView::at(engine_.view, Entry::offset(word));
      if (!item || !is_current(item.header, epoch) || item.header.space() != space_.number) continue;
      key_bytes_ = item.header.key_bytes();
      racy_copy_out(key_, item.bytes + item.header.key_at(), key_bytes_);
      const std::string_view text(key_, key_bytes_);
      if (matches_(text) && Key::of(engine_, text, space_).stripe == stripe) return found_ = true;
    }
    return found_ = false;
  }

  /// False when nothing of that key is there, or it cannot be had now.
  bool erase() noexcept {
    const Key key = Key::of(engine_, {key_, key_bytes_}, space_);
    const Status status = Writer(engine_, me_).erase(key);
    if (status == Status::kOk) ++erased_;
    busy_ = status == Status::kBusy;  // its holder is stopped: it is waited for once
    return status == Status::kOk || status == Status::kNotFound;
  }

  const Engine& engine_;
  const Worker& me_;
  const NamespaceId space_;
  Matches& matches_;
  std::uint64_t erased_ = 0;
  char key_[kMaxKeyBytes];
  std::size_t key_bytes_ = 0;
  bool found_ = false;
  bool busy_ = false;
};

template <typename Matches>
std::uint64_t erase_items(const Engine& engine, const Worker& me, NamespaceId space, Matches& matches) noexcept {
  return ItemEraser<Matches>(engine, me, space, matches).run();
}

}  // namespace carafe

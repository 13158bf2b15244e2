// SPDX-License-Identifier: MIT
#include "cache/hands.h"

#include <algorithm>
#include <bit>

#include "cache/page_shares.h"
#include "evict/clock_hand.h"
#include "index/table.h"

namespace carafe {

Hands::Shares Hands::shares() const noexcept {
  const std::uint64_t chunks = std::uint64_t{state_.page_count.load(kRelaxed)} * chunks_;
  const std::uint64_t probation = state_.probation.load(kRelaxed);
  return {probation, chunks - std::min(chunks, probation), chunks - chunks * engine_.duel.mode().probation_permille / 1000};
}

bool Hands::is_probations_turn() const noexcept {
  const Shares now = shares();
  return now.probation != 0 && now.in_main <= now.main_wanted;
}

Claim Hands::begin_page_locked(const Claim& claim, Standing standing) const noexcept {
  if (claim) engine_.slabs.begin_page_locked(claim.chunk, standing);
  return claim;
}

Claim Hands::claim(Standing standing) noexcept {
  constexpr std::uint64_t kStep = 16;  // evictions are counted for all classes together in such steps
  if (state_.evictions.load(kRelaxed) % kStep == kStep - 1 && engine_.duel.is_on() && engine_.duel.note_evictions(kStep))
    PageShares(engine_, me_).share_out();
  const std::uint64_t sweeps_every = chunks_ >= 64 ? kGlances : 1;  // it ends at the end of a page, so small pages need more
  if (engine_.duel.is_on() && state_.evictions.load(kRelaxed) % sweeps_every == 0)
    if (Claim left = sweep(standing)) return left;
  while (is_probations_turn() && visits_ < kHandVisits) {
    Challenger challenger;
    if (Claim taken = go_round_probation(standing, challenger)) return taken;
    if (!challenger) break;
    bool outdone = false;
    const Claim victim = go_round_main(standing, challenger, outdone);
    if (!victim && !outdone) break;
    const Claim loser = settle(challenger, outdone, standing);
    if (victim) return victim;
    if (loser) return loser;
  }
  visits_ = 0;  // the newcomers may all have been used, and joined the main part: it has patience of its own
  bool outdone = false;
  if (Claim taken = go_round_main(standing, {}, outdone)) return taken;
  if (coldest_.size_class == kNoClass || !engine_.slabs.lock_page(coldest_.page, me_)) return {};
  Claim taken;
  if (engine_.slabs.page_class(coldest_.page) == size_class_)
    taken = begin_page_locked(evictor_.try_take(coldest_, EvictWhen::kAnyway), standing);
  engine_.slabs.unlock_page(coldest_.page);
  return taken;
}

/// Claims of the dead are seen at a glance. Whether a linked chunk is anybody's takes a look into its stripe's table: only after somebody
/// died holding a lock, or after a clear, which leaves the items of tables that were started over; and once round. So does an invalidation,
/// whose items are nobody's either, and would else stay until the main hand comes by, while newcomers go.
Claim Hands::sweep(Standing standing) noexcept {
  constexpr std::uint32_t kLooks = kGlances / 2;
  const Slabs& slabs = engine_.slabs;
  const ClockHand hand(engine_.view, size_class_, state_.sweep_hand);
  // All only go up. Clears begin at epoch 1.
  const SegmentHeader& header = engine_.view.header();
  const std::uint32_t causes = static_cast<std::uint32_t>(header.take_overs.load(kRelaxed)) + engine_.epoch() - 1 +
                               static_cast<std::uint32_t>(header.stamp.load(kRelaxed));
  if (state_.swept_take_overs.load(kRelaxed) != causes) {
    state_.swept_take_overs.store(causes, kRelaxed);
    state_.sweep_left.store((state_.page_count.load(kRelaxed) + 1) * chunks_, kRelaxed);
  }
  const bool closely = state_.sweep_left.load(kRelaxed) != 0;
  auto [page, index] = hand.position();
  if (slabs.page_class(page) != size_class_ || index >= chunks_) {
    if (!hand.next_page(page)) return {};
    index = 0;
  }
  Claim left;
  const std::uint32_t begin = index;
  const std::uint32_t end = std::min(chunks_, index + (closely ? kLooks : kGlances));
  for (; index < end && !left; ++index) {
    const SideWord::State state = SideWord::state(slabs.side(page, index).load(kRelaxed));
    if (state == SideWord::kFree || (state != SideWord::kClaimed && !closely)) continue;
    const Chunk chunk = slabs.chunk_at(page, index, size_class_);
    if (state != SideWord::kClaimed && !evictor_.is_nobodys(chunk)) continue;
    if (!slabs.lock_page(page, me_)) continue;
    if (slabs.page_class(page) == size_class_) left = begin_page_locked(evictor_.try_take(chunk, EvictWhen::kDead), standing);
    slabs.unlock_page(page);
  }
  if (const std::uint32_t due = state_.sweep_left.load(kRelaxed); due != 0 && closely)
    state_.sweep_left.store(due - std::min(due, index - begin), kRelaxed);  // not to the end, where something was found
  hand.move_to({page, index});
  return left;
}

Hands::Verdict Hands::judge(const Chunk& chunk, std::uint64_t side) noexcept {
  if (SideWord::state(side) == SideWord::kClaimed) return Verdict::kNobody;  // still being written
  if (SideWord::state(side) != SideWord::kLinked) return Verdict::kGoes;
  ++visits_;
  const std::uint32_t used = evictor_.peek_counter(chunk);
  engine_.duel.sketch().add(KeyId::of(SideWord::stripe(side), SideWord::tag(side)), std::min<std::uint32_t>(used, 3));
  if (engine_.duel.mode().rule == PromotionRule::kUsed) return used != 0 ? Verdict::kStays : Verdict::kGoes;
  if (const Shares now = shares(); now.in_main < now.main_wanted) return Verdict::kStays;
  return used != 0 ? Verdict::kChallenges : Verdict::kGoes;
}

/// Goes on among the page's newcomers from `index`. Ends with a claim, with a challenger, at the page's end, or when it is the main
/// hand's turn.
Claim Hands::search_probation_page_locked(std::uint32_t page, std::uint32_t& index, Challenger& challenger) noexcept {
  const Slabs& slabs = engine_.slabs;
  const ProbationBits bits = slabs.probation_bits(page, size_class_);
  while (index < chunks_ && visits_ < kHandVisits) {
    const std::uint32_t word = index / 64;
    const std::uint64_t ahead = bits.probation(word).load(kRelaxed) & (~std::uint64_t{0} << (index % 64));
    const std::uint64_t young = bits.young(word).load(kRelaxed);
    const std::uint64_t ripe = ahead & ~young;
    // Whatever is passed is young no more.
    const std::uint64_t passed = ripe == 0 ? ahead : ahead & ((ripe & (~ripe + 1)) - 1);
    if (passed != 0) bits.young(word).store(young & ~passed, kRelaxed);
    if (ripe == 0) {
      index = (word + 1) * 64;
      continue;
    }
    index = word * 64 + static_cast<std::uint32_t>(std::countr_zero(ripe));
    if (index >= chunks_) break;  // a bit that stands for no chunk: somebody scribbled
    const Chunk chunk = slabs.chunk_at(page, index, size_class_);
    ++index;
    const std::uint64_t side = slabs.side(chunk).load(kAcquire);
    switch (judge(chunk, side)) {
      case Verdict::kNobody:
        break;
      case Verdict::kStays:
        slabs.end_probation_page_locked(chunk);
        evictor_.clear_counter(chunk);
        if (!is_probations_turn()) return {};
        break;
      case Verdict::kChallenges:
        challenger = {chunk, side, engine_.duel.sketch().estimate(KeyId::of(SideWord::stripe(side), SideWord::tag(side)))};
        return {};
      case Verdict::kGoes:
        if (Claim taken = evictor_.try_take(chunk, EvictWhen::kUnproven)) return taken;
        break;  // its stripe is busy, or it was used just now
    }
  }
  return {};
}

Claim Hands::go_round_probation(Standing standing, Challenger& challenger) noexcept {
  constexpr std::uint32_t kMostPages = 1024;
  const Slabs& slabs = engine_.slabs;
  const ClockHand hand(engine_.view, size_class_, state_.probation_hand);
  auto [page, index] = hand.position();
  const std::uint32_t most_pages = std::min(kMostPages, 2 * state_.page_count.load(kRelaxed) + 2);
  std::uint32_t found = 0;
  for (std::uint32_t pages = 0; pages < most_pages && visits_ < kHandVisits; ++pages) {
    if (slabs.page_class(page) != size_class_ || index >= chunks_) {
      const bool done = slabs.page_class(page) == size_class_;
      if (!hand.next_page(page)) break;
      index = 0;
      if (done) {
        hand.move_to({page, index});
        if (hand.note_page_turn()) PageShares(engine_, me_).balance(size_class_);
        if (Claim free = slabs.claim_free(size_class_, standing, me_)) return free;
      }
    }
    // One without newcomers, or a busy one, is passed over.
    if (!slabs.probation_bits(page, size_class_).is_any_set() || !slabs.lock_page(page, me_)) {
      index = chunks_;
      continue;
    }
    Claim taken;
    if (slabs.page_class(page) == size_class_) {
      const std::uint32_t before = visits_;
      taken = begin_page_locked(search_probation_page_locked(page, index, challenger), standing);
      found += visits_ - before;
    }
    hand.move_to({page, index});
    slabs.unlock_page(page);
    if (taken || challenger || !is_probations_turn()) return taken;
  }
  // Two turns, and there was nobody: then the count is what a death has left.
  if (found == 0 && most_pages < kMostPages) state_.probation.store(0, kRelaxed);
  return {};
}

/// Whether the item that the main hand would take next is worth more than the challenger.
bool Hands::would_lose(const Chunk& chunk, const Challenger& challenger) const noexcept {
  const std::uint64_t side = engine_.slabs.side(chunk).load(kAcquire);
  if (SideWord::state(side) != SideWord::kLinked || evictor_.peek_counter(chunk) != 0) return false;
  return engine_.duel.sketch().estimate(KeyId::of(SideWord::stripe(side), SideWord::tag(side))) > challenger.seen;
}

/// Its own line, its buckets' and its ghosts' are misses of memory, which then come at once, not one after the other.
void Hands::touch_next() const noexcept {
  const Slabs& slabs = engine_.slabs;
  const bool newcomers = is_probations_turn();
  auto [page, index] = ClockHand(engine_.view, size_class_, newcomers ? state_.probation_hand : state_.hand).position();
  if (slabs.page_class(page) != size_class_ || index >= chunks_) return;
  const ProbationBits bits = slabs.probation_bits(page, size_class_);
  const std::uint32_t word = index / 64;
  const std::uint64_t newcomers_here = bits.probation(word).load(kRelaxed);
  const std::uint64_t old_ones = newcomers ? newcomers_here & ~bits.young(word).load(kRelaxed) : ~newcomers_here;
  const std::uint64_t candidates = old_ones & (~std::uint64_t{0} << (index % 64));
  if (candidates == 0) return;
  index = word * 64 + static_cast<std::uint32_t>(std::countr_zero(candidates));
  if (index >= chunks_) return;
  const Chunk chunk = slabs.chunk_at(page, index, size_class_);
  touch(engine_.view.base() + chunk.offset);
  const std::uint64_t side = slabs.side(chunk).load(kRelaxed);
  if (SideWord::stripe(side) >= engine_.view.geometry().stripe_count) return;
  Table::of(engine_.view, SideWord::stripe(side)).touch(SideWord::tag(side));
  if (newcomers) engine_.duel.ghosts().touch(KeyId::of(SideWord::stripe(side), SideWord::tag(side)));
}

void Hands::remember_coldest(const Chunk& chunk) noexcept {
  const std::uint32_t counter = evictor_.peek_counter(chunk);
  if (counter >= coldest_counter_) return;
  coldest_counter_ = counter;
  coldest_ = chunk;
}

Claim Hands::go_round_main(Standing standing, const Challenger& challenger, bool& outdone) noexcept {
  const Slabs& slabs = engine_.slabs;
  const ClockHand hand(engine_.view, size_class_, state_.hand);
  const std::uint64_t pages_of_class = state_.page_count.load(kRelaxed);                                  // shared memory may say anything
  const std::uint64_t most_pages = 2 * std::min(pages_of_class, engine_.view.geometry().page_count) + 2;  // two turns
  std::uint32_t glances = 0;
  auto [page, index] = hand.position();
  for (std::uint64_t pages = 0; pages < most_pages && visits_ < kHandVisits; ++pages) {
    const bool done = slabs.page_class(page) == size_class_ && index >= chunks_;
    if (done || slabs.page_class(page) != size_class_) {
      if (!hand.next_page(page)) return {};
      index = 0;
      hand.move_to({page, index});
    }
    if (done) {
      if (hand.note_page_turn()) PageShares(engine_, me_).balance(size_class_);
      if (Claim claim = slabs.claim_free(size_class_, standing, me_)) return claim;
    }
    if (!slabs.lock_page(page, me_)) {
      index = chunks_;  // a busy page is passed over
      continue;
    }
    for (; slabs.page_class(page) == size_class_ && index < chunks_ && visits_ < kHandVisits; ++index) {
      const Chunk chunk = slabs.chunk_at(page, index, size_class_);
      if (slabs.is_on_probation(chunk)) {
        if (coldest_.size_class == kNoClass) remember_coldest(chunk);  // in case that there are only such
        continue;
      }
      if (challenger && would_lose(chunk, challenger)) {
        outdone = true;
        break;
      }
      if (const Claim claim = begin_page_locked(evictor_.try_take(chunk, EvictWhen::kCold), standing)) {
        hand.move_to({page, index + 1});
        slabs.unlock_page(page);
        return claim;
      }
      // What somebody is writing costs a glance; sixteen of them count as one item looked at.
      if (SideWord::state(slabs.side(chunk).load(kRelaxed)) == SideWord::kClaimed && ++glances % 16 != 0) continue;
      ++visits_;
      if (visits_ + 32 >= kHandVisits || coldest_.size_class == kNoClass) remember_coldest(chunk);  // patience ends soon
    }
    hand.move_to({page, index});
    slabs.unlock_page(page);
    if (outdone) return {};
  }
  return {};
}

/// The end of a challenge: the newcomer joins the main part, or it is what has to go.
Claim Hands::settle(const Challenger& challenger, bool outdone, Standing standing) noexcept {
  const Slabs& slabs = engine_.slabs;
  const Chunk& chunk = challenger.chunk;
  if (!slabs.lock_page(chunk.page, me_)) return {};
  Claim taken;
  if (slabs.page_class(chunk.page) == size_class_ && slabs.side(chunk).load(kAcquire) == challenger.side && slabs.is_on_probation(chunk)) {
    evictor_.clear_counter(chunk);
    if (outdone) {
      taken = begin_page_locked(evictor_.try_take(chunk, EvictWhen::kUnproven), standing);
    } else {
      slabs.end_probation_page_locked(chunk);
    }
  }
  slabs.unlock_page(chunk.page);
  return taken;
}

}  // namespace carafe

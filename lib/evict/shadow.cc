// SPDX-License-Identifier: MIT
#include "evict/shadow.h"

#include <algorithm>

#include "evict/ghosts.h"

namespace carafe {
namespace {

constexpr std::uint32_t kNone = kNoShadowSlot;

std::uint16_t& head_of(Shadow& shadow, std::uint32_t fingerprint) noexcept { return shadow.heads[fingerprint & (kShadowSlots - 1)]; }

}  // namespace

void ShadowCache::clear(Shadow& shadow) noexcept {
  std::fill(std::begin(shadow.heads), std::end(shadow.heads), kNoShadowSlot);
  std::fill(std::begin(shadow.ghosts), std::end(shadow.ghosts), 0);
  shadow.used = shadow.hand = shadow.probation_hand = shadow.probation = 0;
}

std::uint32_t ShadowCache::find(KeyId id) const noexcept {
  std::uint32_t slot = head_of(shadow_, id.bits);
  for (std::uint32_t i = 0; i < kShadowSlots && slot < kShadowSlots; ++i, slot = shadow_.next[slot])
    if (shadow_.fingerprints[slot] == id.bits) return slot;
  return kNone;
}

void ShadowCache::unlink(std::uint32_t slot) const noexcept {
  std::uint16_t* link = &head_of(shadow_, shadow_.fingerprints[slot]);
  for (std::uint32_t i = 0; i < kShadowSlots && *link < kShadowSlots; ++i, link = &shadow_.next[*link])
    if (*link == slot) {
      *link = shadow_.next[slot];
      return;
    }
}

void ShadowCache::end_probation(std::uint32_t slot) const noexcept {
  shadow_.marks[slot] &= static_cast<std::uint8_t>(~(kProbation | kYoung));
  shadow_.probation -= shadow_.probation > 0 ? 1 : 0;
}

/// The hand's next victim; the hand stays there. A mark that is passed goes down by one.
std::uint32_t ShadowCache::hands_victim() const noexcept {
  if (shadow_.hand >= slots_) shadow_.hand = 0;
  for (std::uint32_t i = 0; i < 5 * kShadowSlots; ++i, advance(shadow_.hand)) {
    std::uint8_t& marks = shadow_.marks[shadow_.hand];
    if ((marks & kProbation) != 0) continue;
    if ((marks & kCounter) == 0) break;
    --marks;
  }
  return shadow_.hand;
}

std::uint32_t ShadowCache::next_on_probation() const noexcept {
  if (shadow_.probation_hand >= slots_) shadow_.probation_hand = 0;
  for (std::uint32_t i = 0; i < 3 * kShadowSlots; ++i) {
    const std::uint32_t slot = shadow_.probation_hand;
    advance(shadow_.probation_hand);
    std::uint8_t& marks = shadow_.marks[slot];
    if ((marks & kProbation) == 0) continue;
    if ((marks & kYoung) == 0) return slot;
    marks &= static_cast<std::uint8_t>(~kYoung);
  }
  return kNone;
}

/// A slot for a newcomer, as the real hands find a chunk (cache/hands.h).
std::uint32_t ShadowCache::reclaim() const noexcept {
  const std::uint32_t wanted = slots_ * mode_.probation_permille / 1000;
  for (std::uint32_t i = 0; i < 2 * kShadowSlots; ++i) {
    const std::uint32_t in_main = slots_ - std::min(slots_, shadow_.probation);
    const std::uint32_t slot = shadow_.probation == 0 || in_main > slots_ - wanted ? kNone : next_on_probation();
    if (slot == kNone) {
      if (shadow_.probation != 0 && in_main <= slots_ - wanted) shadow_.probation = 0;  // the count was wrong
      break;
    }
    std::uint8_t& marks = shadow_.marks[slot];
    const KeyId id{shadow_.fingerprints[slot]};
    if (mode_.rule == PromotionRule::kContested && in_main >= slots_ - wanted && (marks & kCounter) != 0) {
      const std::uint32_t victim = hands_victim();
      if (sketch_.estimate(id) >= sketch_.estimate(KeyId{shadow_.fingerprints[victim]}) && (shadow_.marks[victim] & kProbation) == 0) {
        end_probation(slot);
        marks &= static_cast<std::uint8_t>(~kCounter);
        advance(shadow_.hand);
        return victim;
      }
    } else if ((marks & kCounter) != 0 || (mode_.rule == PromotionRule::kContested && in_main < slots_ - wanted)) {
      end_probation(slot);
      marks &= static_cast<std::uint8_t>(~kCounter);
      continue;
    }
    std::uint64_t& word = ghost_word(id);
    word = GhostWord::with(word, id);
    end_probation(slot);
    return slot;
  }
  const std::uint32_t victim = hands_victim();
  advance(shadow_.hand);
  if ((shadow_.marks[victim] & kProbation) != 0) end_probation(victim);
  return victim;
}

bool ShadowCache::access(KeyId id) const noexcept {
  if (const std::uint32_t slot = find(id); slot != kNone) {
    if ((shadow_.marks[slot] & kCounter) != kCounter) ++shadow_.marks[slot];
    return true;
  }
  std::uint64_t& word = ghost_word(id);
  std::uint64_t ghosts = word;
  const bool came_back = GhostWord::take(ghosts, id);
  word = ghosts;
  std::uint32_t slot = shadow_.used;
  if (slot < slots_) {
    ++shadow_.used;
  } else {
    slot = reclaim();
    unlink(slot);
  }
  const bool in_main = came_back || mode_.probation_permille == 0;
  shadow_.marks[slot] = in_main ? 0 : kProbation | kYoung;
  if (!in_main) ++shadow_.probation;
  shadow_.fingerprints[slot] = id.bits;
  std::uint16_t& head = head_of(shadow_, id.bits);
  shadow_.next[slot] = head;
  head = static_cast<std::uint16_t>(slot);
  return false;
}

}  // namespace carafe

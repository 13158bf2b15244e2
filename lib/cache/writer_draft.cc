// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/step.h"
#include "cache/admission.h"
#include "cache/allocator.h"
#include "cache/writer.h"

/// What is done outside of all locks: an item is written into chunks that nobody sees yet.
namespace carafe {

/// Advice for the search for outdated pages and for expired items.
void Writer::note_epoch(std::uint32_t page, std::uint32_t epoch) const noexcept {
  auto& last = engine_.view.page_info(page).last_epoch;
  if (last.load(kRelaxed) != epoch) last.store(epoch, kRelaxed);
}

void Writer::note_expiry_of(const Chunk& chunk, std::uint64_t at_ms) const noexcept {
  if (at_ms == kNeverExpires) return;
  PageInfo& page = engine_.view.page_info(chunk.page);
  SegmentHeader& header = engine_.view.header();
  note_expiry(page.min_expiry_ms, at_ms);
  note_expiry(page.next_min_expiry_ms, at_ms);
  note_expiry(header.next_expiry_ms, at_ms);
  note_expiry(header.pass_expiry_ms, at_ms);
}

void Writer::write_extension(std::byte* to, const Draft& draft) const noexcept {
  const std::uint64_t word = draft.header.extension;
  racy_store(to, word);
  if (Extension::is(word, Extension::kLease)) racy_store(to + Extension::owner_at(), me_.word);
  if (Extension::is(word, Extension::kSoft)) {
    racy_store(to + Extension::soft_at(word), draft.soft);
    racy_store(to + Extension::refresher_at(word), 0);
  }
  for (std::size_t i = 0; i < Extension::tags(word); i += 4) {
    std::uint64_t four = 0;
    for (std::size_t j = 0; j < 4; ++j) four |= std::uint64_t{draft.tags[i + j]} << (j * 16);
    racy_store(to + Extension::tags_at(word) + i * 2, four);
  }
}

void Writer::write_head(const Draft& draft, const Key& key) const noexcept {
  std::byte* to = draft.head.bytes;
  racy_store(to, draft.header.word);
  if (draft.header.expires()) racy_store(to + draft.header.expiry_at(), draft.expiry_ms);
  if (draft.header.extended()) write_extension(to + draft.header.extension_at(), draft);
  racy_copy_in(to + draft.header.key_at(), key.text.data(), key.text.size());
}

/// A chunk for the key's item. The misses of memory that finding one and the key's place will cost are begun together.
Claim Writer::claim(const Key& key, std::uint32_t size_class) const noexcept {
  const Allocator allocator(engine_, me_);
  allocator.touch_ahead(size_class);
  touch_ahead(engine_, key);
  return allocator.claim(size_class, admit(engine_, key, size_class));
}

Writer::Draft Writer::draft(const Key& key, std::string_view value, const ItemTraits& traits, std::uint32_t epoch) const noexcept {
  Draft draft;
  draft.expiry_ms = traits.expiry.at_ms;
  draft.soft = traits.soft;
  draft.tags = traits.tags;
  const bool expires = !traits.expiry.forever();
  const std::uint64_t extension = traits.extension(key.space);
  const std::uint64_t single = ItemHeader::make(epoch, key.text.size(), 0, true, false).with_extension(extension).bytes() + value.size();
  const std::uint32_t size_class = engine_.classes.item_class(single - (expires ? 0 : sizeof(std::uint64_t)));
  if (single > engine_.classes.largest_item_bytes()) {
    // A chain always has a place for an expiry time, so that touch need not copy it.
    draft.header = ItemHeader::make(epoch, key.text.size(), 0, true, true).with_extension(extension);
    if (!draft_chain(draft, key, value, epoch)) {
      discard(draft);
      return {};
    }
    return draft;
  }
  draft.header = ItemHeader::make(epoch, key.text.size(), value.size(), expires, false).with_extension(extension);
  draft.head = claim(key, size_class);
  if (!draft.head) return {};
  write_head(draft, key);
  racy_copy_in(draft.head.bytes + draft.header.value_at(), value.data(), value.size());
  draft.bytes = engine_.classes.shape(size_class).chunk_bytes;
  return draft;
}

/// Fills a chain from its end, so that each chunk knows the next one when it is written and nothing has to be remembered.
bool Writer::draft_chain(Draft& draft, const Key& key, std::string_view value, std::uint32_t epoch) const noexcept {
  const Allocator allocator(engine_, me_);
  const std::uint64_t chain_id = engine_.view.header().next_chain_id.fetch_add(1, kRelaxed);
  // As few chunks as it takes, all of one class and about equally full: so the class that holds the first chunk holds the others too,
  // and whatever makes room there makes room for whole chains.
  const std::uint64_t overhead = draft.header.key_at() + key.text.size();
  const std::uint64_t most = engine_.classes.largest_item_bytes();
  const std::uint64_t count =
      1 + (value.size() - std::min<std::uint64_t>(value.size(), most - overhead) + most - kPartBytesAt - 1) / (most - kPartBytesAt);
  const std::uint64_t needed = (value.size() + overhead + (count - 1) * kPartBytesAt + count - 1) / count;
  const std::uint32_t size_class = engine_.classes.item_class(std::max(needed, overhead + 8));
  if (size_class == kNoClass) return false;
  const std::uint64_t chunk = engine_.classes.shape(size_class).chunk_bytes;
  const std::uint64_t in_head = std::min<std::uint64_t>({chunk - overhead, ItemHeader::kMaxValueBytes, value.size()});
  const std::uint64_t in_part = chunk - kPartBytesAt;
  std::uint64_t end = value.size();
  while (end > in_head) {
    const std::uint64_t rest = end - in_head;
    const std::uint64_t bytes = rest % in_part == 0 ? in_part : rest % in_part;
    const Claim part = allocator.claim(size_class);
    if (!part) return false;
    racy_store(part.bytes + kPartNextAt, draft.first_part);
    racy_store(part.bytes + kPartChainIdAt, chain_id);
    racy_copy_in(part.bytes + kPartBytesAt, value.data() + (end - bytes), bytes);
    draft.first_part = PartRef::make(part.chunk.offset, bytes);
    ++draft.parts;
    draft.bytes += engine_.classes.shape(part.chunk.size_class).chunk_bytes;
    end -= bytes;
    CARAFE_STEP("chain: part filled");
  }
  draft.head = claim(key, size_class);
  if (!draft.head) return false;
  draft.header = ItemHeader::make(epoch, key.text.size(), in_head, true, true).with_extension(draft.header.extension);
  write_head(draft, key);
  racy_store(draft.head.bytes + draft.header.chain_at(), draft.first_part);
  racy_store(draft.head.bytes + draft.header.chain_at() + 8, value.size());
  racy_store(draft.head.bytes + draft.header.chain_at() + 16, chain_id);
  racy_copy_in(draft.head.bytes + draft.header.value_at(), value.data(), in_head);
  draft.bytes += chunk;
  return true;
}

void Writer::discard(const Draft& draft) const noexcept {
  const Allocator allocator(engine_, me_);
  std::uint64_t ref = draft.first_part;
  for (std::uint32_t i = 0; i < draft.parts; ++i) {
    Claim part;
    if (!engine_.slabs.locate(PartRef::offset(ref), part.chunk)) break;
    part.bytes = engine_.view.base() + part.chunk.offset;
    part.word = engine_.slabs.side(part.chunk).load(kRelaxed);
    ref = racy_load(part.bytes + kPartNextAt);
    allocator.give_back(part);
  }
  allocator.give_back(draft.head);
}

}  // namespace carafe

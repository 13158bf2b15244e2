// SPDX-License-Identifier: MIT
#include "layout/describe.h"

#include <cstddef>

#include "carafe/version.h"
#include "layout/bucket.h"
#include "layout/duel_state.h"
#include "layout/item.h"
#include "layout/named_slot.h"
#include "layout/namespace_record.h"
#include "layout/segment_header.h"
#include "layout/side_word.h"
#include "layout/slab_page.h"
#include "layout/stripe.h"
#include "layout/worker_slot.h"

namespace carafe {
namespace {

void line(std::string& out, const char* name, std::size_t offset, std::size_t size) {
  out += "  " + std::to_string(offset) + "\t" + std::to_string(size) + "\t" + name + "\n";
}
void head(std::string& out, const char* name, std::size_t size) { out += std::string(name) + ", " + std::to_string(size) + " bytes\n"; }

}  // namespace

#define CARAFE_FIELD(T, f) line(out, #f, offsetof(T, f), sizeof(T::f))

std::string describe_layout() {
  std::string out = "carafe segment layout, version " + std::to_string(kLayoutVersion) + " (offset, size, field)\n";
  head(out, "SegmentHeader", sizeof(SegmentHeader));
  CARAFE_FIELD(SegmentHeader, magic);
  CARAFE_FIELD(SegmentHeader, layout_version);
  CARAFE_FIELD(SegmentHeader, header_bytes);
  CARAFE_FIELD(SegmentHeader, fingerprint);
  CARAFE_FIELD(SegmentHeader, seed);
  CARAFE_FIELD(SegmentHeader, time_namespace);
  CARAFE_FIELD(SegmentHeader, boot_id);
  CARAFE_FIELD(SegmentHeader, created_ms);
  CARAFE_FIELD(SegmentHeader, created_unix_seconds);
  CARAFE_FIELD(SegmentHeader, name);
  CARAFE_FIELD(SegmentHeader, geometry);
  CARAFE_FIELD(SegmentHeader, epoch);
  CARAFE_FIELD(SegmentHeader, retired);
  CARAFE_FIELD(SegmentHeader, sample_mask);
  CARAFE_FIELD(SegmentHeader, stamp);
  CARAFE_FIELD(SegmentHeader, free_pages);
  CARAFE_FIELD(SegmentHeader, pool_cursor);
  CARAFE_FIELD(SegmentHeader, outdated_cursor);
  CARAFE_FIELD(SegmentHeader, outdated_epoch);
  CARAFE_FIELD(SegmentHeader, slots_used);
  CARAFE_FIELD(SegmentHeader, next_chain_id);
  CARAFE_FIELD(SegmentHeader, resynced_recoveries);
  CARAFE_FIELD(SegmentHeader, items_correction);
  CARAFE_FIELD(SegmentHeader, bytes_correction);
  CARAFE_FIELD(SegmentHeader, empty_pages);
  CARAFE_FIELD(SegmentHeader, next_expiry_ms);
  CARAFE_FIELD(SegmentHeader, pass_expiry_ms);
  CARAFE_FIELD(SegmentHeader, expiry_cursor);
  CARAFE_FIELD(SegmentHeader, take_overs);
  CARAFE_FIELD(SegmentHeader, namespaces_lock);
  CARAFE_FIELD(SegmentHeader, windows);
  head(out, "Geometry", sizeof(Geometry));
  CARAFE_FIELD(Geometry, capacity_bytes);
  CARAFE_FIELD(Geometry, page_bytes);
  CARAFE_FIELD(Geometry, page_count);
  CARAFE_FIELD(Geometry, stripe_count);
  CARAFE_FIELD(Geometry, worker_count);
  CARAFE_FIELD(Geometry, workers_at);
  CARAFE_FIELD(Geometry, namespaces_at);
  CARAFE_FIELD(Geometry, namespace_count);
  CARAFE_FIELD(Geometry, namespace_lanes_at);
  CARAFE_FIELD(Geometry, namespace_lane_count);
  CARAFE_FIELD(Geometry, tags_at);
  CARAFE_FIELD(Geometry, tag_count);
  CARAFE_FIELD(Geometry, named_at);
  CARAFE_FIELD(Geometry, named_count);
  CARAFE_FIELD(Geometry, stripes_at);
  CARAFE_FIELD(Geometry, directory_at);
  CARAFE_FIELD(Geometry, classes_at);
  CARAFE_FIELD(Geometry, page_infos_at);
  CARAFE_FIELD(Geometry, page_classes_at);
  CARAFE_FIELD(Geometry, duel_at);
  CARAFE_FIELD(Geometry, ghosts_at);
  CARAFE_FIELD(Geometry, ghost_words);
  CARAFE_FIELD(Geometry, sketch_at);
  CARAFE_FIELD(Geometry, sketch_words);
  CARAFE_FIELD(Geometry, pages_at);
  head(out, "WindowRing", sizeof(WindowRing));
  head(out, "WindowSample", sizeof(WindowSample));
  head(out, "WorkerSlot", sizeof(WorkerSlot));
  CARAFE_FIELD(WorkerSlot, incarnation);
  CARAFE_FIELD(WorkerSlot, pid);
  CARAFE_FIELD(WorkerSlot, attached_ms);
  CARAFE_FIELD(WorkerSlot, lanes);
  head(out, "CounterLane", sizeof(CounterLane));
  for (std::size_t i = 0; i < kCounterCount; ++i) line(out, kCounterRows[i].name, i * 8, 8);
  CARAFE_FIELD(CounterLane, items);
  CARAFE_FIELD(CounterLane, item_bytes);
  head(out, "Stripe", sizeof(Stripe));
  CARAFE_FIELD(Stripe, lock);
  CARAFE_FIELD(Stripe, entry_count);
  CARAFE_FIELD(Stripe, table_epoch);
  CARAFE_FIELD(Stripe, items);
  CARAFE_FIELD(Stripe, moves);
  CARAFE_FIELD(Stripe, item_bytes);
  CARAFE_FIELD(Stripe, lease_seq);
  CARAFE_FIELD(Stripe, lease_waiters);
  CARAFE_FIELD(Stripe, lease_gone);
  head(out, "Bucket", sizeof(Bucket));
  CARAFE_FIELD(Bucket, version);
  CARAFE_FIELD(Bucket, entries);
  head(out, "PageInfo", sizeof(PageInfo));
  CARAFE_FIELD(PageInfo, lock);
  CARAFE_FIELD(PageInfo, free_count);
  CARAFE_FIELD(PageInfo, last_epoch);
  CARAFE_FIELD(PageInfo, min_expiry_ms);
  CARAFE_FIELD(PageInfo, generation);
  CARAFE_FIELD(PageInfo, free_cursor);
  CARAFE_FIELD(PageInfo, expiry_cursor);
  CARAFE_FIELD(PageInfo, draining_until_ms);
  CARAFE_FIELD(PageInfo, next_min_expiry_ms);
  head(out, "ClassState", sizeof(ClassState));
  CARAFE_FIELD(ClassState, hand);
  CARAFE_FIELD(ClassState, page_turned_ms);
  CARAFE_FIELD(ClassState, turn_ms);
  CARAFE_FIELD(ClassState, evictions);
  CARAFE_FIELD(ClassState, moved_in);
  CARAFE_FIELD(ClassState, moved_out);
  CARAFE_FIELD(ClassState, evictions_at_turn);
  CARAFE_FIELD(ClassState, page_count);
  CARAFE_FIELD(ClassState, unseen_free);
  CARAFE_FIELD(ClassState, free_cursor);
  CARAFE_FIELD(ClassState, page_turns);
  CARAFE_FIELD(ClassState, probation_hand);
  CARAFE_FIELD(ClassState, probation);
  CARAFE_FIELD(ClassState, admitted);
  CARAFE_FIELD(ClassState, ghost_hits);
  CARAFE_FIELD(ClassState, ghost_hits_at_look);
  CARAFE_FIELD(ClassState, swept_take_overs);
  CARAFE_FIELD(ClassState, evictions_at_look);
  CARAFE_FIELD(ClassState, benefit);
  CARAFE_FIELD(ClassState, idle_looks);
  CARAFE_FIELD(ClassState, sweep_left);
  CARAFE_FIELD(ClassState, sweep_hand);
  head(out, "DuelState", sizeof(DuelState));
  CARAFE_FIELD(DuelState, mode);
  CARAFE_FIELD(DuelState, ghost_words);
  CARAFE_FIELD(DuelState, chunks);
  CARAFE_FIELD(DuelState, allowance);
  CARAFE_FIELD(DuelState, lock);
  CARAFE_FIELD(DuelState, shadow_slots);
  CARAFE_FIELD(DuelState, samples);
  CARAFE_FIELD(DuelState, switches);
  CARAFE_FIELD(DuelState, ghost_hits);
  CARAFE_FIELD(DuelState, sketch_cursor);
  CARAFE_FIELD(DuelState, evictions);
  CARAFE_FIELD(DuelState, shadows);
  head(out, "Shadow", sizeof(Shadow));
  CARAFE_FIELD(Shadow, fingerprints);
  CARAFE_FIELD(Shadow, next);
  CARAFE_FIELD(Shadow, heads);
  CARAFE_FIELD(Shadow, marks);
  CARAFE_FIELD(Shadow, ghosts);
  CARAFE_FIELD(Shadow, used);
  CARAFE_FIELD(Shadow, hand);
  CARAFE_FIELD(Shadow, probation_hand);
  CARAFE_FIELD(Shadow, probation);
  CARAFE_FIELD(Shadow, score);
  head(out, "NamespaceRecord", sizeof(NamespaceRecord));
  CARAFE_FIELD(NamespaceRecord, word);
  CARAFE_FIELD(NamespaceRecord, name_hash);
  CARAFE_FIELD(NamespaceRecord, quota_bytes);
  CARAFE_FIELD(NamespaceRecord, name_bytes);
  CARAFE_FIELD(NamespaceRecord, release_bytes);
  CARAFE_FIELD(NamespaceRecord, quota_cursor);
  CARAFE_FIELD(NamespaceRecord, text);
  CARAFE_FIELD(NamespaceRecord, hits);
  CARAFE_FIELD(NamespaceRecord, misses);
  CARAFE_FIELD(NamespaceRecord, sets);
  CARAFE_FIELD(NamespaceRecord, evictions);
  CARAFE_FIELD(NamespaceRecord, clears);
  CARAFE_FIELD(NamespaceRecord, items);
  CARAFE_FIELD(NamespaceRecord, bytes);
  head(out, "NamespaceLane", sizeof(NamespaceLane));
  CARAFE_FIELD(NamespaceLane, owner);
  CARAFE_FIELD(NamespaceLane, space);
  CARAFE_FIELD(NamespaceLane, hits);
  CARAFE_FIELD(NamespaceLane, misses);
  CARAFE_FIELD(NamespaceLane, sets);
  head(out, "NamedSlot", sizeof(NamedSlot));
  CARAFE_FIELD(NamedSlot, name_hash);
  CARAFE_FIELD(NamedSlot, holder);
  CARAFE_FIELD(NamedSlot, done_in);
  CARAFE_FIELD(NamedSlot, seq);
  CARAFE_FIELD(NamedSlot, waiters);
  out +=
      "Words of 64 bits (high bits first)\n"
      "  lock       incarnation 32 | slot + 1 16 | zero 15 | waiters 1\n"
      "  holder     as a lock, with thread 15 for zero\n"
      "  entry      tag 20 | offset / 8 40 | zero 2 | counter 2\n"
      "  directory  offset / 64 36 | buckets 12 | changes 16\n"
      "  side       generation 24 | state 2 (free, claimed, linked, part) | payload 38\n"
      "               claimed: slot 12 | incarnation 26;  linked, part: stripe 18 | tag 20\n"
      "  item       epoch 32 | key bytes - 1 12 | value bytes 17 | extended 1 | chained 1 | expires 1\n"
      "  extension  stamp 40 | namespace 16 | tags 4 | kinds 4 (1: lease, 2: soft, 4: none, 8: failed)\n"
      "               lease: owner 64, as a lock;  soft: time 40 | cost 24, refresher 64, as a lock;  tags: four places of 16 a word\n"
      "  namespace  incarnation 24 | cleared at stamp 40\n"
      "  part       offset / 8 40 | bytes 24\n"
      "  ghosts     five fingerprints of 12, the newest lowest\n"
      "  sketch     sixteen counters of 4; a key's four in one line, one in each two words\n"
      "  gauge      epoch 24 | signed value 40\n";
  return out;
}

}  // namespace carafe

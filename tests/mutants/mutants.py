# SPDX-License-Identifier: MIT
"""The defects: one small change each that a careful person could make, and the test that has to notice.

name: what was done. file, old, new: the change; `old` must occur exactly once. test: a target of the gcc preset. arguments, environment: how it is
run; it has to end with something else than 0. Where no short run notices, the documented long one is named instead.
"""
from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    test: str
    arguments: tuple = ()
    environment: dict = {}


STEPS = "crash_every_step_test"
SWITCH = "step_every_switch_test"
VERSIONS = ("--gtest_filter=StepVersions*",)  # a get that asks for a version is the Reader's from its first look on
TAGS = ("--gtest_filter=StepTags*",)
NAMESPACES = ("--gtest_filter=StepNamespaces*",)
IMAGES = ("--random", "20000", "1")

MUTANTS = [
    # The order of each pair of stores in a set.
    Mutant(
        "linked after it is visible",
        "lib/cache/writer.cc",
        """  slabs.side(draft.head.chunk).store(SideWord::linked(SideWord::generation(draft.head.word), key.stripe, key.tag), kRelease);
  CARAFE_STEP("publish: linked");
  const std::uint64_t kept_counter = replaces && Entry::tag(old.word) == key.tag ? Entry::counter(entry->load(kRelaxed)) : 0;
  entry->store(Entry::make(key.tag, draft.head.chunk.offset) | kept_counter, kRelease);
  CARAFE_STEP("publish: visible");
""",
        """  const std::uint64_t kept_counter = replaces && Entry::tag(old.word) == key.tag ? Entry::counter(entry->load(kRelaxed)) : 0;
  entry->store(Entry::make(key.tag, draft.head.chunk.offset) | kept_counter, kRelease);
  CARAFE_STEP("publish: visible");
  slabs.side(draft.head.chunk).store(SideWord::linked(SideWord::generation(draft.head.word), key.stripe, key.tag), kRelease);
  CARAFE_STEP("publish: linked");
""",
        STEPS,
    ),
    Mutant(
        "version raised before the entry is stored",
        "lib/cache/writer.cc",
        """  entry->store(Entry::make(key.tag, draft.head.chunk.offset) | kept_counter, kRelease);
  CARAFE_STEP("publish: visible");
  Table::raise_version(entry);
""",
        """  Table::raise_version(entry);
  entry->store(Entry::make(key.tag, draft.head.chunk.offset) | kept_counter, kRelease);
  CARAFE_STEP("publish: visible");
""",
        STEPS,
    ),
    Mutant(
        "the old item freed before the version is raised",
        "lib/cache/writer.cc",
        """  Table::raise_version(entry);
  CARAFE_STEP("publish: version raised");
  if (replaces) release_item_locked(engine_, old.chunk, old.side, old.item);
""",
        """  if (replaces) release_item_locked(engine_, old.chunk, old.side, old.item);
  CARAFE_STEP("publish: version raised");
  Table::raise_version(entry);
""",
        STEPS,
    ),
    Mutant("erase does not raise the version", "lib/cache/writer.cc", "  Table::raise_version(found.entry);\n", "", STEPS),
    # The hand.
    Mutant(
        "eviction does not raise the version",
        "lib/cache/evictor.cc",
        "  Table::raise_version(entry);\n  CARAFE_STEP(\"unlink: version raised\");\n",
        "  CARAFE_STEP(\"unlink: version raised\");\n",
        STEPS,
    ),
    Mutant(
        "version not raised for a chunk that nothing refers to",
        "lib/cache/evictor.cc",
        "    table.raise_versions(tag);\n    me_.count(outdated ?",
        "    me_.count(outdated ?",
        "cache_evictor_test",
    ),
    Mutant(
        "the side word is not looked at again under the lock",
        "lib/cache/evictor.cc",
        """  const StripeGuard guard = StripeGuard::attempt(engine_, me_, stripe);
  if (!guard || engine_.slabs.side(chunk).load(kAcquire) != seen) return {};  // freed and linked elsewhere meanwhile
""",
        """  const StripeGuard guard = StripeGuard::attempt(engine_, me_, stripe);
  if (!guard) return {};
""",
        SWITCH,  # the short run samples an eviction's stops too thinly: all of them
        ("--gtest_filter=*evictor_against_writer*",),
        {"CARAFE_STEP_STOPS": "2500"},
    ),
    Mutant("claims of the dead are never taken", "lib/cache/evictor.cc", "if (!engine_.liveness.is_claimant_dead(SideWord::claimant(seen), me_.id)) return {};", "return {};", STEPS),
    # Readers.
    Mutant(
        "a miss is validated in the first bucket only",
        "lib/cache/reader.cc",
        "      if (first.version.load(kRelaxed) == first_version && second.version.load(kRelaxed) == second_version &&\n",
        "      if (first.version.load(kRelaxed) == first_version &&\n",
        SWITCH,
        VERSIONS,
    ),
    Mutant(
        "a miss is validated in the second bucket only",
        "lib/cache/reader.cc",
        "      if (first.version.load(kRelaxed) == first_version && second.version.load(kRelaxed) == second_version &&\n",
        "      if (second.version.load(kRelaxed) == second_version &&\n",
        SWITCH,
        VERSIONS,
    ),
    Mutant(
        "a hit is not validated",
        "lib/cache/reader.cc",
        "      if (home.version.load(kRelaxed) == home_version && directory.load(kRelaxed) == directory_word) {",
        "      if (directory.load(kRelaxed) == directory_word) {",
        SWITCH,
        VERSIONS,
    ),
    Mutant("a reader does not see that its table was replaced", "lib/cache/reader.cc", "home_version && directory.load(kRelaxed) == directory_word) {", "home_version) {", SWITCH, VERSIONS),
    Mutant("a miss does not see that its table was replaced", "lib/cache/reader.cc", "== second_version &&\n          directory.load(kRelaxed) == directory_word)", "== second_version)", SWITCH, VERSIONS),
    # The same at a glance, which is how nearly every get ends; the Reader sees to those that ask for more than a value.
    Mutant("a glance's miss is validated in the first bucket only", "lib/cache/glance.h", "  if (first.version.load(kRelaxed) != first_version || second.version.load(kRelaxed) != second_version ||\n", "  if (first.version.load(kRelaxed) != first_version ||\n", SWITCH),
    Mutant("a glance's miss is validated in the second bucket only", "lib/cache/glance.h", "  if (first.version.load(kRelaxed) != first_version || second.version.load(kRelaxed) != second_version ||\n", "  if (second.version.load(kRelaxed) != second_version ||\n", SWITCH),
    Mutant("a glance's hit is not validated", "lib/cache/glance.h", "bucket->version.load(kRelaxed) != (bucket == &first ? first_version : second_version)", "bucket->version.load(kRelaxed) == ~std::uint64_t{0}", SWITCH),
    Mutant("a glance does not see that its table was replaced", "lib/cache/glance.h", "first_version : second_version) || directory.load(kRelaxed) != directory_word)", "first_version : second_version))", SWITCH),
    Mutant("a glance does not compare epochs", "lib/layout/item.h", "{ return (one ^ other) >> 20 == 0; }", "{ return static_cast<std::uint32_t>(one ^ other) >> 20 == 0; }", "api_clear_test"),
    Mutant("a glance believes how long a value is", "lib/cache/glance.h", "  if (item.size() < key_at + key.text.size() + bytes) [[unlikely]]\n    return Sight::kUnsure;\n", "", "image_fuzz", IMAGES),
    Mutant("an epoch is not compared", "lib/cache/items.h", "{ return header.epoch() == now; }", "{ return header.epoch() == now || now != 0; }", "api_clear_test"),
    Mutant("expiry compared the wrong way", "lib/expiry/ttl.h", "at_ms != kNeverExpires && at_ms <= now_ms()", "at_ms != kNeverExpires && at_ms > now_ms()", "api_ttl_test"),
    # Twins, displacement, tables.
    Mutant("what a displacement left twice is not removed", "lib/index/table.cc", "          twin.store(Entry::kEmpty, kRelease);\n          raise_version(&twin);\n", "          raise_version(&twin);\n", STEPS),
    Mutant(
        "a displaced entry is cleared before its copy is there",
        "lib/index/table.cc",
        """      place->store(word, kRelease);
      CARAFE_STEP("displace: copied");
""",
        """      entry.store(Entry::kEmpty, kRelease);
      CARAFE_STEP("displace: copied");
      place->store(word, kRelease);
""",
        STEPS,
    ),
    # Pages.
    Mutant("a page changes its class before it is empty", "lib/cache/page_mover.cc", "    moved = empty_page_locked(page, from);\n", "    moved = true;\n", "api_capacity_test"),
    # Who is alive.
    Mutant("a lock is taken over without proof of death", "lib/lock/owner_lock.cc", "  if (!me.liveness.is_dead(LockWord::owner(seen), me.id)) return false;\n", "", "step_stopped_test"),
    Mutant(
        "the incarnation moves before the byte is ours",
        "lib/workers/worker_registry.cc",
        "    if (LifeToken::take(segment_,",
        "    segment_.view.worker(0).incarnation.fetch_add(1, kRelease);\n    if (LifeToken::take(segment_,",
        "workers_registry_process_test",
    ),
    Mutant("a fork is not noticed", "lib/workers/worker_registry.cc", "MADV_WIPEONFORK", "MADV_NORMAL", "process_fork_test"),
    Mutant("a lock outlives its owner for ever", "lib/lock/owner_lock.cc", "  if (!me.liveness.is_dead(LockWord::owner(seen), me.id)) return false;\n", "  if (me.word != 0) return false;\n", STEPS),
    Mutant(
        "a new tenant throws away the counters of the dead one",
        "lib/workers/worker_registry.cc",
        "      mine.pid.store(",
        "      for (auto& lane : mine.lanes)\n        for (auto& counter : lane.counters) counter.store(0, kRelaxed);\n      mine.pid.store(",
        STEPS,
    ),
    # Numbers from the segment.
    Mutant("an offset beyond the pages", "lib/segment/view.h", "    if (rest >= pages_bytes_ || bytes > pages_bytes_ - rest || (offset & 7) != 0) [[unlikely]]\n", "    if (rest >= pages_bytes_ || (offset & 7) != 0) [[unlikely]]\n", "image_fuzz", IMAGES),
    Mutant("a page's class that does not exist", "lib/slab/slabs.h", "    return found < classes_.count() ? found : kNoClass;\n", "    return found;\n", "image_fuzz", IMAGES),
    Mutant("a stripe that does not exist", "lib/cache/evictor.cc", "  if (stripe >= engine_.view.geometry().stripe_count || engine_.classes.shape(chunk.size_class).is_index) return false;\n", "  if (engine_.classes.shape(chunk.size_class).is_index) return false;\n", "image_fuzz", IMAGES),
    Mutant("a page that does not exist", "lib/evict/clock_hand.cc", "  return {page < pages ? page : 0, static_cast<std::uint32_t>(word)};\n", "  return {page, static_cast<std::uint32_t>(word)};\n", "image_fuzz", IMAGES),
    Mutant("a chain longer than any value", "lib/cache/items.h", "  return total > item.header.value_bytes() && total <= engine.largest_value_bytes();\n", "  return total > item.header.value_bytes();\n", "image_fuzz", IMAGES),
    Mutant("a chunk that does not exist", "lib/cache/hands.cc", "    if (index >= chunks_) break;  // a bit that stands for no chunk: somebody scribbled\n", "", "image_fuzz", IMAGES),
    # Verbs.
    Mutant("compare_and_set does not compare", "lib/cache/writer.cc", "      return version_token(found.chunk.offset, found.side) == version ? Status::kOk", "      return version_token(found.chunk.offset, found.side) != 0 ? Status::kOk", "api_add_replace_cas_test"),
    Mutant("add replaces", "lib/cache/writer.cc", "      return live ? Status::kExists : Status::kOk;\n", "      return Status::kOk;\n", "api_add_replace_cas_test"),
    # Leases.
    Mutant("a fill does not ask whose lease it is", "lib/cache/writer.cc", "  return found && version_token(found.chunk.offset, found.side) == token && found", "  return found && token != 0 && found", "api_load_test"),
    Mutant("a fill does not ask for its lease", "lib/cache/leases.cc", "store(key, value, traits, Condition::kLease, token)", "store(key, value, traits, Condition::kAlways, token)", "process_fences_process_test", ("--gtest_filter=*/erase",)),
    Mutant("a lease is taken over without proof of death", "lib/cache/leases.cc", "  return owner != me_.word && engine_.liveness.is_dead(LockWord::owner(owner), me_.id);\n", "  return owner != me_.word;\n", "process_load_process_test"),
    Mutant("a lease outlives its owner", "lib/cache/leases.cc", "  return owner != me_.word && engine_.liveness.is_dead(LockWord::owner(owner), me_.id);\n", "  return owner == 0;\n", STEPS),
    Mutant("a lease is a value to readers", "lib/cache/items.cc", "  if (Extension::is(extension, Extension::kLease)) return Validity::kLease;\n", "", "api_load_test"),
    Mutant("leases are counted as items", "lib/cache/items.h", "{ return item.is_lease() ? 0 : 1; }", "{ return item ? 1 : 0; }", "api_load_test"),
    Mutant("the flag of those who wait is taken once the next one may have set it", "lib/cache/items.cc", """  const bool awaited = stripe_->lease_waiters.exchange(0, kRelaxed) != 0;
  stripe_->lease_seq.fetch_add(1, kRelease);
  CARAFE_STEP("lease: told");
""", """  stripe_->lease_seq.fetch_add(1, kRelease);
  CARAFE_STEP("lease: told");
  const bool awaited = stripe_->lease_waiters.exchange(0, kRelaxed) != 0;
""", "issues_test"),
    Mutant("an abandoned lease takes the next one along", "lib/cache/writer_lease.cc", "  if (!is_our_lease(found, token)) return Status::kStale;\n  if (found.item", "  if (!found) return Status::kStale;\n  if (found.item", SWITCH, ("--gtest_filter=*abandon*",)),
    Mutant("a fill minds where its lease is, but not whether it is the same", "lib/cache/writer.cc", "  return found && version_token(found.chunk.offset, found.side) == token && found", "  return found && version_token(found.chunk.offset, found.side) >> 24 == token >> 24 && found", SWITCH, ("--gtest_filter=*in_its_place*",)),
    # What is not evicted.
    Mutant("a mutex is taken over without proof of death", "lib/cache/named_slots.cc", "  if (!me_.liveness.is_dead(LockWord::owner(seen), me_.id)) return LockResult::kBusy;\n", "", "process_named_process_test"),
    Mutant(
        "who waits is told of an unlock before the word is free",
        "lib/cache/named_slots.cc",
        """  if (me_.word == 0 || !slot.holder.compare_exchange_strong(held, LockWord::kFree, kRelease, kRelaxed)) return;
  CARAFE_STEP("named: free");
  // After the word is free: who sleeps on the new number has seen it free.
  slot.seq.fetch_add(1, kAcqRel);
  CARAFE_STEP("named: raised");
""",
        """  slot.seq.fetch_add(1, kAcqRel);
  CARAFE_STEP("named: raised");
  if (me_.word == 0 || !slot.holder.compare_exchange_strong(held, LockWord::kFree, kRelease, kRelaxed)) return;
  CARAFE_STEP("named: free");
""",
        STEPS,
        ("--gtest_filter=*named*",),
    ),
    Mutant("nobody is told of an unlock", "lib/cache/named_slots.cc", "  if (slot.waiters.exchange(0, kAcqRel) != 0) futex_wake(", "  if (slot.waiters.exchange(0, kAcqRel) > 1) futex_wake(", "process_named_process_test"),
    Mutant("any thread unlocks for its process", "lib/cache/named_slots.cc", "  return HolderWord::of(me.word, own_thread);\n", "  return HolderWord::of(me.word, 0);\n", "api_named_mutex_test"),
    Mutant("what was warmed up once is warm for ever", "lib/cache/warm_once.cc", "  while (slot->done_in.load(kAcquire) != engine.epoch()) {", "  while (slot->done_in.load(kAcquire) == 0) {", "api_named_mutex_test"),
    Mutant("a forked child says that its parent's work is done", "lib/cache/warm_once.cc", "    if (NamedSlots(engine_, me).holds(slot_)) slot_.done_in", "    if (me.word != 0) slot_.done_in", "process_named_process_test"),
    Mutant("nobody is told that a lease has gone", "lib/cache/items.h", "item.loader() != 0) engine.view", "item.loader() == 0) engine.view", "process_load_process_test"),
    Mutant("a write does not ask whether the segment was removed", "lib/cache/requests.h", "  if (engine.retired()) return handle.retired_status();\n", "", SWITCH),
    # Stamps, namespaces, stale values.
    Mutant(
        "a value's stamp is taken at the fill",
        "lib/cache/flight.cc",
        "  ItemTraits as = traits;\n  as.expiry = Expiry::from_ttl(jittered",
        "  ItemTraits as = traits;\n  as.stamp = engine->view.header().stamp.load(kAcquire);\n  as.expiry = Expiry::from_ttl(jittered",
        "api_tags_test",
    ),
    Mutant("the stamps of tags are not compared", "lib/cache/items.h", "(view.geometry().tag_count - 1)).load(kAcquire) > stamp) return true;", "(view.geometry().tag_count - 1)).load(kAcquire) > kLastStamp) return true;", "api_tags_test"),
    Mutant("a fill does not compare the stamps of its tags", "lib/cache/writer.cc", "load(kAcquire) > traits.stamp) return true;", "load(kAcquire) > kLastStamp) return true;", "api_tags_test"),
    Mutant("a tag's stamp is stored though a later one is there", "lib/cache/stamps.cc", "seen < mine && !latest", "seen != mine && !latest", "issues_test", ("--gtest_filter=*OutOfOrder*",)),
    Mutant("a clear of a namespace is not compared", "lib/cache/items.h", "word.load(kAcquire)) > stamp) return true;", "word.load(kAcquire)) > kLastStamp) return true;", "api_namespace_test"),
    Mutant("a namespace's incarnation is not compared", "lib/cache/space.h", "    if (NamespaceWord::incarnation(record.word.load(kAcquire)) != incarnation) [[unlikely]]\n", "    if (incarnation == 0) [[unlikely]]\n", "api_namespace_test"),
    Mutant("a record may change hands between look-up and use", "lib/cache/items.h", "  return key.space != 0 && NamespaceWord", "  return key.space > kMaxNamespaces && NamespaceWord", "cache_namespaces_test"),
    Mutant("a glance does not compare the stamps of tags", "lib/cache/glance.h", "load(kAcquire) > stamp) return false;", "load(kAcquire) > stamp + kLastStamp) return false;", SWITCH, TAGS),
    Mutant("a glance does not compare the clear of a namespace", "lib/cache/glance.h", "cleared_at(word) <= Extension::stamp(extension)", "cleared_at(word) <= Extension::stamp(extension) + kLastStamp", SWITCH, NAMESPACES),
    Mutant("a glance does not compare the incarnation of a namespace", "lib/cache/glance.h", "NamespaceWord::incarnation(word) == key.incarnation &&", "NamespaceWord::incarnation(word) != 0 &&", SWITCH, NAMESPACES),
    Mutant(
        "a set's stamp is taken after its namespace's record was looked at",
        "lib/cache/writer.cc",
        "    publish_locked(key, made, entry, old);\n    const std::uint32_t entries",
        """    if (condition == Condition::kAlways && made.header.extended()) {
      made.header.extension = Extension::with_stamp(made.header.extension, engine_.view.header().stamp.load(kAcquire));
      racy_store(made.head.bytes + made.header.extension_at(), made.header.extension);
    }
    publish_locked(key, made, entry, old);
    const std::uint32_t entries""",
        SWITCH,
        NAMESPACES,
    ),
    Mutant(
        "a lease's stamp is taken after its namespace's record was looked at",
        "lib/cache/writer_lease.cc",
        "    publish_locked(key, made, entry, old);\n",
        """    made.header.extension = Extension::with_stamp(made.header.extension, engine_.view.header().stamp.load(kAcquire));
    racy_store(made.head.bytes + made.header.extension_at(), made.header.extension);
    publish_locked(key, made, entry, old);
""",
        SWITCH,
        NAMESPACES,
    ),
    Mutant("what compare_and_set stores is younger than what it was made of", "lib/cache/writer.cc", "    if (condition == Condition::kVersion && made.header.extended()) copy_stamp_locked(made, old.item);\n", "", SWITCH, NAMESPACES),
    Mutant("a write that found the table of namespaces busy says that there is no space", "lib/cache/requests.h", "      if (scope.why() == Status::kBusy) break;\n", "", SWITCH, NAMESPACES),
    Mutant("who refreshes a value is not compared", "lib/cache/items.h", "    return is(Extension::kSoft) ? racy_load(bytes + refresher_at()) : 0;\n", "    return 0;\n", "api_freshness_test"),
    Mutant("what has ended bears a lease", "lib/cache/writer.h", "!is_invalidated(view, item) && !has_expired(item.expiry_ms());", "!is_invalidated(view, item);", "api_freshness_test"),
    Mutant("a quota takes leases", "lib/cache/quota_hand.cc", " || item.is_lease() ||", " ||", "api_namespace_test"),
]

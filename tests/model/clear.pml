/* SPDX-License-Identifier: MIT */
/* Clear is one increment of the epoch, at any moment: during a set, during the copy that touch and increment make, during a read, and
   while a stripe's table, all of it outdated by then, is started over. SIGKILL after every statement.
   In the code: Cache::clear, Writer::store, touch and increment, find_room, replace_table, Evictor::take_table, Reader::read.

   One key, one stripe, a table of one bucket with two entries. Tables and chunks are never used twice here: table.pml and core.pml
   are about that. Checked: a value drafted before a clear is never seen by a read that begins after it; and a value that nothing removed
   is not lost.

   Wrong variants: EPOCH_AFTER_LOCK NO_EPOCH_IN_READER COPY_WITH_NEW_EPOCH RESTART_DECIDED_EARLY DROP_DECIDED_EARLY TABLE_EPOCH_NOT_RAISED */
#ifndef OPS0
#define OPS0 1
#endif
#ifndef OPS1
#define OPS1 1
#endif
#ifndef CLEARS
#define CLEARS 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef TABLES
#define TABLES 4
#endif
#define NOBODY 7
#define NVAL (OPS0 + OPS1 + 2)

byte epoch = 1;
byte dir; byte table_epoch = 1; byte slock = NOBODY; /* the stripe; `dir` only ever grows */
typedef Table { bool none; byte version; byte entry[2] }; /* none: the stripe has no table */
Table table[TABLES];
byte epoch_of[NVAL]; /* of an item's header; an item's number is its value */

/* Ghosts. */
bool crash[2]; bool fin[2]; byte kills;
byte clears; byte born[NVAL]; /* how many clears there had been when this value was drafted */
byte seq_of[NVAL]; byte published; byte acknowledged;
byte now; byte removals; /* the value that a get must find, 0 if none; how often it was removed */

#define CAN_LOCK (slock == NOBODY || crash[slock])
inline lock() { atomic { CAN_LOCK -> slock = slot } }
inline unlock() { slock = NOBODY }

/* The entry of the key in the present table, of epoch `e`: i, or i == 2. */
inline find(e) {
  i = 0;
  if :: table[dir].entry[0] == 0 || epoch_of[table[dir].entry[0]] != e -> i = 1 :: else fi;
  if :: i == 1 && (table[dir].entry[1] == 0 || epoch_of[table[dir].entry[1]] != e) -> i = 2 :: else fi
}

inline publish() {
  atomic {
    if :: now != 0 && table[dir].entry[i] == now -> now = 0; removals = removals + (epoch_of[v] != epoch -> 1 : 0) :: else fi;
    table[dir].entry[i] = v; published++; seq = published; seq_of[v] = seq;
    if :: epoch_of[v] == epoch -> now = v :: else fi };
  table[dir].version++
}

/* rebuild_table: found the table outdated or full as `seen`. */
inline rebuild() {
  expect = (table_epoch != epoch);
  lock();
  e = epoch;
#ifdef RESTART_DECIDED_EARLY
  restart = expect;
#else
  restart = (table_epoch != e);
#endif
  if
  :: dir != seen || (expect && !restart) || dir + 1 == TABLES
  :: else ->
     atomic {
       if
       :: restart
       :: else -> table[dir + 1].entry[0] = table[dir].entry[0]; table[dir + 1].entry[1] = table[dir].entry[1]
       fi };
     dir++;
     if :: restart -> table_epoch = e :: else fi
  fi;
  unlock();
  atomic { restart = false; expect = false; e = 0 }
}

/* The hand takes a table that holds nothing but outdated entries. */
inline drop() {
  expect = (table_epoch != epoch);
  lock();
  e = epoch;
#ifndef DROP_DECIDED_EARLY
  expect = (table_epoch != e);
#endif
  if
  :: expect && dir + 1 < TABLES ->
     table[dir + 1].none = true; dir++;
     table_epoch = e
  :: else
  fi;
  unlock();
  atomic { expect = false; e = 0 }
}

inline forget() { v = 0; i = 0; e = 0; seen = 0; drafted = 0; seq = 0; old = 0; tries = 0; copy = false; hand = false; expect = false; restart = false }

proctype Worker(byte slot) {
  byte v, i, e, seen, drafted, n, seq, old, tries; bool copy, hand, expect, restart;
  {
    do
    :: atomic { n < (slot == 0 -> OPS0 : OPS1) -> n++; v = 1 + n + slot * OPS0;
         if :: true :: copy = true :: hand = true fi };
       if
       :: hand -> drop(); goto done
       :: !copy && !hand -> drafted = epoch; atomic { epoch_of[v] = drafted; born[v] = clears } /* and the rest of the chunk */
       :: else
       fi;
       do
       :: lock();
          e = epoch;
#ifdef EPOCH_AFTER_LOCK
          if :: !copy -> drafted = e; epoch_of[v] = e :: else fi;
#endif
          atomic { find(e) };
          if
          :: copy && i == 2 -> unlock(); break /* nothing there */
          :: copy && i < 2 ->
             atomic { old = table[dir].entry[i]; born[v] = born[old] };
#ifdef COPY_WITH_NEW_EPOCH
             epoch_of[v] = epoch;
#else
             epoch_of[v] = e;
#endif
             publish();
             atomic { unlock(); if :: seq > acknowledged -> acknowledged = seq :: else fi }; break
          :: !copy && drafted != e -> unlock(); break /* it came before the clear */
          :: !copy && drafted == e && i < 2 ->
             publish();
             atomic { unlock(); if :: seq > acknowledged -> acknowledged = seq :: else fi }; break
          :: !copy && drafted == e && i == 2 -> /* find_room */
             e = epoch;
             if
             :: tries == 0 && table_epoch != e -> atomic { seen = dir; unlock(); tries++ }; rebuild()
             :: tries == 0 && table_epoch == e -> atomic { seen = dir; unlock(); tries++ }; rebuild() /* full */
             :: table[dir].none && tries > 0 -> unlock(); break /* no space */
             :: !table[dir].none ->
                if
                :: table_epoch != e ->
#ifndef TABLE_EPOCH_NOT_RAISED
                   table_epoch = e
#endif
                :: else
                fi;
                atomic { if :: table[dir].entry[0] == 0 -> i = 0 :: table[dir].entry[1] == 0 -> i = 1
                            :: table[dir].entry[0] != 0 && table[dir].entry[1] != 0 -> if :: i = 0 :: i = 1 fi fi };
                publish();
                atomic { unlock(); if :: seq > acknowledged -> acknowledged = seq :: else fi }; break
             fi
          fi
       od;
done:  atomic { forget() }
    :: atomic { n >= (slot == 0 -> OPS0 : OPS1) -> n = 0; fin[slot] = true; break }
    od
  } unless { atomic { crash[slot] -> n = 0; forget() } }
}

proctype Clearer() {
  byte n;
  do
  :: atomic { n < CLEARS -> n++; epoch++; clears++; if :: now != 0 -> now = 0; removals++ :: else fi }
  :: atomic { n >= CLEARS -> n = 0; break }
  od
}

proctype Reader() {
  byte cleared, before, there, removed, e, t, v, x;
  atomic { cleared = clears; before = acknowledged; there = now; removed = removals };
  e = epoch;
  t = dir;
  v = table[t].version;
  x = table[t].entry[0];
#ifdef NO_EPOCH_IN_READER
  if :: x == 0 -> x = table[t].entry[1] :: else fi;
#else
  if
  :: x == 0 || epoch_of[x] != e -> x = table[t].entry[1]; if :: epoch_of[x] != e -> x = 0 :: else fi
  :: else
  fi;
#endif
  atomic {
    if
    :: table[t].version != v || dir != t
    :: else ->
       if
       :: x != 0 -> assert(born[x] >= cleared && seq_of[x] >= before)
       :: else -> assert(there == 0 || removals != removed)
       fi
    fi;
    cleared = 0; before = 0; there = 0; removed = 0; e = 0; t = 0; v = 0; x = 0 }
}

proctype Killer() {
end:
  do
  :: atomic { kills < KILLS && !fin[0] && !crash[0] -> kills++; crash[0] = true; fin[0] = true }
  od
}

init {
  atomic {
    table[0].entry[0] = 1; epoch_of[1] = 1; seq_of[1] = 1; published = 1; acknowledged = 1; now = 1;
    run Worker(0); run Worker(1); run Clearer(); run Reader(); run Killer()
  };
  atomic { fin[0] && fin[1] -> assert(CAN_LOCK) }
}

/* SPDX-License-Identifier: MIT */
/* A stripe's table replaced by another one (grown, shrunk, moved) under a reader; the old table's chunk used again at once, for
   another table or for an item; SIGKILL after every statement, and the hand taking what a killed rebuilder left.
   In the code: replace_table, Evictor::take_table and take_linked, Reader::read.

   Two stripes of one key each. NCH chunks of two words: of an item (value, value), of a table (version, entry), so that whoever
   reads one for the other gets plausible numbers. A chunk may become either: pages change their class (page_move.pml).
   Chunks 0 and 1 are the tables, chunk 2 is key 0's item.

   With DROP the hand may also take a table that is in use, as it does with one that a clear has outdated: the stripe has none then.

   Wrong variants: NO_DIRECTORY_CHECK PUBLISH_BEFORE_FILL LINK_AFTER_PUBLISH FREE_BEFORE_PUBLISH NO_CHANGE_COUNT NO_SEEN_CHECK
   HAND_TAKES_ANY_TABLE; with DROP: DROP_FORGETS_CHANGES TAKE_BEFORE_DROP */
#ifndef NCH
#define NCH 4
#endif
#ifndef OPS0
#define OPS0 1
#endif
#ifndef OPS1
#define OPS1 1
#endif
#ifndef KILLS
#define KILLS 1
#endif

#define FREE 0
#define CLAIMED 1
#define ITEM 2  /* side word linked, in a page of an item class */
#define TABLE 3 /* side word linked, in a page of an index class */
#define NOBODY 7
#define NONE 99 /* the stripe has no table */
#define NVAL (OPS0 + OPS1 + 8)

byte state[NCH]; byte with[NCH]; byte w0[NCH]; byte w1[NCH];
byte dir[2]; byte changes[2]; /* the directory word: which chunk, which change */
byte slock[2] = NOBODY;

/* Ghosts. */
bool crash[2]; bool fin[2]; byte kills;
byte key_of[NVAL];
byte seq_of[NVAL]; byte published; byte acknowledged; bool present; byte removals; /* of key 0 */
byte fillers[NCH];

#define CAN_LOCK(word) (word == NOBODY || crash[word])
inline note_claim(c) { fillers[c]++; assert(fillers[c] == 1) }
inline take(c) { state[c] = CLAIMED; with[c] = slot; got = true; note_claim(c) }
inline note_removal(k) { if :: k == 0 && present -> published++; present = false; removals++ :: else fi }

#ifdef DROP_FORGETS_CHANGES
#define NEXT_CHANGE 0
#else
#define NEXT_CHANGE changes[w] + 1
#endif
inline drop_table() { atomic { dir[w] = NONE; changes[w] = NEXT_CHANGE; note_removal(w) } }

inline claim(c) {
  atomic { got = false; ok = false;
    if :: c = 0 :: c = 1 :: c = 2 :: c = 3
#if NCH > 4
       :: c = 4
#endif
    fi;
    s = state[c]; w = with[c] };
  if
  :: s == FREE -> atomic { if :: state[c] == FREE -> take(c) :: else fi }
  :: s == CLAIMED ->
     atomic { if :: crash[w] && state[c] == CLAIMED && with[c] == w -> fillers[c] = 0; take(c) :: else fi }
  :: s >= ITEM ->
     atomic { if :: CAN_LOCK(slock[w]) -> slock[w] = slot; ok = true :: else fi };
     if
     :: !ok
     :: ok && (state[c] != s || with[c] != w)
     :: ok && state[c] == s && with[c] == w && s == ITEM ->
        t = dir[w];
        if
        :: t != NONE ->
           if :: w1[t] == c + 1 -> atomic { w1[t] = 0; note_removal(w) } :: else fi;
           w0[t]++
        :: else
        fi;
        atomic { take(c) }
     :: ok && state[c] == s && with[c] == w && s == TABLE ->
#ifdef HAND_TAKES_ANY_TABLE
        atomic { take(c) }
#else
        if
        :: dir[w] != c -> atomic { take(c) } /* readers of it see that the directory moved on */
#ifdef DROP
        :: dir[w] == c ->
#ifdef TAKE_BEFORE_DROP
           atomic { take(c) };
           drop_table()
#else
           drop_table();
           atomic { take(c) }
#endif
#endif
        :: else
        fi
#endif
     fi;
     if :: ok -> slock[w] = NOBODY :: else fi
  fi;
  atomic { ok = false; s = 0; w = 0; t = 0 }
}

inline give_back(c) { state[c] = FREE; fillers[c] = 0 }
inline link_table() { state[c] = TABLE; with[c] = k; fillers[c] = 0 }
inline publish_table() {
  dir[k] = c;
#ifndef NO_CHANGE_COUNT
  changes[k]++
#endif
}
inline forget() { k = 0; v = 0; c = 0; old = 0; seen = 0; change = 0; s = 0; w = 0; t = 0; seq = 0; got = false; ok = false; rebuild = false }

proctype Worker(byte slot) {
  byte k, v, c, old, seen, change, s, w, t, n, seq; bool got, ok, rebuild;
  {
    do
    :: atomic { n < (slot == 0 -> OPS0 : OPS1) -> n++; v = 1 + n + slot * OPS0;
         if :: k = 0 :: k = 1 fi;
         if :: key_of[v] = k :: rebuild = true; v = 0; seen = dir[k]; change = changes[k] fi };
       claim(c);
       if
       :: !got
       :: got && !rebuild ->
          atomic { w0[c] = v; w1[c] = v };
          atomic { CAN_LOCK(slock[k]) -> slock[k] = slot; t = dir[k]; if :: t != NONE -> old = w1[t] :: else fi };
          if
          :: t == NONE -> atomic { give_back(c) }
          :: else ->
             atomic { state[c] = ITEM; with[c] = k; fillers[c] = 0 };
             atomic { w1[t] = c + 1; if :: k == 0 -> published++; seq = published; seq_of[v] = seq; present = true :: else fi };
             w0[t]++;
             if :: old != 0 -> state[old - 1] = FREE :: else fi
          fi;
          atomic { slock[k] = NOBODY; if :: k == 0 && seq > acknowledged -> acknowledged = seq :: else fi }
       :: got && rebuild ->
          atomic { CAN_LOCK(slock[k]) -> slock[k] = slot; ok = (dir[k] == seen && changes[k] == change) };
#ifdef NO_SEEN_CHECK
          ok = true;
#endif
          if
          :: !ok -> atomic { slock[k] = NOBODY; give_back(c) }
          :: ok ->
#ifdef PUBLISH_BEFORE_FILL
             atomic { link_table() };
             atomic { publish_table() };
#endif
             w0[c] = 0;
             if :: seen != NONE -> w1[c] = w1[seen] :: else -> w1[c] = 0 fi;
#ifndef PUBLISH_BEFORE_FILL
#ifndef LINK_AFTER_PUBLISH
             atomic { link_table() };
#endif
#ifdef FREE_BEFORE_PUBLISH
             if :: seen != NONE -> state[seen] = FREE :: else fi;
#endif
             atomic { publish_table() };
#ifdef LINK_AFTER_PUBLISH
             atomic { link_table() };
#endif
#endif
#ifndef FREE_BEFORE_PUBLISH
             if :: seen != NONE -> state[seen] = FREE :: else fi;
#endif
             slock[k] = NOBODY
          fi
       fi;
       atomic { forget() }
    :: atomic { n >= (slot == 0 -> OPS0 : OPS1) -> n = 0; fin[slot] = true; break }
    od
  } unless { atomic { crash[slot] -> n = 0; forget() } }
}

/* One read of key 0. */
proctype Reader() {
  byte before, removed, table, change, v, x, a, b; bool there;
  atomic { before = acknowledged; there = present; removed = removals; table = dir[0]; change = changes[0] };
  if :: table == NONE -> assert(!there); goto over :: else fi;
  v = w0[table];
  x = w1[table];
  if
  :: x == 0 || x > NCH
  :: else -> a = w0[x - 1]; b = w1[x - 1]
  fi;
  atomic { if :: w0[table] != v -> there = false; change = 255 :: else fi };
  atomic {
    if
    :: change == 255 /* that did not hold */
#ifndef NO_DIRECTORY_CHECK
    :: change != 255 && (dir[0] != table || changes[0] != change)
    :: change != 255 && dir[0] == table && changes[0] == change ->
#else
    :: change != 255 ->
#endif
       assert(x <= NCH);
       if
       :: x == 0 -> assert(!there || removals != removed) /* missed, and yet it was there all the time */
       :: else -> assert(a == b); assert(a != 0 && key_of[a] == 0); assert(seq_of[a] >= before)
       fi
    fi;
over:
    before = 0; removed = 0; table = 0; change = 0; v = 0; x = 0; a = 0; b = 0; there = false
  }
}

proctype Killer() {
end:
  do
  :: atomic { kills < KILLS && !fin[0] && !crash[0] -> kills++; crash[0] = true; fin[0] = true }
#ifdef KILL_BOTH
  :: atomic { kills < KILLS && !fin[1] && !crash[1] -> kills++; crash[1] = true; fin[1] = true }
#endif
  od
}

inline check_table(k) {
  if
  :: dir[k] != NONE ->
     assert(state[dir[k]] == TABLE && with[dir[k]] == k);
     assert(w1[dir[k]] == 0 || (state[w1[dir[k]] - 1] == ITEM && with[w1[dir[k]] - 1] == k))
  :: else
  fi
}

init {
  byte c;
  atomic {
    state[0] = TABLE; with[0] = 0; dir[0] = 0; changes[0] = 1; w1[0] = 3;
    state[1] = TABLE; with[1] = 1; dir[1] = 1;
    state[2] = ITEM; with[2] = 0; w0[2] = 1; w1[2] = 1; key_of[1] = 0; seq_of[1] = 1;
    published = 1; acknowledged = 1; present = true;
    run Worker(0); run Worker(1); run Reader(); run Killer()
  };
  d_step {
    fin[0] && fin[1];
    do
    :: c < NCH -> assert(state[c] != CLAIMED || crash[with[c]]); c++
    :: else -> break
    od;
    assert(CAN_LOCK(slock[0]) && CAN_LOCK(slock[1]));
    check_table(0); check_table(1);
    c = 0
  }
}

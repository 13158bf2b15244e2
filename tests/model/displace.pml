/* SPDX-License-Identifier: MIT */
/* One step of cuckoo displacement: a key's entry moves to its other bucket under a reader of that key, or (-DWALK) under a walk over
   all items; SIGKILL after every statement, and the twins that it leaves removed by whoever takes the lock over.
   In the code: Table::displace, find_room, Table::remove_twins, recount_locked, Reader::read, collect_stripe.

   One stripe, two buckets of one entry each. Two keys, M and O, which may stand in either bucket: B0 is the first of both. A worker
   sets or erases M or O; to set an O that is not there moves M out of its way, when M's other bucket is empty. Chunks as in core.pml.
   Checked: never torn, foreign or outdated; and while M is there throughout, a validated miss of M is an error, and so is a walk
   that did not meet it.

   Wrong variants: CLEAR_BEFORE_COPY NO_COPY_RAISE NO_CLEAR_RAISE MISS_CHECKS_ONE TWINS_NOT_REMOVED NO_RAISE_AT_TAKE_OVER;
   with WALK: MOVES_AFTER_CLEAR MOVES_BEFORE_COPY */
#ifndef NCH
#define NCH 2
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
#define LINKED 2
#define NOBODY 7
#define M 0
#define O 1
#define NVAL (OPS0 + OPS1 + 2)
#define WORD(key, chunk) (1 + key * 4 + chunk)
#define KEY(word) ((word - 1) / 4)
#define CHUNK(word) ((word - 1) % 4)
#define HOLDS(bucket, key) (entry[bucket] != 0 && KEY(entry[bucket]) == key)

byte state[NCH]; byte with[NCH]; byte va[NCH]; byte vb[NCH];
byte entry[2]; byte version[2]; byte moves; byte slock = NOBODY;

/* Ghosts. */
bool crash[3]; bool fin[2]; byte kills;
byte key_of[NVAL];
byte seq_of[NVAL]; byte published; byte acknowledged; bool present; byte removals; /* of M */
byte fillers[NCH];

#define CAN_LOCK (slock == NOBODY || crash[slock])
inline note_claim(c) { fillers[c]++; assert(fillers[c] == 1) }
inline take(c) { state[c] = CLAIMED; with[c] = slot; got = true; note_claim(c) }
inline note_removal(key) { if :: key == M && present -> published++; present = false; removals++ :: else fi }
/* The step that locks; `taken` says from the dead. */
inline enter() { taken = (slock != NOBODY); slock = slot }

inline raise_moves() { moves++ }
/* First thing after a take-over. The dead one may have stopped before any of the two versions went up: so both do. */
inline tidy_up() {
  if
  :: taken ->
#ifndef NO_RAISE_AT_TAKE_OVER
     version[0]++;
     version[1]++;
#endif
#ifndef TWINS_NOT_REMOVED
     if
     :: entry[0] != 0 && entry[0] == entry[1] ->
#ifdef WALK
        raise_moves();
#endif
        entry[1] = 0;
        version[1]++
     :: else
     fi;
#endif
     taken = false
  :: else
  fi
}

inline claim(c) {
  atomic { got = false; ok = false;
    if :: c = 0 :: c = 1
#if NCH > 2
       :: c = 2
#endif
    fi;
    s = state[c]; w = with[c] };
  if
  :: s == FREE -> atomic { if :: state[c] == FREE -> take(c) :: else fi }
  :: s == CLAIMED ->
     atomic { if :: crash[w] && state[c] == CLAIMED && with[c] == w -> fillers[c] = 0; take(c) :: else fi }
  :: s == LINKED ->
     atomic { if :: CAN_LOCK -> enter(); ok = true :: else fi };
     if
     :: !ok
     :: ok ->
        tidy_up();
        if
        :: state[c] != s || with[c] != w
        :: else ->
           if
           :: entry[0] == WORD(w, c) -> atomic { entry[0] = 0; note_removal(w) }; version[0]++
           :: entry[0] != WORD(w, c) && entry[1] == WORD(w, c) -> atomic { entry[1] = 0; note_removal(w) }; version[1]++
           :: else -> version[0]++; version[1]++
           fi;
           atomic { take(c) }
        fi;
        slock = NOBODY
     fi
  fi;
  atomic { ok = false; s = 0; w = 0 }
}

/* Moves M from bucket `at`, whose entry is then empty. */
inline displace() {
#ifdef MOVES_BEFORE_COPY
  raise_moves();
#endif
#ifdef CLEAR_BEFORE_COPY
  atomic { old = entry[at]; entry[at] = 0 };
  version[at]++;
  entry[1 - at] = old;
  version[1 - at]++;
  old = 0;
#else
  entry[1 - at] = entry[at];
#ifndef NO_COPY_RAISE
  version[1 - at]++;
#endif
#ifdef WALK
#ifndef MOVES_AFTER_CLEAR
#ifndef MOVES_BEFORE_COPY
  raise_moves();
#endif
#endif
#endif
  entry[at] = 0;
#ifndef NO_CLEAR_RAISE
  version[at]++;
#endif
#ifdef MOVES_AFTER_CLEAR
  raise_moves();
#endif
#endif
}

inline forget() {
  k = 0; v = 0; c = 0; old = 0; at = 0; s = 0; w = 0; seq = 0; got = false; ok = false; erase = false; taken = false; nowhere = false
}

proctype Worker(byte slot) {
  byte k, v, c, old, at, s, w, n, seq; bool got, ok, erase, taken, nowhere;
  {
    do
    :: atomic { n < (slot == 0 -> OPS0 : OPS1) -> n++; v = 1 + n + slot * OPS0;
         if :: k = M :: k = O fi; key_of[v] = k;
         if :: true :: erase = true fi };
       if :: erase :: !erase -> claim(c) fi;
       if
       :: !got && !erase
       :: got && !erase ->
          atomic { va[c] = v; vb[c] = v };
          atomic { CAN_LOCK -> enter() };
          tidy_up();
          atomic { /* find the key, or an empty entry */
            nowhere = false;
            if
            :: HOLDS(0, k) -> at = 0; old = entry[0]
            :: !HOLDS(0, k) && HOLDS(1, k) -> at = 1; old = entry[1]
            :: else ->
               if
               :: k == O && HOLDS(0, M) && entry[1] == 0 -> at = 0; ok = true
               :: k == O && HOLDS(1, M) && entry[0] == 0 -> at = 1; ok = true
               :: else ->
                  if :: entry[0] == 0 -> at = 0 :: entry[0] != 0 && entry[1] == 0 -> at = 1 :: else -> nowhere = true fi
               fi
            fi };
          if :: ok -> displace(); if :: true :: nowhere = true fi :: else fi; /* right by itself, whether or not something follows */
          if
          :: nowhere -> atomic { state[c] = FREE; fillers[c] = 0 }
          :: else ->
             atomic { state[c] = LINKED; with[c] = k; fillers[c] = 0 };
             atomic { entry[at] = WORD(k, c); if :: k == M -> published++; seq = published; seq_of[v] = seq; present = true :: else fi };
             version[at]++;
             if :: old != 0 -> state[CHUNK(old)] = FREE :: else fi
          fi;
          atomic { slock = NOBODY; if :: seq > acknowledged -> acknowledged = seq :: else fi }
       :: erase ->
          atomic { CAN_LOCK -> enter() };
          tidy_up();
          atomic {
            if
            :: HOLDS(0, k) -> at = 0; old = entry[0]
            :: !HOLDS(0, k) && HOLDS(1, k) -> at = 1; old = entry[1]
            :: else
            fi };
          if
          :: old != 0 -> atomic { entry[at] = 0; note_removal(k) }; version[at]++; state[CHUNK(old)] = FREE
          :: else
          fi;
          atomic { slock = NOBODY; if :: k == M && published > acknowledged -> acknowledged = published :: else fi }
       fi;
       atomic { forget() }
    :: atomic { n >= (slot == 0 -> OPS0 : OPS1) -> n = 0; fin[slot] = true; break }
    od
  } unless { atomic { crash[slot] -> n = 0; forget() } }
}

/* One read of M. */
proctype Reader() {
  byte before, removed, v0, v1, x, a, b; bool there;
  atomic { before = acknowledged; there = present; removed = removals; v0 = version[0] };
  v1 = version[1];
  x = entry[0];
  if :: x != 0 && KEY(x) == M -> a = va[CHUNK(x)] :: else fi;
  if
  :: a != 0 && key_of[a] == M ->
     b = vb[CHUNK(x)];
     atomic { if :: version[0] == v0 -> assert(a == b && seq_of[a] >= before) :: else fi }
  :: else ->
     atomic { x = entry[1]; a = 0 };
     if :: x != 0 && KEY(x) == M -> a = va[CHUNK(x)] :: else fi;
     if
     :: a != 0 && key_of[a] == M ->
        b = vb[CHUNK(x)];
        atomic { if :: version[1] == v1 -> assert(a == b && seq_of[a] >= before) :: else fi }
     :: else ->
        if
#ifdef MISS_CHECKS_ONE
        :: true ->
#else
        :: version[0] == v0 ->
#endif
           atomic { if :: version[1] == v1 -> assert(!there || removals != removed) :: else fi }
        :: else
        fi
     fi
  fi;
  atomic { before = 0; removed = 0; v0 = 0; v1 = 0; x = 0; a = 0; b = 0; there = false }
}

/* One walk over the stripe. */
proctype Walker() {
  byte removed, m, v, i; bool there, met, spoilt;
  atomic { there = present; removed = removals; m = moves };
  do
  :: i < 2 ->
     v = version[i];
     if :: HOLDS(i, M) -> met = true :: else fi;
     atomic { if :: version[i] != v -> spoilt = true :: else fi; i++ } /* that bucket again: a walk that began later */
  :: else -> break
  od;
  atomic {
    if :: moves == m && !spoilt -> assert(met || !there || removals != removed) :: else fi;
    removed = 0; m = 0; v = 0; i = 0; there = false; met = false; spoilt = false
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

init {
  byte c;
  atomic {
    state[0] = LINKED; with[0] = M; va[0] = 1; vb[0] = 1; key_of[1] = M;
    seq_of[1] = 1; published = 1; acknowledged = 1; present = true;
#ifdef TWINS_THERE /* a third worker died moving M: so worker 0 may die taking over from it */
    crash[2] = true; slock = 2; entry[0] = WORD(M, 0); entry[1] = WORD(M, 0);
#else
    if :: entry[0] = WORD(M, 0) :: entry[1] = WORD(M, 0) fi;
#endif
    run Worker(0); run Worker(1);
#ifdef WALK
    run Walker();
#else
    run Reader();
#endif
    run Killer()
  };
  d_step {
    fin[0] && fin[1];
    do
    :: c < NCH -> assert(state[c] != CLAIMED || crash[with[c]]); c++
    :: else -> break
    od;
    assert(CAN_LOCK);
    assert(entry[0] == 0 || (state[CHUNK(entry[0])] == LINKED && with[CHUNK(entry[0])] == KEY(entry[0])));
    assert(entry[1] == 0 || (state[CHUNK(entry[1])] == LINKED && with[CHUNK(entry[1])] == KEY(entry[1])));
    assert(entry[0] == 0 || entry[0] != entry[1] || slock != NOBODY);
    c = 0
  }
}

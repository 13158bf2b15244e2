/* SPDX-License-Identifier: MIT */
/* Set, replace, erase and the hand against a reader, with SIGKILL after every statement and take-over by proof of death.
   In the code: Writer::publish_locked and remove_locked, Evictor::take_linked and take_part, release_item_locked, Reader::read.

   Two keys, each with a stripe, a bucket and one entry of its own. NCH chunks, each on a page of its own. An item is one chunk
   with two words (va, vb), or a chain: a head (va, and nx naming the part) and a part (va: the chain's id, vb). Values are
   numbers, so that a torn, a foreign and an outdated one are told apart.

   With PATIENT the reader is read_patiently, which looks at the chunk's own side word instead of the bucket's version.

   Wrong variants: BUMP_FIRST FREE_BEFORE_BUMP LINK_AFTER_PUBLISH RECLAIM_NOBUMP TIMEOUT_STEAL NO_RECHECK SHARED_ID ERASE_NOBUMP;
   of chains: PARTS_BEFORE_ENTRY PART_NOT_MARKED HEAD_BEFORE_PARTS PART_RECLAIM_NOBUMP;
   with PATIENT: NO_GENERATION NO_ENTRY_CHECK SIDE_BEFORE_ENTRY */
#ifndef NCH
#define NCH 2
#endif
#ifndef OPS0 /* operations of worker 0, and of worker 1 */
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
#define PART 3
#define NOBODY 7
#define FIRST_VALUE 3 /* 1 and 2 are there from the start */
#define NVAL (OPS0 + OPS1 + FIRST_VALUE)

/* The segment. */
byte state[NCH];          /* side word: state, and ... */
byte with[NCH];           /* ... its claimant, or the key of its item */
#ifdef PATIENT
byte generation[NCH];     /* ... and how often it was claimed; nobody else looks at that */
#endif
byte plock[NCH] = NOBODY; /* the lock of the chunk's page */
byte va[NCH]; byte vb[NCH]; byte nx[NCH];
byte entry[2]; byte version[2]; byte slock[2] = NOBODY;

/* Ghosts. */
bool dead[2]; bool crash[2]; bool fin[2]; byte kills;
byte key_of[NVAL];
byte seq_of[NVAL]; byte published; byte acknowledged; /* of key 0: which change of it was which */
byte inside[2];    /* how many are within the critical section of a stripe */
byte fillers[NCH]; /* how many believe that the chunk is theirs */

#ifdef TIMEOUT_STEAL
#define CAN_TAKE_FROM(who) (true)
#else
#define CAN_TAKE_FROM(who) (dead[who])
#endif
#define CAN_LOCK(word) (word == NOBODY || (word != slot && CAN_TAKE_FROM(word)))

inline enter(s) { /* a dead owner does not count; one that a time-out, or a shared identity, took for dead does */
  if :: slock[s] != NOBODY && crash[slock[s]] -> inside[s] = 0 :: else fi;
  slock[s] = slot; inside[s]++; assert(inside[s] == 1)
}
inline unlock_stripe(s) { if :: slock[s] == slot -> slock[s] = NOBODY :: else fi; inside[s]-- }
inline note_claim(c) { fillers[c]++; assert(fillers[c] == 1) }
/* Whoever holds the lock of a linked chunk's stripe, and nobody else, may take it away. */
inline take_linked(c) { assert(state[c] >= LINKED && with[c] == w); take(c) }
inline take(c) {
  state[c] = CLAIMED; with[c] = slot; got = true; note_claim(c)
#ifdef PATIENT
#ifndef NO_GENERATION
  ; generation[c]++
#endif
#endif
}
inline note_change(k) { if :: k == 0 -> published++ :: else fi }

/* One visit to any chunk, whether a hint, a bitmap or the hand led there. Sets got.
   The page's lock is taken and let go together with the step next to it; what a death in between would leave, others leave too. */
inline claim(c) {
  atomic { got = false;
    if :: c = 0 :: c = 1
#if NCH > 2
       :: c = 2
#endif
#if NCH > 3
       :: c = 3
#endif
    fi;
    if :: CAN_LOCK(plock[c]) -> plock[c] = slot; s = state[c]; w = with[c]; ok = true
       :: else -> ok = false
    fi };
  if
  :: !ok
  :: ok && s == FREE -> atomic { if :: state[c] == FREE -> take(c) :: else fi; plock[c] = NOBODY }
  :: ok && s == CLAIMED ->
     atomic { if :: w != slot && CAN_TAKE_FROM(w) && state[c] == CLAIMED && with[c] == w ->
                    if :: crash[w] -> fillers[c] = 0 :: else fi; take(c)
                 :: else
              fi; plock[c] = NOBODY }
  :: ok && s >= LINKED ->
     atomic { if :: CAN_LOCK(slock[w]) -> enter(w) :: else -> ok = false; plock[c] = NOBODY fi };
     if
     :: !ok
#ifdef NO_RECHECK
     :: ok && s == LINKED ->
#else
     :: ok && (state[c] != s || with[c] != w)
     :: ok && state[c] == s && with[c] == w && s == LINKED ->
#endif
        if
        :: entry[w] == c + 1 ->
           atomic { entry[w] = 0; note_change(w) };
           version[w]++;
           if :: nx[c] != 0 && state[nx[c] - 1] == PART && with[nx[c] - 1] == w -> state[nx[c] - 1] = FREE :: else fi
        :: else ->
#ifndef RECLAIM_NOBUMP
           version[w]++
#endif
        fi;
        atomic { take_linked(c) }
#ifdef CHAINS
     :: ok && state[c] == s && with[c] == w && s == PART ->
        if
        :: entry[w] != 0 && nx[entry[w] - 1] != 0 && va[entry[w] - 1] == va[c] -> /* its page has to be emptied: the item goes */
           atomic { h = entry[w] - 1; entry[w] = 0; note_change(w) };
           version[w]++;
           state[c] = FREE;
           atomic { state[h] = FREE; h = 0 };
           atomic { if :: state[c] == FREE -> take(c) :: else fi }
        :: else ->
#ifndef PART_RECLAIM_NOBUMP
           version[w]++;
#endif
           atomic { take_linked(c) }
        fi
#endif
     fi;
     if :: ok -> atomic { unlock_stripe(w); plock[c] = NOBODY } :: else fi
  fi;
  atomic { ok = false; s = 0; w = 0 }
}

/* Frees an item that has no entry any more. Lock held. */
inline release(i) {
#ifdef HEAD_BEFORE_PARTS
  state[i] = FREE;
  if :: nx[i] != 0 && state[nx[i] - 1] == PART && with[nx[i] - 1] == k -> state[nx[i] - 1] = FREE :: else fi
#else
  if :: nx[i] != 0 && state[nx[i] - 1] == PART && with[nx[i] - 1] == k -> state[nx[i] - 1] = FREE :: else fi;
  state[i] = FREE
#endif
}

inline acknowledge(k, seq) { if :: k == 0 && seq > acknowledged -> acknowledged = seq :: else fi }
inline forget() { k = 0; v = 0; c = 0; p = 0; old = 0; s = 0; w = 0; h = 0; seq = 0; got = false; ok = false; chain = false; erase = false }

proctype Worker(byte slot) {
  byte k, v, c, p, old, s, w, h, n, seq; bool got, ok, chain, erase;
  {
    do
    :: atomic { n < (slot == 0 -> OPS0 : OPS1) -> n++; v = FIRST_VALUE - 1 + n + slot * OPS0;
#ifndef ONE_KEY
         if :: k = 0 :: k = 1 fi;
#endif
         key_of[v] = k;
         if :: true :: erase = true
#ifdef CHAINS
            :: chain = true
#endif
         fi };
       if
       :: erase
       :: !erase ->
          got = true;
#ifdef CHAINS
          if :: chain -> claim(p); if :: got -> atomic { va[p] = v; vb[p] = v } :: else fi :: else fi;
#endif
          if
          :: got ->
             claim(c);
             if
             :: got -> atomic { va[c] = v; if :: chain -> nx[c] = p + 1 :: else -> vb[c] = v; nx[c] = 0 fi }
             :: else -> if :: chain -> atomic { state[p] = FREE; fillers[p] = 0 } :: else fi
             fi
          :: else
          fi
       fi;
       if
       :: !got && !erase
       :: got && !erase ->
          atomic { CAN_LOCK(slock[k]) -> enter(k); old = entry[k] };
#ifdef BUMP_FIRST
          version[k]++;
#endif
#ifndef PART_NOT_MARKED
          if :: chain -> atomic { state[p] = PART; with[p] = k; fillers[p] = 0 } :: else fi;
#endif
#ifndef LINK_AFTER_PUBLISH
          atomic { state[c] = LINKED; with[c] = k; fillers[c] = 0 };
#endif
          atomic { entry[k] = c + 1; note_change(k); seq = published; if :: k == 0 -> seq_of[v] = seq :: else fi };
#ifdef LINK_AFTER_PUBLISH
          atomic { state[c] = LINKED; with[c] = k; fillers[c] = 0 };
#endif
#ifdef FREE_BEFORE_BUMP
          if :: old != 0 -> release(old - 1) :: else fi;
#endif
#ifndef BUMP_FIRST
          version[k]++;
#endif
#ifndef FREE_BEFORE_BUMP
          if :: old != 0 -> release(old - 1) :: else fi;
#endif
          atomic { unlock_stripe(k); acknowledge(k, seq) }
       :: erase ->
          atomic { CAN_LOCK(slock[k]) -> enter(k); old = entry[k] };
          if
          :: old != 0 ->
#ifdef PARTS_BEFORE_ENTRY
             if :: nx[old - 1] != 0 -> state[nx[old - 1] - 1] = FREE :: else fi;
#endif
             atomic { entry[k] = 0; note_change(k) };
#ifndef ERASE_NOBUMP
             version[k]++;
#endif
             release(old - 1)
          :: else
          fi;
          atomic { seq = published; unlock_stripe(k); acknowledge(k, seq) }
       fi;
       atomic { forget() }
    :: atomic { n >= (slot == 0 -> OPS0 : OPS1) -> n = 0; fin[slot] = true; break }
    od
  } unless { atomic { crash[slot] -> n = 0; forget() } }
}

/* One read of key 0. To try again when validation fails adds nothing: that is a reader who comes later. */
proctype Reader() {
  byte before, v, x, a, b, p;
#ifdef PATIENT
  atomic { before = acknowledged; x = entry[0] };
  if
  :: x == 0
  :: else ->
     atomic { if :: state[x - 1] == LINKED && with[x - 1] == 0 -> v = generation[x - 1] :: else -> x = 0 fi };
     if
     :: x == 0
     :: else ->
        a = va[x - 1];
        p = nx[x - 1];
        b = (p == 0 -> vb[x - 1] : vb[p - 1]);
        /* The entry first: it was there while the chunk was still the same. */
#ifndef SIDE_BEFORE_ENTRY
#ifndef NO_ENTRY_CHECK
        atomic { if :: entry[0] != x -> x = 0 :: else fi };
#endif
#endif
        atomic { if :: x != 0 && (state[x - 1] != LINKED || with[x - 1] != 0 || generation[x - 1] != v) -> x = 0 :: else fi };
#ifdef SIDE_BEFORE_ENTRY
        atomic { if :: entry[0] != x -> x = 0 :: else fi };
#endif
        atomic { if :: x != 0 -> assert(a != 0 && key_of[a] == 0); assert(a == b); assert(seq_of[a] >= before) :: else fi }
     fi
  fi;
#else
  atomic { before = acknowledged; v = version[0] };
  x = entry[0];
  if
  :: x == 0
  :: else ->
     a = va[x - 1];
     p = nx[x - 1];
     b = (p == 0 -> vb[x - 1] : vb[p - 1]);
     atomic {
       if
       :: version[0] != v
       :: else -> assert(a != 0 && key_of[a] == 0); assert(a == b); assert(seq_of[a] >= before)
       fi }
  fi;
#endif
  atomic { before = 0; v = 0; x = 0; a = 0; b = 0; p = 0 }
}

/* SHARED_ID: worker 0 is a child that kept the identity of its parent, and it is the parent that dies. */
proctype Killer() {
end:
  do
  :: atomic { kills < KILLS && !fin[0] && !dead[0] -> kills++; dead[0] = true;
#ifndef SHARED_ID
       crash[0] = true; fin[0] = true
#endif
     }
#ifdef KILL_BOTH
  :: atomic { kills < KILLS && !fin[1] && !dead[1] -> kills++; dead[1] = true; crash[1] = true; fin[1] = true }
#endif
  od
}

/* When all is over, nothing may be left that the hand cannot take, and each entry's chunks must say whose they are. */
init {
  byte c;
  atomic {
#ifdef FULL /* key 0 in chunk 0, key 1 in chunk 1 */
    state[0] = LINKED; with[0] = 0; va[0] = 1; vb[0] = 1; entry[0] = 1;
    state[1] = LINKED; with[1] = 1; va[1] = 2; vb[1] = 2; entry[1] = 2;
    key_of[2] = 1; seq_of[1] = 1; published = 1; acknowledged = 1;
#endif
#ifdef CHAIN_THERE /* key 0 is a chain of chunks 0 and 1 */
    state[0] = LINKED; with[0] = 0; va[0] = 1; nx[0] = 2; entry[0] = 1;
    state[1] = PART; with[1] = 0; va[1] = 1; vb[1] = 1;
    seq_of[1] = 1; published = 1; acknowledged = 1;
#endif
    run Worker(0); run Worker(1); run Reader(); run Killer()
  };
  d_step {
    fin[0] && fin[1];
    do
    :: c < NCH -> assert(state[c] != CLAIMED || dead[with[c]]); c++
    :: else -> break
    od;
    assert((slock[0] == NOBODY || dead[slock[0]]) && (slock[1] == NOBODY || dead[slock[1]]));
    assert(entry[0] == 0 || (state[entry[0] - 1] == LINKED && with[entry[0] - 1] == 0));
    assert(entry[1] == 0 || (state[entry[1] - 1] == LINKED && with[entry[1] - 1] == 1));
    assert(entry[0] == 0 || nx[entry[0] - 1] == 0 || (state[nx[entry[0] - 1] - 1] == PART && with[nx[entry[0] - 1] - 1] == 0));
    assert(entry[0] == 0 || entry[0] != entry[1]);
    c = 0
  }
}

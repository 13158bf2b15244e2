/* SPDX-License-Identifier: MIT */
/* Set, replace, erase and the hand against readers, with SIGKILL after every statement and take-over by proof of death.
   lib/cache/writer.cc publish_locked and remove_locked, lib/cache/evictor.cc, lib/cache/items.cc release_item_locked,
   lib/cache/reader.cc read. What is left out: README.md.

   Two keys, each with a stripe, a bucket and one entry of its own. NCH chunks, each on a page of its own. An item is one chunk
   with two words (va, vb), or a chain: a head (va, and nx naming the part) and a part (va the chain's id, vb).

   Wrong variants: BUMP_FIRST FREE_BEFORE_BUMP LINK_AFTER_PUBLISH RECLAIM_NOBUMP TIMEOUT_STEAL NO_RECHECK SHARED_ID ERASE_NOBUMP;
   of chains: PARTS_BEFORE_ENTRY PART_NOT_MARKED HEAD_BEFORE_PARTS PART_RECLAIM_NOBUMP */
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
#define PART 3
#define NOBODY 7
#define NVAL (OPS0 + OPS1 + 3)

/* The segment. */
byte state[NCH];         /* side word: state, and ... */
byte with[NCH];          /* ... claimant, or key of the item */
byte plock[NCH] = NOBODY; /* the lock of the chunk's page */
byte va[NCH]; byte vb[NCH]; byte nx[NCH];
byte entry[2]; byte version[2]; byte slock[2] = NOBODY;

/* Ghosts. */
bool dead[2]; bool crash[2]; bool fin[2]; byte kills;
byte next_value = 1;
byte key_of[NVAL]; byte seq_of[NVAL]; byte published[2]; byte acknowledged[2];
byte inside[2];   /* within the critical section of a stripe */
byte fillers[NCH]; /* who believe that the chunk is theirs */

#ifdef TIMEOUT_STEAL
#define CAN_TAKE_FROM(who) (true)
#else
#define CAN_TAKE_FROM(who) (dead[who])
#endif
#ifdef SHARED_ID
#define ME 0
#else
#define ME slot
#endif

inline enter(s) { slock[s] = ME; inside[s]++; assert(inside[s] == 1) }
inline enter_from_the_dead(s) { if :: dead[slock[s]] -> inside[s] = 0 :: else fi; enter(s) }
inline lock_stripe(s) {
  if
  :: atomic { slock[s] == NOBODY -> enter(s) }
  :: atomic { slock[s] != NOBODY && slock[s] != ME && CAN_TAKE_FROM(slock[s]) -> enter_from_the_dead(s) }
  fi
}
inline unlock_stripe(s) { atomic { if :: slock[s] == ME -> slock[s] = NOBODY :: else fi; inside[s]-- } }

inline note_claim(c) { fillers[c]++; assert(fillers[c] == 1) }
inline take(c) { atomic { state[c] = CLAIMED; with[c] = ME; note_claim(c) } }

/* One visit of the hand, or of a hint: any chunk. Sets got. */
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
    if :: plock[c] == NOBODY || (plock[c] != ME && CAN_TAKE_FROM(plock[c])) -> plock[c] = ME; ok = true
       :: else -> ok = false
    fi;
    s = state[c]; w = with[c] };
  if
  :: !ok
  :: ok && s == FREE ->
     atomic { if :: state[c] == FREE -> state[c] = CLAIMED; with[c] = ME; got = true; note_claim(c) :: else fi; plock[c] = NOBODY }
  :: ok && s == CLAIMED ->
     if :: w != ME && CAN_TAKE_FROM(w) ->
           atomic { if :: state[c] == CLAIMED && with[c] == w -> if :: dead[w] -> fillers[c] = 0 :: else fi;
                          with[c] = ME; got = true; note_claim(c)
                       :: else
                    fi; plock[c] = NOBODY }
        :: else -> plock[c] = NOBODY
     fi
  :: ok && s >= LINKED ->
     atomic { if :: slock[w] == NOBODY -> enter(w)
                 :: slock[w] != NOBODY && slock[w] != ME && CAN_TAKE_FROM(slock[w]) -> enter_from_the_dead(w)
                 :: else -> ok = false
              fi };
     if
     :: !ok
#ifndef NO_RECHECK
     :: ok && (state[c] != s || with[c] != w) -> unlock_stripe(w)
     :: ok && state[c] == s && with[c] == w && s == LINKED ->
#else
     :: ok && s == LINKED ->
#endif
        if :: entry[w] == c + 1 ->
              atomic { entry[w] = 0; published[w]++ };
              version[w]++;
              if :: nx[c] != 0 && state[nx[c] - 1] == PART && with[nx[c] - 1] == w -> state[nx[c] - 1] = FREE :: else fi
           :: else ->
#ifndef RECLAIM_NOBUMP
              version[w]++
#else
              skip
#endif
        fi;
        atomic { take(c); got = true };
        unlock_stripe(w)
#ifdef CHAINS
     :: ok && state[c] == s && with[c] == w && s == PART ->
        if :: entry[w] != 0 && nx[entry[w] - 1] != 0 && va[entry[w] - 1] == va[c] ->
              atomic { h = entry[w] - 1; entry[w] = 0; published[w]++ };
              version[w]++;
              state[nx[h] - 1] = FREE;
              atomic { state[h] = FREE; h = 0 };
              atomic { if :: state[c] == FREE -> state[c] = CLAIMED; with[c] = ME; got = true; note_claim(c) :: else fi }
           :: else ->
#ifndef PART_RECLAIM_NOBUMP
              version[w]++;
#endif
              atomic { take(c); got = true }
        fi;
        unlock_stripe(w)
#endif
     fi;
     plock[c] = NOBODY
  fi;
  atomic { ok = false; s = 0; w = 0 }
}

inline give_back(c) { atomic { state[c] = FREE; fillers[c] = 0 } }

/* Frees an item that has no entry any more. */
inline release(h) {
#ifdef HEAD_BEFORE_PARTS
  state[h] = FREE;
  if :: nx[h] != 0 -> state[nx[h] - 1] = FREE :: else fi
#else
  if :: nx[h] != 0 -> if :: state[nx[h] - 1] == PART && with[nx[h] - 1] == k -> state[nx[h] - 1] = FREE :: else fi :: else fi;
  state[h] = FREE
#endif
}

proctype Worker(byte slot) {
  byte k, v, c, p, old, s, w, h, n; bool got, ok, chain, erase;
  {
    do
    :: atomic { n < (slot == 0 -> OPS0 : OPS1) -> n++; if :: k = 0 :: k = 1 fi;
         if :: erase = false
            :: erase = true
#ifdef CHAINS
            :: chain = true
#endif
         fi };
       if
       :: erase -> got = true
       :: else ->
          atomic { v = next_value; next_value++; key_of[v] = k };
          got = true;
#ifdef CHAINS
          if :: chain -> claim(p);
                if :: got -> va[p] = v; vb[p] = v :: else fi
             :: else
          fi;
#endif
          if
          :: got ->
             claim(c);
             if
             :: got ->
                va[c] = v;
                atomic { if :: chain -> nx[c] = p + 1 :: else -> vb[c] = v; nx[c] = 0 fi }
             :: else -> if :: chain -> give_back(p) :: else fi
             fi
          :: else
          fi
       fi;
       if
       :: !got
       :: got && !erase ->
          lock_stripe(k);
          old = entry[k];
#ifdef BUMP_FIRST
          version[k]++;
#endif
#ifdef CHAINS
#ifndef PART_NOT_MARKED
          if :: chain -> atomic { state[p] = PART; with[p] = k; fillers[p] = 0 } :: else fi;
#endif
#endif
#ifndef LINK_AFTER_PUBLISH
          atomic { state[c] = LINKED; with[c] = k; fillers[c] = 0 };
#endif
          atomic { entry[k] = c + 1; published[k]++; seq_of[v] = published[k] };
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
          unlock_stripe(k);
          atomic { if :: seq_of[v] > acknowledged[k] -> acknowledged[k] = seq_of[v] :: else fi }
       :: got && erase ->
          lock_stripe(k);
          old = entry[k];
          if
          :: old != 0 ->
#ifdef PARTS_BEFORE_ENTRY
             if :: nx[old - 1] != 0 -> state[nx[old - 1] - 1] = FREE :: else fi;
#endif
             atomic { entry[k] = 0; published[k]++; h = published[k] };
#ifndef ERASE_NOBUMP
             version[k]++;
#endif
             release(old - 1)
          :: else -> h = published[k]
          fi;
          unlock_stripe(k);
          atomic { if :: h > acknowledged[k] -> acknowledged[k] = h :: else fi; h = 0 }
       fi;
       atomic { v = 0; c = 0; p = 0; old = 0; k = 0; got = false; chain = false; erase = false }
    :: atomic { n >= (slot == 0 -> OPS0 : OPS1) -> fin[slot] = true; break }
    od
  } unless { crash[slot] }
}

/* One read of key 0. That a failed validation is tried again adds nothing: that is a reader who comes later. */
proctype Reader() {
  byte before, v, x, a, b, p;
  before = acknowledged[0];
  v = version[0];
  x = entry[0];
  if
  :: x == 0
  :: else ->
     a = va[x - 1];
     p = nx[x - 1];
     if :: p == 0 -> b = vb[x - 1] :: p != 0 -> b = vb[p - 1] fi;
     if
     :: version[0] != v
     :: else -> assert(a != 0 && key_of[a] == 0); assert(a == b); assert(seq_of[a] >= before)
     fi
  fi
}

proctype Killer() {
  do
  :: atomic { kills < KILLS && !fin[0] && !crash[0] -> crash[0] = true; dead[0] = true; fin[0] = true; kills++ }
#ifdef KILL_BOTH
  :: atomic { kills < KILLS && !fin[1] && !crash[1] -> crash[1] = true; dead[1] = true; fin[1] = true; kills++ }
#endif
  :: break
  od
}

/* When all is over, nothing may be left that the hand cannot take, and each entry's chunk must say whose it is. */
inline check_rest() {
  d_step {
    c = 0;
    do
    :: c < NCH -> assert(state[c] != CLAIMED || dead[with[c]]); c++
    :: else -> break
    od;
    assert(slock[0] == NOBODY || dead[slock[0]]); assert(slock[1] == NOBODY || dead[slock[1]]);
    assert(entry[0] == 0 || (state[entry[0] - 1] == LINKED && with[entry[0] - 1] == 0));
    assert(entry[1] == 0 || (state[entry[1] - 1] == LINKED && with[entry[1] - 1] == 1));
    assert(entry[0] == 0 || nx[entry[0] - 1] == 0 || (state[nx[entry[0] - 1] - 1] == PART && with[nx[entry[0] - 1] - 1] == 0));
    assert(entry[0] == 0 || entry[0] != entry[1]);
    c = 0
  }
}

init {
  byte c;
  atomic {
#ifdef FULL /* key 0 in chunk 0, key 1 in chunk 1 */
    state[0] = LINKED; with[0] = 0; va[0] = 1; vb[0] = 1; entry[0] = 1; key_of[1] = 0; published[0] = 1; seq_of[1] = 1; acknowledged[0] = 1;
    state[1] = LINKED; with[1] = 1; va[1] = 2; vb[1] = 2; entry[1] = 2; key_of[2] = 1; published[1] = 1; seq_of[2] = 1; acknowledged[1] = 1;
    next_value = 3;
#endif
#ifdef CHAIN_THERE /* key 0 is a chain of chunks 0 and 1 */
    state[0] = LINKED; with[0] = 0; va[0] = 1; nx[0] = 2; entry[0] = 1; key_of[1] = 0; published[0] = 1; seq_of[1] = 1; acknowledged[0] = 1;
    state[1] = PART; with[1] = 0; va[1] = 1; vb[1] = 1;
    next_value = 2;
#endif
    run Worker(0); run Worker(1); run Reader(); run Killer()
  };
  (fin[0] && fin[1]);
  check_rest()
}

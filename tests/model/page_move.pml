/* SPDX-License-Identifier: MIT */
/* A page emptied, its class changed, cut anew; against late claimers, sets that free a chunk of it, and a reader; SIGKILL after every
   statement.
   In the code: PageMover::move, Slabs::retire_page_locked, format_page_locked, adopt_page, claim_hinted, claim_in_page, release.

   One page of five words, which the two classes cut differently, so that each late store lands in something:
     class A   | side 0 | side 1 | bitmap | chunk 0 | chunk 1 |      values of one word
     class B   | side 0 | bitmap | chunk 0                    |      values of three words
   One stripe with two keys, a bucket's version, an entry each. A worker sets a key to a value of class A or B: if the page is
   of the other class it moves it first; if it is in the pool it takes it from there. Values are multiples of 4, so that a stray bit
   shows.

   Wrong variants: CLASS_BEFORE_EMPTY CLAIM_WITHOUT_PAGE_LOCK NO_CLASS_CHECK BITMAP_AFTER_FREE CLASS_BEFORE_CUT EMPTY_NOBUMP
   LIVE_CLAIM_IS_EMPTY */
#ifndef OPS0
#define OPS0 1
#endif
#ifndef OPS1
#define OPS1 1
#endif
#ifndef KILLS
#define KILLS 1
#endif

#define NOBODY 7
#define POOL 0
#define A 1
#define B 2
/* Side words. */
#define FREE 0
#define CLAIMED(who) (2 + who)
#define LINKED(key) (4 + key)
#define IS_CLAIMED(side) (side == 2 || side == 3)
#define CLAIMANT(side) (side - 2)
#define IS_LINKED(side) (side == 4 || side == 5)
/* Shapes. */
#define CHUNKS(class) (class == A -> 2 : 1)
#define BITMAP(class) (class == A -> 2 : 1)
#define AT(class, i) (class == A -> 3 + i : 2)
#define INDEX(class, at) (class == A -> at - 3 : 0)

#define NVAL (OPS0 + OPS1 + 2)
#define IS_VALUE(a) (a != 0 && a % 4 == 0 && a / 4 < NVAL)

byte page[5]; byte class = A; byte plock = NOBODY;
byte entry[2]; byte version; byte slock = NOBODY;

/* Ghosts. */
bool crash[2]; bool fin[2]; byte kills;
byte key_of[NVAL]; byte class_of[NVAL];
byte seq_of[NVAL]; byte published; byte acknowledged; /* of key 0 */

#define CAN_LOCK(word) (word == NOBODY || crash[word])

inline change_class(to) { class = to }

/* Cuts the page, which nobody owns anything of, for `x`. Page's lock held. */
inline format() {
#ifdef CLASS_BEFORE_CUT
  change_class(x);
#endif
  page[0] = FREE;
  if :: x == A -> page[1] = FREE :: else fi;
  page[BITMAP(x)] = (x == A -> 3 : 1);
#ifndef CLASS_BEFORE_CUT
  change_class(x)
#endif
}

/* What a LINKED chunk `i` of class `y` holds goes. Sets ok if it is ours then. */
inline evict(y) {
  atomic { if :: CAN_LOCK(slock) -> slock = slot; ok = true :: else -> ok = false fi };
  if
  :: !ok
  :: ok && page[i] != s -> slock = NOBODY; ok = false
  :: ok && page[i] == s ->
     if
     :: entry[s - 4] == AT(y, i) -> atomic { entry[s - 4] = 0; if :: s == 4 -> published++ :: else fi }
     :: else
     fi;
#ifndef EMPTY_NOBUMP
     version++;
#endif
     page[i] = CLAIMED(slot);
     slock = NOBODY
  fi
}

/* Empties the page of class `from` and gives it to `x`. */
inline move() {
  atomic { if :: CAN_LOCK(plock) -> plock = slot; got = true :: else -> got = false fi };
  if
  :: !got
  :: got ->
     if
     :: class != from
     :: else ->
#ifdef CLASS_BEFORE_EMPTY
        change_class(x);
#endif
        i = 0;
        do
        :: i < CHUNKS(from) ->
           s = page[i];
           if
           :: s == FREE
           :: IS_CLAIMED(s) ->
              if
              :: crash[CLAIMANT(s)] -> atomic { if :: page[i] == s -> page[i] = FREE :: else -> got = false fi }
#ifdef LIVE_CLAIM_IS_EMPTY
              :: else
#else
              :: else -> got = false
#endif
              fi
           :: IS_LINKED(s) -> evict(from); if :: ok -> page[i] = FREE :: else -> got = false fi
           :: else -> assert(false)
           fi;
           atomic { i++; s = 0; ok = false }
        :: else -> break
        od;
        if
        :: got -> change_class(POOL); format()
        :: else
        fi
     fi;
     atomic { plock = NOBODY; got = false; i = 0 }
  fi
}

/* From the pool. */
inline adopt() {
  atomic { if :: CAN_LOCK(plock) -> plock = slot; got = true :: else -> got = false fi };
  if
  :: got -> if :: class == POOL -> format() :: else fi; atomic { plock = NOBODY; got = false }
  :: else
  fi
}

/* One visit to a chunk of class `x`, whatever led there. */
inline claim() {
  atomic { got = false; from = class; if :: i = 0 :: x == A -> i = 1 fi };
  if
  :: from != x
  :: else ->
#ifdef CLAIM_WITHOUT_PAGE_LOCK
     s = page[i];
     if
     :: s == FREE -> atomic { if :: page[i] == FREE -> page[i] = CLAIMED(slot); got = true :: else fi }
     :: else
     fi
#else
     atomic { if :: CAN_LOCK(plock) -> plock = slot; ok = true :: else -> ok = false fi };
     if
     :: !ok
#ifdef NO_CLASS_CHECK
     :: ok ->
#else
     :: ok && class != x -> plock = NOBODY
     :: ok && class == x ->
#endif
        s = page[i];
        if
        :: s == FREE -> atomic { if :: page[i] == s -> page[i] = CLAIMED(slot); got = true :: else fi }
        :: IS_CLAIMED(s) && crash[CLAIMANT(s)] -> atomic { if :: page[i] == s -> page[i] = CLAIMED(slot); got = true :: else fi }
        :: IS_LINKED(s) -> evict(x); got = ok
        :: else
        fi;
        if :: got -> page[BITMAP(x)] = page[BITMAP(x)] & (255 - (1 << i)) :: else fi;
        plock = NOBODY
     fi
#endif
  fi;
  atomic { ok = false; s = 0; from = 0 }
}

/* Frees chunk `j` of class `y`, which is ours to free. */
inline release(y, j) {
#ifdef BITMAP_AFTER_FREE
  page[j] = FREE;
  page[BITMAP(y)] = page[BITMAP(y)] | (1 << j)
#else
  page[BITMAP(y)] = page[BITMAP(y)] | (1 << j);
  page[j] = FREE
#endif
}

inline forget() { k = 0; x = 0; v = 0; i = 0; s = 0; from = 0; old = 0; j = 0; seq = 0; got = false; ok = false }

proctype Worker(byte slot) {
  byte k, x, v, i, s, from, old, j, n, seq; bool got, ok;
  {
    do
    :: atomic { n < (slot == 0 -> OPS0 : OPS1) -> n++; v = 4 * (1 + n + slot * OPS0);
         if :: k = 0 :: k = 1 fi; if :: x = A :: x = B fi; key_of[v / 4] = k; class_of[v / 4] = x };
       from = class;
       if
       :: from == POOL -> adopt()
       :: from != POOL && from != x -> move()
       :: else
       fi;
       claim();
       if
       :: got ->
          page[AT(x, i)] = v;
          if :: x == B -> page[3] = v; page[4] = v :: else fi;
          if
          :: atomic { CAN_LOCK(slock) -> slock = slot; old = entry[k] };
             page[i] = LINKED(k);
             atomic { entry[k] = AT(x, i); if :: k == 0 -> published++; seq = published; seq_of[v / 4] = seq :: else fi };
             version++;
             if
             :: old != 0 -> atomic { from = class; j = INDEX(from, old) }; release(from, j)
             :: else
             fi;
             atomic { slock = NOBODY; if :: k == 0 && seq > acknowledged -> acknowledged = seq :: else fi }
          :: release(x, i) /* busy: given back */
          fi
       :: else
       fi;
       atomic { forget() }
    :: atomic { n >= (slot == 0 -> OPS0 : OPS1) -> n = 0; fin[slot] = true; break }
    od
  } unless { atomic { crash[slot] -> n = 0; forget() } }
}

/* One read of key 0. */
proctype Reader() {
  byte before, v, at, a, b, c;
  atomic { before = acknowledged; v = version };
  at = entry[0];
  if
  :: at == 0
  :: else ->
     a = page[at];
     b = a; c = a;
     if
     :: IS_VALUE(a) && class_of[a / 4] == B && at == 2 -> b = page[3]; c = page[4] /* longer than the page: not an item */
     :: else
     fi;
     atomic {
       if
       :: version == v -> assert(IS_VALUE(a) && key_of[a / 4] == 0 && a == b && a == c && seq_of[a / 4] >= before)
       :: else
       fi }
  fi;
  atomic { before = 0; v = 0; at = 0; a = 0; b = 0; c = 0 }
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

#define AT_REST(side) (side == FREE || IS_LINKED(side) || (IS_CLAIMED(side) && crash[CLAIMANT(side)]))
inline check_entry(k) {
  if
  :: entry[k] != 0 ->
     assert(class != POOL && page[INDEX(class, entry[k])] == LINKED(k) && entry[k] == AT(class, INDEX(class, entry[k])));
     v = page[entry[k]];
     assert(IS_VALUE(v) && key_of[v / 4] == k && class_of[v / 4] == class && (class == A || (page[3] == v && page[4] == v)))
  :: else
  fi
}

init {
  byte v;
  atomic {
    /* Class A; key 0 in chunk 0; chunk 1 free. */
    page[0] = LINKED(0); page[1] = FREE; page[2] = 2; page[3] = 4; entry[0] = 3;
    class_of[1] = A; seq_of[1] = 1; published = 1; acknowledged = 1;
    run Worker(0); run Worker(1); run Reader(); run Killer()
  };
  d_step {
    fin[0] && fin[1];
    assert(CAN_LOCK(plock) && CAN_LOCK(slock));
    assert(class == POOL || AT_REST(page[0])); assert(class != A || AT_REST(page[1]));
    check_entry(0); check_entry(1);
    v = 0
  }
}

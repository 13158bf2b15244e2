/* SPDX-License-Identifier: MIT */
/* Worker slots, byte locks as proof of death, and a lock taken over from the dead; also from one who died taking it over.
   In the code: LifeToken::take, WorkerRegistry::take_slot, Liveness::is_dead, OwnerLock.

   NP processes come and go over NS slots; SIGKILL anywhere, KILLS times. What the kernel holds (byte) vanishes with the process,
   what lies in the segment (incarnation, lock) stays. A process locks once, or stays without ever locking. A claim of a chunk is
   proven abandoned the same way, so it is not modelled twice.

   Wrong variants: INC_BEFORE_LOCK NO_INC_CHECK NO_BYTE_CHECK BLIND_TAKE_OVER */
#ifndef NP
#define NP 3
#endif
#ifndef NS
#define NS 2
#endif
#ifndef KILLS
#define KILLS 2
#endif
#define NOBODY 255

byte byte_of[NS] = NOBODY; /* the kernel: which process has the slot's byte */
byte incarnation[NS];      /* the segment ... */
byte lock_slot = NOBODY; byte lock_inc;

/* Ghosts. */
bool crash[NP]; bool over[NP]; byte kills;
byte inside; bool leaving[NP];

inline enter() { lock_slot = s; lock_inc = i; inside++; assert(inside == 1); in = true }

#ifdef NO_INC_CHECK
#define MOVED_ON(slot, inc) (false)
#else
#define MOVED_ON(slot, inc) (incarnation[slot] != inc)
#endif
#ifdef NO_BYTE_CHECK
#define BYTE_FREE(slot) (false)
#else
#define BYTE_FREE(slot) (byte_of[slot] == NOBODY)
#endif

proctype Process(byte id) {
  byte s, i, ws, wi; bool is_dead, in, stay;
  {
    if :: true :: stay = true fi;
    do
    :: s < NS ->
#ifdef INC_BEFORE_LOCK
       atomic { incarnation[s]++; i = incarnation[s] };
#endif
       if
       :: atomic { byte_of[s] == NOBODY -> byte_of[s] = id };
#ifndef INC_BEFORE_LOCK
          i = incarnation[s] + 1;
          incarnation[s] = i;
#endif
          break
       :: atomic { byte_of[s] != NOBODY -> s++ }
       fi
    :: atomic { s >= NS -> goto out }
    od;
    if
    :: stay -> leaving[id] = true /* attached, at rest, until the others are gone */
    :: else ->
       do
       :: atomic { lock_slot == NOBODY -> enter() }; break
       :: atomic { lock_slot != NOBODY -> ws = lock_slot; wi = lock_inc };
          /* Proof, by two looks one after the other. */
          is_dead = MOVED_ON(ws, wi);
          if :: !is_dead && ws != s -> is_dead = BYTE_FREE(ws) :: else fi;
          if
          :: is_dead ->
#ifdef BLIND_TAKE_OVER
             atomic { enter(); break }
#else
             atomic { if :: lock_slot == ws && lock_inc == wi -> enter(); break :: else fi }
#endif
          :: else -> /* asleep until something changes that might let us on: never for ever */
             (lock_slot != ws || lock_inc != wi || MOVED_ON(ws, wi) || (ws != s && BYTE_FREE(ws)))
          fi
       od;
       atomic { lock_slot = NOBODY; inside--; in = false }
    fi;
    if
    :: stay -> (leaving[0] || over[0]) && (leaving[1] || over[1]) && (leaving[2] || over[2])
    :: else
    fi;
out: skip
  } unless { crash[id] };
  /* Gone, one way or the other: the kernel lets go of the byte. Who was inside has not left a process behind that could do harm. */
  atomic {
    if :: in && lock_slot == s && lock_inc == i -> inside = 0 :: else fi;
    if :: s < NS && byte_of[s] == id -> byte_of[s] = NOBODY :: else fi;
    over[id] = true; s = 0; i = 0; ws = 0; wi = 0; is_dead = false; in = false; stay = false
  }
}

proctype Killer() {
end:
  do
  :: atomic { kills < KILLS && !over[0] && !crash[0] -> crash[0] = true; kills++ }
  :: atomic { kills < KILLS && !over[1] && !crash[1] -> crash[1] = true; kills++ }
  :: atomic { kills < KILLS && !over[2] && !crash[2] -> crash[2] = true; kills++ }
  od
}

init { atomic { run Process(0); run Process(1); run Process(2); run Killer() } }

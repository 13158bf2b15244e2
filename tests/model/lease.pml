/* SPDX-License-Identifier: MIT */
/* One loader per key: who misses plants a lease, computes without a lock, and fills only while that very lease is there; the others sleep on
   a word of the stripe. Meanwhile the key is erased, set, cleared, evicted, or invalidated by a stamp of its tag (or namespace). SIGKILL after
   every statement.
   In the code: Leases, Writer::plant_lease, store and erase with Condition::kLease, StripeGuard::unlock_and_wake, Cache::load.

   Stamps: an invalidation of a tag raises a sequence in the header, then the tag's slot to what it got. A lease has the sequence from before it
   was planted, and the value it is filled with has the lease's; an item is valid while no slot of its tags is beyond its stamp.

   One key, one entry; what a clear has outdated gives way to what comes next. A lock and the look under it are one step; locks are waited for
   as long as it takes. Checked:

   (F) a read that began after an invalidation had returned never sees what was computed before it;
   (S) nobody is given a lease while another live one computes, unless that one's lease was erased, set, cleared, outdated or evicted;
   (W) nobody sleeps for ever (spin's invalid end states). Where nobody dies and nothing is cleared, without a single look at the clock;
       else the look is there only where there is nothing to wait for, and a few times;
   (V) who computed undisturbed, may store.

   Wrong variants: FILL_WITHOUT_TOKEN TOKEN_WITHOUT_GENERATION FILL_WITHOUT_EPOCH ABANDON_WITHOUT_TOKEN BLIND_TAKE_OVER NO_TAKE_OVER
   SEQ_AFTER_LOOK FLAG_AFTER_LOOK FLAG_TAKEN_AFTER_SEQ FLAG_TAKEN_AFTER_UNLOCK TOLD_BEFORE_LOCK WAKE_BEFORE_SEQ NOT_NOTED REFUSED_FILL_LEAVES_LEASE
   STAMP_AT_FILL STAMP_AFTER_COMPUTING SLOT_WITHOUT_MAX SLOT_BEFORE_SEQ READER_IGNORES_STAMP */
#ifndef LOADERS
#define LOADERS 2
#endif
#ifndef LOADS
#define LOADS 1
#endif
#ifndef INVALIDATORS
#define INVALIDATORS 1
#endif
#ifndef INVALIDATIONS
#define INVALIDATIONS 1 /* each */
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef LOOKS
#define LOOKS KILLS /* at the clock, of each loader */
#endif
#ifndef VICTIM
#define VICTIM 0
#endif
#define NOBODY 7

/* The segment. */
byte epoch = 1;
byte header_seq; byte slot; /* stamps: invalidations counted, and the tag's latest one */
byte slock = NOBODY; byte lease_seq; bool waiters, gone; /* the stripe */
#define NONE 0
#define VALUE 1
#define LEASE 2
byte kind, place, gen, owner, epoch_of, stamp, version; /* the key's entry; version: of what the value was computed from */
byte gens;

/* What is cached. */
byte db = 1;

/* The kernel, and ghosts. */
bool asleep[3];
bool crash[5]; bool fin[5]; byte kills; byte running = LOADERS + INVALIDATORS;
byte invalidated;  /* what reads must not be older than */
byte stirs, stirring; /* invalidations and evictions begun; how many of them go on */
bool computing[3]; bool excused[3];

#define TAG_OK(s) (slot <= (s))
#ifdef TAGGED_LEASE
#define LEASE_OK TAG_OK(stamp)
#define OUTDATED excuse_all()
#else
#define LEASE_OK true /* its tags are named when it is filled */
#define OUTDATED skip
#endif
#define IS_VALUE (kind == VALUE && epoch_of == epoch && TAG_OK(stamp))
#define IS_LEASE (kind == LEASE && epoch_of == epoch && LEASE_OK)
#define CAN_LOCK (slock == NOBODY || crash[slock])
#if defined(BLIND_TAKE_OVER)
#define IS_DEAD(i) (true)
#elif defined(NO_TAKE_OVER)
#define IS_DEAD(i) (false)
#else
#define IS_DEAD(i) (crash[i])
#endif
#define COMPUTES(i) (computing[i] && !excused[i] && !crash[i])
#define TO_WAIT_FOR (IS_LEASE && !crash[owner])

inline wake() { atomic { asleep[0] = false; asleep[1] = false; asleep[2] = false } }
inline excuse_all() { excused[0] = computing[0]; excused[1] = computing[1]; excused[2] = computing[2] }

inline unlock() {
  if
  :: !gone -> slock = NOBODY
  :: else ->
#if defined(WAKE_BEFORE_SEQ)
     atomic { gone = false; had = waiters; waiters = false };
     if :: had -> wake(); had = false :: else fi;
     lease_seq++;
     slock = NOBODY;
#elif defined(FLAG_TAKEN_AFTER_SEQ)
     atomic { gone = false; lease_seq++ };
     atomic { had = waiters; waiters = false };
     slock = NOBODY;
#elif defined(FLAG_TAKEN_AFTER_UNLOCK)
     atomic { gone = false; lease_seq++ };
     slock = NOBODY;
     atomic { had = waiters; waiters = false };
#else
     atomic { gone = false; had = waiters; waiters = false };
     lease_seq++;
     slock = NOBODY;
#endif
     if :: had -> wake() :: else fi;
     had = false
  fi
}
/* Nothing was changed: nobody sees how long the lock was held, unless there is something to tell from the one before. */
inline let_go() { if :: gone :: else -> slock = NOBODY fi }
inline unlock_unless_let_go() { if :: slock == me -> unlock() :: else fi }

/* Lock held. */
inline note_gone() {
#ifndef NOT_NOTED
  if :: kind == LEASE && epoch_of == epoch -> gone = true :: else fi
#else
  skip
#endif
}

inline publish(new_kind, new_stamp) {
  atomic {
    place = (kind == NONE -> 0 : 1 - place);
    gens++; gen = gens; kind = new_kind; epoch_of = e; stamp = new_stamp; owner = me; version = v
  }
}
inline remove() {
  atomic { kind = NONE; place = 0; gen = 0; owner = 0; epoch_of = 0; stamp = 0; version = 0 }
}

/* A get. */
inline read() {
  atomic { e = epoch; st = slot };
  atomic {
#ifdef READER_IGNORES_STAMP
    st = 0;
#endif
    found = (kind == VALUE && epoch_of == e && st <= stamp);
    assert(!found || version >= began);
    e = 0; st = 0 }
}

inline look() {
  atomic { CAN_LOCK -> slock = me;
    seen = (IS_VALUE -> VALUE : (IS_LEASE -> LEASE : NONE)); o = (seen == LEASE -> owner : NOBODY); let_go() };
  unlock_unless_let_go()
}

#ifdef TOKEN_WITHOUT_GENERATION
#define MY_TOKEN (place == tplace)
#else
#define MY_TOKEN (gen == token)
#endif
#if defined(FILL_WITHOUT_EPOCH)
#define FILLABLE (kind == LEASE && MY_TOKEN)
#elif defined(FILL_WITHOUT_TOKEN)
#define FILLABLE (epoch_of == epoch || kind == NONE)
#else
#define FILLABLE (kind == LEASE && epoch_of == epoch && MY_TOKEN)
#endif
#ifdef TOLD_BEFORE_LOCK
#define LET_GO skip
#else
#define LET_GO let_go()
#endif
#ifdef ABANDON_WITHOUT_TOKEN
#define ABANDONABLE IS_LEASE
#else
#define ABANDONABLE (kind == LEASE && epoch_of == epoch && MY_TOKEN)
#endif

inline forget() {
  e = 0; st = 0; s = 0; v = 0; seen = 0; o = 0; token = 0; tplace = 0; then = 0; began = 0;
  had = false; found = false; calm = false; may = false
}

proctype Loader(byte me) {
  byte n, e, st, s, v, seen, o, token, tplace, then, began, looks; bool had, found, calm, may;
  {
    do
    :: atomic { n < LOADS -> n++; began = invalidated };
ask:   look();
       if
       :: seen == VALUE -> read(); if :: found -> goto done :: else -> goto ask fi
       :: seen == LEASE ->
          if :: !IS_DEAD(o) -> goto wait :: else fi /* asked outside of all locks */
       :: else
       fi;
       /* plant_lease */
       atomic { e = epoch; st = header_seq; calm = (stirring == 0); then = stirs };
       atomic { CAN_LOCK -> slock = me; found = IS_VALUE || (IS_LEASE && owner != o) || e != epoch;
         if
         :: found -> found = false; e = 0; st = 0; calm = false; then = 0; let_go()
         :: else -> may = true; note_gone()
         fi };
       if :: !may -> unlock_unless_let_go(); goto wait :: else -> may = false fi;
       publish(LEASE, st);
       atomic {
         token = gen; tplace = place; e = 0; o = 0; seen = 0; st = 0;
         assert(!COMPUTES(0) && !COMPUTES(1) && !COMPUTES(2));
         computing[me] = true; excused[me] = !IS_LEASE };
       unlock();
       /* Computing, for as long as it likes. */
       v = db;
#ifdef STAMP_AFTER_COMPUTING
       stamp = (kind == LEASE && gen == token -> header_seq : stamp);
#endif
       if
       :: /* fill */
          e = epoch;
#ifdef TOLD_BEFORE_LOCK
          atomic { had = waiters; waiters = false; lease_seq++ };
#endif
          atomic { CAN_LOCK -> slock = me; may = FILLABLE; computing[me] = false;
#ifdef STAMP_AT_FILL
            st = header_seq;
#else
            st = stamp;
#endif
            assert(!calm || stirs != then || (may && TAG_OK(st) && e == epoch));
            may = may && e == epoch;
#ifdef REFUSED_FILL_LEAVES_LEASE
            may = may && TAG_OK(st);
#endif
            if :: may -> note_gone() :: else -> LET_GO fi };
          if
          :: may && TAG_OK(st) -> publish(VALUE, st)
          :: may && !TAG_OK(st) -> remove()
          :: else
          fi;
#ifdef TOLD_BEFORE_LOCK
          gone = false; slock = NOBODY;
          if :: had -> wake() :: else fi
#else
          unlock_unless_let_go()
#endif
       :: /* abandon */
          atomic { CAN_LOCK -> slock = me; may = ABANDONABLE; computing[me] = false;
            if :: may -> note_gone() :: else -> let_go() fi };
          if :: may -> remove() :: else fi;
          unlock_unless_let_go()
       fi;
       goto done;

wait:
#if defined(SEQ_AFTER_LOOK)
       waiters = true;
       look();
       s = lease_seq;
#elif defined(FLAG_AFTER_LOOK)
       s = lease_seq;
       look();
       waiters = true;
#else
       s = lease_seq;
       waiters = true;
       look();
#endif
       if
       :: seen == LEASE && !IS_DEAD(o) ->
          atomic { asleep[me] = (lease_seq == s); seen = 0; o = 0; s = 0 };
          if
          :: atomic { !asleep[me] }
          :: atomic { asleep[me] && looks < LOOKS && !TO_WAIT_FOR -> looks++; asleep[me] = false }
          fi
       :: else -> atomic { seen = 0; o = 0; s = 0 }
       fi;
       read();
       if :: found :: else -> goto ask fi;

done:  atomic { excused[me] = false; forget() }
    :: atomic { n >= LOADS -> n = 0; looks = 0; fin[me] = true; running--; break }
    od
  } unless { atomic { crash[me] -> n = 0; looks = 0; computing[me] = false; excused[me] = false; asleep[me] = false; forget() } }
}

/* Changes the source, then invalidates. */
proctype Invalidator(byte me) {
  byte n, e, v, g, x, st, mine; bool had, may, within;
  {
    do
    :: n < INVALIDATIONS ->
       atomic { n++; stirs++; stirring++; within = true };
       if
#ifdef ERASE
       :: atomic { db++; mine = db };
          atomic { CAN_LOCK -> slock = me; may = (kind != NONE && epoch_of == epoch);
            if :: may -> excuse_all(); note_gone() :: else -> let_go() fi };
          if :: may -> remove() :: else fi;
          unlock_unless_let_go()
#endif
#ifdef SET
       :: atomic { db++; mine = db; v = 200 }; /* whatever was set: it is nobody's business how old that is */
          atomic { e = epoch; st = header_seq };
          atomic { CAN_LOCK -> slock = me; may = (e == epoch);
            if :: may -> excuse_all(); note_gone() :: else -> let_go() fi };
          if :: may -> publish(VALUE, st) :: else fi;
          unlock_unless_let_go()
#endif
#ifdef STORE
       :: /* not an invalidation: a set in the midst of them, of what is read once it has begun */
          atomic { e = epoch; st = header_seq };
          v = db;
          atomic { CAN_LOCK -> slock = me; may = (e == epoch);
            if :: may -> excuse_all(); note_gone() :: else -> let_go() fi };
          if :: may -> publish(VALUE, st) :: else fi;
          unlock_unless_let_go()
#endif
#ifdef CLEAR
       :: atomic { db++; mine = db };
          atomic { epoch++; excuse_all() }
#endif
#ifdef TAG
       :: atomic { db++; mine = db };
#ifdef SLOT_BEFORE_SEQ
          g = header_seq + 1;
#else
          atomic { header_seq++; g = header_seq };
#endif
#ifdef SLOT_WITHOUT_MAX
          slot = g;
#else
          do
          :: x = slot;
             if
             :: x >= g -> break
             :: else -> atomic { if :: slot == x -> slot = g; OUTDATED; break :: else fi }
             fi
          od;
#endif
#ifdef SLOT_BEFORE_SEQ
          header_seq++
#else
          skip
#endif
#endif
#ifdef EVICT
       :: /* not an invalidation either: a hand that needs room */
          atomic { CAN_LOCK -> slock = me; may = (kind != NONE);
            if :: may -> excuse_all(); note_gone() :: else -> let_go() fi };
          if :: may -> remove() :: else fi;
          unlock_unless_let_go()
#endif
       fi;
       atomic {
         if :: mine > invalidated -> invalidated = mine :: else fi;
         stirring--; within = false; e = 0; v = 0; g = 0; x = 0; st = 0; mine = 0; had = false; may = false }
    :: atomic { n >= INVALIDATIONS -> n = 0; fin[me] = true; running--; break }
    od
  } unless { atomic { crash[me] -> stirring = stirring - within; within = false; n = 0; e = 0; v = 0; g = 0; x = 0; st = 0; mine = 0; had = false; may = false } }
}

proctype Reader() {
  byte e, st, began; bool found;
  began = invalidated;
  read();
  atomic { began = 0; found = false }
}

proctype Killer() {
end:
  do
  :: atomic { kills < KILLS && !fin[VICTIM] && !crash[VICTIM] -> kills++; crash[VICTIM] = true; fin[VICTIM] = true; running-- }
  od
}

init {
  atomic {
    run Loader(0);
#if LOADERS > 1
    run Loader(1);
#endif
#if LOADERS > 2
    run Loader(2);
#endif
    if :: INVALIDATORS > 0 -> run Invalidator(LOADERS) :: else fi;
#if INVALIDATORS > 1
    run Invalidator(LOADERS + 1);
#endif
#ifdef READER
    run Reader();
#endif
    if :: KILLS > 0 -> run Killer() :: else fi
  };
  atomic { running == 0 -> assert(CAN_LOCK) }
}

/* SPDX-License-Identifier: MIT */
/*
 * A publisher and a subscriber that die at any moment. The publisher's pipe is read to its end before its next process is started,
 * and its credit ends there; what the subscriber had not consumed is lost and counted, its queue is held within a bound that never
 * stops the publisher, and delivered in order if it comes back.
 *
 * Messages cost 1. Numbers go on over the publisher's processes, so that order can be checked across them.
 */
#define WINDOW 2
#define MARK 1
#define MEMORY 3
#define HOLD 2
#ifndef SENDS
#define SENDS 4
#endif

/* the publisher: a pipe per process, used in turn */
bool alive = true, noticed;
bit life;
byte deaths = 1, left = SENDS, number, waiting, limit, sent, want_room, gone;
bool want_due;
chan outbox = [2] of { byte };
chan up[2] = [4] of { byte };

/* the broker */
byte given, used, want, credit_room, outstanding, slot_credit, lost, dropped;
chan queue = [6] of { byte };

/* the subscriber */
bool up_again, hears = true;
byte falls = 1, consumed, taken, arrived;
chan down = [4] of { byte };

byte n;

#define CHARGED (given - used + len(queue))
#ifdef MUTANT_HOLD_BLOCKS          /* a crashed slot stops its publishers */
#define OVER (len(queue) > 0 && len(queue) + given - used > MARK)
#else
#define OVER (hears && len(queue) > 0 && len(queue) + given - used > MARK)
#endif

inline announce()
{
    want_room = sent + 1;
    want_due = true
}

active proctype publisher()
{
    end:
    do
    :: d_step { alive && left > 0 && waiting == 0 && nfull(outbox) ->
        left--;
        number++;
        if
        :: sent < limit -> sent++; outbox ! number
        :: else -> waiting = number; announce()
        fi }
    :: d_step { alive && (len(outbox) > 0) && nfull(up[life]) -> outbox ? n; up[life] ! n; n = 0 }
    :: d_step { alive && credit_room > 0 && nfull(outbox) ->
        limit = limit + credit_room;
        credit_room = 0;
        if
        :: waiting > 0 && sent < limit -> sent++; outbox ! waiting; waiting = 0
        :: else
        fi }
    :: d_step { alive && deaths > 0 ->
        deaths--;
        alive = false;
        gone = gone + len(outbox);
        if
        :: waiting > 0 -> gone++; waiting = 0
        :: else
        fi;
        do
        :: len(outbox) > 0 -> outbox ? n
        :: else -> break
        od;
        n = 0;
        limit = 0; sent = 0; credit_room = 0 }
    :: d_step { !alive && want_due -> want_due = false; want_room = 0 }     /* it had not left */
    od
}

inline forget_credit()
{
#ifndef MUTANT_CREDIT_SURVIVES     /* credit outlives its connection */
    given = 0; used = 0;
    want = 0
#else
    skip
#endif
}

#ifdef MUTANT_NEW_FIRST            /* the next process is started while the old pipe has frames */
#define MAY_START (!alive)
#define READABLE (len(up[0]) > 0 || len(up[1]) > 0)
#else
#define MAY_START (!alive && len(up[life]) == 0 && !want_due)
#define READABLE (len(up[life]) > 0)
#endif

inline trim(bound)
{
#ifndef MUTANT_HOLD_UNBOUNDED
    do
    :: len(queue) > bound -> queue ? n; dropped++
    :: else -> break
    od;
#endif
    n = 0
}

active proctype broker()
{
    end:
    do
    :: d_step { READABLE ->
        if
        :: len(up[life]) > 0 -> up[life] ? n
        :: else -> up[1 - life] ? n
        fi;
        assert(used < given);                              /* an honest host is never accused */
        used++;
        queue ! n;
        if
        :: !hears -> trim(HOLD)
        :: else
        fi;
        n = 0 }
    :: d_step { want_due -> want = want_room; want_due = false; want_room = 0 }
    :: d_step { want > given && !OVER && CHARGED + want - given <= MEMORY ->
        if
        :: alive -> credit_room = credit_room + want - given
        :: else                                            /* written to a pipe nobody reads */
        fi;
        given = want }
#ifdef MUTANT_FORGETS_EARLY        /* credit is forgotten at death, the rest of the pipe read after it */
    :: d_step { !alive && !noticed -> noticed = true; forget_credit() }
#endif
    :: d_step { MAY_START -> forget_credit(); noticed = false; life = 1 - life; alive = true }
    :: d_step { (len(queue) > 0) && nfull(down) && hears && outstanding < WINDOW ->
        queue ? n;
        outstanding++;
        down ! n;
        n = 0 }
    :: d_step { slot_credit > 0 ->
        assert(slot_credit <= outstanding);
        outstanding = outstanding - slot_credit;
        slot_credit = 0 }
    :: d_step { !hears && up_again -> hears = true; up_again = false }
    od
}

active proctype subscriber()
{
    end:
    do
    :: d_step { hears && (len(down) > 0) ->
        down ? n;
        assert(n > taken);
        taken = n;
        arrived++;
        consumed++;
        if
        :: consumed >= WINDOW / 2 -> slot_credit = slot_credit + consumed; consumed = 0
        :: else
        fi;
        n = 0 }
    :: d_step { hears && falls > 0 ->
        falls--;
        hears = false;
        lost = lost + len(down);
        do
        :: len(down) > 0 -> down ? n
        :: else -> break
        od;
        consumed = 0; slot_credit = 0;
#ifndef MUTANT_WINDOW_SURVIVES     /* what the dead process had not consumed fills the window of the next */
        outstanding = 0;
#endif
        trim(HOLD) }
    :: falls == 0 && !hears && !up_again -> up_again = true
    :: falls == 0 && !hears && !up_again -> break          /* it never comes back */
    :: d_step { !hears && len(queue) > HOLD -> assert(false) }
    od
}

init
{
    timeout ->
        assert(left == 0 && waiting == 0 && alive);        /* the publisher is never stopped */
        assert(number == arrived + lost + dropped + gone + len(queue));
        assert(!hears || len(queue) == 0);
        assert(CHARGED == len(queue))
}

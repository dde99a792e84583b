/* SPDX-License-Identifier: MIT */
/*
 * An orderly reload whose module has accepted messages that wait: for its own service (the default) or, with MUTUAL, for that of a
 * module which is being reloaded as well. Its neighbour in the host waits in the same list.
 *
 * Wants and credit are one step here (credit.pml has them whole): the broker looks at the head of a host's list. All messages cost 1.
 * A module is stopped only when room for what it may have accepted was reserved, while its slot still flowed.
 */
#define MODULES 2
#define WINDOW 1
#define MARK 1          /* messages a queue may hold before its service waits */
#ifndef MEMORY
#define MEMORY 3
#endif
#define ALLOWANCE 1     /* messages accepted in callbacks and not yet sent    */
#ifdef MUTUAL
#define TARGET(h) (1 - h)
#define RELOADS(h) true
#else
#define TARGET(h) h
#define RELOADS(h) (h == 0)
#endif

mtype = { text, stop_frame, stopped_frame };
mtype:phase = { running, reserving, stopping, loading };

/* one list per host: the module's own messages and its neighbour's */
chan mine[MODULES] = [ALLOWANCE] of { byte };
chan theirs[MODULES] = [1] of { byte };
bool theirs_ahead[MODULES];             /* the neighbour's message came first */
byte number[MODULES], other_number[MODULES];
byte sends[MODULES], other_sends[MODULES];
bool stop_seen[MODULES], stopped_said[MODULES];

chan up[MODULES] = [6] of { mtype, bool, byte };        /* frame, of the module itself, number */
chan down[MODULES] = [4] of { mtype, byte, bool, byte };
chan queue[MODULES] = [6] of { byte, bool, byte };
mtype:phase phase[MODULES] = running;
byte outstanding[MODULES], reserve[MODULES], reloads[MODULES];
byte charged;
bool silent[MODULES];                                   /* said stopped, not started again */
byte taken[MODULES], other_taken[MODULES];              /* by sender */

byte from, n;
bool own;

#ifdef MUTANT_NO_JUMP      /* the module's messages stay behind its neighbour's */
#define MINE_FIRST(h) ((len(mine[h]) > 0) && ((len(theirs[h]) == 0) || !theirs_ahead[h]))
#else
#define MINE_FIRST(h) ((len(mine[h]) > 0) && ((len(theirs[h]) == 0) || !theirs_ahead[h] || stop_seen[h]))
#endif
#define OVER(j) (len(queue[j]) >= MARK)
#ifdef MUTANT_NO_RESERVE   /* a stopping module's messages wait for the mark like all others */
#define FROM_RESERVE(h) false
#else
#ifdef MUTANT_EARLY_RESERVE /* spent while callbacks still accept */
#define FROM_RESERVE(h) (phase[h] == stopping && reserve[h] > 0)
#else
#define FROM_RESERVE(h) (phase[h] == stopping && reserve[h] > 0 && stop_seen[h])
#endif
#endif

#define HOST(h) \
    :: d_step { other_sends[h] > 0 && nfull(theirs[h]) -> \
        other_sends[h]--; \
        other_number[h]++; \
        theirs_ahead[h] = (len(mine[h]) == 0); \
        theirs[h] ! other_number[h] } \
    :: d_step { (len(down[h]) > 0) && DOWN_HEAD(h, text) -> \
        TAKE_DOWN(h, text) \
        assert(!silent[h]);                                /* no callback after stopped */ \
        if \
        :: own -> assert(n == taken[from] + 1); taken[from] = n \
        :: else -> assert(n == other_taken[from] + 1); other_taken[from] = n \
        fi; \
        outstanding[h]--; \
        if \
        :: sends[h] > 0 && nfull(mine[h]) -> \
            sends[h]--; \
            number[h]++; \
            if \
            :: (len(theirs[h]) > 0) && (len(mine[h]) == 0) -> theirs_ahead[h] = true \
            :: else \
            fi; \
            mine[h] ! number[h] \
        :: else \
        fi; \
        from = 0; own = false; n = 0 } \
    :: d_step { (len(down[h]) > 0) && DOWN_HEAD(h, stop_frame) -> \
        TAKE_DOWN(h, stop_frame) \
        stop_seen[h] = true; \
        from = 0; own = false; n = 0 } \
    :: d_step { stop_seen[h] && !stopped_said[h] && MAY_SAY_STOPPED(h) -> \
        stopped_said[h] = true; \
        silent[h] = true; \
        SAY_STOPPED(h) }

#ifdef MUTANT_STOP_OVERTAKES      /* stop goes before the messages in the outbox */
#define DOWN_HEAD(h, kind) (down[h] ?? [eval(kind), from, own, n] && (kind == stop_frame || !(down[h] ?? [stop_frame, from, own, n])))
#define TAKE_DOWN(h, kind) down[h] ?? eval(kind), from, own, n;
#else
#define DOWN_HEAD(h, kind) (down[h] ? [eval(kind), from, own, n])
#define TAKE_DOWN(h, kind) down[h] ? eval(kind), from, own, n;
#endif
#ifdef MUTANT_STOPPED_OVERTAKES   /* stopped is said while accepted messages wait */
#define MAY_SAY_STOPPED(h) true
#else
#define MAY_SAY_STOPPED(h) (len(mine[h]) == 0)
#endif
#define SAY_STOPPED(h) up[h] ! stopped_frame, true, 0

#define BROKER(h) \
    :: d_step { up[h] ? [text, own, n] -> \
        up[h] ? text, own, n; \
        assert(!own || phase[h] != loading);               /* nothing of it after stopped */ \
        queue[TARGET(h)] ! h, own, n; \
        own = false; n = 0 } \
    :: d_step { up[h] ? [stopped_frame, own, n] -> \
        up[h] ? stopped_frame, own, n; \
        assert((len(mine[h]) == 0) && (len(down[h]) == 0)); \
        charged = charged - reserve[h]; \
        reserve[h] = 0; \
        phase[h] = loading; \
        own = false; n = 0 } \
    :: d_step { phase[h] == loading -> \
        phase[h] = running; \
        stop_seen[h] = false; \
        stopped_said[h] = false; \
        silent[h] = false } \
    :: d_step { MINE_FIRST(h) && FROM_RESERVE(h) -> \
        reserve[h]--;                                      /* charged already */ \
        mine[h] ? n; \
        up[h] ! text, true, n; \
        n = 0 } \
    :: d_step { MINE_FIRST(h) && !OVER(TARGET(h)) && charged < MEMORY -> \
        charged++; \
        mine[h] ? n; \
        up[h] ! text, true, n; \
        n = 0 } \
    :: d_step { (len(theirs[h]) > 0) && !MINE_FIRST(h) && !OVER(TARGET(h)) && charged < MEMORY -> \
        charged++; \
        theirs[h] ? n; \
        theirs_ahead[h] = false; \
        up[h] ! text, false, n; \
        n = 0 } \
    :: d_step { (len(queue[h]) > 0) && nfull(down[h]) && outstanding[h] < WINDOW && FLOWS(h) -> \
        queue[h] ? from, own, n; \
        charged--; \
        outstanding[h]++; \
        down[h] ! text, from, own, n; \
        from = 0; own = false; n = 0 } \
    :: d_step { phase[h] == running && reloads[h] > 0 -> reloads[h]--; phase[h] = reserving } \
    :: d_step { phase[h] == reserving && nfull(down[h]) && CAN_RESERVE(h) -> \
        reserve[h] = ALLOWANCE; \
        charged = charged + ALLOWANCE; \
        phase[h] = stopping; \
        down[h] ! stop_frame, 0, false, 0 }

#ifdef MUTANT_LATE_RESERVE        /* the slot is shut before its room is reserved */
#define FLOWS(h) (phase[h] == running)
#else
#define FLOWS(h) (phase[h] == running || phase[h] == reserving)
#endif
#define CAN_RESERVE(h) (charged + ALLOWANCE <= MEMORY)

active proctype hosts()
{
    end:
    do
    HOST(0)
    HOST(1)
    od
}

active proctype broker()
{
    end:
    do
    BROKER(0)
    BROKER(1)
    :: d_step { charged > MEMORY -> assert(false) }
    od
}

#define CHECK(h) \
    assert(phase[h] == running && reloads[h] == 0); \
    assert(other_sends[h] == 0 && (len(mine[h]) == 0) && (len(theirs[h]) == 0) && (len(queue[h]) == 0)); \
    assert(taken[h] == number[h] && other_taken[h] == other_number[h] && reserve[h] == 0);

init
{
    d_step {
        reloads[0] = RELOADS(0);
        reloads[1] = RELOADS(1);
        sends[0] = 2;
        other_sends[0] = 3;
#ifdef MUTUAL
        sends[1] = 1;
        other_sends[1] = 2
#endif
    }
    timeout ->
        assert(charged == 0);
        CHECK(0)
        CHECK(1)
}

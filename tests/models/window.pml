/* SPDX-License-Identifier: MIT */
/*
 * Downstream: two slots of one host behind one outbox and one pipe, the first of which is slow or stuck, and is reloaded in its
 * process. The reading role always reads, so the second gets everything; what lies in an inbox is bounded by the window; and no
 * window leaks away over a reload.
 *
 * Messages cost 1 or COST_MAX; stuck is what happens when the first slot's callbacks are never scheduled again.
 */
#define WINDOW 4
#define COST_MAX 3
#define SENDS 3

chan queue[2] = [SENDS] of { byte };
chan outbox = [2] of { byte, byte };
chan inbox[2] = [8] of { byte };
byte waiting_bytes[2], outstanding[2], consumed[2], credit_room[2], arrived[2], reloads = 1;
bool stuck, may_stick = true;
byte s, n;

#ifdef MUTANT_NO_WINDOW
#define OPEN(j) true
#else
#define OPEN(j) (outstanding[j] < WINDOW)
#endif
#ifdef MUTANT_READER_WAITS   /* the reading role waits for a slot that is busy */
#define ROOM(j) (len(inbox[j]) < 1)
#else
#define ROOM(j) nfull(inbox[j])
#endif

#define BROKER(j) \
    :: d_step { (len(queue[j]) > 0) && nfull(outbox) && OPEN(j) -> \
        queue[j] ? n; \
        outstanding[j] = outstanding[j] + n; \
        outbox ! j, n; \
        n = 0 } \
    :: d_step { credit_room[j] > 0 -> \
        assert(credit_room[j] <= outstanding[j]); \
        outstanding[j] = outstanding[j] - credit_room[j]; \
        credit_room[j] = 0 }

#define CALL(j, may) \
    :: d_step { (len(inbox[j]) > 0) && may -> \
        inbox[j] ? n; \
        waiting_bytes[j] = waiting_bytes[j] - n; \
        consumed[j] = consumed[j] + n; \
        arrived[j]++; \
        if \
        :: consumed[j] >= HALF -> credit_room[j] = credit_room[j] + consumed[j]; consumed[j] = 0 \
        :: else \
        fi; \
        n = 0 }
#ifdef MUTANT_WHOLE_WINDOW   /* credit comes back when more than a window was consumed */
#define HALF (WINDOW + 1)
#else
#define HALF (WINDOW / 2)
#endif

active proctype broker()
{
    end:
    do
    BROKER(0)
    BROKER(1)
    od
}

active proctype host()
{
    end:
    do
    :: d_step { outbox ? [0, n] && ROOM(0) ->
        outbox ? s, n;
        inbox[0] ! n;
        waiting_bytes[0] = waiting_bytes[0] + n;
        assert(waiting_bytes[0] < WINDOW + COST_MAX);
        s = 0; n = 0 }
    :: d_step { outbox ? [1, n] && ROOM(1) ->
        outbox ? s, n;
        inbox[1] ! n;
        waiting_bytes[1] = waiting_bytes[1] + n;
        assert(waiting_bytes[1] < WINDOW + COST_MAX);
        s = 0; n = 0 }
    CALL(0, !stuck)
    CALL(1, true)
    :: may_stick -> may_stick = false
    :: d_step { may_stick -> may_stick = false; stuck = true }
    /* drained, stopped, loaded again: what was consumed and not yet given back is forgotten by both sides, or by none */
    :: d_step { reloads > 0 && outstanding[0] == consumed[0] ->
        reloads--;
#ifndef MUTANT_WINDOW_LEAKS
        outstanding[0] = 0;
#endif
        consumed[0] = 0 }
    od
}

active proctype publisher()
{
    byte left = SENDS, other = SENDS;

    end:
    do
    :: d_step { left > 0 && nfull(queue[0]) -> left--; queue[0] ! 1 }
    :: d_step { left > 0 && nfull(queue[0]) -> left--; queue[0] ! COST_MAX }
    :: d_step { other > 0 && nfull(queue[1]) -> other--; queue[1] ! 1 }
    :: d_step { other > 0 && nfull(queue[1]) -> other--; queue[1] ! COST_MAX }
    od
}

init
{
    timeout ->
        assert(arrived[1] == SENDS);                       /* a slow slot delays no other */
        assert(stuck || arrived[0] == SENDS);
        assert(stuck || outstanding[0] == consumed[0])
}

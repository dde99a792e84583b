/* SPDX-License-Identifier: MIT */
/*
 * A service whose subscriber is stuck, and a healthy one beside it: whatever the first is sent – by one publisher (ONE), by three,
 * in large messages, with deadlines – the second keeps passing, and whoever waits for the stuck one costs a bounded part of the budget.
 */
#ifdef ONE
#define STREAMS 2
#define EACH_STREAM(f) f(0) f(1)
#define SUM_STREAM(f) (f(0) + f(1))
#define ANY_STREAM(f) (f(0) || f(1))
#define COMING(s) ((s) == 0 -> PROMISED(0) : PROMISED(1))
#define LARGE_ELSEWHERE(k) false
#define HEALTHY 1
#else
#define STREAMS 4
#define EACH_STREAM(f) f(0) f(1) f(2) f(3)
#define SUM_STREAM(f) (f(0) + f(1) + f(2) + f(3))
#define ANY_STREAM(f) (f(0) || f(1) || f(2) || f(3))
#define COMING(s) ((s) == 0 -> PROMISED(0) + PROMISED(1) + PROMISED(2) : PROMISED(3))
#define LARGE_ELSEWHERE(k) (k != 3 && (k != 0 && PROMISED(0) > LARGE || \
    k != 1 && PROMISED(1) > LARGE || k != 2 && PROMISED(2) > LARGE))
#define HEALTHY 3
#endif
#define SLOTS 2
#define MEMORY 9
#define THREADS 1
#define GROWTH_MAX 0    /* what grew is asked back: giveback.pml */
#define EACH_SLOT(f) f(0) f(1)
#define SUM_SLOT(f) (f(0) + f(1))
#define SERVICE(k) (k == HEALTHY)
#define SUBSCRIBES(j, s) (j == s)
#define SUBSCRIBER(s) (s)
#define OVER(s) ((s) == 0 -> SLOT_OVER(0, 0) : SLOT_OVER(1, 1))
#define FIRST(k) 0
#include "flow.pmh"

#ifdef ONE
byte expiries = 1;
#else
byte expiries = 0;     /* what a deadline leaves with a host is not promised any more: beyond the mark, up to one message each */
#endif

#ifdef MUTANT_ONE_LIST   /* a host has one list for all services */
#define FREE_TO_SEND empty(waiting[0])
#else
#define FREE_TO_SEND true
#endif
#define PUBLISH(k) \
    :: d_step { left[k] > 0 && nfull(waiting[k]) && (k != HEALTHY || FREE_TO_SEND) -> send(k, 2) } \
    :: d_step { left[k] > 0 && nfull(waiting[k]) && (k != HEALTHY || FREE_TO_SEND) -> send(k, COST_MAX) }

active proctype modules()
{
    end:
    do
    EACH_STREAM(PUBLISH)
    EXPIRE(0)
    SLOT_OPTION(1, skip)
    od
}

#define START(k) left[k] = 1;

init
{
    d_step {
        EACH_STREAM(START)
        left[0] = 2;
        left[HEALTHY] = 2;
        outstanding[0] = WINDOW
    }
    timeout ->
        assert(DONE(HEALTHY));
        assert(queued[0] + COST_MAX <= MEMORY)
}

/* SPDX-License-Identifier: MIT */
/*
 * Cycles of publishers, each of which floods a subscriber that publishes itself: a module that sends to itself from its callback
 * (SELF), two hosts (the default), three in a ring (RING). Nothing deadlocks, nothing is lost, order and bounds hold.
 */
#ifndef SENDS
#define SENDS 4
#endif
#if defined(SELF)
#define STREAMS 1
#define SLOTS 1
#define EACH_STREAM(f) f(0)
#define SUM_STREAM(f) (f(0))
#define ANY_STREAM(f) (f(0))
#elif defined(RING)
#define STREAMS 3
#define SLOTS 3
#define EACH_STREAM(f) f(0) f(1) f(2)
#define SUM_STREAM(f) (f(0) + f(1) + f(2))
#define ANY_STREAM(f) (f(0) || f(1) || f(2))
#else
#define STREAMS 2
#define SLOTS 2
#define EACH_STREAM(f) f(0) f(1)
#define SUM_STREAM(f) (f(0) + f(1))
#define ANY_STREAM(f) (f(0) || f(1))
#endif
/* service k is published by host k and subscribed by slot k, which is in host k + 1 of the cycle */
#define EACH_SLOT EACH_STREAM
#define SUM_SLOT SUM_STREAM
#define SERVICE(k) k
#define SUBSCRIBES(j, s) (j == s)
#define SUBSCRIBER(s) s
#define OVER(s) SLOT_OVER(s, s)
#define COMING(s) PROMISED(s)
#define LARGE_ELSEWHERE(k) false
#define FIRST(k) 1
#ifdef MUTANT_CREDIT_BEHIND   /* credit of a slot is queued behind messages that wait */
#define CREDIT_PASSES(j) (len(waiting[(j + 1) % STREAMS]) == 0)
#endif
#include "flow.pmh"

/* A callback of the next host sends on; when nobody can be called, a thread of its own begins. */
#define NEXT(j) ((j + 1) % STREAMS)
#define PUBLISH(j) \
    :: d_step { left[j] > 0 && nfull(waiting[j]) -> send(j, 1) } \
    :: d_step { left[j] > 0 && nfull(waiting[j]) -> send(j, COST_MAX) }
#define CALLBACK(j) SLOT_OPTION(j, \
    if \
    :: left[NEXT(j)] > 0 && nfull(waiting[NEXT(j)]) -> send(NEXT(j), COST_MAX) \
    :: else \
    fi)

active proctype modules()
{
    end:
    do
    EACH_STREAM(PUBLISH)
    EACH_SLOT(CALLBACK)
    od
}

#define START(k) left[k] = SENDS; limit[k] = FIRST(k);
#define CHECK(k) assert(DONE(k)); assert(queued[k] == 0 && outstanding[k] < WINDOW / 2);

init
{
    d_step { EACH_STREAM(START) }
    timeout ->
        EACH_STREAM(CHECK)
}

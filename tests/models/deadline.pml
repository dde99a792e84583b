/* SPDX-License-Identifier: MIT */
/*
 * Two hosts with large messages for one service, some of which pass their deadline while they wait or while their credit is under
 * way: one is granted at a time, a withdrawn head is replaced, and nobody waits for a message that will not come.
 */
#define STREAMS 2
#define SLOTS 1
#define EACH_STREAM(f) f(0) f(1)
#define SUM_STREAM(f) (f(0) + f(1))
#define ANY_STREAM(f) (f(0) || f(1))
#define EACH_SLOT(f) f(0)
#define SUM_SLOT(f) (f(0))
#define SERVICE(k) 0
#define SUBSCRIBES(j, s) true
#define SUBSCRIBER(s) 0
#define COMING(s) (PROMISED(0) + PROMISED(1))
#define OVER(s) SLOT_OVER(0, 0)
#define LARGE_ELSEWHERE(k) (k == 0 && PROMISED(1) > LARGE || k == 1 && PROMISED(0) > LARGE)
#define FIRST(k) 0
#include "flow.pmh"

byte expiries = 1;

#define PUBLISH(k) \
    :: d_step { left[k] > 0 && nfull(waiting[k]) -> send(k, 1) } \
    :: d_step { left[k] > 0 && nfull(waiting[k]) -> send(k, COST_MAX) }

active proctype modules()
{
    end:
    do
    PUBLISH(0)
    :: d_step { left[1] > 0 && nfull(waiting[1]) -> send(1, COST_MAX) }
    EACH_STREAM(EXPIRE)
    SLOT_OPTION(0, skip)
    od
}

#define START(k) left[k] = 2;
#define CHECK(k) assert(DONE(k));

init
{
    d_step { EACH_STREAM(START) }
    timeout ->
        EACH_STREAM(CHECK)
}

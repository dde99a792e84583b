/* SPDX-License-Identifier: MIT */
/*
 * Idle hosts that hold grown credit while another's large message waits for memory: they are asked, and it comes to an end.
 *
 * Streams 0 and 1 hold credit, more than they will use; stream 2 wants more than is left. With RESIDUE a message withdrawn under
 * way leaves credit behind, and a larger one comes after it; with CONTEND, too, stream
 * 1 sends as well.
 */
#define STREAMS 3
#define SLOTS 2
#define MEMORY 7
#define THREADS 1
#ifdef RESIDUE
#define GROWTH_MAX 0
#else
#define GROWTH_MAX 1
#endif
#define EACH_STREAM(f) f(0) f(1) f(2)
#define SUM_STREAM(f) (f(0) + f(1) + f(2))
#define ANY_STREAM(f) (f(0) || f(1) || f(2))
#define EACH_SLOT(f) f(0) f(1)
#define SUM_SLOT(f) (f(0) + f(1))
/* streams 0 and 2 are of one service, stream 1 of another */
#define SERVICE(k) (k == 1)
#define SUBSCRIBES(j, s) (j == s)
#define SUBSCRIBER(s) (s)
#define COMING(s) ((s) == 0 -> PROMISED(0) + PROMISED(2) : PROMISED(1))
#define OVER(s) ((s) == 0 -> SLOT_OVER(0, 0) : SLOT_OVER(1, 1))
#define LARGE_ELSEWHERE(k) (k == 0 && PROMISED(2) > LARGE || k == 2 && PROMISED(0) > LARGE)
#define FIRST(k) 0
#include "flow.pmh"

byte expiries = 1;

#define PUBLISH(k) \
    :: d_step { left[k] > 0 && nfull(waiting[k]) -> send(k, 1) } \
    :: d_step { left[k] > 0 && nfull(waiting[k]) -> send(k, COST_MAX) }
#define CALLBACK(j) SLOT_OPTION(j, skip)

active proctype modules()
{
    end:
    do
    :: d_step { left[0] > 0 && nfull(waiting[0]) -> send(0, 1) }
    :: d_step { left[1] > 0 && nfull(waiting[1]) -> send(1, COST_MAX) }
#ifdef RESIDUE
    PUBLISH(2)
#else
    :: d_step { left[2] > 0 && nfull(waiting[2]) -> send(2, COST_MAX) }
#endif
#ifdef RESIDUE
    EXPIRE(2)
#endif
    EACH_SLOT(CALLBACK)
    od
}

#define HOLDS(k, n) given[k] = n; limit[k] = n; stirred[k] = true;
#define CHECK(k) assert(DONE(k));

init
{
    d_step {
        HOLDS(0, 3)
        HOLDS(1, 3)
        left[0] = 1;
#if !defined(RESIDUE) || defined(CONTEND)
        left[1] = 1;
#endif
        left[2] = 2
    }
    timeout ->
        EACH_STREAM(CHECK)
}

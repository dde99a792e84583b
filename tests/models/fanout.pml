/* SPDX-License-Identifier: MIT */
/*
 * Three slots of one service: two that block and one that drops its oldest (a terminal that listens). A message is charged once,
 * from its arrival until it has left the last queue; the slot that drops stops nobody; the others get everything in order.
 */
#define SLOTS 3
#define SENDS 4
#define MEMORY 3
#define MARK 1
#define DROPS_AT 1      /* what the third slot's queue holds */

byte given, used, sent;
byte charged, dropped;
byte references[SENDS + 1];
chan up = [SENDS] of { byte };
chan queue[SLOTS] = [SENDS] of { byte };
bool open[SLOTS];
byte arrived[SLOTS], last[SLOTS];
byte n, i;

inline release(m)
{
    references[m]--;
#ifdef MUTANT_FREED_BY_FIRST      /* uncharged when the first has it */
    if
    :: references[m] == 2 -> charged--
    :: else
    fi
#else
    if
    :: references[m] == 0 -> charged--
    :: else
    fi
#endif
}

#ifdef MUTANT_CHARGED_EACH        /* charged once per subscriber */
#define CHARGE SLOTS
#else
#define CHARGE 1
#endif
#ifdef MUTANT_TERMINAL_BLOCKS
#define OVER (len(queue[0]) >= MARK || len(queue[1]) >= MARK || len(queue[2]) >= MARK)
#else
#define OVER (len(queue[0]) >= MARK || len(queue[1]) >= MARK)
#endif

#define IN_QUEUES (HELD(1) + HELD(2) + HELD(3) + HELD(4))
#define HELD(m) (references[m] > 0 -> 1 : 0)

active proctype publisher()
{
    end:
    do
    :: d_step { sent < SENDS && sent < given -> sent++; up ! sent }
    od
}

#define TAKE(j) \
    :: d_step { (len(queue[j]) > 0) && open[j] -> \
        queue[j] ? n; \
        assert(n > last[j]); \
        last[j] = n; \
        arrived[j]++; \
        release(n); \
        n = 0; \
        open[j] = false }

active proctype broker()
{
    end:
    do
    :: d_step { given < SENDS && given == sent && used == sent && !OVER && charged < MEMORY -> given++; charged++ }
    :: d_step { up ? n ->
        used++;
        charged = charged - 1 + CHARGE;                    /* from unused credit to queues */
        references[n] = SLOTS;
        queue[0] ! n;
        queue[1] ! n;
        queue[2] ! n;
        if
        :: len(queue[2]) > DROPS_AT ->
            queue[2] ? i;
            dropped++;
            release(i);
            i = 0
        :: else
        fi;
        assert(charged <= MEMORY);
        assert(charged == given - used + IN_QUEUES);
        n = 0 }
    TAKE(0)
    TAKE(1)
    TAKE(2)
    od
}

/* windows open when callbacks return; the terminal's may never */
active proctype windows()
{
    end:
    do
    :: !open[0] -> open[0] = true
    :: !open[1] -> open[1] = true
    :: arrived[2] == 0 && !open[2] -> open[2] = true
    od
}

init
{
    timeout ->
        assert(arrived[0] == SENDS && arrived[1] == SENDS);
        assert(arrived[2] + dropped + len(queue[2]) == SENDS);
        assert(charged == len(queue[2]))
}

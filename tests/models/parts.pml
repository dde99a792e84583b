/* SPDX-License-Identifier: MIT */
/*
 * Large messages arrive in parts, and two hosts send at once: memory for the whole message is given before its first part is
 * written, so none is ever stuck half way for want of memory that the other half of another message holds.
 */
#define HOSTS 2
#define PARTS 3
#define MEMORY 4
#define SENDS 2

byte left[HOSTS] = SENDS, unsent[HOSTS], credit[HOSTS], held[HOSTS], used;
byte delivered;
chan pipe[HOSTS] = [1] of { bit };

#ifdef MUTANT_PART_BY_PART     /* memory is given for what is just being written */
#define STEP 1
#else
#define STEP PARTS
#endif

#define HOST(h) \
    :: d_step { left[h] > 0 && unsent[h] == 0 -> left[h]--; unsent[h] = PARTS } \
    :: d_step { unsent[h] > 0 && credit[h] > 0 && len(pipe[h]) == 0 -> unsent[h]--; credit[h]--; pipe[h] ! 1 }

#define BROKER(h) \
    :: d_step { unsent[h] > 0 && (unsent[h] == PARTS || STEP < PARTS) && credit[h] == 0 && used + STEP <= MEMORY -> \
        used = used + STEP; \
        credit[h] = credit[h] + STEP } \
    :: d_step { len(pipe[h]) > 0 -> \
        pipe[h] ? _; \
        held[h]++; \
        if \
        :: held[h] == PARTS -> held[h] = 0; used = used - PARTS; delivered++ \
        :: else \
        fi }

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
    od
}

init
{
    timeout ->
        assert(delivered == HOSTS * SENDS && used == 0)
}

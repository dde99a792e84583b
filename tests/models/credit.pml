/* SPDX-License-Identifier: MIT */
/*
 * The upstream credit of one connection, frame by frame: what a host counts, what the broker counts, and every order in which
 * messages, wants, credit, asks and answers can cross.
 *
 * The transport is exact: an outbox from which other kinds go before messages, rooms in which they are replaced or added up, and
 * a pipe that keeps its order. The broker is free: it meets, grows and asks when it likes. Offsets are counted in cost units.
 */
#define NS 3         /* services                                     */
#define FIRSTS 2     /* services of a connection with a first credit */
#define FIRST 2      /* the first credit                             */
#define COST_MAX 3   /* the largest message                          */
#ifndef SENDS
#define SENDS 2      /* messages per sender                          */
#endif
#ifndef SERVICES_USED
#define SERVICES_USED NS
#endif
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef GROWS
#define GROWS 1      /* growth the broker gives unasked              */
#endif
#ifndef ASKS
#define ASKS 1       /* times it asks for credit back                */
#endif
#ifndef EXPIRIES
#define EXPIRIES 1   /* sends whose deadline comes while they wait   */
#endif

mtype = { message, want_frame, give_back };

/* the host */
byte limit[NS], sent[NS], announced[NS];
bool host_first[NS];
bool host_seen[NS];
byte host_firsts;
chan waiting0 = [4] of { byte };
chan waiting1 = [4] of { byte };
chan waiting2 = [4] of { byte };
#define FOR_WAITING(s, action0, action1, action2) \
    if :: s == 0 -> action0 :: s == 1 -> action1 :: else -> action2 fi

/* its outbox: messages, and one room per kind and service */
chan outbox = [8] of { byte, byte };
bool want_due[NS];
byte want_room[NS], start_room[NS];
bool answer_due[NS];
byte answer_room[NS];
byte unwritten[NS];

chan pipe = [1] of { mtype, byte, byte, byte };

/* what comes down: rooms again */
byte credit_room[NS];
bool ask_room[NS];

/* the broker */
byte given[NS], used[NS], want[NS], promise[NS];
bool first[NS], asked[NS];
byte firsts;
byte grows = GROWS, asks = ASKS, expiries = EXPIRIES;
byte running = SENDERS;

#define OWN_FIRST(s) (host_first[s] -> FIRST : 0)
#define USED(s) ((first[s] && used[s] > FIRST) -> used[s] - FIRST : (first[s] -> 0 : used[s]))
#define UNUSED(s) (given[s] > USED(s) -> given[s] - USED(s) : 0)
#define PROMISED(s) (promise[s] > USED(s) -> promise[s] - USED(s) : 0)
#ifdef MUTANT_COST   /* a want names a cost; granting meets it */
#define STANDS(s) (want[s] > UNUSED(s))
#else
#define STANDS(s) (want[s] > given[s])
#endif
#define LENGTH(s) (s == 0 -> len(waiting0) : (s == 1 -> len(waiting1) : len(waiting2)))

byte head;      /* scratch of d_steps */

inline peek(s)
{
    head = 0;
    if
    :: s == 0 && len(waiting0) > 0 -> waiting0 ? <head>
    :: s == 1 && len(waiting1) > 0 -> waiting1 ? <head>
    :: s == 2 && len(waiting2) > 0 -> waiting2 ? <head>
    :: else
    fi
}

inline drop_head(s)
{
    if
    :: s == 0 -> waiting0 ? head
    :: s == 1 -> waiting1 ? head
    :: else -> waiting2 ? head
    fi
}

inline append(s, cost)
{
    sent[s] = sent[s] + cost;
    unwritten[s] = unwritten[s] + cost;
    outbox ! s, cost
}

/* What the head needs, and what had been sent before it; a withdrawal needs no more than was sent. */
inline announce(s, offset)
{
    announced[s] = offset;
    want_room[s] = offset;
    start_room[s] = (sent[s] > OWN_FIRST(s) -> sent[s] - OWN_FIRST(s) : 0);
    want_due[s] = true
}

/* After any change: what fits goes, and the broker is told of the head that then stands there. */
inline settle(s)
{
    peek(s);
    do
    :: head > 0 && sent[s] + head <= limit[s] ->
        append(s, head);
        drop_head(s);
        peek(s)
    :: else -> break
    od;
    if
#ifdef MUTANT_COST
    :: head > 0 && announced[s] != head -> announce(s, head)
#define WITHDRAWN(s) 0
#else
#define WITHDRAWN(s) (sent[s] > OWN_FIRST(s) -> sent[s] - OWN_FIRST(s) : 0)
    :: head > 0 && announced[s] != sent[s] + head - OWN_FIRST(s) ->
        announce(s, sent[s] + head - OWN_FIRST(s))
#endif
    :: head == 0 && announced[s] > limit[s] - OWN_FIRST(s) ->
        head = WITHDRAWN(s);
        announce(s, head);
        head = 0
    :: else
    fi
}

inline meet_service(s)
{
    if
    :: !host_seen[s] ->
        host_seen[s] = true;
        if
        :: host_firsts < FIRSTS ->
            host_firsts++;
            host_first[s] = true;
            limit[s] = limit[s] + FIRST
        :: else
        fi
    :: else
    fi
}

inline join(s, cost)
{
    FOR_WAITING(s, waiting0 ! cost, waiting1 ! cost, waiting2 ! cost)
}

proctype sender()
{
    byte left = SENDS, s, cost;

    do
    :: left > 0 ->
        left--;
        select(s : 0 .. SERVICES_USED - 1);
        if
        :: cost = 1
        :: cost = COST_MAX
        fi;
#ifdef MUTANT_TWO_STEPS   /* checking and appending are two steps */
        bool fits;
        d_step {
            meet_service(s);
            fits = LENGTH(s) == 0 && sent[s] + cost <= limit[s];
        }
        d_step {
            if
            :: fits -> append(s, cost)
            :: else -> join(s, cost); settle(s)
            fi;
            head = 0
        }
#else
        d_step {
            meet_service(s);
            if
            :: LENGTH(s) == 0 && sent[s] + cost <= limit[s] -> append(s, cost)
            :: else -> join(s, cost); settle(s)
            fi;
            head = 0
        }
#endif
    :: left == 0 -> break
    od;
    running--
}

/* The deadline of the head, or of the one behind it, comes while it waits. */
proctype clock()
{
    byte s, other, cost;

    end:
    do
    :: atomic {
        expiries > 0 && (len(waiting0) > 0 || len(waiting1) > 0 || len(waiting2) > 0) ->
        if
        :: len(waiting0) > 0 -> s = 0
        :: len(waiting1) > 0 -> s = 1
        :: len(waiting2) > 0 -> s = 2
        fi;
        expiries--;
        drop_head(s);
#ifdef MUTANT_HEAD_NOT_REPLACED   /* a withdrawn head is not replaced by the next */
        if
        :: LENGTH(s) == 0 -> settle(s)
        :: else
        fi;
#else
#ifdef MUTANT_WEAK_WITHDRAWAL   /* told only when nothing was sent with it */
        peek(s);
        if
        :: head > 0 && sent[s] + head <= limit[s] && LENGTH(s) == 1 ->
            append(s, head);
            drop_head(s)
        :: else -> settle(s)
        fi;
#else
        settle(s);
#endif
#endif
        head = 0; s = 0
       }
    od
}

#define CLEAR(s) want_due[s] = false; want_room[s] = 0; start_room[s] = 0

/* The host's end of the pipe down, and its writer. */
proctype link()
{
    byte s, cost, back;

    end:
    do
    :: d_step { credit_room[0] > 0 -> limit[0] = limit[0] + credit_room[0]; credit_room[0] = 0; settle(0); head = 0 }
    :: d_step { credit_room[1] > 0 -> limit[1] = limit[1] + credit_room[1]; credit_room[1] = 0; settle(1); head = 0 }
    :: d_step { credit_room[2] > 0 -> limit[2] = limit[2] + credit_room[2]; credit_room[2] = 0; settle(2); head = 0 }
    :: d_step {
        ask_room[0] || ask_room[1] || ask_room[2] ->
        if
        :: ask_room[0] -> s = 0
        :: !ask_room[0] && ask_room[1] -> s = 1
        :: else -> s = 2
        fi;
        ask_room[s] = false;
#ifdef MUTANT_GIVES_OUTBOX   /* what is in the outbox counts as not sent */
        back = sent[s] - unwritten[s];
#else
        back = sent[s];
#endif
#ifndef MUTANT_GIVES_FIRST   /* the first credit is given back too */
        if
        :: host_first[s] && back < FIRST -> back = FIRST
        :: else
        fi;
#endif
        back = limit[s] - back;
        limit[s] = limit[s] - back;
        answer_room[s] = answer_room[s] + back;
        answer_due[s] = true;
        settle(s);
        head = 0; back = 0; s = 0
       }
    /* other kinds first, in any order among themselves */
    :: atomic { want_due[0] && nfull(pipe) -> pipe ! want_frame, 0, want_room[0], start_room[0]; CLEAR(0) }
    :: atomic { want_due[1] && nfull(pipe) -> pipe ! want_frame, 1, want_room[1], start_room[1]; CLEAR(1) }
    :: atomic { want_due[2] && nfull(pipe) -> pipe ! want_frame, 2, want_room[2], start_room[2]; CLEAR(2) }
    :: atomic { answer_due[0] && nfull(pipe) -> pipe ! give_back, 0, answer_room[0], 0; answer_due[0] = false; answer_room[0] = 0 }
    :: atomic { answer_due[1] && nfull(pipe) -> pipe ! give_back, 1, answer_room[1], 0; answer_due[1] = false; answer_room[1] = 0 }
    :: atomic { answer_due[2] && nfull(pipe) -> pipe ! give_back, 2, answer_room[2], 0; answer_due[2] = false; answer_room[2] = 0 }
    :: atomic {
        nempty(outbox) && nfull(pipe) && !want_due[0] && !want_due[1] && !want_due[2] &&
        !answer_due[0] && !answer_due[1] && !answer_due[2] ->
        outbox ? s, cost;
        unwritten[s] = unwritten[s] - cost;
        pipe ! message, s, cost, 0;
        s = 0; cost = 0
       }
    od
}

inline grant(s, amount)
{
    /* `amount` may name given[s], and an inline repeats its text */
    credit_room[s] = credit_room[s] + amount;
    given[s] = given[s] + amount
}

inline meet(s)
{
#ifdef MUTANT_COST
    n = want[s] - UNUSED(s);
    promise[s] = given[s] + n;
    grant(s, n);
    want[s] = 0
#else
    promise[s] = want[s];
    grant(s, want[s] - given[s])
#endif
}

proctype broker()
{
    byte s, n, start;

    end:
    do
    :: d_step {
        pipe ? message, s, n, start ->
        if
        :: used[s] + n > given[s] + (first[s] -> FIRST : 0) && !first[s] && firsts < FIRSTS ->
            first[s] = true;
            firsts++
        :: else
        fi;
        assert(used[s] + n <= given[s] + (first[s] -> FIRST : 0));     /* an honest host is never accused */
        used[s] = used[s] + n;
        s = 0; n = 0; start = 0
       }
    :: d_step {
        pipe ? want_frame, s, n, start ->
#ifdef MUTANT_FIRST_BY_WANT   /* the broker counts a first credit when it hears of a service */
        if
        :: !first[s] && firsts < FIRSTS -> first[s] = true; firsts++
        :: else
        fi;
#endif
#ifndef MUTANT_COST
        assert(n - start <= COST_MAX && n <= given[s] + n - start);    /* nor for a want */
#endif
        want[s] = n;
#ifndef MUTANT_PROMISE_STAYS   /* what was granted and withdrawn stays under way */
        if
        :: want[s] <= given[s] && promise[s] > n -> promise[s] = n
        :: want[s] > given[s] && promise[s] > start -> promise[s] = start
        :: else
        fi;
#endif
        s = 0; n = 0; start = 0
       }
    :: d_step {
        pipe ? give_back, s, n, start ->
        assert(asked[s] && n <= given[s]);                             /* nor for an answer */
        asked[s] = false;
        given[s] = given[s] - n;
        promise[s] = (promise[s] < given[s] -> promise[s] : given[s]);
        s = 0; n = 0; start = 0
       }
    :: d_step { STANDS(0) -> meet(0); n = 0 }
    :: d_step { STANDS(1) -> meet(1); n = 0 }
    :: d_step { STANDS(2) -> meet(2); n = 0 }
    :: d_step { grows > 0 -> grows--; grant(0, 1) }
    :: d_step { grows > 0 -> grows--; grant(2, 1) }
    :: d_step { asks > 0 && !asked[0] && UNUSED(0) > 0 -> asks--; asked[0] = true; ask_room[0] = true }
    :: d_step { asks > 0 && !asked[1] && UNUSED(1) > 0 -> asks--; asked[1] = true; ask_room[1] = true }
    :: d_step { asks > 0 && !asked[2] && UNUSED(2) > 0 -> asks--; asked[2] = true; ask_room[2] = true }
    od
}

#define AT_REST(s) (LENGTH(s) == 0 && want[s] <= given[s] && PROMISED(s) == 0 && used[s] == sent[s] && \
    given[s] == limit[s] - OWN_FIRST(s))

init
{
    byte i;

    atomic {
        for (i : 1 .. SENDERS) {
            run sender()
        }
        run clock();
        run link();
        run broker();
        i = 0
    }
    timeout ->
        assert(running == 0);
        /* no wake-up was lost, nothing is under way for ever, and both sides counted the same */
        assert(AT_REST(0));
        assert(AT_REST(1));
        assert(AT_REST(2))
}

/* SPDX-License-Identifier: MIT */
/*
 * Deadlines on one timer. libuv runs timers before it polls: a deadline that the timer finds passed
 * is put aside as overdue, and judged at the end of the turn by which a full pipe can have been
 * read, one buffer a turn. Few are set at a time and most are cleared, so they are not sorted.
 */
#include "broker/deadlines.h"

#include "platform/clock.h"

#include <stdlib.h>

/* polls after which everything that lay in a pipe has been read */
#define TURNS_TO_READ (UMH_PIPE_BYTES / UMH_READ_BYTES + 1)

struct umh_deadlines {
    umh_broker *broker;
    uv_timer_t timer;
    umh_list waiting;
    umh_list overdue;  /* in the order in which they are judged */
    uint64_t armed_ns; /* when the timer fires; UMH_FOREVER: it does not run */
    uint64_t seen_ms;  /* the loop's time when it was last looked at */
    uint64_t sleep_count;
};

static void on_timer(uv_timer_t *timer);

static void arm(umh_deadlines *deadlines, uint64_t at_ns)
{
    uint64_t now_ns;
    uint64_t wait_ms;

    if (at_ns >= deadlines->armed_ns)
        return;
    deadlines->armed_ns = at_ns;
    now_ns = umh_clock_now_ns();
    /* Rounded up: a timer that comes early finds nothing. The loop's idea of now may be old. */
    wait_ms = at_ns > now_ns ? (at_ns - now_ns + UMH_NS_PER_MS - 1) / UMH_NS_PER_MS : 0;
    uv_update_time(&deadlines->broker->loop);
    umh_ignore(uv_timer_start(&deadlines->timer, on_timer, wait_ms, 0));
}

/* --- sleep -------------------------------------------------------------------------------- */

static void begin_all_anew(umh_deadlines *deadlines)
{
    umh_list_each (item, &deadlines->waiting) {
        umh_deadline *deadline = umh_container_of(item, umh_deadline, entry);

        if (deadline->whole_ms > 0)
            deadline->at_ns = umh_clock_deadline_ns(deadline->whole_ms);
    }
    umh_list_each (item, &deadlines->overdue) {
        umh_deadline *deadline = umh_container_of(item, umh_deadline, entry);

        if (deadline->whole_ms > 0)
            umh_deadline_set(deadlines, deadline, deadline->whole_ms);
    }
}

/* No clock is read: the loop knows when its turn began, and when its poll returned. */
uint64_t umh_deadlines_count_sleeps(umh_deadlines *deadlines)
{
    uint64_t now_ms = uv_now(&deadlines->broker->loop);
    bool has_slept = now_ms - deadlines->seen_ms >= UMH_SLEEP_NOTICE_MS;

    deadlines->seen_ms = now_ms;
    if (has_slept) {
        deadlines->sleep_count++;
        begin_all_anew(deadlines);
    }
    return deadlines->sleep_count;
}

/* --- the timer ---------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    umh_deadlines *deadlines = umh_container_of(timer, umh_deadlines, timer);
    uint64_t now_ns = umh_clock_now_ns();
    uint64_t next_ns = UMH_FOREVER;

    umh_ignore((int)umh_deadlines_count_sleeps(deadlines));
    deadlines->armed_ns = UMH_FOREVER;
    umh_list_each (item, &deadlines->waiting) {
        umh_deadline *deadline = umh_container_of(item, umh_deadline, entry);

        if (deadline->at_ns > now_ns) {
            next_ns = deadline->at_ns < next_ns ? deadline->at_ns : next_ns;
            continue;
        }
        deadline->judged_turn = deadlines->broker->turn_number + TURNS_TO_READ;
        umh_list_remove(&deadline->entry);
        umh_list_push_back(&deadlines->overdue, &deadline->entry);
    }
    if (next_ns != UMH_FOREVER)
        arm(deadlines, next_ns);
    if (!umh_list_is_empty(&deadlines->overdue))
        umh_broker_wake(deadlines->broker);
}

int umh_deadlines_new(umh_broker *broker, umh_deadlines **ret_deadlines)
{
    umh_deadlines *deadlines = calloc(1, sizeof(*deadlines));
    int status;

    if (!deadlines)
        return UMH_FAIL(UMH_E_MEMORY, "make the deadlines");
    deadlines->broker = broker;
    deadlines->armed_ns = UMH_FOREVER;
    uv_update_time(&broker->loop);
    deadlines->seen_ms = uv_now(&broker->loop);
    umh_list_init(&deadlines->waiting);
    umh_list_init(&deadlines->overdue);
    status = uv_timer_init(&broker->loop, &deadlines->timer);
    if (status != 0) {
        free(deadlines);
        return UMH_FAIL_UV(status, "make the timer of deadlines");
    }
    *ret_deadlines = deadlines;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(umh_container_of(handle, umh_deadlines, timer));
}

static void clear_all(umh_list *list)
{
    umh_list_each (item, list)
        umh_deadline_clear(umh_container_of(item, umh_deadline, entry));
}

void umh_deadlines_close(umh_deadlines *deadlines)
{
    if (!deadlines || uv_is_closing((uv_handle_t *)&deadlines->timer))
        return;
    clear_all(&deadlines->waiting);
    clear_all(&deadlines->overdue);
    uv_close((uv_handle_t *)&deadlines->timer, on_closed);
}

void umh_deadline_init(umh_deadline *deadline, void (*on_passed)(void *context), void *context)
{
    *deadline = (umh_deadline){.at_ns = UMH_FOREVER, .on_passed = on_passed, .context = context};
    umh_list_init(&deadline->entry);
}

void umh_deadline_set(umh_deadlines *deadlines, umh_deadline *deadline, uint64_t from_now_ms)
{
    umh_deadline_clear(deadline);
    deadline->at_ns = umh_clock_deadline_ns(from_now_ms);
    deadline->whole_ms = from_now_ms;
    if (deadline->at_ns == UMH_FOREVER)
        return;
    umh_list_push_back(&deadlines->waiting, &deadline->entry);
    arm(deadlines, deadline->at_ns);
}

void umh_deadline_wait(umh_deadlines *deadlines, umh_deadline *deadline, uint64_t from_now_ms)
{
    umh_deadline_set(deadlines, deadline, from_now_ms);
    deadline->whole_ms = 0;
}

void umh_deadline_clear(umh_deadline *deadline)
{
    umh_list_remove(&deadline->entry);
    deadline->at_ns = UMH_FOREVER;
}

void umh_deadline_begin_anew(umh_deadlines *deadlines, umh_deadline *deadline)
{
    if (umh_deadline_is_set(deadline) && deadline->whole_ms > 0)
        umh_deadline_set(deadlines, deadline, deadline->whole_ms);
}

bool umh_deadline_is_set(const umh_deadline *deadline)
{
    return deadline->at_ns != UMH_FOREVER;
}

void umh_deadlines_settle(umh_deadlines *deadlines)
{
    umh_ignore((int)umh_deadlines_count_sleeps(deadlines));
    while (!umh_list_is_empty(&deadlines->overdue)) {
        umh_deadline *deadline = umh_container_of(deadlines->overdue.next, umh_deadline, entry);

        if (deadline->judged_turn > deadlines->broker->turn_number) {
            umh_broker_wake(deadlines->broker);
            return;
        }
        umh_deadline_clear(deadline);
        deadline->on_passed(deadline->context);
    }
}

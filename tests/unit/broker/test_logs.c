/* SPDX-License-Identifier: MIT */
/* The log on a loop: what leaves by descriptor 2, and what happens when nobody reads there. */
#include "broker/logs.h"

#include "broker/logs_state.h"
#include "platform/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

typedef struct fixture {
    umh_broker broker;
    uv_check_t turn;
    uv_timer_t patience;
    umh_pipe log;     /* what left by descriptor 2 */
    umh_pipe stderr_; /* of a host */
    umh_log_source *source;
    umh_buffer seen;
    int own_stderr;
} fixture;

static void on_turn(uv_check_t *check)
{
    fixture *f = check->data;

    f->broker.turn_number++;
}

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    umh_assert(!"the loop's time is over");
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    umh_pipe log_end;
    umh_pipe host_end;

    assert_non_null(f);
    *state = f;
    uv_loop_init(&f->broker.loop);
    uv_check_init(&f->broker.loop, &f->turn);
    f->turn.data = f;
    uv_check_start(&f->turn, on_turn);
    uv_timer_init(&f->broker.loop, &f->patience);
    uv_timer_start(&f->patience, on_patience, PATIENCE_MS, 0);
    f->broker.config.log_level = UMH_LOG_INFO;
    assert_int_equal(umh_pipe_new(&f->log, &log_end), 0);
    assert_int_equal(umh_pipe_new(&host_end, &f->stderr_), 0);
    fflush(stderr);
    f->own_stderr = dup(2);
    dup2((int)log_end.handle, 2);
    umh_pipe_close(&log_end);
    assert_int_equal(umh_logs_new(&f->broker, &f->broker.logs), 0);
    assert_int_equal(umh_log_source_open(f->broker.logs, "sensors", host_end, &f->source), 0);
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    umh_log_source_close(f->source);
    umh_logs_close(f->broker.logs);
    uv_close((uv_handle_t *)&f->turn, NULL);
    uv_close((uv_handle_t *)&f->patience, NULL);
    uv_run(&f->broker.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->broker.loop), 0);
    dup2(f->own_stderr, 2);
    close(f->own_stderr);
    umh_pipe_close(&f->log);
    umh_pipe_close(&f->stderr_);
    umh_buffer_deinit(&f->seen);
    free(f);
    return 0;
}

/* What is there now. */
static void read_log(fixture *f)
{
    char buffer[65536];
    size_t size;

    while (umh_pipe_read(f->log, buffer, sizeof buffer, 0, &size) == 0)
        assert_int_equal(umh_buffer_append(&f->seen, buffer, size), 0);
}

static void run_until_seen(fixture *f, const char *text)
{
    read_log(f);
    while (!f->seen.data || !strstr((char *)f->seen.data, text)) {
        uv_run(&f->broker.loop, UV_RUN_ONCE);
        read_log(f);
    }
}

static void write_host(fixture *f, const char *text)
{
    assert_int_equal(umh_pipe_write_all(f->stderr_, umh_bytes_of_text(text)), 0);
}

static size_t count_seen(const fixture *f, const char *text)
{
    size_t count = 0;

    for (const char *at = strstr((char *)f->seen.data, text); at; at = strstr(at + 1, text))
        count++;
    return count;
}

static void test_says_records_of_the_broker(void **state)
{
    const umh_log_about nobody = {.host = NULL};
    fixture *f = *state;
    umh_why why = UMH_WHY_INIT;

    umh_logs_say(f->broker.logs, UMH_LOG_INFO, "sensors", "started with pid %d", 7);
    umh_why_set(&why, "expected true");
    umh_why_place(&why, "/etc/broker.json", 12, 5, "Ui");
    umh_logs_about(f->broker.logs, UMH_LOG_ERROR, &nobody, "", &why);
    umh_ignore(UMH_FAIL(UMH_E_LIMIT, "too many things"));
    umh_logs_failure(f->broker.logs, NULL, "start");
    umh_logs_say(f->broker.logs, UMH_LOG_DEBUG, NULL, "never said");
    read_log(f);
    assert_non_null(
        strstr((char *)f->seen.data, " host=sensors level=info msg=\"started with pid 7\"\n"));
    assert_non_null(strstr((char *)f->seen.data, " level=error msg=\"expected true\" "
                                                 "file=/etc/broker.json line=12 column=5 key=Ui"));
    assert_non_null(strstr((char *)f->seen.data, "msg=\"start: too many things"));
    assert_null(strstr((char *)f->seen.data, "never said"));
    assert_int_equal(umh_failure_take().code, 0);
}

static void test_passes_on_what_a_host_says(void **state)
{
    fixture *f = *state;

    write_host(f, "level=warning module=sysload msg=\"two words\" cpu=9\n");
    write_host(f, "level=debug msg=quiet\nplain \"text\"\nlast");
    run_until_seen(f, "plain");
    assert_non_null(strstr((char *)f->seen.data,
                           " host=sensors level=warning module=sysload msg=\"two words\" cpu=9\n"));
    assert_non_null(strstr((char *)f->seen.data,
                           " host=sensors level=info msg=\"plain \\\"text\\\"\" stream=text\n"));
    assert_null(strstr((char *)f->seen.data, "quiet"));
    umh_log_source_close(f->source);
    f->source = NULL;
    read_log(f);
    assert_non_null(strstr((char *)f->seen.data, "msg=last"));
}

static void test_counts_what_is_too_much(void **state)
{
    fixture *f = *state;

    for (unsigned i = 0; i < UMH_LOG_LINES_PER_SECOND + 500; i++) {
        write_host(f, "level=info msg=again\n");
        if (i % 500 == 0) {
            uv_run(&f->broker.loop, UV_RUN_NOWAIT);
            read_log(f);
        }
    }
    run_until_seen(f, "were dropped: more than");
    /* A little more than the burst: time passes meanwhile. */
    assert_in_range(count_seen(f, "msg=again"), UMH_LOG_LINES_PER_SECOND,
                    UMH_LOG_LINES_PER_SECOND + 499);
}

static void test_nobody_reading_stops_nobody(void **state)
{
    fixture *f = *state;
    char text[1000];
    unsigned said_count = 0;

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    /* The pipe takes 64 KiB, the log a MiB; the rest is counted. */
    while (f->broker.logs->output.dropped_count < 10) {
        umh_logs_say(f->broker.logs, UMH_LOG_INFO, NULL, "%s", text);
        said_count++;
    }
    run_until_seen(f, "the log was not read for too long");
    assert_int_equal(count_seen(f, "msg=xxxx"), said_count - 10);
    assert_in_range(f->seen.size, UMH_LOG_PENDING_BYTES, UMH_LOG_PENDING_BYTES + 80000);
    assert_int_equal(f->broker.logs->output.dropped_count, 0);
    /* Every line is whole. */
    assert_int_equal(count_seen(f, "\ntime="), said_count - 10);
}

static void test_closes_though_nobody_reads(void **state)
{
    fixture *f = *state;
    uint64_t before_ns = umh_clock_now_ns();
    char text[1000];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    for (unsigned i = 0; i < 200; i++)
        umh_logs_say(f->broker.logs, UMH_LOG_INFO, NULL, "%s", text);
    /* Nor does what waits keep the loop from ending. */
    assert_true(uv_is_active((uv_handle_t *)&f->broker.logs->retry));
    assert_false(uv_has_ref((uv_handle_t *)&f->broker.logs->retry));
    umh_log_source_close(f->source);
    f->source = NULL;
    umh_logs_close(f->broker.logs);
    f->broker.logs = NULL;
    assert_in_range(umh_clock_now_ns() - before_ns, 900 * UMH_NS_PER_MS, 10000 * UMH_NS_PER_MS);
}

static void test_a_reader_that_left_is_nothing(void **state)
{
    fixture *f = *state;

    umh_pipe_close(&f->log);
    for (unsigned i = 0; i < 10; i++)
        umh_logs_say(f->broker.logs, UMH_LOG_INFO, NULL, "to nobody");
    assert_true(f->broker.logs->output.is_broken);
    assert_int_equal(f->broker.logs->output.pending.size, 0);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_says_records_of_the_broker), FRESH(test_passes_on_what_a_host_says),
        FRESH(test_counts_what_is_too_much),    FRESH(test_nobody_reading_stops_nobody),
        FRESH(test_closes_though_nobody_reads), FRESH(test_a_reader_that_left_is_nothing),
    };

    if (umh_process_prepare())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Every cell of the two tables, visited by letting the event happen. The actions are this file's:
 * they only say that they ran.
 */
#include "broker/states.h"

#include "broker/host_actions.h"
#include "broker/status.h"
#include "broker/supervisor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* --- stand-ins ---------------------------------------------------------------------------- */

static const char *action_of_host;
static const char *action_of_module;
static int announced_hosts, announced_modules, changes;
static umh_host_event next_event; /* that an action lets happen; HOST_EVENT_COUNT: none */

static void act_host(umh_host *host, const char *name)
{
    umh_host_event event = next_event;

    action_of_host = name;
    next_event = HOST_EVENT_COUNT;
    if (event != HOST_EVENT_COUNT)
        umh_host_happen(host, event);
}

#define HOST_ACTION(name)                                                                          \
    void umh_host_##name(umh_host *host)                                                           \
    {                                                                                              \
        act_host(host, #name);                                                                     \
    }
HOST_ACTION(spawn)
HOST_ACTION(greet)
HOST_ACTION(admit)
HOST_ACTION(settle)
HOST_ACTION(go)
HOST_ACTION(ask)
HOST_ACTION(close_pipe)
HOST_ACTION(end_it)
HOST_ACTION(end_mute)
HOST_ACTION(end_closed)
HOST_ACTION(end_stubborn)
HOST_ACTION(end_second_hello)
HOST_ACTION(await_end)
HOST_ACTION(note_undead)
HOST_ACTION(abandon)
HOST_ACTION(bury)
HOST_ACTION(bury_unborn)
HOST_ACTION(become_due)
HOST_ACTION(forget_due)

#define MODULE_ACTION(name)                                                                        \
    void umh_module_##name(umh_host_module *module)                                                \
    {                                                                                              \
        action_of_module = #name;                                                                  \
        UMH_UNUSED(module);                                                                        \
    }
MODULE_ACTION(fetch)
MODULE_ACTION(cancel_fetch)
MODULE_ACTION(take_copy)
MODULE_ACTION(miss_copy)
MODULE_ACTION(load)
MODULE_ACTION(take_loaded)
MODULE_ACTION(start)
MODULE_ACTION(take_started)
MODULE_ACTION(ask_configure)
MODULE_ACTION(take_configured)
MODULE_ACTION(refuse_config)
MODULE_ACTION(stop)
MODULE_ACTION(take_stopped)
MODULE_ACTION(stop_failed)
MODULE_ACTION(unload)
MODULE_ACTION(go_on)
MODULE_ACTION(replace)
MODULE_ACTION(leave)
MODULE_ACTION(stay)
MODULE_ACTION(fail)
MODULE_ACTION(violate)
MODULE_ACTION(be_late)
MODULE_ACTION(be_gone)
MODULE_ACTION(be_gone_early)
MODULE_ACTION(be_gone_failed)

void umh_status_announce_host(umh_host *host)
{
    UMH_UNUSED(host);
    announced_hosts++;
}

void umh_status_announce_module(const umh_host_module *module)
{
    UMH_UNUSED(module);
    announced_modules++;
}

void umh_supervisor_on_host_change(umh_supervisor *supervisor, umh_host *host)
{
    UMH_UNUSED(supervisor);
    UMH_UNUSED(host);
    changes++;
}

/* --- what is expected --------------------------------------------------------------------- */

/*
 * A letter per state, in their order:
 * Absent sPawning Greeting Loading rEady Running asKed Closed Dead
 */
static const char host_letters[] = "APGLERKCD";

/* A column per event: SPAWN STARTED NO_START HELLO SETTLED GO STOP TIMEOUT VIOLATION EOF EXIT */
static const char *const host_rows[HOST_STATE_COUNT] = {
    [HOST_ABSENT] = "PAAAAAAAAAA",   [HOST_SPAWNING] = "PGAPPPAPPPP",
    [HOST_GREETING] = "GGGLGGCDDGA", [HOST_LOADING] = "LLLDELKDDLA",
    [HOST_READY] = "EEEDERKDDEA",    [HOST_RUNNING] = "RRRDRRKDDRA",
    [HOST_ASKED] = "KKKDKKKCDKA",    [HOST_CLOSED] = "CCCCCCCDDCA",
    [HOST_KILLED] = "DDDDDDDDDDA",
};

/* Absent Fetching Waiting Loading loadEd Starting Running Configuring stOpping Unloading faileD */
static const char module_letters[] = "AFWLESRCOUD";

/*
 * FETCH COPY NO_COPY GREETED LOADED GO STARTED CONFIGURE CONFIGURED NOT_TAKEN STOP STOPPED UNLOADED
 * REPLACE LEFT STUCK ERROR LATE GONE
 */
static const char *const module_rows[MODULE_STATE_COUNT] = {
    [SLOT_ABSENT] = "FAAAAAAAAAAAAAAAAAA",   [SLOT_FETCHING] = "FWDFFFFFFFAFFFFFFFF",
    [SLOT_WAITING] = "FWWLWWWWWWAWWWWWWWW",  [SLOT_LOADING] = "LLLLELLLLLLLLLLLDLW",
    [SLOT_LOADED] = "EEEEESEEEEOEEEEEEEW",   [SLOT_STARTING] = "SSSSSSRSSSSSSSSSDSW",
    [SLOT_RUNNING] = "RRRRRRRCRRORRRRRRRW",  [SLOT_CONFIGURING] = "CCCCCCCCRRCCCCCCRCW",
    [SLOT_STOPPING] = "OOOOOOOOOOOUOOOOOOW", [SLOT_UNLOADING] = "UUUUUUUUUUUUAUADUUW",
    [SLOT_FAILED] = "FWDDDDDDDDDUADDDDDD",
};

/* --- tests -------------------------------------------------------------------------------- */

static void forget(void)
{
    action_of_host = NULL;
    action_of_module = NULL;
    announced_hosts = announced_modules = changes = 0;
    next_event = HOST_EVENT_COUNT;
}

static void test_visits_every_cell_of_hosts(void **state)
{
    static umh_broker broker;
    static umh_host host;

    (void)state;
    host.broker = &broker;
    for (unsigned from = 0; from < HOST_STATE_COUNT; from++) {
        for (unsigned event = 0; event < HOST_EVENT_COUNT; event++) {
            const umh_host_step *cell = &umh_host_steps[from][event];
            bool is_new;

            forget();
            host.state = (umh_host_state)from;
            assert_non_null(cell->action);
            umh_host_happen(&host, (umh_host_event)event);
            assert_int_equal(host_letters[host.state], host_rows[from][event]);
            is_new = host.state != from;
            assert_int_equal(announced_hosts, is_new);
            assert_int_equal(changes, is_new);
            /* Nothing changes without something being done. */
            if (is_new)
                assert_non_null(action_of_host);
        }
    }
}

static void test_visits_every_cell_of_modules(void **state)
{
    static umh_host_module module;

    (void)state;
    for (unsigned from = 0; from < MODULE_STATE_COUNT; from++) {
        for (unsigned event = 0; event < MODULE_EVENT_COUNT; event++) {
            forget();
            module.state = (umh_module_state)from;
            assert_non_null(umh_module_steps[from][event].action);
            umh_module_happen(&module, (umh_module_event)event);
            assert_int_equal(module_letters[module.state], module_rows[from][event]);
            assert_int_equal(announced_modules, module.state != from);
            if (module.state != from)
                assert_non_null(action_of_module);
        }
    }
}

/* Whatever a host was doing: when its process ends it is buried, once. */
static void test_every_process_is_buried(void **state)
{
    static umh_broker broker;
    static umh_host host;

    (void)state;
    host.broker = &broker;
    for (unsigned from = HOST_GREETING; from < HOST_STATE_COUNT; from++) {
        forget();
        host.state = (umh_host_state)from;
        umh_host_happen(&host, ON_EXIT);
        assert_string_equal(action_of_host, "bury");
        assert_int_equal(host.state, HOST_ABSENT);
        action_of_host = NULL;
        umh_host_happen(&host, ON_EXIT);
        assert_null(action_of_host);
    }
}

/* Asked, closed, killed: every host ends by deadlines alone. */
static void test_stop_ends_by_deadlines(void **state)
{
    static umh_broker broker;
    static umh_host host;

    (void)state;
    host.broker = &broker;
    for (unsigned from = HOST_GREETING; from <= HOST_RUNNING; from++) {
        forget();
        host.state = (umh_host_state)from;
        umh_host_happen(&host, ON_STOP);
        umh_host_happen(&host, ON_TIMEOUT);
        umh_host_happen(&host, ON_TIMEOUT);
        assert_int_equal(host.state, HOST_KILLED);
    }
}

static void test_an_action_may_let_more_happen(void **state)
{
    static umh_broker broker;
    static umh_host host;

    (void)state;
    forget();
    host.broker = &broker;
    host.state = HOST_GREETING;
    next_event = ON_SETTLED;
    umh_host_happen(&host, ON_HELLO);
    assert_int_equal(host.state, HOST_READY);
    assert_string_equal(action_of_host, "settle");
    /* What it passed through within one event is not said. */
    assert_int_equal(announced_hosts, 1);
    assert_int_equal(changes, 1);
}

static void test_names_every_state(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HOST_STATE_COUNT; i++)
        assert_string_not_equal(umh_host_state_name((umh_host_state)i), "?");
    for (unsigned i = 0; i < MODULE_STATE_COUNT; i++)
        assert_string_not_equal(umh_module_state_name((umh_module_state)i), "?");
    assert_string_equal(umh_host_state_name(HOST_STATE_COUNT), "?");
    assert_string_equal(umh_module_state_name(MODULE_STATE_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_visits_every_cell_of_hosts),
        cmocka_unit_test(test_visits_every_cell_of_modules),
        cmocka_unit_test(test_every_process_is_buried),
        cmocka_unit_test(test_stop_ends_by_deadlines),
        cmocka_unit_test(test_an_action_may_let_more_happen),
        cmocka_unit_test(test_names_every_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

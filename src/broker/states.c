/* SPDX-License-Identifier: MIT */
/*
 * What happens when: a row per state, a cell per event. Late events, and those that cannot be, are
 * ignored by name, so that an empty cell is always a mistake.
 */
#include "broker/states.h"

#include "broker/host_actions.h"
#include "broker/status.h"
#include "broker/supervisor.h"

/* clang-format off */
const umh_host_step umh_host_steps[HOST_STATE_COUNT][HOST_EVENT_COUNT] = {
    [HOST_ABSENT] = {
        [ON_SPAWN]     = {umh_host_spawn,            HOST_SPAWNING},
        [ON_STARTED]   = {umh_host_ignore,           HOST_ABSENT},
        [ON_NO_START]  = {umh_host_ignore,           HOST_ABSENT},
        [ON_HELLO]     = {umh_host_ignore,           HOST_ABSENT},
        [ON_SETTLED]   = {umh_host_ignore,           HOST_ABSENT},
        [ON_GO]        = {umh_host_ignore,           HOST_ABSENT},
        [ON_STOP]      = {umh_host_forget_due,       HOST_ABSENT},
        [ON_TIMEOUT]   = {umh_host_become_due,       HOST_ABSENT},
        [ON_VIOLATION] = {umh_host_ignore,           HOST_ABSENT},
        [ON_EOF]       = {umh_host_ignore,           HOST_ABSENT},
        [ON_EXIT]      = {umh_host_ignore,           HOST_ABSENT},
    },
    [HOST_SPAWNING] = {
        [ON_SPAWN]     = {umh_host_ignore,           HOST_SPAWNING},
        [ON_STARTED]   = {umh_host_greet,            HOST_GREETING},
        [ON_NO_START]  = {umh_host_bury_unborn,      HOST_ABSENT},
        [ON_HELLO]     = {umh_host_ignore,           HOST_SPAWNING},
        [ON_SETTLED]   = {umh_host_ignore,           HOST_SPAWNING},
        [ON_GO]        = {umh_host_ignore,           HOST_SPAWNING},
        [ON_STOP]      = {umh_host_abandon,          HOST_ABSENT},
        [ON_TIMEOUT]   = {umh_host_ignore,           HOST_SPAWNING},
        [ON_VIOLATION] = {umh_host_ignore,           HOST_SPAWNING},
        [ON_EOF]       = {umh_host_ignore,           HOST_SPAWNING},
        [ON_EXIT]      = {umh_host_ignore,           HOST_SPAWNING},
    },
    [HOST_GREETING] = {
        [ON_SPAWN]     = {umh_host_ignore,           HOST_GREETING},
        [ON_STARTED]   = {umh_host_ignore,           HOST_GREETING},
        [ON_NO_START]  = {umh_host_ignore,           HOST_GREETING},
        [ON_HELLO]     = {umh_host_admit,            HOST_LOADING},
        [ON_SETTLED]   = {umh_host_ignore,           HOST_GREETING},
        [ON_GO]        = {umh_host_ignore,           HOST_GREETING},
        [ON_STOP]      = {umh_host_close_pipe,       HOST_CLOSED},
        [ON_TIMEOUT]   = {umh_host_end_mute,         HOST_KILLED},
        [ON_VIOLATION] = {umh_host_end_it,           HOST_KILLED},
        [ON_EOF]       = {umh_host_await_end,        HOST_GREETING},
        [ON_EXIT]      = {umh_host_bury,             HOST_ABSENT},
    },
    [HOST_LOADING] = {
        [ON_SPAWN]     = {umh_host_ignore,           HOST_LOADING},
        [ON_STARTED]   = {umh_host_ignore,           HOST_LOADING},
        [ON_NO_START]  = {umh_host_ignore,           HOST_LOADING},
        [ON_HELLO]     = {umh_host_end_second_hello, HOST_KILLED},
        [ON_SETTLED]   = {umh_host_settle,           HOST_READY},
        [ON_GO]        = {umh_host_ignore,           HOST_LOADING},
        [ON_STOP]      = {umh_host_ask,              HOST_ASKED},
        [ON_TIMEOUT]   = {umh_host_end_closed,       HOST_KILLED},
        [ON_VIOLATION] = {umh_host_end_it,           HOST_KILLED},
        [ON_EOF]       = {umh_host_await_end,        HOST_LOADING},
        [ON_EXIT]      = {umh_host_bury,             HOST_ABSENT},
    },
    [HOST_READY] = {
        [ON_SPAWN]     = {umh_host_ignore,           HOST_READY},
        [ON_STARTED]   = {umh_host_ignore,           HOST_READY},
        [ON_NO_START]  = {umh_host_ignore,           HOST_READY},
        [ON_HELLO]     = {umh_host_end_second_hello, HOST_KILLED},
        [ON_SETTLED]   = {umh_host_ignore,           HOST_READY},
        [ON_GO]        = {umh_host_go,               HOST_RUNNING},
        [ON_STOP]      = {umh_host_ask,              HOST_ASKED},
        [ON_TIMEOUT]   = {umh_host_end_closed,       HOST_KILLED},
        [ON_VIOLATION] = {umh_host_end_it,           HOST_KILLED},
        [ON_EOF]       = {umh_host_await_end,        HOST_READY},
        [ON_EXIT]      = {umh_host_bury,             HOST_ABSENT},
    },
    [HOST_RUNNING] = {
        [ON_SPAWN]     = {umh_host_ignore,           HOST_RUNNING},
        [ON_STARTED]   = {umh_host_ignore,           HOST_RUNNING},
        [ON_NO_START]  = {umh_host_ignore,           HOST_RUNNING},
        [ON_HELLO]     = {umh_host_end_second_hello, HOST_KILLED},
        [ON_SETTLED]   = {umh_host_ignore,           HOST_RUNNING},
        [ON_GO]        = {umh_host_ignore,           HOST_RUNNING},
        [ON_STOP]      = {umh_host_ask,              HOST_ASKED},
        [ON_TIMEOUT]   = {umh_host_end_closed,       HOST_KILLED},
        [ON_VIOLATION] = {umh_host_end_it,           HOST_KILLED},
        [ON_EOF]       = {umh_host_await_end,        HOST_RUNNING},
        [ON_EXIT]      = {umh_host_bury,             HOST_ABSENT},
    },
    [HOST_ASKED] = {
        [ON_SPAWN]     = {umh_host_ignore,           HOST_ASKED},
        [ON_STARTED]   = {umh_host_ignore,           HOST_ASKED},
        [ON_NO_START]  = {umh_host_ignore,           HOST_ASKED},
        [ON_HELLO]     = {umh_host_end_second_hello, HOST_KILLED},
        [ON_SETTLED]   = {umh_host_ignore,           HOST_ASKED},
        [ON_GO]        = {umh_host_ignore,           HOST_ASKED},
        [ON_STOP]      = {umh_host_ignore,           HOST_ASKED},
        [ON_TIMEOUT]   = {umh_host_close_pipe,       HOST_CLOSED},
        [ON_VIOLATION] = {umh_host_end_it,           HOST_KILLED},
        [ON_EOF]       = {umh_host_ignore,           HOST_ASKED},
        [ON_EXIT]      = {umh_host_bury,             HOST_ABSENT},
    },
    [HOST_CLOSED] = {
        [ON_SPAWN]     = {umh_host_ignore,           HOST_CLOSED},
        [ON_STARTED]   = {umh_host_ignore,           HOST_CLOSED},
        [ON_NO_START]  = {umh_host_ignore,           HOST_CLOSED},
        [ON_HELLO]     = {umh_host_ignore,           HOST_CLOSED},
        [ON_SETTLED]   = {umh_host_ignore,           HOST_CLOSED},
        [ON_GO]        = {umh_host_ignore,           HOST_CLOSED},
        [ON_STOP]      = {umh_host_ignore,           HOST_CLOSED},
        [ON_TIMEOUT]   = {umh_host_end_stubborn,     HOST_KILLED},
        [ON_VIOLATION] = {umh_host_end_it,           HOST_KILLED},
        [ON_EOF]       = {umh_host_ignore,           HOST_CLOSED},
        [ON_EXIT]      = {umh_host_bury,             HOST_ABSENT},
    },
    [HOST_KILLED] = {
        [ON_SPAWN]     = {umh_host_ignore,           HOST_KILLED},
        [ON_STARTED]   = {umh_host_ignore,           HOST_KILLED},
        [ON_NO_START]  = {umh_host_ignore,           HOST_KILLED},
        [ON_HELLO]     = {umh_host_ignore,           HOST_KILLED},
        [ON_SETTLED]   = {umh_host_ignore,           HOST_KILLED},
        [ON_GO]        = {umh_host_ignore,           HOST_KILLED},
        [ON_STOP]      = {umh_host_ignore,           HOST_KILLED},
        [ON_TIMEOUT]   = {umh_host_note_undead,      HOST_KILLED},
        [ON_VIOLATION] = {umh_host_ignore,           HOST_KILLED},
        [ON_EOF]       = {umh_host_ignore,           HOST_KILLED},
        [ON_EXIT]      = {umh_host_bury,             HOST_ABSENT},
    },
};

const umh_module_step umh_module_steps[MODULE_STATE_COUNT][MODULE_EVENT_COUNT] = {
    [SLOT_ABSENT] = {
        [ON_FETCH]          = {umh_module_fetch,          SLOT_FETCHING},
        [ON_COPY]           = {umh_module_ignore,         SLOT_ABSENT},
        [ON_NO_COPY]        = {umh_module_ignore,         SLOT_ABSENT},
        [ON_GREETED]        = {umh_module_ignore,         SLOT_ABSENT},
        [ON_LOADED]         = {umh_module_ignore,         SLOT_ABSENT},
        [ON_MODULE_GO]      = {umh_module_ignore,         SLOT_ABSENT},
        [ON_MODULE_STARTED] = {umh_module_ignore,         SLOT_ABSENT},
        [ON_CONFIGURE]      = {umh_module_ignore,         SLOT_ABSENT},
        [ON_CONFIGURED]     = {umh_module_ignore,         SLOT_ABSENT},
        [ON_NOT_TAKEN]      = {umh_module_ignore,         SLOT_ABSENT},
        [ON_MODULE_STOP]    = {umh_module_go_on,          SLOT_ABSENT},
        [ON_STOPPED]        = {umh_module_ignore,         SLOT_ABSENT},
        [ON_UNLOADED]       = {umh_module_ignore,         SLOT_ABSENT},
        [ON_REPLACE]        = {umh_module_ignore,         SLOT_ABSENT},
        [ON_LEFT]           = {umh_module_ignore,         SLOT_ABSENT},
        [ON_STUCK]          = {umh_module_ignore,         SLOT_ABSENT},
        [ON_ERROR]          = {umh_module_ignore,         SLOT_ABSENT},
        [ON_LATE]           = {umh_module_ignore,         SLOT_ABSENT},
        [ON_GONE]           = {umh_module_ignore,         SLOT_ABSENT},
    },
    [SLOT_FETCHING] = {
        [ON_FETCH]          = {umh_module_ignore,         SLOT_FETCHING},
        [ON_COPY]           = {umh_module_take_copy,      SLOT_WAITING},
        [ON_NO_COPY]        = {umh_module_miss_copy,      SLOT_FAILED},
        [ON_GREETED]        = {umh_module_ignore,         SLOT_FETCHING},
        [ON_LOADED]         = {umh_module_ignore,         SLOT_FETCHING},
        [ON_MODULE_GO]      = {umh_module_ignore,         SLOT_FETCHING},
        [ON_MODULE_STARTED] = {umh_module_ignore,         SLOT_FETCHING},
        [ON_CONFIGURE]      = {umh_module_ignore,         SLOT_FETCHING},
        [ON_CONFIGURED]     = {umh_module_ignore,         SLOT_FETCHING},
        [ON_NOT_TAKEN]      = {umh_module_ignore,         SLOT_FETCHING},
        [ON_MODULE_STOP]    = {umh_module_cancel_fetch,   SLOT_ABSENT},
        [ON_STOPPED]        = {umh_module_ignore,         SLOT_FETCHING},
        [ON_UNLOADED]       = {umh_module_ignore,         SLOT_FETCHING},
        [ON_REPLACE]        = {umh_module_ignore,         SLOT_FETCHING},
        [ON_LEFT]           = {umh_module_ignore,         SLOT_FETCHING},
        [ON_STUCK]          = {umh_module_ignore,         SLOT_FETCHING},
        [ON_ERROR]          = {umh_module_ignore,         SLOT_FETCHING},
        [ON_LATE]           = {umh_module_ignore,         SLOT_FETCHING},
        [ON_GONE]           = {umh_module_ignore,         SLOT_FETCHING},
    },
    [SLOT_WAITING] = {
        [ON_FETCH]          = {umh_module_fetch,          SLOT_FETCHING},
        [ON_COPY]           = {umh_module_ignore,         SLOT_WAITING},
        [ON_NO_COPY]        = {umh_module_ignore,         SLOT_WAITING},
        [ON_GREETED]        = {umh_module_load,           SLOT_LOADING},
        [ON_LOADED]         = {umh_module_ignore,         SLOT_WAITING},
        [ON_MODULE_GO]      = {umh_module_ignore,         SLOT_WAITING},
        [ON_MODULE_STARTED] = {umh_module_ignore,         SLOT_WAITING},
        [ON_CONFIGURE]      = {umh_module_ignore,         SLOT_WAITING},
        [ON_CONFIGURED]     = {umh_module_ignore,         SLOT_WAITING},
        [ON_NOT_TAKEN]      = {umh_module_ignore,         SLOT_WAITING},
        [ON_MODULE_STOP]    = {umh_module_go_on,          SLOT_ABSENT},
        [ON_STOPPED]        = {umh_module_ignore,         SLOT_WAITING},
        [ON_UNLOADED]       = {umh_module_ignore,         SLOT_WAITING},
        [ON_REPLACE]        = {umh_module_ignore,         SLOT_WAITING},
        [ON_LEFT]           = {umh_module_ignore,         SLOT_WAITING},
        [ON_STUCK]          = {umh_module_ignore,         SLOT_WAITING},
        [ON_ERROR]          = {umh_module_ignore,         SLOT_WAITING},
        [ON_LATE]           = {umh_module_ignore,         SLOT_WAITING},
        [ON_GONE]           = {umh_module_ignore,         SLOT_WAITING},
    },
    [SLOT_LOADING] = {
        [ON_FETCH]          = {umh_module_ignore,         SLOT_LOADING},
        [ON_COPY]           = {umh_module_ignore,         SLOT_LOADING},
        [ON_NO_COPY]        = {umh_module_ignore,         SLOT_LOADING},
        [ON_GREETED]        = {umh_module_ignore,         SLOT_LOADING},
        [ON_LOADED]         = {umh_module_take_loaded,    SLOT_LOADED},
        [ON_MODULE_GO]      = {umh_module_ignore,         SLOT_LOADING},
        [ON_MODULE_STARTED] = {umh_module_ignore,         SLOT_LOADING},
        [ON_CONFIGURE]      = {umh_module_ignore,         SLOT_LOADING},
        [ON_CONFIGURED]     = {umh_module_ignore,         SLOT_LOADING},
        [ON_NOT_TAKEN]      = {umh_module_ignore,         SLOT_LOADING},
        [ON_MODULE_STOP]    = {umh_module_ignore,         SLOT_LOADING},
        [ON_STOPPED]        = {umh_module_ignore,         SLOT_LOADING},
        [ON_UNLOADED]       = {umh_module_ignore,         SLOT_LOADING},
        [ON_REPLACE]        = {umh_module_ignore,         SLOT_LOADING},
        [ON_LEFT]           = {umh_module_ignore,         SLOT_LOADING},
        [ON_STUCK]          = {umh_module_ignore,         SLOT_LOADING},
        [ON_ERROR]          = {umh_module_fail,           SLOT_FAILED},
        [ON_LATE]           = {umh_module_be_late,        SLOT_LOADING},
        [ON_GONE]           = {umh_module_be_gone_early,  SLOT_WAITING},
    },
    [SLOT_LOADED] = {
        [ON_FETCH]          = {umh_module_ignore,         SLOT_LOADED},
        [ON_COPY]           = {umh_module_ignore,         SLOT_LOADED},
        [ON_NO_COPY]        = {umh_module_ignore,         SLOT_LOADED},
        [ON_GREETED]        = {umh_module_ignore,         SLOT_LOADED},
        [ON_LOADED]         = {umh_module_ignore,         SLOT_LOADED},
        [ON_MODULE_GO]      = {umh_module_start,          SLOT_STARTING},
        [ON_MODULE_STARTED] = {umh_module_ignore,         SLOT_LOADED},
        [ON_CONFIGURE]      = {umh_module_ignore,         SLOT_LOADED},
        [ON_CONFIGURED]     = {umh_module_ignore,         SLOT_LOADED},
        [ON_NOT_TAKEN]      = {umh_module_ignore,         SLOT_LOADED},
        [ON_MODULE_STOP]    = {umh_module_stop,           SLOT_STOPPING},
        [ON_STOPPED]        = {umh_module_ignore,         SLOT_LOADED},
        [ON_UNLOADED]       = {umh_module_ignore,         SLOT_LOADED},
        [ON_REPLACE]        = {umh_module_ignore,         SLOT_LOADED},
        [ON_LEFT]           = {umh_module_ignore,         SLOT_LOADED},
        [ON_STUCK]          = {umh_module_ignore,         SLOT_LOADED},
        [ON_ERROR]          = {umh_module_ignore,         SLOT_LOADED},
        [ON_LATE]           = {umh_module_ignore,         SLOT_LOADED},
        [ON_GONE]           = {umh_module_be_gone_early,  SLOT_WAITING},
    },
    [SLOT_STARTING] = {
        [ON_FETCH]          = {umh_module_ignore,         SLOT_STARTING},
        [ON_COPY]           = {umh_module_ignore,         SLOT_STARTING},
        [ON_NO_COPY]        = {umh_module_ignore,         SLOT_STARTING},
        [ON_GREETED]        = {umh_module_ignore,         SLOT_STARTING},
        [ON_LOADED]         = {umh_module_ignore,         SLOT_STARTING},
        [ON_MODULE_GO]      = {umh_module_ignore,         SLOT_STARTING},
        [ON_MODULE_STARTED] = {umh_module_take_started,   SLOT_RUNNING},
        [ON_CONFIGURE]      = {umh_module_ignore,         SLOT_STARTING},
        [ON_CONFIGURED]     = {umh_module_ignore,         SLOT_STARTING},
        [ON_NOT_TAKEN]      = {umh_module_ignore,         SLOT_STARTING},
        [ON_MODULE_STOP]    = {umh_module_ignore,         SLOT_STARTING},
        [ON_STOPPED]        = {umh_module_ignore,         SLOT_STARTING},
        [ON_UNLOADED]       = {umh_module_ignore,         SLOT_STARTING},
        [ON_REPLACE]        = {umh_module_ignore,         SLOT_STARTING},
        [ON_LEFT]           = {umh_module_ignore,         SLOT_STARTING},
        [ON_STUCK]          = {umh_module_ignore,         SLOT_STARTING},
        [ON_ERROR]          = {umh_module_fail,           SLOT_FAILED},
        [ON_LATE]           = {umh_module_be_late,        SLOT_STARTING},
        [ON_GONE]           = {umh_module_be_gone_early,  SLOT_WAITING},
    },
    [SLOT_RUNNING] = {
        [ON_FETCH]          = {umh_module_ignore,         SLOT_RUNNING},
        [ON_COPY]           = {umh_module_ignore,         SLOT_RUNNING},
        [ON_NO_COPY]        = {umh_module_ignore,         SLOT_RUNNING},
        [ON_GREETED]        = {umh_module_ignore,         SLOT_RUNNING},
        [ON_LOADED]         = {umh_module_ignore,         SLOT_RUNNING},
        [ON_MODULE_GO]      = {umh_module_ignore,         SLOT_RUNNING},
        [ON_MODULE_STARTED] = {umh_module_ignore,         SLOT_RUNNING},
        [ON_CONFIGURE]      = {umh_module_ask_configure,  SLOT_CONFIGURING},
        [ON_CONFIGURED]     = {umh_module_ignore,         SLOT_RUNNING},
        [ON_NOT_TAKEN]      = {umh_module_ignore,         SLOT_RUNNING},
        [ON_MODULE_STOP]    = {umh_module_stop,           SLOT_STOPPING},
        [ON_STOPPED]        = {umh_module_ignore,         SLOT_RUNNING},
        [ON_UNLOADED]       = {umh_module_ignore,         SLOT_RUNNING},
        [ON_REPLACE]        = {umh_module_ignore,         SLOT_RUNNING},
        [ON_LEFT]           = {umh_module_ignore,         SLOT_RUNNING},
        [ON_STUCK]          = {umh_module_ignore,         SLOT_RUNNING},
        [ON_ERROR]          = {umh_module_ignore,         SLOT_RUNNING},
        [ON_LATE]           = {umh_module_ignore,         SLOT_RUNNING},
        [ON_GONE]           = {umh_module_be_gone,        SLOT_WAITING},
    },
    [SLOT_CONFIGURING] = {
        [ON_FETCH]          = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_COPY]           = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_NO_COPY]        = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_GREETED]        = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_LOADED]         = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_MODULE_GO]      = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_MODULE_STARTED] = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_CONFIGURE]      = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_CONFIGURED]     = {umh_module_take_configured, SLOT_RUNNING},
        [ON_NOT_TAKEN]      = {umh_module_refuse_config,  SLOT_RUNNING},
        [ON_MODULE_STOP]    = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_STOPPED]        = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_UNLOADED]       = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_REPLACE]        = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_LEFT]           = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_STUCK]          = {umh_module_ignore,         SLOT_CONFIGURING},
        [ON_ERROR]          = {umh_module_refuse_config,  SLOT_RUNNING},
        [ON_LATE]           = {umh_module_be_late,        SLOT_CONFIGURING},
        [ON_GONE]           = {umh_module_be_gone,        SLOT_WAITING},
    },
    [SLOT_STOPPING] = {
        [ON_FETCH]          = {umh_module_ignore,         SLOT_STOPPING},
        [ON_COPY]           = {umh_module_ignore,         SLOT_STOPPING},
        [ON_NO_COPY]        = {umh_module_ignore,         SLOT_STOPPING},
        [ON_GREETED]        = {umh_module_ignore,         SLOT_STOPPING},
        [ON_LOADED]         = {umh_module_ignore,         SLOT_STOPPING},
        [ON_MODULE_GO]      = {umh_module_ignore,         SLOT_STOPPING},
        [ON_MODULE_STARTED] = {umh_module_ignore,         SLOT_STOPPING},
        [ON_CONFIGURE]      = {umh_module_ignore,         SLOT_STOPPING},
        [ON_CONFIGURED]     = {umh_module_ignore,         SLOT_STOPPING},
        [ON_NOT_TAKEN]      = {umh_module_ignore,         SLOT_STOPPING},
        [ON_MODULE_STOP]    = {umh_module_ignore,         SLOT_STOPPING},
        [ON_STOPPED]        = {umh_module_take_stopped,   SLOT_UNLOADING},
        [ON_UNLOADED]       = {umh_module_ignore,         SLOT_STOPPING},
        [ON_REPLACE]        = {umh_module_ignore,         SLOT_STOPPING},
        [ON_LEFT]           = {umh_module_ignore,         SLOT_STOPPING},
        [ON_STUCK]          = {umh_module_ignore,         SLOT_STOPPING},
        [ON_ERROR]          = {umh_module_violate,        SLOT_STOPPING},
        [ON_LATE]           = {umh_module_be_late,        SLOT_STOPPING},
        [ON_GONE]           = {umh_module_be_gone,        SLOT_WAITING},
    },
    [SLOT_UNLOADING] = {
        [ON_FETCH]          = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_COPY]           = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_NO_COPY]        = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_GREETED]        = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_LOADED]         = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_MODULE_GO]      = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_MODULE_STARTED] = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_CONFIGURE]      = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_CONFIGURED]     = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_NOT_TAKEN]      = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_MODULE_STOP]    = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_STOPPED]        = {umh_module_ignore,         SLOT_UNLOADING},
        [ON_UNLOADED]       = {umh_module_go_on,          SLOT_ABSENT},
        [ON_REPLACE]        = {umh_module_replace,        SLOT_UNLOADING},
        [ON_LEFT]           = {umh_module_leave,          SLOT_ABSENT},
        [ON_STUCK]          = {umh_module_stay,           SLOT_FAILED},
        [ON_ERROR]          = {umh_module_replace,        SLOT_UNLOADING},
        [ON_LATE]           = {umh_module_be_late,        SLOT_UNLOADING},
        [ON_GONE]           = {umh_module_be_gone,        SLOT_WAITING},
    },
    [SLOT_FAILED] = {
        [ON_FETCH]          = {umh_module_fetch,          SLOT_FETCHING},
        [ON_COPY]           = {umh_module_take_copy,      SLOT_WAITING},
        [ON_NO_COPY]        = {umh_module_ignore,         SLOT_FAILED},
        [ON_GREETED]        = {umh_module_ignore,         SLOT_FAILED},
        [ON_LOADED]         = {umh_module_ignore,         SLOT_FAILED},
        [ON_MODULE_GO]      = {umh_module_ignore,         SLOT_FAILED},
        [ON_MODULE_STARTED] = {umh_module_ignore,         SLOT_FAILED},
        [ON_CONFIGURE]      = {umh_module_ignore,         SLOT_FAILED},
        [ON_CONFIGURED]     = {umh_module_ignore,         SLOT_FAILED},
        [ON_NOT_TAKEN]      = {umh_module_ignore,         SLOT_FAILED},
        [ON_MODULE_STOP]    = {umh_module_stop_failed,    SLOT_FAILED},
        [ON_STOPPED]        = {umh_module_unload,         SLOT_UNLOADING},
        [ON_UNLOADED]       = {umh_module_go_on,          SLOT_ABSENT},
        [ON_REPLACE]        = {umh_module_ignore,         SLOT_FAILED},
        [ON_LEFT]           = {umh_module_ignore,         SLOT_FAILED},
        [ON_STUCK]          = {umh_module_ignore,         SLOT_FAILED},
        [ON_ERROR]          = {umh_module_ignore,         SLOT_FAILED},
        [ON_LATE]           = {umh_module_ignore,         SLOT_FAILED},
        [ON_GONE]           = {umh_module_be_gone_failed, SLOT_FAILED},
    },
};
/* clang-format on */

void umh_host_ignore(umh_host *host)
{
    UMH_UNUSED(host);
}

void umh_module_ignore(umh_host_module *module)
{
    UMH_UNUSED(module);
}

void umh_host_happen(umh_host *host, umh_host_event event)
{
    const umh_host_step *step = &umh_host_steps[host->state][event];
    bool is_new = host->state != step->next;

    umh_assert(step->action);
    host->state = step->next;
    step->action(host);
    /* An action that let more happen has had that said already. */
    if (!is_new || host->state != step->next)
        return;
    umh_status_announce_host(host);
    umh_supervisor_on_host_change(host->broker->supervisor, host);
}

/* Said before the action, which may end the module. */
void umh_module_happen(umh_host_module *module, umh_module_event event)
{
    const umh_module_step *step = &umh_module_steps[module->state][event];
    bool is_new = module->state != step->next;

    umh_assert(step->action);
    module->state = step->next;
    if (is_new)
        umh_status_announce_module(module);
    step->action(module);
}

const char *umh_host_state_name(umh_host_state state)
{
    static const char *const names[HOST_STATE_COUNT] = {
        [HOST_ABSENT] = "absent",   [HOST_SPAWNING] = "spawning", [HOST_GREETING] = "greeting",
        [HOST_LOADING] = "loading", [HOST_READY] = "ready",       [HOST_RUNNING] = "running",
        [HOST_ASKED] = "asked",     [HOST_CLOSED] = "closed",     [HOST_KILLED] = "killed",
    };

    return state < HOST_STATE_COUNT ? names[state] : "?";
}

const char *umh_module_state_name(umh_module_state state)
{
    static const char *const names[MODULE_STATE_COUNT] = {
        [SLOT_ABSENT] = "absent",     [SLOT_FETCHING] = "fetching",
        [SLOT_WAITING] = "waiting",   [SLOT_LOADING] = "loading",
        [SLOT_LOADED] = "loaded",     [SLOT_STARTING] = "starting",
        [SLOT_RUNNING] = "running",   [SLOT_CONFIGURING] = "configuring",
        [SLOT_STOPPING] = "stopping", [SLOT_UNLOADING] = "unloading",
        [SLOT_FAILED] = "failed",
    };

    return state < MODULE_STATE_COUNT ? names[state] : "?";
}

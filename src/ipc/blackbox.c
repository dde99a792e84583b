/* SPDX-License-Identifier: MIT */
/* Names of what a module can be doing. */
#include "ipc/blackbox.h"

static const char *const names[ACTIVITY_COUNT] = {
    [ACTIVITY_NONE] = "None",
    [ACTIVITY_LOADING] = "Loading",
    [ACTIVITY_INIT] = "Init",
    [ACTIVITY_START] = "Start",
    [ACTIVITY_ON_MESSAGE] = "OnMessage",
    [ACTIVITY_STOP] = "Stop",
    [ACTIVITY_UNLOADING] = "Unloading",
    [ACTIVITY_CONFIGURE] = "Configure",
};

const char *umh_activity_name(uint32_t activity)
{
    return activity < ACTIVITY_COUNT ? names[activity] : "?";
}

/* SPDX-License-Identifier: MIT */
/*
 * A module that is told of a changed Config, and what it does with that.
 *
 *   Config   Asked, Result: numbers of services; Value: any number; Refuse: what configure answers;
 *            SlowMs: how long configure takes
 *   Asked    "report"
 *   Result   {"value", "first", "told", "messages", "errors"}: Value as configuration() has it now,
 *            as init saw it, how often it was told, and what was wrong about that
 */
#pragma once

#include "configured.h"

#include <stdatomic.h>

typedef struct configurable {
    const umh_host_v1 *host;
    umh_guid_v1 asked, result;
    const char *first_config; /* must stay valid */
    long long first_value;
    unsigned told_count, message_count, error_count;
    atomic_bool is_inside;
} configurable;

static configurable self;

static void enter(void)
{
    self.error_count += atomic_exchange(&self.is_inside, true);
}

static void leave(void)
{
    atomic_store(&self.is_inside, false);
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    self.host = host;
    self.asked = config_service(host, "Asked");
    self.result = config_service(host, "Result");
    self.first_config = host->configuration(host);
    self.first_value = config_number(host, "Value", -1);
    if (self.first_value < 0)
        return 9;
    return host->subscribe(host, &self.asked) == UMH_V1_OK ? 0 : 3;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    enter();
    if (strcmp(message->text, "report") == 0)
        answer(self.host, &self.result,
               "{\"value\": %lld, \"first\": %lld, \"told\": %u, \"messages\": %u, \"errors\": %u}",
               config_number(self.host, "Value", -1), self.first_value, self.told_count,
               self.message_count, self.error_count);
    else
        self.message_count++;
    leave();
}

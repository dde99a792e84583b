/* SPDX-License-Identifier: MIT */
/*
 * A user interface without one: an event loop on whichever thread it is given.
 *
 *   Config     Deaf: 1, and it does not leave its loop when asked; Asked, Result: numbers of
 *              services
 *   Asked      "thread": is the loop on the process's main thread?; "close N": the user closes the
 *              window, and run returns N
 *   Result     "main" or "other" when the loop begins and when asked; "stopped" from stop
 */
#define _GNU_SOURCE /* gettid */
#include "configured.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const umh_host_v1 *used_host;
static umh_guid_v1 asked;
static umh_guid_v1 result;
static bool is_deaf;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_running, is_left, is_on_main;
static int code;

static void tell(const char *text)
{
    used_host->send(used_host, &result, UMH_SESSION_ANY, text, strlen(text), 0);
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    used_host = host;
    asked = config_service(host, "Asked");
    result = config_service(host, "Result");
    is_deaf = config_number(host, "Deaf", 0) != 0;
    is_running = is_left = is_on_main = false;
    code = 0;
    return host->subscribe(host, &asked) == UMH_V1_OK ? 0 : 1;
}

static int run(void *state)
{
    (void)state;
    pthread_mutex_lock(&lock);
    is_running = true;
    is_on_main = gettid() == getpid();
    tell(is_on_main ? "main" : "other");
    while (!is_left)
        pthread_cond_wait(&changed, &lock);
    is_running = false;
    pthread_mutex_unlock(&lock);
    return code;
}

static void leave(int with)
{
    pthread_mutex_lock(&lock);
    is_left = true;
    code = with;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void quit(void *state)
{
    (void)state;
    if (!is_deaf)
        leave(0);
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    if (strcmp(message->text, "thread") == 0)
        tell(is_on_main ? "main" : "other");
    else if (strncmp(message->text, "close ", 6) == 0)
        leave(atoi(message->text + 6));
}

static void stop(void *state)
{
    (void)state;
    tell(is_running ? "stopped while it runs" : "stopped");
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "window",
        .version = "1.0",
        .init = init,
        .on_message = on_message,
        .stop = stop,
        .run = run,
        .quit = quit,
    };

    return &module;
}

/* SPDX-License-Identifier: MIT */
/*
 * Says who and where it is, and sends to a session of one's choice. A question is "HOST who" or
 * "HOST send SESSION"; only the module of that host answers. `Config`: Asked, Answered and Passed
 * are numbers of test services; what comes on the last is answered with who sent it.
 */
#include "configured.h"

#include <stdint.h>
#include <unistd.h>

#define REPORT_BYTES 16384
#define GROUPS_MAX 64

extern char **environ;

static const umh_host_v1 *used_host;
static umh_guid_v1 asked, answered, passed;

typedef struct report {
    char text[REPORT_BYTES];
    size_t size;
} report;

static void add(report *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(report *to, const char *format, ...)
{
    size_t room = sizeof(to->text) - to->size;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(to->text + to->size, room, format, arguments);
    va_end(arguments);
    if (size > 0 && (size_t)size < room)
        to->size += (size_t)size;
}

/* What would need escaping is no business of the tests. */
static void add_text(report *to, const char *text)
{
    add(to, "\"");
    for (; *text; text++)
        add(to, "%c", *text == '"' || *text == '\\' || (unsigned char)*text < ' ' ? '_' : *text);
    add(to, "\"");
}

static void say_who(void)
{
    gid_t groups[GROUPS_MAX];
    char folder[512] = "";
    int count = getgroups(GROUPS_MAX, groups);
    report who = {.size = 0};

    add(&who, "{\"host\":\"%s\",\"session\":%u,\"uid\":[%d,%d],\"gid\":[%d,%d],\"groups\":[",
        used_host->identity(used_host)->host, used_host->identity(used_host)->session,
        (int)getuid(), (int)geteuid(), (int)getgid(), (int)getegid());
    for (int i = 0; i < count; i++)
        add(&who, "%s%d", i ? "," : "", (int)groups[i]);
    add(&who, "],\"folder\":");
    add_text(&who, getcwd(folder, sizeof(folder)) ? folder : "");
    add(&who, ",\"environment\":[");
    for (char **entry = environ; *entry; entry++) {
        add(&who, "%s", entry == environ ? "" : ",");
        add_text(&who, *entry);
    }
    add(&who, "]}");
    used_host->send(used_host, &answered, UMH_SESSION_ANY, who.text, who.size, UMH_FOREVER_MS);
}

static void send_to(const char *session)
{
    static const char text[] = "hello";
    umh_result_v1 result = used_host->send(used_host, &passed, (uint32_t)strtoul(session, NULL, 10),
                                           text, sizeof(text) - 1, 0);

    answer(used_host, &answered, "{\"host\":\"%s\",\"result\":%d}",
           used_host->identity(used_host)->host, (int)result);
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    used_host = host;
    asked = config_service(host, "Asked");
    answered = config_service(host, "Answered");
    passed = config_service(host, "Passed");
    return host->subscribe(host, &asked) || host->subscribe(host, &passed);
}

static void on_message(void *state, const umh_message_v1 *message)
{
    const char *own = used_host->identity(used_host)->host;
    size_t size = strlen(own);

    (void)state;
    if (is_service(message, &passed))
        answer(used_host, &answered, "{\"host\":\"%s\",\"from\":%u,\"number\":%u}", own,
               message->source_session, message->source_host);
    else if (strncmp(message->text, own, size) != 0 || message->text[size] != ' ')
        return;
    else if (strcmp(message->text + size, " who") == 0)
        say_who();
    else if (strncmp(message->text + size, " send ", 6) == 0)
        send_to(message->text + size + 6);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "resident",
        .version = "1.0",
        .init = init,
        .on_message = on_message,
    };

    return &module;
}

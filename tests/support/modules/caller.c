/* SPDX-License-Identifier: MIT */
/*
 * Calls a host function as it is told and answers with the outcome's number; says what it receives.
 *
 *   Config     Self, Asked, Result: numbers of services; All: subscribe to everything
 *   Asked      a name of the table below
 *   Result     {"did", "outcome"} and, for messages to Self and what else is received,
 *              {"bytes", "host", "slot", "source_session", "session", "ends", "own"}
 */
#include "configured.h"

typedef struct caller {
    const umh_host_v1 *host;
    umh_guid_v1 own;
    umh_guid_v1 asked;
    umh_guid_v1 result;
    umh_guid_v1 other;
    char *large;
    size_t max_bytes;
} caller;

static caller self;
static const umh_guid_v1 all;
static const umh_guid_v1 broker = UMH_GUID_V1(0x92D627A3, 0x6C62, 0x4C5B, 0x8477, 0x484A34ED3B82);

static umh_result_v1 send_to(const umh_guid_v1 *service, const char *text, size_t size)
{
    return self.host->send(self.host, service, UMH_SESSION_ANY, text, size, 0);
}

static umh_result_v1 send_own(void)
{
    return send_to(&self.own, "to myself", 9);
}

static umh_result_v1 send_empty(void)
{
    return send_to(&self.own, "", 0);
}

static umh_result_v1 send_nul(void)
{
    return send_to(&self.own, "a\0b", 3);
}

static umh_result_v1 send_not_text(void)
{
    return send_to(&self.own, "\xC0\xAF", 2);
}

static umh_result_v1 send_largest(void)
{
    return send_to(&self.own, self.large, self.max_bytes);
}

static umh_result_v1 send_too_large(void)
{
    return send_to(&self.own, self.large, self.max_bytes + 1);
}

static umh_result_v1 send_all(void)
{
    return send_to(&all, "to all", 6);
}

static umh_result_v1 send_control(void)
{
    return send_to(&broker, "{\"id\":1,\"do\":\"stop\"}", 20);
}

static umh_result_v1 send_null(void)
{
    return self.host->send(self.host, NULL, UMH_SESSION_ANY, "x", 1, 0);
}

static umh_result_v1 send_elsewhere(void)
{
    return self.host->send(self.host, &self.own, 7, "elsewhere", 9, 0);
}

static umh_result_v1 subscribe(void)
{
    return self.host->subscribe(self.host, &self.other);
}

static umh_result_v1 unsubscribe(void)
{
    return self.host->unsubscribe(self.host, &self.other);
}

static umh_result_v1 subscribe_many(void)
{
    umh_result_v1 result = UMH_V1_OK;

    for (int i = 0; i <= UMH_SUBSCRIPTIONS_MAX && result == UMH_V1_OK; i++) {
        umh_guid_v1 service = TEST_SERVICE(0x100000 + i);

        result = self.host->subscribe(self.host, &service);
    }
    return result;
}

static umh_result_v1 write_log(void)
{
    umh_pair_v1 pairs[] = {{"answer", "42"}, {"quote", "a \"b\" c"}};

    return self.host->log(self.host, UMH_V1_WARNING, "said by the caller", pairs, 2);
}

static const struct {
    const char *name;
    umh_result_v1 (*call)(void);
} table[] = {
    {"own", send_own},
    {"empty", send_empty},
    {"nul", send_nul},
    {"not text", send_not_text},
    {"largest", send_largest},
    {"too large", send_too_large},
    {"all", send_all},
    {"control", send_control},
    {"null", send_null},
    {"elsewhere", send_elsewhere},
    {"subscribe", subscribe},
    {"unsubscribe", unsubscribe},
    {"subscribe many", subscribe_many},
    {"log", write_log},
};

static void obey(const char *name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].name, name) == 0) {
            int outcome = (int)table[i].call();

            answer(self.host, &self.result, "{\"did\":\"%s\",\"outcome\":%d}", name, outcome);
            return;
        }
    }
    answer(self.host, &self.result, "{\"did\":\"nothing\",\"outcome\":-1}");
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    if (is_service(message, &self.asked)) {
        obey(message->text);
        return;
    }
    if (is_service(message, &self.result))
        return; /* its own answers, when it listens to everything */
    answer(
        self.host, &self.result,
        "{\"bytes\":%zu,\"host\":%u,\"slot\":%u,\"source_session\":%u,\"session\":%u,\"ends\":%d,"
        "\"own\":%d}",
        message->text_bytes, message->source_host, message->source_slot, message->source_session,
        message->session, message->text[message->text_bytes] == '\0',
        message->source_host == self.host->identity(self.host)->host_number &&
            message->source_slot == self.host->identity(self.host)->slot);
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    self.host = host;
    self.own = config_service(host, "Self");
    self.asked = config_service(host, "Asked");
    self.result = config_service(host, "Result");
    self.other = config_service(host, "Other");
    self.max_bytes = host->max_message_bytes(host);
    self.large = malloc(self.max_bytes + 1);
    if (!self.large)
        return 1;
    memset(self.large, 'x', self.max_bytes + 1);
    if (host->subscribe(host, &self.own) != UMH_V1_OK ||
        host->subscribe(host, &self.asked) != UMH_V1_OK)
        return 2;
    if (config_number(host, "All", 0) && host->subscribe(host, &all) != UMH_V1_OK)
        return 3;
    return 0;
}

static void stop(void *state)
{
    (void)state;
    free(self.large);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "caller",
        .version = "1.0",
        .init = init,
        .on_message = on_message,
        .stop = stop,
    };

    return &module;
}

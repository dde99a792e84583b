/* SPDX-License-Identifier: MIT */
/*
 * Passes messages on from its callback, each one hop poorer, as fast as they come.
 *
 *   Config     In, Out, Asked, Result: numbers of services; Bytes of a message, Tokens that "go"
 *              sends with so many Hops, Copies of each message that is passed on
 *   Asked      "go", "report"
 *   Result     {"received", "sent", "finished", "full", "errors"}
 */
#include "configured.h"

typedef struct relay {
    const umh_host_v1 *host;
    umh_guid_v1 in;
    umh_guid_v1 out;
    umh_guid_v1 asked;
    umh_guid_v1 result;
    long long tokens;
    long long hops;
    long long copies;
    size_t bytes;
    char *text;
    unsigned long long received;
    unsigned long long sent;
    unsigned long long finished;
    unsigned long long full;
    unsigned long long errors;
} relay;

static relay self;

static void pass_on(long long hops)
{
    umh_result_v1 result;
    int size = snprintf(self.text, self.bytes, "%lld", hops);

    self.text[size] = ' ';
    result = self.host->send(self.host, &self.out, UMH_SESSION_ANY, self.text, self.bytes,
                             UMH_FOREVER_MS);
    if (result == UMH_V1_OK)
        self.sent++;
    else if (result == UMH_V1_FULL)
        self.full++;
    else
        self.errors++;
}

static void take(const umh_message_v1 *message)
{
    long long hops = strtoll(message->text, NULL, 10);

    self.received++;
    self.errors += message->text_bytes != self.bytes;
    if (hops == 0)
        self.finished++;
    for (long long i = 0; hops > 0 && i < self.copies; i++)
        pass_on(hops - 1);
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    if (is_service(message, &self.in)) {
        take(message);
    } else if (strcmp(message->text, "go") == 0) {
        for (long long i = 0; i < self.tokens; i++)
            pass_on(self.hops);
    } else {
        answer(self.host, &self.result,
               "{\"received\":%llu,\"sent\":%llu,\"finished\":%llu,\"full\":%llu,\"errors\":%llu}",
               self.received, self.sent, self.finished, self.full, self.errors);
    }
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    self.host = host;
    self.in = config_service(host, "In");
    self.out = config_service(host, "Out");
    self.asked = config_service(host, "Asked");
    self.result = config_service(host, "Result");
    self.tokens = config_number(host, "Tokens", 1);
    self.hops = config_number(host, "Hops", 1);
    self.copies = config_number(host, "Copies", 1);
    self.bytes = (size_t)config_number(host, "Bytes", 128);
    self.text = malloc(self.bytes);
    if (!self.text || self.bytes < 32)
        return 1;
    memset(self.text, '.', self.bytes);
    if (host->subscribe(host, &self.in) != UMH_V1_OK ||
        host->subscribe(host, &self.asked) != UMH_V1_OK)
        return 2;
    return 0;
}

static void stop(void *state)
{
    (void)state;
    free(self.text);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "relay",
        .version = "1.0",
        .init = init,
        .on_message = on_message,
        .stop = stop,
    };

    return &module;
}

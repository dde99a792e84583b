/* SPDX-License-Identifier: MIT */
/*
 * What a message costs between native code and a managed module: ManagedHost and the module Mirror
 * in this process, no pipe, and a table whose send only counts. Beside it the shortest way from
 * native code into managed and back: a function that calls the function it is given.
 *
 *   bridge DOTNET_ROOT MANAGED_FOLDER MIRROR [CALLS [ROUNDS]]
 *
 * A number is the median of rounds, which take turns and are so short that most are not
 * interrupted.
 */
#include "host/clr.h"
#include "host/managed.h"
#include "measure.h"
#include "platform/thread.h"

#define MESSAGE_BYTES 128
#define ROUNDS_MAX 10001u
#define STEADY_NS 2000000000u /* so long nothing has become faster: all is compiled for good */
#define FASTER 0.8
#define ADDRESS_BYTES 24
#define PATH_BYTES 4096
#define WAYS 3

typedef void (*shortest_function)(void (*function)(void *), void *argument);
typedef enum way { WAY_SPAN, WAY_TEXT, WAY_BARE } way;

/* What the module sees as its host; the table's address is its own. */
typedef struct counter {
    umh_host_v1 table;
    umh_identity_v1 identity;
    uint64_t count;
    char last[MESSAGE_BYTES + 1];
} counter;

typedef struct run {
    const char *mirror;
    uint64_t call_count;
    uint64_t round_count;
    umh_managed_calls calls;
    shortest_function shortest;
    void *handles[WAY_BARE];
    counter counters[WAYS];
    umh_message_v1 message;
} run;

static counter *counter_of(const umh_host_v1 *host)
{
    return (counter *)(uintptr_t)host;
}

static umh_result_v1 count_text(const umh_host_v1 *host, const char *text, size_t text_bytes)
{
    counter *self = counter_of(host);

    if (self->count++ == 0)
        memcpy(self->last, text, text_bytes < MESSAGE_BYTES ? text_bytes : MESSAGE_BYTES);
    return UMH_V1_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the public table says how many parameters. */
static umh_result_v1 count_send(const umh_host_v1 *host, const umh_guid_v1 *service,
                                uint32_t session, const char *text, size_t text_bytes,
                                uint32_t timeout_ms)
{
    (void)service;
    (void)session;
    (void)timeout_ms;
    return count_text(host, text, text_bytes);
}

static umh_result_v1 say(const umh_host_v1 *host, umh_level_v1 level, const char *text,
                         const umh_pair_v1 *pairs, size_t pair_count)
{
    (void)host;
    (void)level;
    (void)pairs;
    (void)pair_count;
    fprintf(stderr, "%s\n", text);
    return UMH_V1_OK;
}

static const umh_identity_v1 *identity(const umh_host_v1 *host)
{
    return &counter_of(host)->identity;
}

static size_t max_message_bytes(const umh_host_v1 *host)
{
    (void)host;
    return UMH_MESSAGE_BYTES_DEFAULT_MAX;
}

static umh_result_v1 send_inside(const umh_host_v1 *host, const umh_guid_v1 *service,
                                 uint32_t session, const char *text, size_t text_bytes)
{
    (void)service;
    (void)session;
    return count_text(host, text, text_bytes);
}

static void note_failure(const umh_host_v1 *host, const char *text, size_t text_bytes)
{
    (void)host;
    fprintf(stderr, "%.*s\n", (int)text_bytes, text);
}

static void log_record(uint32_t level, const char *module, const char *message,
                       size_t message_bytes)
{
    (void)level;
    (void)module;
    fprintf(stderr, "%.*s\n", (int)message_bytes, message);
}

static void init_counter(counter *self)
{
    self->table = (umh_host_v1){
        .size = sizeof(self->table),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .send = count_send,
        .log = say,
        .identity = identity,
        .max_message_bytes = max_message_bytes,
    };
    self->identity = (umh_identity_v1){.size = sizeof(self->identity),
                                       .module = "Mirror",
                                       .host = "bridge",
                                       .folder = "",
                                       .original_folder = ""};
}

static void load(run *self, way as, const char *config)
{
    char folder[PATH_BYTES] = "";
    char why[UMH_MANAGED_WHY_BYTES] = "";
    umh_managed_facts facts = {.size = sizeof(facts)};
    umh_managed_load spec = {
        .size = sizeof(spec),
        .name = "Mirror",
        .path = self->mirror,
        .folder = folder,
        .original_folder = folder,
        .config = config,
        .host = &self->counters[as].table,
        .log_level = UMH_V1_INFO,
    };

    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(self->mirror, '/') - self->mirror),
             self->mirror);
    if (self->calls.load(&spec, &facts, &self->handles[as], why) != 0 ||
        self->calls.start(self->handles[as], why) != 0) {
        fprintf(stderr, "%s\n", why);
        _exit(1);
    }
}

static void count_bare(void *argument)
{
    counter *self = argument;

    self->count++;
}

/* One round of a way: ns of a call. */
static double measure(run *self, way of, uint64_t call_count)
{
    counter *counted = &self->counters[of];
    uint64_t before = counted->count;
    uint64_t begin_ns = umh_clock_now_ns();
    uint64_t took_ns;

    if (of == WAY_BARE)
        for (uint64_t i = 0; i < call_count; i++)
            self->shortest(count_bare, counted);
    else
        for (uint64_t i = 0; i < call_count; i++)
            self->calls.on_message(self->handles[of], &self->message);
    took_ns = umh_clock_now_ns() - begin_ns;
    must(counted->count - before == call_count, "messages were not answered");
    return (double)took_ns / (double)call_count;
}

/* The runtime compiles what is called often, beside it and in its own time. */
static void warm_up(run *self)
{
    double best[WAYS] = {0};
    uint64_t since_ns = umh_clock_now_ns();

    while (umh_clock_now_ns() - since_ns < STEADY_NS)
        for (int i = 0; i < WAYS; i++) {
            double ns = measure(self, (way)i, self->call_count);

            if (best[i] > 0 && ns > best[i] * FASTER)
                continue;
            best[i] = ns;
            since_ns = umh_clock_now_ns();
        }
}

static int compare(const void *one, const void *other)
{
    const double *a = one;
    const double *b = other;

    return (*a > *b) - (*a < *b);
}

static void drive(void *context)
{
    static char text[MESSAGE_BYTES + 1];
    static double ns[WAYS][ROUNDS_MAX];
    run *self = context;

    for (int i = 0; i < WAYS; i++)
        init_counter(&self->counters[i]);
    load(self, WAY_SPAN, "{}");
    load(self, WAY_TEXT, "{\"As\":\"text\"}");
    self->shortest =
        (shortest_function)(uintptr_t)strtoull(self->counters[WAY_SPAN].last, NULL, 16);
    must(self->shortest != NULL, "Mirror said no address");

    memset(text, 'x', MESSAGE_BYTES);
    self->message = (umh_message_v1){.size = sizeof(self->message),
                                     .text = text,
                                     .text_bytes = MESSAGE_BYTES,
                                     .session = UMH_SESSION_ANY};
    warm_up(self);
    for (uint64_t round = 0; round < self->round_count; round++)
        for (int i = 0; i < WAYS; i++)
            ns[i][round] = measure(self, (way)i, self->call_count);
    for (int i = 0; i < WAYS; i++)
        qsort(ns[i], self->round_count, sizeof(ns[i][0]), compare);
    printf("{\"span_ns\": %.3f, \"text_ns\": %.3f, \"bare_ns\": %.3f}\n",
           ns[WAY_SPAN][self->round_count / 2], ns[WAY_TEXT][self->round_count / 2],
           ns[WAY_BARE][self->round_count / 2]);
    fflush(stdout);
    _exit(0);
}

static void on_ready(void *context, const umh_managed_calls *calls)
{
    run *self = context;
    umh_thread *thread;

    self->calls = *calls;
    must(umh_thread_start(drive, self, "bridge", &thread) == 0, "umh_thread_start");
}

static _Noreturn void wait_for_end(void *context)
{
    (void)context;
    for (;;)
        pause();
}

/* Returns when that has failed. */
static void run_managed_host(run *self, const char *dotnet_root, const char *folder)
{
    const umh_managed_start start = {
        .size = sizeof(start),
        .version = 1,
        .context = self,
        .on_ready = on_ready,
        .wait_for_end = wait_for_end,
        .log = log_record,
        .send_inside = send_inside,
        .failed = note_failure,
    };
    char address[ADDRESS_BYTES];
    char assembly[PATH_BYTES];
    const char *const arguments[] = {address};
    const umh_clr_spec spec = {.dotnet_root = dotnet_root,
                               .assembly = assembly,
                               .arguments = arguments,
                               .argument_count = 1};
    umh_why why = UMH_WHY_INIT;
    umh_clr *clr;
    int code;

    snprintf(assembly, sizeof(assembly), "%s/ManagedHost.dll", folder);
    snprintf(address, sizeof(address), "%llx", (unsigned long long)(uintptr_t)&start);
    if (umh_clr_open(&spec, &clr, &why) == 0)
        umh_ignore(umh_clr_run(clr, &code, &why));
    fprintf(stderr, "%s\n", why.text);
}

int main(int argc, char **argv)
{
    static run self;

    must(argc > 3, "DOTNET_ROOT MANAGED_FOLDER MIRROR");
    self.mirror = argv[3];
    self.call_count = number_argument(argc, argv, 4, 5000);
    self.round_count = number_argument(argc, argv, 5, 1001);
    must(self.round_count > 0 && self.round_count <= ROUNDS_MAX, "ROUNDS");
    run_managed_host(&self, argv[1], argv[2]);
    return 1;
}

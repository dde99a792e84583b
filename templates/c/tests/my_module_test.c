/* Drives the built module through a host table of its own that records what is sent. */
#include <umh/module.h>

#include <stdio.h>
#include <string.h>

static const umh_guid_v1 questions =
    UMH_GUID_V1(0x7c1e3b5a, 0x2d4f, 0x4a6b, 0x8c0d, 0x1e2f3a4b5c6d);
static const umh_guid_v1 answers = UMH_GUID_V1(0xb5d2f7e9, 0x6a1c, 0x4e3d, 0x9f80, 0x2c4b6d8e0a1f);

/* ------------------------- the host */

static struct {
    int count;
    umh_guid_v1 service;
    char text[4096];
} sent;

static int log_count;

static umh_result_v1 try_send(const umh_host_v1 *host, const umh_guid_v1 *service, uint32_t session,
                              const char *text, size_t text_bytes)
{
    (void)host;
    (void)session;
    if (text_bytes >= sizeof(sent.text))
        return UMH_V1_TOO_LARGE;
    sent.count++;
    sent.service = *service;
    memcpy(sent.text, text, text_bytes);
    sent.text[text_bytes] = '\0';
    return UMH_V1_OK;
}

static umh_result_v1 send(const umh_host_v1 *host, const umh_guid_v1 *service, uint32_t session,
                          const char *text, size_t text_bytes, uint32_t timeout_ms)
{
    (void)timeout_ms;
    return try_send(host, service, session, text, text_bytes);
}

static umh_result_v1 subscribe(const umh_host_v1 *host, const umh_guid_v1 *service)
{
    (void)host;
    (void)service;
    return UMH_V1_OK;
}

static umh_result_v1 take_log(const umh_host_v1 *host, umh_level_v1 level, const char *text,
                              const umh_pair_v1 *pairs, size_t pair_count)
{
    (void)host;
    (void)level;
    (void)text;
    (void)pairs;
    (void)pair_count;
    log_count++;
    return UMH_V1_OK;
}

static const char *configuration(const umh_host_v1 *host)
{
    (void)host;
    return "{}";
}

static const umh_identity_v1 *identity(const umh_host_v1 *host)
{
    static const umh_identity_v1 me = {.size = sizeof(me),
                                       .module = "my_module",
                                       .host = "test",
                                       .folder = ".",
                                       .original_folder = "."};

    (void)host;
    return &me;
}

static size_t max_message_bytes(const umh_host_v1 *host)
{
    (void)host;
    return UMH_MESSAGE_BYTES_DEFAULT_MAX;
}

static const umh_host_v1 host = {
    .size = sizeof(host),
    .abi_version = UMH_MODULE_ABI_VERSION,
    .send = send,
    .try_send = try_send,
    .subscribe = subscribe,
    .unsubscribe = subscribe,
    .log = take_log,
    .configuration = configuration,
    .identity = identity,
    .max_message_bytes = max_message_bytes,
};

/* ------------------------- tests */

static const umh_module_v1 *module;
static void *state;
static int failure_count;

static void expect(int is_true, const char *what)
{
    printf("%s: %s\n", is_true ? "ok" : "FAILED", what);
    failure_count += !is_true;
}

static int is_equal(const umh_guid_v1 *one, const umh_guid_v1 *other)
{
    return memcmp(one, other, sizeof(*one)) == 0;
}

static void deliver(const char *text)
{
    umh_message_v1 message = {
        .size = sizeof(message), .service = questions, .text = text, .text_bytes = strlen(text)};

    module->on_message(state, &message);
}

static void test_answers(void)
{
    deliver("hello");
    expect(sent.count == 1, "one answer");
    expect(is_equal(&sent.service, &answers), "on the service of answers");
    expect(strcmp(sent.text, "my_module: hello") == 0, "with the text of the question");
}

static void test_does_not_cut_a_long_one(void)
{
    char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    sent.count = 0;
    deliver(text);
    expect(sent.count == 0 && log_count == 1, "a long question is logged, not answered");
}

int main(void)
{
    module = umh_module_entry();
    expect(module->service_count == 1 && is_equal(module->services, &questions), "subscribes");
    expect(module->init(&host, &state) == 0, "is ready");
    test_answers();
    test_does_not_cut_a_long_one();
    return failure_count > 0;
}

/* SPDX-License-Identifier: MIT */
/* Modules from files: what a wrong one is told, what is legal when, and proof of the end. */
#include "outbox_fixture.h"

#include "host/host.h"
#include "platform/file.h"
#include "platform/process.h"
#include "platform/thread.h"
#include "../../support/modules/services.h"

#include <dlfcn.h>
#include <sys/resource.h>

#define SLOT 3

static umh_host host;

/* For what it notes; nobody starts it, and it is never freed. */
static umh_dispatch *dispatch;
static umh_remains *remains;

static int set_up(void **state)
{
    umh_dispatch_spec dispatch_spec = {.host = &host, .in = UMH_PIPE_NONE};
    fixture *self;
    int r = fixture_set_up(state);

    self = *state;
    dispatch_spec.outbox = self->outbox;
    if (!dispatch)
        assert_int_equal(umh_dispatch_new(&dispatch_spec, &dispatch), 0);
    host = (umh_host){.outbox = self->outbox,
                      .dispatch = dispatch,
                      .name = "test",
                      .number = 7,
                      .session = 2,
                      .max_message_bytes = MESSAGE_MAX,
                      .log_level = UMH_LOG_INFO};
    return r;
}

/* The module of the tests' own folder, or a path. */
static void path_of(const char *name, char *ret_path)
{
    char program[UMH_PATH_BYTES];

    if (*name == '/') {
        assert_true(umh_text_put(ret_path, UMH_PATH_BYTES, name));
        return;
    }
    assert_int_equal(umh_file_program_folder(program), 0);
    assert_true(snprintf(ret_path, UMH_PATH_BYTES, "%s/../../modules/%s/%s.so", program, name,
                         name) < UMH_PATH_BYTES);
}

static int load(const char *name, umh_module_facts *ret_facts, umh_module **ret_module,
                umh_why *why)
{
    char path[UMH_PATH_BYTES];
    umh_module_spec spec = {.host = &host,
                            .slot = SLOT,
                            .name = "Given",
                            .path = path,
                            .folder = "/store/Given",
                            .original_folder = "/original",
                            .config = "{\"a\":1}"};

    path_of(name, path);
    return umh_module_load(&spec, ret_facts, ret_module, why);
}

static umh_module *load_well(const char *name)
{
    umh_module_facts facts;
    umh_module *module = NULL;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(load(name, &facts, &module, &why), 0);
    assert_string_equal(why.text, "");
    return module;
}

static void deliver(umh_module *module, const char *text)
{
    umh_frame frame = {.session = 2, .source_host = 9, .source_slot = 1, .source_session = 4};

    frame.service = service_of(1);
    umh_module_deliver(module, &frame, umh_bytes_of_text(text));
}

static int unload(umh_module *module)
{
    umh_unloading unloading = {.wants_explanation = true};
    int r = umh_module_unload_take(module, &unloading);
    bool is_still_there = r == UMH_MODULE_STILL_THERE;

    assert_int_equal(*unloading.why.text != '\0', is_still_there);
    assert_int_equal(unloading.left != 0, is_still_there);
    assert_int_equal(unloading.explanation != NULL, is_still_there);
    umh_unloading_deinit(&unloading);
    return r;
}

/* ---- Wrong files ---- */

static void assert_refused(const char *name, const char *words)
{
    umh_module_facts facts;
    umh_module *module = NULL;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(load(name, &facts, &module, &why), UMH_MODULE_UNUSABLE);
    assert_null(module);
    if (!strstr(why.text, words))
        fail_msg("%s: \"%s\" does not say \"%s\"", name, why.text, words);
}

static void test_says_what_is_wrong_with_a_module(void **state)
{
    (void)state;
    assert_refused("unit_plain", "no symbol umh_module_entry");
    assert_refused("unit_unresolved", "umh_test_exists_nowhere");
    assert_refused("wrong_abi", "built for version 2 of the module interface, this host speaks");
    assert_refused("wrong_size", "too small: its size is");
    assert_refused("wrong_tiny",
                   umh_process_own_bits() == 64 ? "too small: its size is 8" : "its size is 4");
    assert_refused("wrong_null", "returned NULL");
    assert_refused("wrong_no_init", "no init function");
    assert_refused("wrong_flags", "flags that this host does not know");
    assert_refused("wrong_services", "counts services and lists none");
    assert_refused("wrong_services_count", "more services than");
    assert_refused("wrong_ui", "its host needs \"Ui\": true");
    assert_refused("wrong_init", "init failed with number 7");
}

typedef struct written_file {
    char folder[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];
} written_file;

static void write_file(written_file *file, umh_bytes content)
{
    assert_int_equal(umh_file_make_temporary("umh-test-", file->folder), 0);
    assert_int_equal(umh_file_join(file->folder, "module.so", file->path), 0);
    assert_int_equal(umh_file_write(file->path, content), 0);
}

/* A copy of a right module with one byte of its header changed. */
static void write_changed(written_file *file, size_t at, uint8_t value)
{
    UMH_AUTO(umh_buffer) content = UMH_BUFFER_INIT;
    char path[UMH_PATH_BYTES];

    path_of("echo", path);
    assert_int_equal(umh_file_read(path, UMH_BUFFER_DEFAULT_MAX, &content), 0);
    assert_true(content.size > at);
    content.data[at] = value;
    write_file(file, umh_bytes_of(content.data, content.size));
}

static void assert_file_refused(written_file *file, const char *words)
{
    assert_refused(file->path, words);
    assert_int_equal(umh_file_remove_tree(file->folder), 0);
}

static void test_says_what_a_file_is_instead(void **state)
{
    written_file file;

    (void)state;
    assert_refused("/nowhere/module.so", "there is no file");
    assert_refused("/proc/self/exe", "not a module: ");
    write_file(&file, umh_bytes_of_text("not a library at all\n"));
    assert_file_refused(&file, "not a module: ");
    write_file(&file, umh_bytes_of(NULL, 0));
    assert_file_refused(&file, "not a module: ");
    write_changed(&file, 18, 243); /* e_machine: RISC-V */
    assert_file_refused(&file, "wrong architecture: ");
}

static void test_says_that_the_bitness_is_wrong(void **state)
{
    /* A 32-bit shared object in its shortest form: header and one program header, PT_DYNAMIC. */
    uint8_t image[84 + 16] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
    written_file file;

    (void)state;
    if (umh_process_own_bits() == 32)
        skip();
    image[16] = 3;  /* e_type: ET_DYN */
    image[18] = 3;  /* e_machine: 386 */
    image[20] = 1;  /* e_version */
    image[28] = 52; /* e_phoff */
    image[40] = 52; /* e_ehsize */
    image[42] = 32; /* e_phentsize */
    image[44] = 1;  /* e_phnum */
    image[52] = 2;  /* p_type: PT_DYNAMIC */
    image[56] = 84; /* p_offset */
    image[68] = 16; /* p_filesz */
    write_file(&file, umh_bytes_of(image, sizeof image));
    assert_file_refused(&file, "wrong bitness: 32-bit");
}

static void test_start_that_fails_is_stopped_once(void **state)
{
    umh_module *module = load_well("wrong_start");
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_module_start(module, &why), UMH_MODULE_UNUSABLE);
    assert_string_equal(why.text, "start failed with number 9");
    assert_int_equal(umh_module_get_state(module), MODULE_FAILED);
    assert_int_equal(umh_module_host_table(module)->log(umh_module_host_table(module), UMH_V1_INFO,
                                                        "x", NULL, 0),
                     UMH_V1_STOPPING);
    umh_module_stop(module);
    assert_int_equal(unload(module), 0);
}

/* ---- A life ---- */

static void test_reports_what_a_module_says(void **state)
{
    const umh_guid_v1 asked = ECHO_ASKED;
    umh_module_facts facts;
    umh_module *module = NULL;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(load("calls", &facts, &module, &why), 0);
    assert_string_equal(facts.name, "calls");
    assert_string_equal(facts.version, "2.1");
    assert_int_equal(facts.service_count, 1);
    assert_memory_equal(&facts.services[0], &asked, sizeof asked);
    assert_string_equal(umh_module_loader_name(module), "native");
    assert_true(umh_module_is_native(module));
    assert_int_equal(umh_module_get_state(module), MODULE_LOADED);
    assert_int_equal(unload(module), 0);
}

static void test_identity_is_the_configurations(void **state)
{
    umh_module *module = load_well("echo");
    const umh_host_v1 *table = umh_module_host_table(module);
    const umh_identity_v1 *identity = table->identity(table);

    (void)state;
    assert_int_equal(table->size, sizeof(umh_host_v1));
    assert_string_equal(identity->module, "Given");
    assert_string_equal(identity->host, "test");
    assert_string_equal(identity->folder, "/store/Given");
    assert_string_equal(identity->original_folder, "/original");
    assert_int_equal(identity->host_number, 7);
    assert_int_equal(identity->session, 2);
    assert_int_equal(identity->slot, SLOT);
    assert_string_equal(table->configuration(table), "{\"a\":1}");
    assert_int_equal(table->max_message_bytes(table), MESSAGE_MAX);
    assert_int_equal(unload(module), 0);
}

static void take_text(fixture *self, const char *text)
{
    do
        take_frame(self);
    while (self->frame.kind != FRAME_MESSAGE || self->frame.source_slot != SLOT ||
           self->payload.size != strlen(text) ||
           memcmp(self->payload.data, text, self->payload.size) != 0);
}

/* What `calls` sends from each callback arrives, but for that of init: it is too early. */
static void test_sends_from_start_to_stop(void **state)
{
    fixture *self = *state;
    umh_module *module = load_well("calls");
    umh_why why = UMH_WHY_INIT;

    deliver(module, "too early");
    assert_int_equal(umh_module_start(module, &why), 0);
    assert_int_equal(umh_module_get_state(module), MODULE_STARTED);
    deliver(module, "a message");
    umh_module_stop(module);
    assert_int_equal(umh_module_get_state(module), MODULE_STOPPED);
    deliver(module, "too late");
    umh_outbox_flush(self->outbox);
    take_text(self, "start");
    take_text(self, "a message");
    take_text(self, "stop");
    umh_module_stop(module);
    assert_int_equal(unload(module), 0);
}

static void test_results_of_host_functions(void **state)
{
    static const umh_guid_v1 control = {{0x92, 0xD6, 0x27, 0xA3, 0x6C, 0x62, 0x4C, 0x5B, 0x84, 0x77,
                                         0x48, 0x4A, 0x34, 0xED, 0x3B, 0x82}};
    const umh_pair_v1 bad_pair = {.key = "key", .value = NULL};
    umh_guid_v1 service = {.bytes = {1}};
    umh_module *module = load_well("echo");
    const umh_host_v1 *table = umh_module_host_table(module);
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(table->send(table, &service, 0, "x", 1, 0), UMH_V1_STOPPING);
    assert_int_equal(umh_module_start(module, &why), 0);
    assert_int_equal(table->send(table, &service, 0, "x", 1, 0), UMH_V1_OK);
    assert_int_equal(table->send(table, &service, 0, NULL, 0, 0), UMH_V1_OK);
    assert_int_equal(table->send(table, &service, 0, "\xFF", 1, 0), UMH_V1_NOT_TEXT);
    assert_int_equal(table->send(table, &control, 0, "x", 1, 0), UMH_V1_NOT_ALLOWED);
    assert_int_equal(table->send(table, &service, 0, (const char *)text_of(MESSAGE_MAX + 1).data,
                                 MESSAGE_MAX + 1, 0),
                     UMH_V1_TOO_LARGE);
    assert_int_equal(table->send(table, &service, 0, NULL, 1, 0), UMH_V1_BAD_ARGUMENT);
    assert_int_equal(table->send(table, NULL, 0, "x", 1, 0), UMH_V1_BAD_ARGUMENT);
    assert_int_equal(table->send(NULL, &service, 0, "x", 1, 0), UMH_V1_BAD_ARGUMENT);
    assert_int_equal(table->try_send(table, &service, 0, "x", 1), UMH_V1_OK);
    assert_int_equal(table->log(table, (umh_level_v1)6, "x", NULL, 0), UMH_V1_BAD_ARGUMENT);
    assert_int_equal(table->log(table, UMH_V1_INFO, NULL, NULL, 0), UMH_V1_BAD_ARGUMENT);
    assert_int_equal(table->log(table, UMH_V1_INFO, "x", &bad_pair, 1), UMH_V1_BAD_ARGUMENT);
    assert_int_equal(table->log(table, UMH_V1_INFO, "x", NULL, 1), UMH_V1_BAD_ARGUMENT);
    assert_int_equal(table->log(table, UMH_V1_TRACE, "x", NULL, 0), UMH_V1_OK);
    assert_int_equal(table->subscribe(table, NULL), UMH_V1_BAD_ARGUMENT);
    umh_module_stop(module);
    assert_int_equal(table->send(table, &service, 0, "x", 1, 0), UMH_V1_STOPPING);
    assert_int_equal(table->subscribe(table, &service), UMH_V1_STOPPING);
    assert_int_equal(table->log(table, UMH_V1_INFO, "x", NULL, 0), UMH_V1_STOPPING);
    assert_int_equal(unload(module), 0);
}

static void test_send_waits_until_its_deadline(void **state)
{
    umh_guid_v1 service = {.bytes = {1}};
    umh_module *module = load_well("echo");
    const umh_host_v1 *table = umh_module_host_table(module);
    const char *large = (const char *)text_of(UMH_FIRST_CREDIT_BYTES).data;
    uint64_t before = umh_clock_now_ns();
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_module_start(module, &why), 0);
    assert_int_equal(table->try_send(table, &service, 0, large, UMH_FIRST_CREDIT_BYTES),
                     UMH_V1_FULL);
    assert_int_equal(table->send(table, &service, 0, large, UMH_FIRST_CREDIT_BYTES, 30),
                     UMH_V1_FULL);
    assert_true(umh_clock_now_ns() - before >= 30 * UMH_NS_PER_MS);
    /* As from inside a callback it is accepted without room. */
    assert_int_equal(umh_module_send_inside(table, &service, 0, large, UMH_FIRST_CREDIT_BYTES),
                     UMH_V1_OK);
    umh_module_stop(module);
    assert_int_equal(umh_module_send_inside(table, &service, 0, "x", 1), UMH_V1_STOPPING);
    assert_int_equal(unload(module), 0);
}

/* Of a task that went on when its handler had ended: nobody flushes any more. */
static void test_send_inside_from_elsewhere_goes_out(void **state)
{
    fixture *self = *state;
    umh_guid_v1 service = {.bytes = {1}};
    umh_module *module = load_well("echo");
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_module_start(module, &why), 0);
    assert_int_equal(umh_module_send_inside(umh_module_host_table(module), &service, 0, "late", 4),
                     UMH_V1_OK);
    assert_true(has_bytes(self));
    take_frame(self);
    assert_memory_equal(self->payload.data, "late", 4);
    umh_module_stop(module);
    assert_int_equal(unload(module), 0);
}

static void test_subscriptions_have_a_limit(void **state)
{
    umh_module *module = load_well("echo");
    const umh_host_v1 *table = umh_module_host_table(module);
    const umh_guid_v1 own = ECHO_ASKED;
    umh_guid_v1 service = {.bytes = {1}};

    (void)state;
    assert_int_equal(table->subscribe(table, &own), UMH_V1_OK); /* twice is once */
    for (unsigned i = 1; i < UMH_SUBSCRIPTIONS_MAX; i++) {
        service.bytes[1] = (uint8_t)(i >> 8);
        service.bytes[2] = (uint8_t)i;
        assert_int_equal(table->subscribe(table, &service), UMH_V1_OK);
        assert_int_equal(table->subscribe(table, &service), UMH_V1_OK);
    }
    service.bytes[3] = 1;
    assert_int_equal(table->subscribe(table, &service), UMH_V1_LIMIT);
    assert_int_equal(table->unsubscribe(table, &service), UMH_V1_OK);
    assert_int_equal(table->unsubscribe(table, &own), UMH_V1_OK);
    assert_int_equal(table->subscribe(table, &service), UMH_V1_OK);
    assert_int_equal(unload(module), 0);
}

/* ---- The end ---- */

/* What the module's thread-local remembers is of a thread that has ended when it is unloaded. */
static void start_and_deliver(void *context)
{
    umh_module *module = context;
    umh_why why = UMH_WHY_INIT;

    if (umh_module_start(module, &why) == 0)
        deliver(module, "a text that is too long to be stored in the string object itself");
    umh_module_stop(module);
}

static void call_on_own_thread(umh_module *module)
{
    umh_thread *thread = NULL;

    assert_int_equal(umh_thread_start(start_and_deliver, module, "caller", &thread), 0);
    umh_thread_join(thread);
    assert_int_equal(umh_module_get_state(module), MODULE_STOPPED);
}

static void test_touched_thread_local_is_unloaded(void **state)
{
    (void)state;
    if (umh_process_own_bits() == 32)
        skip(); /* test modules in C++ exist in 64 bits only */
    for (int i = 0; i < 20; i++) {
        umh_module *module = load_well("thread_local");

        call_on_own_thread(module);
        assert_int_equal(unload(module), 0);
    }
}

static void test_image_that_stays_is_said(void **state)
{
    umh_module *module = load_well("nodelete");
    const umh_host_v1 *table = umh_module_host_table(module);

    (void)state;
    call_on_own_thread(module);
    assert_int_equal(unload(module), UMH_MODULE_STILL_THERE);
    /* Its code is still there and may call. */
    assert_int_equal(table->log(table, UMH_V1_INFO, "x", NULL, 0), UMH_V1_STOPPING);
    assert_string_equal(table->identity(table)->module, "Given");
}

static void keep_remains(void)
{
    if (!remains)
        assert_int_equal(umh_remains_new(&remains), 0);
    host.remains = remains;
}

/* What is left of it is neither taken for a fresh copy nor forgotten. */
static void test_image_that_stays_is_watched(void **state)
{
    char path[UMH_PATH_BYTES];
    umh_module *module;
    void *holder;

    (void)state;
    path_of("counter", path);
    holder = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(holder);
    keep_remains();
    module = load_well("counter");
    call_on_own_thread(module);
    assert_int_equal(unload(module), UMH_MODULE_STILL_THERE);
    assert_true(umh_remains_has(host.remains, path));
    assert_refused("counter", "still in this process from before");

    dlclose(holder);
    module = load_well("echo");
    assert_false(umh_remains_has(host.remains, path));
    assert_int_equal(unload(module), 0);
    assert_int_equal(unload(load_well("counter")), 0);
}

/* Nobody can look for its image while the process has no file left to open. */
static void test_what_cannot_be_looked_for_is_still_there(void **state)
{
    umh_module *module = load_well("counter");
    umh_unloading unloading = {.wants_explanation = false};
    struct rlimit files;
    struct rlimit none;
    int r;

    (void)state;
    keep_remains();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = files.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    r = umh_module_unload_take(module, &unloading);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    assert_int_equal(r, UMH_MODULE_STILL_THERE);
    assert_non_null(strstr(unloading.why.text, "/proc/self/maps"));
    assert_true(unloading.left > 0);
    umh_unloading_deinit(&unloading);

    /* Looked for again, it has gone: what follows is loaded. */
    umh_remains_look(remains);
    assert_int_equal(unload(load_well("counter")), 0);
}

static void test_loads_and_unloads_many_times(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        umh_module *module = load_well("echo");

        call_on_own_thread(module);
        assert_int_equal(unload(module), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_says_what_is_wrong_with_a_module, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_says_what_a_file_is_instead, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_says_that_the_bitness_is_wrong, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_start_that_fails_is_stopped_once, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_reports_what_a_module_says, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_identity_is_the_configurations, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_sends_from_start_to_stop, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_results_of_host_functions, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_send_waits_until_its_deadline, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_send_inside_from_elsewhere_goes_out, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_subscriptions_have_a_limit, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_touched_thread_local_is_unloaded, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_image_that_stays_is_said, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_image_that_stays_is_watched, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_looked_for_is_still_there, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_loads_and_unloads_many_times, set_up,
                                        fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

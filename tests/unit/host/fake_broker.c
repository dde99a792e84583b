/* SPDX-License-Identifier: MIT */
/* A broker as small as a test needs it. */
#include "fake_broker.h"

#include "host/stdio.h"
#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define READ_BYTES 65536
#define MUCH_CREDIT (UINT64_C(1) << 40)

static uint64_t soon(void)
{
    return umh_clock_deadline_ns(FAKE_BROKER_PATIENCE_MS);
}

/* Of the build tree in which this test lies: tests/unit/host, or tests32/unit/host. */
static void in_build(const char *name, char *ret_path)
{
    char folder[UMH_PATH_BYTES];

    assert_int_equal(umh_file_program_folder(folder), 0);
    for (int i = 0; i < 3; i++)
        umh_file_parent(folder, folder);
    assert_int_equal(umh_file_join(folder, name, ret_path), 0);
}

static void launch(fake_broker *broker, const char *const *arguments, bool has_page)
{
    UMH_AUTO(umh_environment) environment = UMH_ENVIRONMENT_INIT;
    umh_pipe in = UMH_PIPE_NONE;
    umh_pipe out = UMH_PIPE_NONE;
    umh_pipe log = UMH_PIPE_NONE;
    char program[UMH_PATH_BYTES];
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;

    spec.program = program;
    spec.arguments = arguments;
    spec.environment = &environment;
    spec.containment = CONTAINED_BY_GROUP;
    assert_int_equal(umh_process_prepare(), 0);
    *broker = (fake_broker){.process = UMH_PROCESS_INIT, .page = UMH_PAGE_INIT};
    in_build(umh_process_own_bits() == 64 ? "bin/umh-host64" : "bin/umh-host32", program);
    assert_int_equal(umh_environment_init_filtered(&environment), 0);
    assert_int_equal(umh_pipe_new(&in, &broker->to), 0);
    assert_int_equal(umh_pipe_new(&broker->from, &out), 0);
    assert_int_equal(umh_pipe_new(&broker->log, &log), 0);
    assert_int_equal(umh_page_create(UMH_BLACKBOX_BYTES, &broker->page), 0);
    spec.standard[0] = in;
    spec.standard[1] = out;
    spec.standard[2] = log;
    spec.inherit[0] = has_page ? broker->page.object : UMH_PIPE_NONE;
    spec.inherit[1] = UMH_PIPE_NONE;
    assert_int_equal(umh_process_start(&spec, &broker->process), 0);
    umh_pipe_close(&in);
    umh_pipe_close(&out);
    umh_pipe_close(&log);
}

static const char *const attached[] = {"umh-host64", UMH_STDIO_ARGUMENT, NULL};

void fake_broker_start_with(fake_broker *broker, const char *const *arguments)
{
    launch(broker, arguments, true);
}

void fake_broker_start(fake_broker *broker)
{
    launch(broker, attached, true);
}

void fake_broker_start_without_page(fake_broker *broker)
{
    launch(broker, attached, false);
}

void fake_broker_greet(fake_broker *broker)
{
    json_t *body =
        json_pack("{s:s,s:i,s:s,s:i,s:i,s:i,s:s}", "name", "tested", "number", 7, "guid",
                  "7e570000-0000-4000-8000-00000000000f", "session", 0, "max_message_bytes",
                  UMH_MESSAGE_BYTES_DEFAULT, "window_bytes", UMH_WINDOW_BYTES, "log_level", "info");
    umh_answer hello = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    fake_frame answer;

    fake_broker_command(broker, SERVICE_HOST_INIT, UMH_SLOT_NONE, "init", body);
    fake_broker_await(broker, FRAME_ANSWER, &answer);
    assert_int_equal(umh_answer_decode(answer.payload, &hello, &why), 0);
    assert_true(hello.is_ok);
    assert_int_equal(umh_jsonc_get_integer(hello.body, "lowest", 0), UMH_PROTOCOL_LOWEST);
    assert_int_equal(umh_jsonc_get_integer(hello.body, "highest", 0), UMH_PROTOCOL_HIGHEST);
    assert_int_equal(umh_jsonc_get_integer(hello.body, "bits", 0), umh_process_own_bits());
    assert_int_equal(umh_jsonc_get_integer(hello.body, "pid", 0), broker->process.pid);
    umh_answer_deinit(&hello);
}

void fake_broker_send_bytes(fake_broker *broker, umh_bytes bytes)
{
    assert_int_equal(umh_pipe_write_all(broker->to, bytes), 0);
}

void fake_broker_send(fake_broker *broker, const umh_frame *frame, umh_bytes payload)
{
    UMH_AUTO(umh_buffer) bytes = UMH_BUFFER_INIT;
    uint8_t header[UMH_FRAME_HEADER_BYTES];
    umh_frame whole = *frame;

    whole.version = UMH_PROTOCOL_HIGHEST;
    whole.payload_bytes = (uint32_t)payload.size;
    umh_frame_encode(&whole, header);
    assert_int_equal(umh_buffer_append(&bytes, header, sizeof(header)), 0);
    assert_int_equal(umh_buffer_append(&bytes, payload.data, payload.size), 0);
    if (whole.kind == FRAME_MESSAGE)
        assert_int_equal(umh_buffer_append(&bytes, "", 1), 0);
    fake_broker_send_bytes(broker, umh_bytes_of(bytes.data, bytes.size));
}

void fake_broker_post(fake_broker *broker, const umh_guid *service, uint16_t slot, const char *text)
{
    umh_frame frame = {.kind = FRAME_MESSAGE, .slot = slot, .service = *service, .source_host = 3};

    fake_broker_send(broker, &frame, umh_bytes_of_text(text));
}

void fake_broker_command(fake_broker *broker, umh_service_id service, uint16_t slot,
                         const char *name, umh_json *body)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_frame frame = {.kind = FRAME_MESSAGE, .slot = slot, .service = *umh_service_guid(service)};

    assert_int_equal(umh_command_encode_take(++broker->last_id, name, body, &payload), 0);
    fake_broker_send(broker, &frame, umh_bytes_of(payload.data, payload.size));
}

/* Far more than is wanted: how much a host may send is not what these tests are about. */
static void give_credit(fake_broker *broker, const umh_guid *service)
{
    umh_frame frame = {.version = UMH_PROTOCOL_HIGHEST, .kind = FRAME_CREDIT, .service = *service};
    uint8_t whole[UMH_FRAME_AMOUNT_BYTES];

    umh_frame_encode_amount(&frame, MUCH_CREDIT, whole);
    fake_broker_send_bytes(broker, umh_bytes_of(whole, sizeof(whole)));
}

void fake_broker_ping(fake_broker *broker)
{
    umh_frame frame = {.kind = FRAME_PING};

    fake_broker_send(broker, &frame, umh_bytes_of("12345678", 8));
}

static bool read_more(fake_broker *broker)
{
    uint8_t bytes[READ_BYTES];
    size_t size;
    int r = umh_pipe_read(broker->from, bytes, sizeof(bytes), soon(), &size);

    if (r == UMH_PIPE_EOF)
        return false;
    assert_int_equal(r, 0);
    umh_buffer_consume(&broker->received, broker->taken);
    broker->taken = 0;
    assert_int_equal(umh_buffer_append(&broker->received, bytes, size), 0);
    return true;
}

static bool find_frame(fake_broker *broker, fake_frame *ret_frame)
{
    const umh_buffer *received = &broker->received;
    umh_why why = UMH_WHY_INIT;
    umh_bytes rest;
    int r;

    if (received->size - broker->taken < UMH_FRAME_HEADER_BYTES)
        return false;
    rest = umh_bytes_of(received->data + broker->taken, received->size - broker->taken);
    r = umh_frame_decode(rest, UMH_MESSAGE_BYTES_DEFAULT, &ret_frame->frame, &why);
    assert_int_equal(r, 0);
    if (rest.size < umh_frame_cost(ret_frame->frame.payload_bytes))
        return false;
    ret_frame->payload =
        umh_bytes_of(rest.data + UMH_FRAME_HEADER_BYTES, ret_frame->frame.payload_bytes);
    broker->taken += (size_t)umh_frame_cost(ret_frame->frame.payload_bytes);
    return true;
}

bool fake_broker_take(fake_broker *broker, fake_frame *ret_frame)
{
    while (!find_frame(broker, ret_frame)) {
        if (!read_more(broker))
            return false;
    }
    broker->answer_count += ret_frame->frame.kind == FRAME_ANSWER;
    broker->pong_count += ret_frame->frame.kind == FRAME_PONG;
    broker->message_count += ret_frame->frame.kind == FRAME_MESSAGE;
    if (ret_frame->frame.kind == FRAME_WANT)
        give_credit(broker, &ret_frame->frame.service);
    if (ret_frame->frame.kind == FRAME_CREDIT) {
        assert_in_range(ret_frame->frame.source_slot, 0, UMH_MODULES_PER_HOST_MAX - 1);
        broker->credited[ret_frame->frame.source_slot] += umh_frame_amount(ret_frame->payload);
    }
    return true;
}

void fake_broker_await(fake_broker *broker, umh_frame_kind kind, fake_frame *ret_frame)
{
    do
        assert_true(fake_broker_take(broker, ret_frame));
    while (ret_frame->frame.kind != kind);
}

void fake_broker_ask(fake_broker *broker, uint16_t slot, const char *name, umh_json *body,
                     umh_answer *ret_answer)
{
    umh_answer answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    fake_frame frame;

    fake_broker_command(broker, SERVICE_MODULE_META, slot, name, body);
    fake_broker_await(broker, FRAME_ANSWER, &frame);
    assert_int_equal(umh_answer_decode(frame.payload, &answer, &why), 0);
    assert_int_equal(answer.id, broker->last_id);
    *ret_answer = answer;
}

void fake_broker_expect_ok(fake_broker *broker, uint16_t slot, const char *name)
{
    umh_answer answer;

    fake_broker_ask(broker, slot, name, NULL, &answer);
    assert_string_equal(answer.why.text, "");
    assert_true(answer.is_ok);
    umh_answer_deinit(&answer);
}

void fake_broker_module_path(const char *name, char *ret_path)
{
    char inside[UMH_PATH_BYTES];

    snprintf(inside, sizeof(inside), "tests%s/modules/%s/%s.so",
             umh_process_own_bits() == 64 ? "" : "32", name, name);
    in_build(inside, ret_path);
}

void fake_broker_load(fake_broker *broker, uint16_t slot, const char *name, bool is_started)
{
    char path[UMH_PATH_BYTES];
    umh_answer answer;

    fake_broker_module_path(name, path);
    fake_broker_ask(broker, slot, "load",
                    json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", name, "path", path, "folder", "/",
                              "original_folder", "/", "config", "{}"),
                    &answer);
    assert_string_equal(answer.why.text, "");
    assert_true(answer.is_ok);
    assert_string_equal(umh_jsonc_get_text(answer.body, "name", ""), name);
    assert_string_equal(umh_jsonc_get_text(answer.body, "loader", ""), "native");
    umh_answer_deinit(&answer);
    if (is_started)
        fake_broker_expect_ok(broker, slot, "start");
}

void fake_broker_exchange(fake_broker *broker, const umh_guid *service, uint16_t slot,
                          const char *text, char *ret_text, size_t capacity)
{
    fake_frame frame;

    fake_broker_post(broker, service, slot, text);
    fake_broker_await(broker, FRAME_MESSAGE, &frame);
    assert_true(frame.payload.size < capacity);
    memcpy(ret_text, frame.payload.data, frame.payload.size);
    ret_text[frame.payload.size] = '\0';
}

void fake_broker_await_log(fake_broker *broker, const char *text)
{
    uint8_t bytes[READ_BYTES];
    size_t size;

    while (!broker->log_text.data || !strstr((const char *)broker->log_text.data, text)) {
        assert_int_equal(umh_pipe_read(broker->log, bytes, sizeof(bytes), soon(), &size), 0);
        assert_int_equal(umh_buffer_append(&broker->log_text, bytes, size), 0);
    }
}

umh_process_end fake_broker_await_end(fake_broker *broker, bool by_eof)
{
    umh_process_end end = {.exit_code = -1};

    if (by_eof)
        umh_pipe_close(&broker->to);
    assert_int_equal(umh_process_wait(&broker->process, soon(), &end), 0);
    return end;
}

/* What the host said, for whoever reads of a test that failed. */
static void show_log(fake_broker *broker)
{
    uint8_t bytes[READ_BYTES];
    size_t size;

    while (umh_pipe_read(broker->log, bytes, sizeof(bytes), soon(), &size) == 0)
        print_message("%.*s", (int)size, (const char *)bytes);
}

void fake_broker_stop(fake_broker *broker)
{
    umh_process_end end;

    umh_process_kill(&broker->process);
    if (broker->process.handle != -1)
        umh_ignore(umh_process_wait(&broker->process, soon(), &end));
    show_log(broker);
    umh_process_deinit(&broker->process);
    umh_page_deinit(&broker->page);
    umh_pipe_close(&broker->to);
    umh_pipe_close(&broker->from);
    umh_pipe_close(&broker->log);
    umh_buffer_deinit(&broker->received);
    umh_buffer_deinit(&broker->log_text);
}

const umh_blackbox *fake_broker_blackbox(const fake_broker *broker)
{
    return broker->page.memory;
}

uint64_t fake_broker_consumed(const fake_broker *broker, uint16_t slot)
{
    const umh_blackbox *blackbox = fake_broker_blackbox(broker);

    return atomic_load_explicit(&blackbox->slots[slot].consumed_count, memory_order_relaxed);
}

void fake_broker_await_consumed(fake_broker *broker, uint16_t slot, uint64_t count)
{
    uint64_t deadline_ns = soon();
    fake_frame frame;

    while (fake_broker_consumed(broker, slot) < count && umh_clock_now_ns() < deadline_ns) {
        fake_broker_ping(broker);
        fake_broker_await(broker, FRAME_PONG, &frame);
    }
    assert_int_equal(fake_broker_consumed(broker, slot), count);
}

size_t fake_broker_thread_count(const fake_broker *broker)
{
    char path[64];
    umh_file_names names = UMH_FILE_NAMES_INIT;
    size_t count;

    snprintf(path, sizeof(path), "/proc/%lld/task", (long long)broker->process.pid);
    assert_int_equal(umh_file_list(path, 1000, &names), 0);
    count = names.count;
    umh_file_names_deinit(&names);
    return count;
}

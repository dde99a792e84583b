/* SPDX-License-Identifier: MIT */
/*
 * Stands in for umh-host64 in an installation of the tests. For a host whose name begins with
 * "hostile-" it speaks frames as a host does, up to the one thing that its name says, and does that
 * wrong; for any other it becomes the real program, which lies beside it as umh-host64.real.
 *
 * Each acts when all its modules were started, where its row says nothing else.
 */
#include "ipc/blackbox.h"
#include "ipc/control.h"
#include "ipc/frame.h"
#include "ipc/services.h"
#include "platform/file.h"
#include "platform/page.h"
#include "platform/pipe.h"
#include "platform/process.h"

#include <stdio.h>
#include <string.h>

#define HOSTILE_PREFIX "hostile-"
#define REAL_PROGRAM "umh-host64.real"
#define READ_BYTES 65536
#define FLOOD_BYTES 1000
#define LOG_LINES 200000
#define PAGE_DESCRIPTOR 3 /* of the black box */

typedef struct fake_host {
    umh_pipe in;
    umh_pipe out;
    umh_buffer received;
    size_t taken;
    uint64_t given;   /* credit for the service it publishes to */
    uint64_t sent;    /* cost of what it published */
    bool is_started;  /* a module of it */
    uint16_t slot;    /* of that module */
    int64_t hello_id; /* of init */
} fake_host;

typedef struct fake_fault {
    const char *name;
    bool at_init; /* in place of hello */
    void (*commit)(fake_host *fake);
} fake_fault;

static const umh_guid published = {
    {0x7E, 0x57, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0x01, 0x90}}; /* test service 400 */

/* The broker ended, or ended us: whatever was to be shown was shown. */
static void must(int r)
{
    if (r)
        umh_process_exit_now(3);
}

static void write_bytes(fake_host *fake, const void *data, size_t size)
{
    must(umh_pipe_write_all(fake->out, umh_bytes_of(data, size)));
}

static void write_header(fake_host *fake, const umh_frame *frame)
{
    uint8_t header[UMH_FRAME_HEADER_BYTES];

    umh_frame_encode(frame, header);
    write_bytes(fake, header, sizeof(header));
}

static umh_frame frame_of(umh_frame_kind kind, const umh_guid *service, size_t size)
{
    umh_frame frame = {
        .payload_bytes = (uint32_t)size,
        .version = UMH_PROTOCOL_HIGHEST,
        .kind = (uint8_t)kind,
        .service = *service,
        .session = UMH_SESSION_EVERY,
        .source_slot = UMH_SLOT_NONE,
        .slot = UMH_SLOT_NONE,
    };

    return frame;
}

static void write_frame(fake_host *fake, const umh_frame *frame, const void *payload)
{
    write_header(fake, frame);
    if (frame->payload_bytes > 0)
        write_bytes(fake, payload, frame->payload_bytes);
}

static void publish(fake_host *fake, const void *text, size_t size)
{
    umh_frame frame = frame_of(FRAME_MESSAGE, &published, size);

    frame.source_slot = fake->slot;
    write_frame(fake, &frame, text);
    fake->sent += umh_frame_cost(frame.payload_bytes);
}

static void command(fake_host *fake, umh_service_id service, const char *text)
{
    umh_frame frame = frame_of(FRAME_MESSAGE, umh_service_guid(service), strlen(text));

    write_frame(fake, &frame, text);
}

static void answer(fake_host *fake, int64_t id, umh_json *body)
{
    static const umh_guid none;
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_frame frame;

    must(umh_answer_encode_take(id, body, &payload));
    frame = frame_of(FRAME_ANSWER, &none, payload.size);
    write_frame(fake, &frame, payload.data);
}

static umh_json *describe_itself(void)
{
    return json_pack("{s:i,s:i,s:i,s:I}", "lowest", UMH_PROTOCOL_LOWEST, "highest",
                     UMH_PROTOCOL_HIGHEST, "bits", umh_process_own_bits(), "pid",
                     (json_int_t)umh_process_own_pid());
}

static void say_hello(fake_host *fake)
{
    answer(fake, fake->hello_id, describe_itself());
}

/* --- what a host must not do --------------------------------------------------------------- */

static void send_bad_version(fake_host *fake)
{
    umh_frame frame = frame_of(FRAME_MESSAGE, &published, 1);

    frame.version = UMH_PROTOCOL_HIGHEST + 1;
    frame.source_slot = fake->slot;
    write_frame(fake, &frame, "x");
}

static void send_long_frame(fake_host *fake)
{
    umh_frame frame = frame_of(FRAME_MESSAGE, &published, UMH_MESSAGE_BYTES_DEFAULT + 1);

    frame.source_slot = fake->slot;
    write_header(fake, &frame);
}

static void send_bad_kind(fake_host *fake)
{
    umh_frame frame = frame_of(FRAME_PING, &published, 0);

    write_header(fake, &frame);
}

/* A message that ends with its sender. */
static void send_cut_frame(fake_host *fake)
{
    umh_frame frame = frame_of(FRAME_MESSAGE, &published, 100);

    frame.source_slot = fake->slot;
    publish(fake, "whole", 5);
    write_header(fake, &frame);
    write_bytes(fake, "half", 4);
    umh_process_exit_now(0);
}

static void close_output(fake_host *fake)
{
    umh_pipe_close(&fake->out);
}

static void be_silent(fake_host *fake)
{
    UMH_UNUSED(fake);
}

static void greet_too_soon(fake_host *fake)
{
    publish(fake, "before hello", 12);
}

static void want_too_soon(fake_host *fake)
{
    umh_frame frame = frame_of(FRAME_WANT, &published, 16);
    uint8_t whole[UMH_FRAME_WANT_BYTES];

    umh_frame_encode_want(&frame, 100, 100, whole);
    write_bytes(fake, whole, sizeof(whole));
}

/* No violation: what a broker does not know it passes over. */
static void greet_with_extensions(fake_host *fake)
{
    static const uint8_t extensions[] = {7, 0, 0x77, 0x77, 3, 0, 'n', 'e', 'w'};
    static const umh_guid none;
    UMH_AUTO(umh_buffer) hello = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_frame frame;

    must(umh_answer_encode_take(fake->hello_id, describe_itself(), &hello));
    must(umh_buffer_append(&payload, extensions, sizeof(extensions)));
    must(umh_buffer_append(&payload, hello.data, hello.size));
    frame = frame_of(FRAME_ANSWER, &none, payload.size);
    frame.flags = FRAME_FLAG_EXTENDED;
    write_frame(fake, &frame, payload.data);
}

static void greet_twice(fake_host *fake)
{
    say_hello(fake);
}

static void greet_badly(fake_host *fake)
{
    answer(fake, fake->hello_id,
           json_pack("{s:i,s:i,s:i,s:i}", "lowest", 7, "highest", 9, "bits", 64, "pid", 1));
}

static void answer_nobody(fake_host *fake)
{
    answer(fake, 123456, NULL);
}

static void send_garbage(fake_host *fake)
{
    uint8_t garbage[4096];
    uint32_t state = 12345;

    for (size_t i = 0; i < sizeof(garbage); i++) {
        state = state * 1664525u + 1013904223u;
        garbage[i] = (uint8_t)(state >> 24);
    }
    write_bytes(fake, garbage, sizeof(garbage));
}

static void send_not_text(fake_host *fake)
{
    publish(fake, "\xC0\xAF", 2);
}

/* More than anybody is given ahead; without end it would only be a publisher whose credit grows. */
static void overrun_credit(fake_host *fake)
{
    static char text[2 * UMH_CREDIT_BYTES_MAX];

    memset(text, 'o', sizeof(text));
    publish(fake, text, sizeof(text));
}

static void claim_slot(fake_host *fake)
{
    fake->slot = 77;
    publish(fake, "from a slot that is not mine", 28);
}

/* No violation: what stands there is ignored, and the true source is delivered. */
static void claim_host(fake_host *fake)
{
    umh_frame frame = frame_of(FRAME_MESSAGE, &published, 5);

    frame.source_slot = fake->slot;
    frame.source_host = 1;
    frame.source_session = 99;
    write_frame(fake, &frame, "false");
}

static void publish_to(fake_host *fake, uint32_t session, const char *text)
{
    umh_frame frame = frame_of(FRAME_MESSAGE, &published, strlen(text));

    frame.source_slot = fake->slot;
    frame.session = session;
    write_frame(fake, &frame, text);
}

/* No violation either, as a session may have ended meanwhile: it is heard by nobody. */
static void send_to_others(fake_host *fake)
{
    for (int i = 0; i < 3; i++)
        publish_to(fake, 2, "not for you");
    publish_to(fake, UMH_SESSION_EVERY, "for all who may");
}

static void send_to_all(fake_host *fake)
{
    umh_frame frame = frame_of(FRAME_MESSAGE, umh_service_guid(SERVICE_ALL), 5);

    frame.source_slot = fake->slot;
    write_frame(fake, &frame, "to all");
}

static void send_command(fake_host *fake)
{
    command(fake, SERVICE_BROKER, "{\"id\":1,\"do\":\"stop\"}");
}

static void send_host_command(fake_host *fake)
{
    command(fake, SERVICE_MODULE_META, "{\"id\":1,\"do\":\"load\",\"slot\":0,\"name\":\"x\"}");
}

static void send_bad_json(fake_host *fake)
{
    command(fake, SERVICE_MODULE_META, "{\"id\":1,\"do\":");
}

static void subscribe_without_end(fake_host *fake)
{
    for (unsigned i = 0; i <= UMH_SUBSCRIPTIONS_PER_MODULE_MAX; i++) {
        char text[160];

        snprintf(text, sizeof(text),
                 "{\"id\":0,\"do\":\"subscribe\",\"slot\":%u,\"service\":"
                 "\"7e570000-0000-4000-8000-%012x\"}",
                 fake->slot, 0x200000 + i);
        command(fake, SERVICE_MODULE_META, text);
    }
}

static void write_amount(fake_host *fake, umh_frame_kind kind, uint64_t amount)
{
    umh_frame frame = frame_of(kind, &published, 8);
    uint8_t whole[UMH_FRAME_AMOUNT_BYTES];

    frame.source_slot = fake->slot;
    umh_frame_encode_amount(&frame, amount, whole);
    write_bytes(fake, whole, sizeof(whole));
}

static void give_credit_it_never_had(fake_host *fake)
{
    write_amount(fake, FRAME_CREDIT, UINT64_C(1) << 40);
}

static void give_back_unasked(fake_host *fake)
{
    write_amount(fake, FRAME_GIVE_BACK, 1);
}

static void want_too_much(fake_host *fake)
{
    umh_frame frame = frame_of(FRAME_WANT, &published, 16);
    uint8_t whole[UMH_FRAME_WANT_BYTES];

    umh_frame_encode_want(&frame, UINT64_C(1) << 40, UINT64_C(1) << 40, whole);
    write_bytes(fake, whole, sizeof(whole));
}

/* Pings unanswered, messages unread; it is not even stopped by the end of the pipe. */
static void stop_reading(fake_host *fake)
{
    uint8_t byte;
    size_t size;
    umh_pipe nothing;
    umh_pipe open_end;

    UMH_UNUSED(fake);
    must(umh_pipe_new(&nothing, &open_end));
    umh_ignore(umh_pipe_read(nothing, &byte, 1, UMH_FOREVER, &size));
}

/* In its black box it has been in one callback since the machine was started. */
static void claim_old_callback(fake_host *fake)
{
    umh_pipe object = {.handle = PAGE_DESCRIPTOR};
    umh_page page;
    umh_blackbox *box;

    must(umh_page_adopt(object, UMH_BLACKBOX_BYTES, &page));
    box = page.memory;
    atomic_store(&box->slots[fake->slot].activity, ACTIVITY_ON_MESSAGE);
    atomic_store(&box->slots[fake->slot].since_ns, 1);
    atomic_store(&box->magic, UMH_BLACKBOX_MAGIC);
}

static void flood_log(fake_host *fake)
{
    umh_pipe log = umh_pipe_standard(2);

    UMH_UNUSED(fake);
    for (int i = 0; i < LOG_LINES; i++) {
        char line[96];
        int size = snprintf(line, sizeof(line), "level=info module=flood msg=\"line %d\"\n", i);

        must(umh_pipe_write_all(log, umh_bytes_of(line, (size_t)size)));
    }
}

static const fake_fault faults[] = {
    {"version", false, send_bad_version},
    {"long", false, send_long_frame},
    {"kind", false, send_bad_kind},
    {"cut", false, send_cut_frame},
    {"closed", false, close_output},
    {"silent", true, be_silent},
    {"early", true, greet_too_soon},
    {"early-want", true, want_too_soon},
    {"extended", true, greet_with_extensions},
    {"twice", false, greet_twice},
    {"foreign", true, greet_badly},
    {"answer", false, answer_nobody},
    {"garbage", false, send_garbage},
    {"not-text", false, send_not_text},
    {"overrun", false, overrun_credit},
    {"slot", false, claim_slot},
    {"source", false, claim_host},
    {"others", false, send_to_others},
    {"all", false, send_to_all},
    {"command", false, send_command},
    {"host-command", false, send_host_command},
    {"json", false, send_bad_json},
    {"subscribe", false, subscribe_without_end},
    {"credit", false, give_credit_it_never_had},
    {"give-back", false, give_back_unasked},
    {"want", false, want_too_much},
    {"deaf", false, stop_reading},
    {"old-callback", false, claim_old_callback},
    {"log", false, flood_log},
    {"flood", false, NULL}, /* within its credit, without end: see flood() */
};

/* --- the rest of a host --------------------------------------------------------------------- */

/* Whole frames only; false: nothing whole came until the deadline. */
static bool take_frame(fake_host *fake, uint64_t deadline_ns, umh_frame *ret_frame,
                       umh_bytes *ret_payload)
{
    for (;;) {
        umh_bytes rest =
            umh_bytes_of(fake->received.data + fake->taken, fake->received.size - fake->taken);
        uint8_t bytes[READ_BYTES];
        umh_why why = UMH_WHY_INIT;
        size_t size;
        int r;

        if (rest.size >= UMH_FRAME_HEADER_BYTES) {
            must(umh_frame_decode(rest, UMH_MESSAGE_BYTES_DEFAULT, ret_frame, &why));
            if (rest.size >= umh_frame_delivered_bytes(ret_frame)) {
                *ret_payload =
                    umh_bytes_of(rest.data + UMH_FRAME_HEADER_BYTES, ret_frame->payload_bytes);
                fake->taken += (size_t)umh_frame_delivered_bytes(ret_frame);
                return true;
            }
        }
        r = umh_pipe_read(fake->in, bytes, sizeof(bytes), deadline_ns, &size);
        if (r == UMH_PIPE_TIMEOUT)
            return false;
        must(r);
        umh_buffer_consume(&fake->received, fake->taken);
        fake->taken = 0;
        must(umh_buffer_append(&fake->received, bytes, size));
    }
}

static void obey(fake_host *fake, const fake_fault *fault, const umh_frame *frame,
                 umh_bytes payload)
{
    UMH_AUTO(umh_command) asked = UMH_COMMAND_INIT;
    umh_why why = UMH_WHY_INIT;

    if (umh_service_find(&frame->service) == SERVICE_ORDINARY)
        return;
    must(umh_command_decode(payload, &asked, &why));
    if (strcmp(asked.name, "exit") == 0)
        umh_process_exit_now(0);
    if (strcmp(asked.name, "init") == 0) {
        fake->hello_id = asked.id;
        if (fault->at_init)
            fault->commit(fake);
        else
            say_hello(fake);
    } else if (strcmp(asked.name, "load") == 0) {
        answer(fake, asked.id,
               json_pack("{s:s,s:s,s:[s],s:s,s:i}", "name", "fake", "version", "1.0", "services",
                         "7e570000-0000-4000-8000-000000000191", "loader", "native", "took_ms", 0));
    } else if (strcmp(asked.name, "start") == 0) {
        answer(fake, asked.id, NULL);
        fake->slot = frame->slot;
        fake->is_started = true;
        if (!fault->at_init && fault->commit)
            fault->commit(fake);
    } else {
        answer(fake, asked.id, NULL);
    }
}

static void take(fake_host *fake, const fake_fault *fault, const umh_frame *frame,
                 umh_bytes payload)
{
    if (frame->kind == FRAME_MESSAGE) {
        obey(fake, fault, frame, payload);
    } else if (frame->kind == FRAME_PING) {
        umh_frame pong = frame_of(FRAME_PONG, &frame->service, payload.size);

        write_frame(fake, &pong, payload.data);
    } else if (frame->kind == FRAME_CREDIT) {
        fake->given += umh_frame_amount(payload);
    } else if (frame->kind == FRAME_GIVE_BACK) {
        uint64_t paid =
            fake->sent > UMH_FIRST_CREDIT_BYTES ? fake->sent - UMH_FIRST_CREDIT_BYTES : 0;

        write_amount(fake, FRAME_GIVE_BACK, fake->given - paid);
        fake->given = paid;
    }
}

/* As much as credit allows, from the moment the module is started; then it wants more. */
static void flood(fake_host *fake)
{
    static char text[FLOOD_BYTES];
    uint64_t cost = umh_frame_cost(sizeof(text));
    umh_frame want = frame_of(FRAME_WANT, &published, 16);
    uint8_t whole[UMH_FRAME_WANT_BYTES];

    if (!fake->is_started)
        return;
    memset(text, 'f', sizeof(text));
    while (fake->sent + cost <= fake->given + UMH_FIRST_CREDIT_BYTES)
        publish(fake, text, sizeof(text));
    umh_frame_encode_want(&want, fake->sent + cost - UMH_FIRST_CREDIT_BYTES, cost, whole);
    write_bytes(fake, whole, sizeof(whole));
}

static void run(fake_host *fake, const fake_fault *fault)
{
    for (;;) {
        umh_frame frame;
        umh_bytes payload;

        if (!take_frame(fake, UMH_FOREVER, &frame, &payload))
            return;
        take(fake, fault, &frame, payload);
        if (!fault->commit)
            flood(fake);
    }
}

static void become_real(int argc, char **argv)
{
    const char *arguments[8] = {NULL};
    char folder[UMH_PATH_BYTES];
    char program[UMH_PATH_BYTES];

    for (int i = 0; i < argc && i < 7; i++)
        arguments[i] = argv[i];
    must(umh_file_program_folder(folder));
    must(umh_file_join(folder, REAL_PROGRAM, program));
    must(umh_process_become(program, arguments));
}

int main(int argc, char **argv)
{
    fake_host fake = {.in = umh_pipe_standard(0), .out = umh_pipe_standard(1)};
    const char *name = argc > 2 ? argv[2] : "";
    size_t size;

    must(umh_process_prepare());
    if (strncmp(name, HOSTILE_PREFIX, strlen(HOSTILE_PREFIX)) != 0)
        become_real(argc, argv);
    name += strlen(HOSTILE_PREFIX);
    size = strcspn(name, "@"); /* the fault, and the session */
    for (size_t i = 0; i < UMH_COUNT_OF(faults); i++) {
        if (strncmp(faults[i].name, name, size) == 0 && faults[i].name[size] == '\0')
            run(&fake, &faults[i]);
    }
    fprintf(stderr, "fake_host: there is no fault '%s'\n", name);
    return 2;
}

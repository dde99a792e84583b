/* SPDX-License-Identifier: MIT */
/*
 * Records for systemd-journald.
 *
 * sd_journal_sendv() of libsystemd waits while the journal's socket is full, and the loop never
 * waits. The protocol is documented as stable: a datagram of fields, each "NAME=value\n", or, where
 * the value has a line break, "NAME\n", its size in 64 bits, the value, "\n".
 */
#include "platform/journal.h"

#include "platform/clock.h"
#include "platform/environment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SEND_BYTES (1024 * 1024) /* asked for; a record is a fraction of what a socket has anyway */

static const struct sockaddr_un journal_address = {.sun_family = AF_UNIX,
                                                   .sun_path = JOURNAL_SOCKET};

/* As syslog numbers them. */
static const char *const priorities[UMH_LOG_LEVEL_COUNT] = {
    [UMH_LOG_TRACE] = "7",   [UMH_LOG_DEBUG] = "7", [UMH_LOG_INFO] = "6",
    [UMH_LOG_WARNING] = "4", [UMH_LOG_ERROR] = "3", [UMH_LOG_CRITICAL] = "2",
};

/* systemd names the device and the file of the stream that it connected standard error to. */
static bool is_standard_error(const char *stream)
{
    unsigned long long device;
    unsigned long long number;
    struct stat about;
    char end;

    return sscanf(stream, "%llu:%llu%c", &device, &number, &end) == 2 && fstat(2, &about) == 0 &&
           about.st_dev == device && about.st_ino == number;
}

int umh_journal_open(umh_pipe *ret_journal)
{
    const char *stream = umh_environment_get("JOURNAL_STREAM");
    const int room = SEND_BYTES;
    int journal;

    if (!stream || !is_standard_error(stream) || access(JOURNAL_SOCKET, W_OK) != 0)
        return UMH_JOURNAL_NONE;
    journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (journal < 0)
        return UMH_FAIL_OS(errno, "open a socket to the journal");
    umh_ignore(setsockopt(journal, SOL_SOCKET, SO_SNDBUF, &room, sizeof room));
    *ret_journal = (umh_pipe){journal};
    return 0;
}

/* --- a record ----------------------------------------------------------------------------- */

/* Capitals, digits and '_', no digit or '_' in front: others are the journal's own or invalid. */
static void put_name(const char *name, char out[UMH_JOURNAL_NAME_BYTES_MAX + 1])
{
    size_t size = 0;

    for (; *name && size < UMH_JOURNAL_NAME_BYTES_MAX; name++) {
        char letter = *name;

        if (letter >= 'a' && letter <= 'z')
            letter = (char)(letter - 'a' + 'A');
        else if (!(letter >= 'A' && letter <= 'Z') && !(letter >= '0' && letter <= '9'))
            letter = '_';
        if (size == 0 && !(letter >= 'A' && letter <= 'Z'))
            continue;
        out[size++] = letter;
    }
    out[size] = '\0';
}

/* Outcomes: UMH_BUFFER_FULL. */
static int append_sized(const char *name, umh_bytes value, umh_buffer *record)
{
    uint8_t size[8];
    int r;

    for (unsigned i = 0; i < sizeof size; i++)
        size[i] = (uint8_t)((uint64_t)value.size >> 8 * i);
    r = umh_buffer_append_format(record, "%s\n", name);
    if (r == 0)
        r = umh_buffer_append(record, size, sizeof size);
    return r;
}

/* Outcomes: UMH_BUFFER_FULL. */
static int append_field(const char *name, umh_bytes value, umh_buffer *record)
{
    char valid[UMH_JOURNAL_NAME_BYTES_MAX + 1];
    int r;

    put_name(name, valid);
    if (!valid[0])
        return 0;
    if (value.size > 0 && memchr(value.data, '\n', value.size))
        r = append_sized(valid, value, record);
    else
        r = umh_buffer_append_format(record, "%s=", valid);
    if (r == 0)
        r = umh_buffer_append(record, value.data, value.size);
    if (r == 0)
        r = umh_buffer_append_text(record, "\n");
    return r;
}

int umh_journal_encode(umh_log_level level, umh_bytes message, const umh_journal_field *fields,
                       size_t field_count, umh_buffer *record)
{
    unsigned index = (unsigned)level < UMH_LOG_LEVEL_COUNT ? (unsigned)level : UMH_LOG_INFO;
    size_t before = record->size;
    int r = append_field("PRIORITY", umh_bytes_of_text(priorities[index]), record);

    if (r == 0)
        r = append_field("MESSAGE", message, record);
    for (size_t i = 0; i < field_count && r == 0; i++)
        r = append_field(fields[i].name, fields[i].value, record);
    if (r && record->size > before)
        umh_buffer_cut(record, before);
    return r;
}

/* --- sending ------------------------------------------------------------------------------ */

/* How long the next send may take; false: not at all. */
static bool set_patience(int journal, uint64_t deadline_ns)
{
    uint64_t now_ns = umh_clock_now_ns();
    uint64_t us = deadline_ns > now_ns ? (deadline_ns - now_ns) / 1000 : 0;
    const struct timeval patience = {.tv_sec = (time_t)(us / 1000000),
                                     .tv_usec = (suseconds_t)(us % 1000000)};

    return us > 0 && setsockopt(journal, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0;
}

int umh_journal_send(umh_pipe journal, umh_bytes record, uint64_t deadline_ns)
{
    int flags = MSG_NOSIGNAL;
    ssize_t sent;

    if (!set_patience((int)journal.handle, deadline_ns))
        flags |= MSG_DONTWAIT;
    do
        sent = sendto((int)journal.handle, record.data, record.size, flags,
                      (const struct sockaddr *)&journal_address, sizeof journal_address);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return 0;
    /* The last two: journald is being replaced. */
    if (errno == EAGAIN || errno == ENOBUFS || errno == ECONNREFUSED || errno == ENOENT)
        return UMH_JOURNAL_FULL;
    return UMH_FAIL_OS(errno, "write to the journal");
}

/* SPDX-License-Identifier: MIT */
/* The thread's record of its last failure, and the table of failures in words. */
#include "base/err.h"

#include "base/auto.h"
#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than the longest character, so that umh_text_put sees that a text was cut, and where. */
#define CUT_BYTES 4

/*
 * State of a thread, not of the program: a failure passes through callers that have no context to
 * carry it in.
 */
static _Thread_local umh_failure last_failure;

typedef struct error_row {
    int code;
    const char *name;
    const char *text;
} error_row;

#define ERROR_ROW(name, number, text) {(number), #name, (text)},
static const error_row error_rows[] = {UMH_ERROR_TABLE(ERROR_ROW)};
#undef ERROR_ROW

static const error_row *find_row(int code)
{
    for (size_t i = 0; i < UMH_COUNT_OF(error_rows); i++) {
        if (error_rows[i].code == code)
            return &error_rows[i];
    }
    return NULL;
}

static const char *file_name(const char *path)
{
    const char *name = path;

    for (const char *at = path; *at; at++) {
        if (*at == '/' || *at == '\\')
            name = at + 1;
    }
    return name;
}

int umh_fail_at(int code, long os_code, const char *file, int line, const char *format, ...)
{
    /* Formatted beside the record: the arguments may point into it. */
    char text[sizeof last_failure.text + CUT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);

    /*
     * Only a negative number goes up as a failure; anything else would be taken for success or an
     * outcome.
     */
    last_failure.code = code < 0 ? code : UMH_E_BUG;
    last_failure.os_code = os_code;
    last_failure.file = file;
    last_failure.line = line;
    umh_text_put(last_failure.text, sizeof last_failure.text, text);
    return last_failure.code;
}

umh_failure umh_failure_take(void)
{
    umh_failure failure = last_failure;

    last_failure = (umh_failure){.code = 0};
    return failure;
}

int umh_fail_again(const umh_failure *failure)
{
    last_failure = *failure;
    return failure->code;
}

/* Whoever called for it can mend it, and has no use for a place in this program. */
static bool is_of_the_user(const umh_failure *failure)
{
    return failure->text[0] && (failure->code == UMH_E_USAGE || failure->code == UMH_E_CONFIG ||
                                failure->code == UMH_E_REFUSED);
}

void umh_failure_format(const umh_failure *failure, char *buffer, size_t capacity)
{
    const char *text = failure->text[0] ? failure->text : umh_error_text(failure->code);
    const char *file = failure->file ? file_name(failure->file) : "?";
    char reason[128] = "";
    char line[sizeof failure->text + sizeof reason + 128];

    if (failure->code == 0) {
        umh_text_put(buffer, capacity, "no failure is recorded");
        return;
    }
    /*
     * A negative number is no errno; strerror is safe on threads where these programs run (glibc,
     * UCRT).
     */
    if (failure->os_code > 0)
        snprintf(reason, sizeof reason, ": %s", strerror((int)failure->os_code));
    else if (failure->os_code < 0)
        snprintf(reason, sizeof reason, ": error %ld", failure->os_code);
    if (is_of_the_user(failure))
        snprintf(line, sizeof line, "%s%s", text, reason);
    else
        snprintf(line, sizeof line, "%s%s (%s, %s:%d)", text, reason, umh_error_name(failure->code),
                 file, failure->line);
    umh_text_put(buffer, capacity, line);
}

const char *umh_error_name(int code)
{
    const error_row *row = find_row(code);

    return row ? row->name : "UMH_E_?";
}

const char *umh_error_text(int code)
{
    const error_row *row = find_row(code);

    return row ? row->text : "unknown error";
}

int umh_fold_at(int result, const char *file, int line)
{
    if (result <= 0)
        return result;
    return umh_fail_at(UMH_E_BUG, 0, file, line, "outcome %d was not handled", result);
}

void umh_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: '%s' does not hold\n", file_name(file), line, condition);
    fflush(stderr);
    abort();
}

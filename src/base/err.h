/* SPDX-License-Identifier: MIT */
/*
 * What an int that a function returns means: 0 success, < 0 a failure, > 0 an outcome of that
 * function.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define UMH_MUST_USE __attribute__((warn_unused_result))
#define UMH_PRINTF(text_at, first_at) __attribute__((format(printf, text_at, first_at)))

/*
 * Failures. Numbers go on the wire and into documents and are never reused. name, number, text for
 * people.
 */
#define UMH_ERROR_TABLE(X)                                                                         \
    X(UMH_E_BUG, -1, "internal error")                                                             \
    X(UMH_E_MEMORY, -2, "out of memory")                                                           \
    X(UMH_E_OS, -3, "the operating system refused")                                                \
    X(UMH_E_USAGE, -4, "wrong usage")                                                              \
    X(UMH_E_CONFIG, -5, "the configuration cannot be used")                                        \
    X(UMH_E_LIMIT, -6, "a limit was reached")                                                      \
    X(UMH_E_PROTOCOL, -7, "the other side broke the protocol")                                     \
    X(UMH_E_REFUSED, -8, "refused")                                                                \
    X(UMH_E_TIMEOUT, -9, "a deadline passed")                                                      \
    X(UMH_E_MODULE, -10, "the module cannot be used")                                              \
    X(UMH_E_DOTNET, -11, ".NET cannot be used")                                                    \
    X(UMH_E_NOT_RUNNING, -12, "no broker is running")

#define UMH_ERROR_ENUM(name, number, text) name = (number),
enum { UMH_ERROR_TABLE(UMH_ERROR_ENUM) };
#undef UMH_ERROR_ENUM

/*
 * The record of a failure: where it was born and what was being done. A value: copy it to hand it
 * to another thread.
 */
typedef struct umh_failure {
    int code;         /* one of UMH_E_..., 0 when there is no record */
    long os_code;     /* errno, GetLastError() or a libuv status; 0 when there is none */
    int line;         /* of `file` */
    const char *file; /* static text */
    char text[384];   /* what was being done and with what; always terminated */
} umh_failure;

/*
 * Record a failure for this thread and return `code`:
 *     return UMH_FAIL(UMH_E_CONFIG, "host '%s' has no module", name);
 * Never allocates. A record replaces the one before it.
 */
#define UMH_FAIL(code, ...) umh_fail_at((code), 0, __FILE__, __LINE__, __VA_ARGS__)

/*
 * The same with the operating system's own number (errno; taken by the caller, in platform and
 * watch only).
 */
#define UMH_FAIL_OS(os_code, ...) umh_fail_at(UMH_E_OS, (os_code), __FILE__, __LINE__, __VA_ARGS__)

/* The same for a libuv status (negative errno on Linux); usable where uv.h is. */
#define UMH_FAIL_UV(status, ...)                                                                   \
    umh_fail_at(UMH_E_OS, -(long)(status), __FILE__, __LINE__, __VA_ARGS__)

int umh_fail_at(int code, long os_code, const char *file, int line, const char *format, ...)
    UMH_PRINTF(5, 6);

/*
 * The record of this thread's last failure, taken: a second call gives code 0 until the next
 * failure.
 */
umh_failure umh_failure_take(void);

/* Record a failure that was kept as a value once more; returns its code. */
int umh_fail_again(const umh_failure *failure);

/*
 * One line for people: "open pipe to host 'x': Too many open files (UMH_E_OS, pipe.c:31)"; of
 * wrong usage, a refusal and a configuration the text alone. Always terminates `buffer`.
 */
void umh_failure_format(const umh_failure *failure, char *buffer, size_t capacity);

/* "UMH_E_OS" for -3; "UMH_E_?" for what is no failure of the table. Static text. */
const char *umh_error_name(int code);

/* "the operating system refused" for -3. Static text. */
const char *umh_error_text(int code);

/*
 * A negative result goes on unchanged; an outcome nobody handled becomes UMH_E_BUG, with file and
 * line.
 */
#define umh_fold(result) umh_fold_at((result), __FILE__, __LINE__)
int umh_fold_at(int result, const char *file, int line);

/* Ignore a result on purpose. */
#define umh_ignore(expression)                                                                     \
    do {                                                                                           \
        if (expression) {                                                                          \
        }                                                                                          \
    } while (0)

/* A parameter that a callback's type has and this callback does not need. */
#define UMH_UNUSED(parameter) ((void)(parameter))

/*
 * For our own mistakes, never for data from a pipe, a file or a module. Kept in release builds;
 * ends the process.
 */
#define umh_assert(condition)                                                                      \
    ((condition) ? (void)0 : umh_assert_failed(#condition, __FILE__, __LINE__))
_Noreturn void umh_assert_failed(const char *condition, const char *file, int line);

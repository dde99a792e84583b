/* SPDX-License-Identifier: MIT */
/*
 * What supervisors are compared by: a program that says when its first instruction ran. It appends
 * a line "PID NS" to the file <program>.stamps and becomes <program>.next with its own arguments;
 * where there is none it waits for its end.
 */
#include "measure.h"

#include <fcntl.h>
#include <limits.h>

int main(int argc, char **argv)
{
    uint64_t now_ns = umh_clock_now_ns();
    char program[PATH_MAX] = "";
    char path[PATH_MAX + 16];
    char line[64];
    int file;
    int length;

    (void)argc;
    must(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0, "readlink");
    snprintf(path, sizeof(path), "%s.stamps", program);
    file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    must(file >= 0, "open");
    length = snprintf(line, sizeof(line), "%lld %llu\n", (long long)getpid(),
                      (unsigned long long)now_ns);
    must(write(file, line, (size_t)length) == length, "write");
    snprintf(path, sizeof(path), "%s.next", program);
    if (access(path, X_OK) == 0) {
        execv(path, argv);
        fail("execv");
    }
    for (;;)
        pause();
}

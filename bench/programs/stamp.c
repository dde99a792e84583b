/* SPDX-License-Identifier: MIT */
/*
 * What supervisors are compared by: a program that says when its first instruction ran. It appends a
 * line "PID NS" to the file <program>.stamps and becomes <program>.next with its own arguments;
 * where there is none it waits for its end.
 */
#include "measure.h"

#include <fcntl.h>
#include <limits.h>

int main(int argc, char **argv)
{
    uint64_t now_ns = umh_clock_now_ns();
    char path[PATH_MAX];
    char line[64];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - sizeof(".stamps"));
    int file;
    int length;

    (void)argc;
    must(size > 0, "readlink");
    strcpy(path + size, ".stamps");
    file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    must(file >= 0, "open");
    length = snprintf(line, sizeof(line), "%lld %llu\n", (long long)getpid(),
                      (unsigned long long)now_ns);
    must(write(file, line, (size_t)length) == length, "write");
    strcpy(path + size, ".next");
    if (access(path, X_OK) == 0) {
        execv(path, argv);
        fail("execv");
    }
    for (;;)
        pause();
}

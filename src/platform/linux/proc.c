/* SPDX-License-Identifier: MIT */
/* Small files of /proc. */
#include "platform/linux/proc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool umh_proc_read(const char *path, char text[UMH_PROC_TEXT_BYTES])
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file >= 0 ? read(file, text, UMH_PROC_TEXT_BYTES - 1) : -1;

    if (file >= 0)
        close(file);
    text[size > 0 ? size : 0] = '\0';
    return size >= 0;
}

long long umh_proc_number(const char *text, const char *key, bool is_last)
{
    const char *line = strstr(text, key);
    char *end = NULL;
    long long number = 0;

    if (!line)
        return 0;
    line += strlen(key);
    do {
        number = strtoll(line, &end, 10);
        line = end;
    } while (is_last && *line == '\t');
    return number;
}

/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over the files and folders it is given: the corpus as a plain test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size;
    uint8_t *data;

    if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        if (file)
            fclose(file);
        return 1;
    }
    rewind(file);
    /* Exactly as long as the input: the address sanitizer sees the first byte read behind it. */
    data = malloc((size_t)size + (size == 0));
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        free(data);
        fclose(file);
        return 1;
    }
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    fclose(file);
    return 0;
}

static int replay_folder(const char *path, DIR *folder, unsigned *count)
{
    char name[4096];
    struct dirent *entry;
    int failures = 0;

    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        failures += replay_file(name);
        ++*count;
    }
    return failures;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    int failures = 0;

    LLVMFuzzerTestOneInput(NULL, 0);
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);

        if (folder) {
            failures += replay_folder(argv[i], folder, &count);
            closedir(folder);
        } else {
            failures += replay_file(argv[i]);
            count++;
        }
    }
    printf("%u inputs replayed, %d unreadable\n", count, failures);
    return failures || count == 0;
}

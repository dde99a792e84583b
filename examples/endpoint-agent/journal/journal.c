/* SPDX-License-Identifier: MIT */
/* Appends every reading and every alarm to a file of JSON lines. */
#include "line.h"
#include "rotation.h"

#include "../services.h"
#include "../settings.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_MAX_DEFAULT (1024 * 1024)
#define KEEP_DEFAULT 3
#define KEEP_MAX 999

typedef struct journal {
    const umh_host_v1 *host;
    agent_rotation rotation;
    agent_line line;
    int error; /* of the line before; 0: it was written */
    unsigned long long lost_count;
} journal;

enum { SERVICE_READINGS, SERVICE_ALARMS, SERVICE_COUNT };

static const umh_guid_v1 services[SERVICE_COUNT] = {
    [SERVICE_READINGS] = AGENT_READINGS,
    [SERVICE_ALARMS] = AGENT_ALARMS,
};

static void say(const journal *self, umh_level_v1 level, const char *text, const char *reason)
{
    umh_pair_v1 pairs[] = {{"file", self->rotation.path}, {"reason", reason}};

    self->host->log(self->host, level, text, pairs, reason ? 2 : 1);
}

/* ------------------------- configuration */

/*
 * The default is a folder of this user alone in the system's temporary one. Anybody may make that
 * first, so who it belongs to is looked at.
 */
static int make_folder(char *folder, size_t size)
{
    struct stat status;

    if (*folder == '\0') {
        snprintf(folder, size, "/tmp/umh-endpoint-agent-%lu", (unsigned long)geteuid());
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return errno;
        if (lstat(folder, &status) != 0)
            return errno;
        return S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
                       (status.st_mode & (S_IWGRP | S_IWOTH)) == 0
                   ? 0
                   : EPERM;
    }
    return mkdir(folder, 0700) != 0 && errno != EEXIST ? errno : 0;
}

static int find_path(agent_rotation *rotation, const char *path, char *folder, size_t size)
{
    int count;
    int error = 0;

    if (*path == '/')
        count = snprintf(rotation->path, sizeof(rotation->path), "%s", path);
    else {
        error = make_folder(folder, size);
        count = snprintf(rotation->path, sizeof(rotation->path), "%s/%s", folder, path);
    }
    if ((size_t)count >= sizeof(rotation->path))
        return ENAMETOOLONG;
    return error;
}

/* False: a key or a value that is none of these. */
static bool read_settings(journal *self, char *path, char *folder, size_t size)
{
    const char *at = self->host->configuration(self->host);
    agent_setting setting;
    long long keep = KEEP_DEFAULT;
    bool is_right = true;

    self->rotation.bytes_max = BYTES_MAX_DEFAULT;
    while (is_right && settings_next(&at, &setting)) {
        if (settings_is(&setting, "Path"))
            is_right = settings_get_text(&setting, path, size) && *path != '\0';
        else if (settings_is(&setting, "Folder"))
            /* A host's current folder is nowhere in particular. */
            is_right = settings_get_text(&setting, folder, size) && *folder == '/';
        else if (settings_is(&setting, "MaxBytes"))
            is_right =
                settings_get_number(&setting, 1, (long long)1 << 40, &self->rotation.bytes_max);
        else if (settings_is(&setting, "Keep"))
            is_right = settings_get_number(&setting, 0, KEEP_MAX, &keep);
        else
            is_right = false;
    }
    self->rotation.keep = (int)keep;
    return is_right;
}

/* ------------------------- life */

static void release(journal *self)
{
    rotation_close(&self->rotation);
    line_deinit(&self->line);
    free(self);
}

static int open_journal(journal *self)
{
    char path[PATH_MAX] = "journal.jsonl";
    char folder[PATH_MAX] = "";
    int error;

    if (!read_settings(self, path, folder, PATH_MAX)) {
        self->host->log(self->host, UMH_V1_ERROR,
                        "the configuration may have Path, Folder (absolute), MaxBytes (from 1) and "
                        "Keep (0 to 999)",
                        NULL, 0);
        return EINVAL;
    }
    error = find_path(&self->rotation, path, folder, PATH_MAX);
    if (!error)
        error = rotation_open(&self->rotation);
    if (error)
        say(self, UMH_V1_ERROR, "cannot be written", strerror(error));
    else
        say(self, UMH_V1_INFO, "appending", NULL);
    return error;
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    journal *self = (journal *)calloc(1, sizeof(*self));
    int error;

    if (!self)
        return ENOMEM;
    self->host = host;
    self->rotation = (agent_rotation)AGENT_ROTATION_INIT;
    error = open_journal(self);
    if (error) {
        release(self);
        return error;
    }
    *ret_state = self;
    return 0;
}

/* A full disk is said once, and once that it is over: the log may be on the same disk. */
static void note_result(journal *self, int error)
{
    char text[64];

    if (error) {
        self->lost_count++;
        if (!self->error)
            say(self, UMH_V1_ERROR, "cannot be written", strerror(error));
    } else if (self->error) {
        snprintf(text, sizeof(text), "written again, without %llu lines", self->lost_count);
        say(self, UMH_V1_WARNING, text, NULL);
        self->lost_count = 0;
    }
    self->error = error;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    journal *self = (journal *)state;
    bool is_alarm = memcmp(&message->service, &services[SERVICE_ALARMS], sizeof(umh_guid_v1)) == 0;
    int error = ENOMEM;

    if (line_format(&self->line, is_alarm ? "alarms" : "readings", message))
        error = rotation_append(&self->rotation, self->line.text, self->line.size);
    line_trim(&self->line);
    note_result(self, error);
}

static void stop(void *state)
{
    release((journal *)state);
}

static const umh_module_v1 module = {
    .size = sizeof(module),
    .abi_version = UMH_MODULE_ABI_VERSION,
    .name = "journal",
    .version = "1.0",
    .services = services,
    .service_count = SERVICE_COUNT,
    .init = init,
    .on_message = on_message,
    .stop = stop,
};

const umh_module_v1 *umh_module_entry(void)
{
    return &module;
}

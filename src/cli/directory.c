/* SPDX-License-Identifier: MIT */
/* Names for services and senders, from the broker's status and its configuration. */
#include "cli/directory.h"

#include "config/config.h"
#include "ipc/services.h"
#include "platform/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define SENDER_BYTES (2 * UMH_NAME_BYTES_MAX + 32)
#define SENDERS_MAX 4096 /* further ones are shown as numbers */

typedef struct service_name {
    umh_guid guid;
    char *name; /* owned */
} service_name;

typedef struct sender_name {
    uint32_t host;
    uint16_t slot;
    char name[SENDER_BYTES];
} sender_name;

struct umh_directory {
    umh_client *client;
    bool is_silent; /* the broker did not answer: it is not asked again */
    service_name *services;
    size_t service_count;
    sender_name *senders;
    size_t sender_count;
    char unnamed[SENDER_BYTES];
};

/* ------------------------- services */

int umh_directory_add_service(umh_directory *directory, const umh_guid *guid, const char *name)
{
    service_name *services =
        realloc(directory->services, (directory->service_count + 1) * sizeof *services);

    if (!services)
        return UMH_FAIL(UMH_E_MEMORY, "keep the name of a service");
    directory->services = services;
    services[directory->service_count] = (service_name){.guid = *guid, .name = umh_text_copy(name)};
    if (!services[directory->service_count].name)
        return UMH_E_MEMORY;
    directory->service_count++;
    return 0;
}

const char *umh_directory_service(const umh_directory *directory, const umh_guid *guid)
{
    umh_service_id id = umh_service_find(guid);

    for (size_t i = 0; i < directory->service_count; i++) {
        if (umh_guid_is_equal(&directory->services[i].guid, guid))
            return directory->services[i].name;
    }
    return id == SERVICE_ORDINARY ? NULL : umh_service_name(id);
}

/* What the file of the broker calls them now. */
static int learn_services(umh_directory *directory, const char *config_path)
{
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;
    int r = umh_config_load(config_path, NULL, &config, &problems);

    umh_why_list_deinit(&problems);
    if (r < 0)
        umh_failure_take(); /* one name less for people */
    if (r)
        return 0;
    for (size_t i = 0; i < config.service_count && r == 0; i++)
        r = umh_directory_add_service(directory, &config.services[i].guid, config.services[i].name);
    return umh_fold(r);
}

/* ------------------------- senders */

static const sender_name *find_sender(const umh_directory *directory, uint32_t host, uint16_t slot)
{
    for (size_t i = 0; i < directory->sender_count; i++) {
        if (directory->senders[i].host == host && directory->senders[i].slot == slot)
            return &directory->senders[i];
    }
    return NULL;
}

/* NULL: there is no room for another. */
static sender_name *add_sender(umh_directory *directory, uint32_t host, uint16_t slot)
{
    sender_name *senders;

    if (directory->sender_count == SENDERS_MAX)
        return NULL;
    senders = realloc(directory->senders, (directory->sender_count + 1) * sizeof *senders);
    if (!senders)
        return NULL;
    directory->senders = senders;
    senders[directory->sender_count] = (sender_name){.host = host, .slot = slot};
    return &senders[directory->sender_count++];
}

static void learn_host(umh_directory *directory, const json_t *host)
{
    const json_t *modules = umh_jsonc_get_array(host, "modules");
    uint32_t number = (uint32_t)umh_jsonc_get_integer(host, "number", 0);
    size_t index;
    const json_t *module;

    json_array_foreach(modules, index, module)
    {
        uint16_t slot = (uint16_t)umh_jsonc_get_integer(module, "slot", UMH_SLOT_NONE);
        sender_name *sender =
            find_sender(directory, number, slot) ? NULL : add_sender(directory, number, slot);

        if (sender)
            snprintf(sender->name, sizeof sender->name, "%.80s/%.64s",
                     umh_jsonc_get_text(host, "name", "?"),
                     umh_jsonc_get_text(module, "name", "?"));
    }
}

/* *ret_status is NULL where the broker has none to give. */
static void ask_status(umh_directory *directory, umh_answer *answer)
{
    umh_why why = UMH_WHY_INIT;
    int r = UMH_CLIENT_TIMEOUT;

    if (!directory->is_silent)
        r = umh_client_ask_take(
            directory->client,
            &(umh_client_question){"status", NULL, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)},
            answer, &why);
    if (r < 0)
        umh_failure_take(); /* the next call for a message finds it again */
    directory->is_silent = r != 0;
}

static void learn_senders(umh_directory *directory, const umh_answer *status)
{
    size_t index;
    const json_t *host;

    json_array_foreach(umh_jsonc_get_array(status->body, "hosts"), index, host)
        learn_host(directory, host);
}

static void put_number(const umh_frame *frame, char *name)
{
    if (frame->source_slot == UMH_SLOT_NONE)
        snprintf(name, SENDER_BYTES, "%lu", (unsigned long)frame->source_host);
    else
        snprintf(name, SENDER_BYTES, "%lu/%u", (unsigned long)frame->source_host,
                 frame->source_slot);
}

const char *umh_directory_sender(umh_directory *directory, const umh_frame *frame)
{
    UMH_AUTO(umh_answer) status = UMH_ANSWER_INIT;
    const sender_name *known;
    sender_name *added;

    if (frame->source_host == UMH_HOST_NUMBER_BROKER)
        return umh_service_find(&frame->service) == SERVICE_BROKER ? "broker" : "control";
    known = find_sender(directory, frame->source_host, frame->source_slot);
    if (known)
        return known->name;
    if (!directory->is_silent && directory->sender_count < SENDERS_MAX) {
        ask_status(directory, &status);
        if (status.body)
            learn_senders(directory, &status);
        known = find_sender(directory, frame->source_host, frame->source_slot);
        if (known)
            return known->name;
    }
    /* Known as a number from now on: a host that has gone is not asked for with each message. */
    put_number(frame, directory->unnamed);
    added = add_sender(directory, frame->source_host, frame->source_slot);
    if (added)
        put_number(frame, added->name);
    return directory->unnamed;
}

/* ------------------------- life */

int umh_directory_new(umh_client *client, umh_directory **ret_directory)
{
    UMH_AUTO_PTR(umh_directory) directory = calloc(1, sizeof *directory);
    UMH_AUTO(umh_answer) status = UMH_ANSWER_INIT;
    const char *config_path;
    int r = 0;

    if (!directory)
        return UMH_FAIL(UMH_E_MEMORY, "make a directory of names");
    directory->client = client;
    ask_status(directory, &status);
    if (status.body) {
        learn_senders(directory, &status);
        config_path = umh_jsonc_get_text(umh_jsonc_get_object(status.body, "broker"), "config", "");
        if (config_path[0])
            r = learn_services(directory, config_path);
    }
    if (r)
        return umh_fold(r);
    *ret_directory = UMH_MOVE(directory);
    return 0;
}

umh_directory *umh_directory_free(umh_directory *directory)
{
    if (!directory)
        return NULL;
    for (size_t i = 0; i < directory->service_count; i++)
        umh_text_free(directory->services[i].name);
    free(directory->services);
    free(directory->senders);
    free(directory);
    return NULL;
}

/* SPDX-License-Identifier: MIT */
/* The table of well-known services. */
#include "ipc/services.h"

#include <string.h>

typedef struct service_row {
    umh_guid guid;
    const char *name;
    bool is_control;
} service_row;

/* a-b-c-d-e of the GUID's text, as its 16 bytes. */
#define GUID(a, b, c, d, e)                                                                        \
    {                                                                                              \
        {                                                                                          \
            (a) >> 24, (a) >> 16 & 0xFF, (a) >> 8 & 0xFF, (a)&0xFF, (b) >> 8, (b)&0xFF, (c) >> 8,  \
                (c)&0xFF, (d) >> 8, (d)&0xFF, (e) >> 40, (e) >> 32 & 0xFF, (e) >> 24 & 0xFF,       \
                (e) >> 16 & 0xFF, (e) >> 8 & 0xFF, (e)&0xFF                                        \
        }                                                                                          \
    }

static const service_row rows[SERVICE_ID_COUNT] = {
    [SERVICE_ALL] = {GUID(0u, 0, 0, 0, 0ull), "All", true},
    [SERVICE_BROKER] = {GUID(0x92D627A3, 0x6C62, 0x4C5B, 0x8477, 0x484A34ED3B82), "Broker", true},
    [SERVICE_MODULE_META] = {GUID(0x6E6A094C, 0x839F, 0x4EAF, 0xBD22, 0x08CB9E1A318F), "ModuleMeta",
                             true},
    [SERVICE_HOST_INIT] = {GUID(0xAA810FBD, 0xB33C, 0x4895, 0x8E82, 0x8814EE849E02), "HostInit",
                           true},
    [SERVICE_MANAGED_HOST] = {GUID(0x7924FE60, 0xC967, 0x449C, 0xBA5D, 0x2EBAA7D16024),
                              "ManagedHost", true},
    [SERVICE_SHELL_EXEC] = {GUID(0xBEA684E7, 0x697F, 0x4201, 0x844F, 0x98224FA16D2F), "ShellExec",
                            false},
    [SERVICE_CONF_STORE] = {GUID(0x8583CDC9, 0xDB92, 0x45BE, 0x90CE, 0x4D3AA4CD14F5), "ConfStore",
                            false},
    [SERVICE_CONF_CONSUMER] = {GUID(0x8ED3A4D7, 0x7C78, 0x4B88, 0xA547, 0xA4D87A9DDC35),
                               "ConfConsumer", false},
};

/* Asked for every message: the rows differ in their first byte, and most others in that one too. */
static const uint8_t places[256] = {
    [0x00] = 1 + SERVICE_ALL,          [0x92] = 1 + SERVICE_BROKER,
    [0x6E] = 1 + SERVICE_MODULE_META,  [0xAA] = 1 + SERVICE_HOST_INIT,
    [0x79] = 1 + SERVICE_MANAGED_HOST, [0xBE] = 1 + SERVICE_SHELL_EXEC,
    [0x85] = 1 + SERVICE_CONF_STORE,   [0x8E] = 1 + SERVICE_CONF_CONSUMER,
};

const umh_guid *umh_service_guid(umh_service_id id)
{
    umh_assert((unsigned)id < SERVICE_ID_COUNT);
    return &rows[id].guid;
}

const char *umh_service_name(umh_service_id id)
{
    umh_assert((unsigned)id < SERVICE_ID_COUNT);
    return rows[id].name;
}

umh_service_id umh_service_find(const umh_guid *guid)
{
    unsigned place = places[guid->bytes[0]];

    if (place == 0 || memcmp(rows[place - 1].guid.bytes, guid->bytes, sizeof guid->bytes) != 0)
        return SERVICE_ORDINARY;
    return (umh_service_id)(place - 1);
}

bool umh_service_is_control(const umh_guid *guid)
{
    umh_service_id id = umh_service_find(guid);

    return id != SERVICE_ORDINARY && rows[id].is_control;
}

void umh_service_of_host(const char *host_id, umh_guid *ret_guid)
{
    umh_guid_derive(&rows[SERVICE_HOST_INIT].guid, umh_bytes_of_text(host_id), ret_guid);
}

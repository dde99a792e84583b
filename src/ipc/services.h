/* SPDX-License-Identifier: MIT */
/* Well-known services. Their GUIDs are those of the first implementation and never change. */
#pragma once

#include "formats/guid.h"

typedef enum umh_service_id {
    SERVICE_ALL, /* subscribe only */
    SERVICE_BROKER,
    SERVICE_MODULE_META,
    SERVICE_HOST_INIT,
    SERVICE_MANAGED_HOST,
    SERVICE_SHELL_EXEC,
    SERVICE_CONF_STORE,
    SERVICE_CONF_CONSUMER,
    SERVICE_ID_COUNT,
    SERVICE_ORDINARY = SERVICE_ID_COUNT /* none of them */
} umh_service_id;

const umh_guid *umh_service_guid(umh_service_id id);
const char *umh_service_name(umh_service_id id); /* "Broker"; static text */
/* SERVICE_ORDINARY when it is none of them */
umh_service_id umh_service_find(const umh_guid *guid);

/*
 * No module and no client may publish to it: everything in the table above but SHELL_EXEC,
 * CONF_STORE and CONF_CONSUMER.
 */
bool umh_service_is_control(const umh_guid *guid);

/*
 * The service GUID of a host: version 5 in the namespace of SERVICE_HOST_INIT, of "NAME" or
 * "NAME@SESSION".
 */
void umh_service_of_host(const char *host_id, umh_guid *ret_guid);

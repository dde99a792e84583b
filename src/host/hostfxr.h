/* SPDX-License-Identifier: MIT */
/*
 * The few functions of hostfxr that are called, declared here so that the native build never needs
 * an SDK. They are a stable interface of .NET (since 3.0). Characters are those of the system's own
 * paths: UTF-8 bytes wherever that is `char`.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef void *hostfxr_handle;

typedef struct hostfxr_parameters {
    size_t size;
    const char *host_path; /* NULL: the running program */
    const char *dotnet_root;
} hostfxr_parameters;

/* `arguments` begins with the path of the assembly. 0: done; the CLR is not loaded yet. */
typedef int32_t (*hostfxr_initialize_function)(int count, const char **arguments,
                                               const hostfxr_parameters *parameters,
                                               hostfxr_handle *ret_handle);

/* Before run: what AppContext.GetData is to give. */
typedef int32_t (*hostfxr_set_property_function)(hostfxr_handle handle, const char *name,
                                                 const char *value);

/* What it would give; borrowed until it is set. Not 0: there is none. */
typedef int32_t (*hostfxr_get_property_function)(hostfxr_handle handle, const char *name,
                                                 const char **ret_value);

/* Loads the CLR and runs Main on this thread; returns its exit code or a failure's number. */
typedef int32_t (*hostfxr_run_function)(hostfxr_handle handle);

/* For this thread: one call per line, without its end. Without a writer the lines go to stderr. */
typedef void (*hostfxr_error_writer)(const char *line);
typedef hostfxr_error_writer (*hostfxr_set_error_writer_function)(hostfxr_error_writer writer);

#define HOSTFXR_INITIALIZE "hostfxr_initialize_for_dotnet_command_line"
#define HOSTFXR_SET_PROPERTY "hostfxr_set_runtime_property_value"
#define HOSTFXR_GET_PROPERTY "hostfxr_get_runtime_property_value"
#define HOSTFXR_RUN "hostfxr_run_app"
#define HOSTFXR_SET_ERROR_WRITER "hostfxr_set_error_writer"

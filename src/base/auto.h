/* SPDX-License-Identifier: MIT */
/* Scoped cleanup, moved ownership, and the object around a member. */
#pragma once

#include <stddef.h>

/*
 * UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;    ends with umh_config_deinit(&config)
 * UMH_AUTO_PTR(umh_config) config = NULL;           ends with umh_config_free(config)
 * A header that defines type T with such a destructor says UMH_DEFINE_AUTO(T) or
 * UMH_DEFINE_AUTO_PTR(T) at its end.
 */
#define UMH_AUTO(type) __attribute__((cleanup(type##_auto_deinit))) type
#define UMH_AUTO_PTR(type) __attribute__((cleanup(type##_auto_free))) type *

#define UMH_DEFINE_AUTO(type)                                                                      \
    static inline void type##_auto_deinit(type *value)                                             \
    {                                                                                              \
        type##_deinit(value);                                                                      \
    }                                                                                              \
    struct umh_semicolon_

#define UMH_DEFINE_AUTO_PTR(type)                                                                  \
    static inline void type##_auto_free(type **pointer)                                            \
    {                                                                                              \
        *pointer = type##_free(*pointer);                                                          \
    }                                                                                              \
    struct umh_semicolon_

/* Yields the pointer and leaves NULL behind. */
#define UMH_MOVE(pointer)                                                                          \
    __extension__({                                                                                \
        __typeof__(pointer) moved_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        moved_;                                                                                    \
    })

#define umh_container_of(pointer, type, member)                                                    \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define UMH_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

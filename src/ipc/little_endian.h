/* SPDX-License-Identifier: MIT */
/*
 * Unaligned little-endian loads and stores: one instruction each where the processor is
 * little-endian. Any thread.
 */
#pragma once

#include <stdint.h>
#include <string.h>

/* Identity or byte swap, each its own inverse. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define UMH_LITTLE_16(value) (value)
#define UMH_LITTLE_32(value) (value)
#define UMH_LITTLE_64(value) (value)
#else
#define UMH_LITTLE_16(value) __builtin_bswap16(value)
#define UMH_LITTLE_32(value) __builtin_bswap32(value)
#define UMH_LITTLE_64(value) __builtin_bswap64(value)
#endif

static inline uint16_t umh_load_u16(const uint8_t *from)
{
    uint16_t value;

    memcpy(&value, from, sizeof value);
    return UMH_LITTLE_16(value);
}

static inline uint32_t umh_load_u32(const uint8_t *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof value);
    return UMH_LITTLE_32(value);
}

static inline uint64_t umh_load_u64(const uint8_t *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof value);
    return UMH_LITTLE_64(value);
}

static inline void umh_store_u64(uint8_t *to, uint64_t value)
{
    value = UMH_LITTLE_64(value);
    memcpy(to, &value, sizeof value);
}

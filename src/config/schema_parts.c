/* SPDX-License-Identifier: MIT */
/* The keys of the objects in a host: one row each. */
#include "config/config.h"
#include "config/schema_rows.h"
#include "platform/file.h"

/* Limits of lists and texts that only a configuration has; the others are in ipc/limits.h. */
#define MIB_MAX 65536
#define DAY_SECONDS 86400
#define DAY_MS 86400000
#define TIMEOUT_MS_MIN 10
#define HOLD_BYTES_MAX (1024LL * 1024 * 1024)
#define CPU_PERCENT_MAX 102400 /* of 1024 processors */
#define PROCESSES_MAX 4194304  /* the kernel's largest pid */
#define OPEN_FILES_MAX 1048576
#define PATH_BYTES_MAX (UMH_PATH_BYTES - 1)
#define FRAMEWORKS_MAX 8
#define PROPERTIES_MAX 64
#define HEAPS_MAX 1024
#define CONSERVE_MEMORY_MAX 9 /* the collector's own */

COUNT_FOLLOWS(umh_dotnet_config, frameworks, framework_count);
COUNT_FOLLOWS(umh_dotnet_config, properties, property_count);

/* A default that is a product in limits.h cannot become its text there; both must be the same. */
#define HOLD_BYTES_TEXT 4194304
#define HOLD_SECONDS_TEXT 60
FALLBACK_IS(UMH_HOLD_BYTES_DEFAULT, HOLD_BYTES_TEXT);
FALLBACK_IS(UMH_HOLD_SECONDS_DEFAULT, HOLD_SECONDS_TEXT);

static const umh_schema_row restart_rows[] = {
    {
        .owner = OBJECT_RESTART,
        .key = "When",
        .type = SCHEMA_ENUM,
        .choices = "Always|OnFailure|Never",
        .fallback = "\"Always\"",
        .offset = offsetof(umh_restart_config, when),
        .text =
            "After which ends the process is started again; `OnFailure`: unless it ended with exit "
            "code 0. When it is not given, it is `OnFailure` for a host with `Ui`.",
    },
    {
        .owner = OBJECT_RESTART,
        .key = "FirstDelayMs",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = DAY_MS,
        .offset = offsetof(umh_restart_config, first_delay_ms),
        .text = "The wait before the first restart.",
    },
    {
        .owner = OBJECT_RESTART,
        .key = "Factor",
        .type = SCHEMA_INTEGER,
        .fallback = "2",
        .lowest = 1,
        .highest = 100,
        .offset = offsetof(umh_restart_config, factor),
        .text = "Each further wait is so many times the one before.",
    },
    {
        .owner = OBJECT_RESTART,
        .key = "MaxDelayMs",
        .type = SCHEMA_INTEGER,
        .fallback = "30000",
        .highest = DAY_MS,
        .offset = offsetof(umh_restart_config, max_delay_ms),
        .text = "The longest wait; not below `FirstDelayMs`.",
    },
    {
        .owner = OBJECT_RESTART,
        .key = "Jitter",
        .type = SCHEMA_NUMBER,
        .fallback = "0.1",
        .highest = 1,
        .offset = offsetof(umh_restart_config, jitter),
        .text = "The share of a wait up to which it is shortened at random, so that hosts that "
                "ended together do not start together.",
    },
    {
        .owner = OBJECT_RESTART,
        .key = "HealthyAfterMs",
        .type = SCHEMA_INTEGER,
        .fallback = "10000",
        .highest = DAY_MS,
        .offset = offsetof(umh_restart_config, healthy_after_ms),
        .text = "A process that ran so long begins with the first wait again.",
    },
    {
        .owner = OBJECT_RESTART,
        .key = "MaxRestarts",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = UMH_RESTARTS_MAX,
        .offset = offsetof(umh_restart_config, max_restarts),
        .text = "After so many restarts within `PerMs` the host is not started again, until `umh "
                "reset`; `0`: it never gives up.",
    },
    {
        .owner = OBJECT_RESTART,
        .key = "PerMs",
        .type = SCHEMA_INTEGER,
        .fallback = "60000",
        .lowest = 1,
        .highest = DAY_MS,
        .offset = offsetof(umh_restart_config, per_ms),
        .text = "The time within which `MaxRestarts` counts.",
    },
};

static const umh_schema_row timeouts_rows[] = {
    {
        .owner = OBJECT_TIMEOUTS,
        .key = "HelloMs",
        .type = SCHEMA_INTEGER,
        .fallback = "10000",
        .lowest = TIMEOUT_MS_MIN,
        .highest = DAY_MS,
        .offset = offsetof(umh_timeouts_config, hello_ms),
        .text = "From the start of the process to its first answer.",
    },
    {
        .owner = OBJECT_TIMEOUTS,
        .key = "LoadMs",
        .type = SCHEMA_INTEGER,
        .fallback = "30000",
        .lowest = TIMEOUT_MS_MIN,
        .highest = DAY_MS,
        .offset = offsetof(umh_timeouts_config, load_ms),
        .text = "To load and initialise a module.",
    },
    {
        .owner = OBJECT_TIMEOUTS,
        .key = "StartMs",
        .type = SCHEMA_INTEGER,
        .fallback = "30000",
        .lowest = TIMEOUT_MS_MIN,
        .highest = DAY_MS,
        .offset = offsetof(umh_timeouts_config, start_ms),
        .text = "To start a module.",
    },
    {
        .owner = OBJECT_TIMEOUTS,
        .key = "StopMs",
        .type = SCHEMA_INTEGER,
        .fallback = "10000",
        .lowest = TIMEOUT_MS_MIN,
        .highest = DAY_MS,
        .offset = offsetof(umh_timeouts_config, stop_ms),
        .text = "To stop; then its pipe is closed, and a second later the process is killed.",
    },
    {
        .owner = OBJECT_TIMEOUTS,
        .key = "UnloadMs",
        .type = SCHEMA_INTEGER,
        .fallback = "10000",
        .lowest = TIMEOUT_MS_MIN,
        .highest = DAY_MS,
        .offset = offsetof(umh_timeouts_config, unload_ms),
        .text = "To unload a module; then the process is replaced.",
    },
    {
        .owner = OBJECT_TIMEOUTS,
        .key = "PingMs",
        .type = SCHEMA_INTEGER,
        .fallback = "10000",
        .lowest = TIMEOUT_MS_MIN,
        .highest = DAY_MS,
        .offset = offsetof(umh_timeouts_config, ping_ms),
        .text = "To answer a ping, counted after everything that lay in the pipe was read.",
    },
    {
        .owner = OBJECT_TIMEOUTS,
        .key = "CallbackMs",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = DAY_MS,
        .offset = offsetof(umh_timeouts_config, callback_ms),
        .text = "For one callback of a module with a message; after it the host is replaced. `0`: "
                "a callback may last, which is said and shown.",
    },
};

static const umh_schema_row hold_rows[] = {
    {
        .owner = OBJECT_HOLD,
        .key = "Bytes",
        .type = SCHEMA_INTEGER,
        .fallback = TEXT_OF(HOLD_BYTES_TEXT),
        .highest = HOLD_BYTES_MAX,
        .offset = offsetof(umh_hold_config, bytes),
        .text = "What exceeds it is dropped and counted; at most `MemoryMiB`.",
    },
    {
        .owner = OBJECT_HOLD,
        .key = "Seconds",
        .type = SCHEMA_INTEGER,
        .fallback = TEXT_OF(HOLD_SECONDS_TEXT),
        .highest = DAY_SECONDS,
        .offset = offsetof(umh_hold_config, seconds),
        .text = "What has waited longer is dropped and counted.",
    },
};

static const umh_schema_row limits_rows[] = {
    {
        .owner = OBJECT_LIMITS,
        .key = "MemoryMiB",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = MIB_MAX,
        .offset = offsetof(umh_limits_config, memory_mib),
        .text = "Memory, swap included; a host that needs more is ended. Managed modules get three "
                "quarters of it as their heap. `0`: no limit.",
    },
    {
        .owner = OBJECT_LIMITS,
        .key = "CpuPercent",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = CPU_PERCENT_MAX,
        .offset = offsetof(umh_limits_config, cpu_percent),
        .text = "Processor time, in percent of one processor: 200 are two. `0`: no limit.",
    },
    {
        .owner = OBJECT_LIMITS,
        .key = "Processes",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = PROCESSES_MAX,
        .offset = offsetof(umh_limits_config, processes),
        .text = "Processes and threads together. `0`: no limit.",
    },
    {
        .owner = OBJECT_LIMITS,
        .key = "OpenFiles",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = OPEN_FILES_MAX,
        .offset = offsetof(umh_limits_config, open_files),
        .text = "Open files of each process of the host; at least 64. `0`: as many as the broker.",
    },
    {
        .owner = OBJECT_LIMITS,
        .key = "Required",
        .type = SCHEMA_BOOL,
        .fallback = "true",
        .offset = offsetof(umh_limits_config, required),
        .text = "Whether the host must not run where one of its limits cannot be applied. `false`: "
                "it runs without, which is said.",
    },
};

static const umh_schema_row dotnet_rows[] = {
    {
        .owner = OBJECT_DOTNET,
        .key = "Root",
        .type = SCHEMA_TEXT,
        .fallback = "null",
        .lowest = 1,
        .highest = PATH_BYTES_MAX,
        .offset = offsetof(umh_dotnet_config, root),
        .text =
            "The folder of a .NET 10 installation, instead of the usual places. The environment is "
            "never asked.",
    },
    {
        .owner = OBJECT_DOTNET,
        .key = "Frameworks",
        .type = SCHEMA_TEXT_LIST,
        .fallback = "[]",
        .highest = FRAMEWORKS_MAX,
        .offset = offsetof(umh_dotnet_config, frameworks),
        .text = "The shared frameworks that the process has beside `Microsoft.NETCore.App`: a name "
                "such as `Microsoft.AspNetCore.App`, and behind it the lowest version if that "
                "matters (`Microsoft.AspNetCore.App 10.0.3`). Without any, those that the "
                "`NAME.runtimeconfig.json` beside each managed module names.",
    },
    {
        .owner = OBJECT_DOTNET,
        .key = "RollForward",
        .type = SCHEMA_ENUM,
        .choices = "Minor|LatestPatch|Major|LatestMinor|LatestMajor|Disable",
        .fallback = "\"Minor\"",
        .offset = offsetof(umh_dotnet_config, roll_forward),
        .text = "Which version of a framework is taken, in .NET's own words. `Major` and "
                "`LatestMajor` let modules that need a later .NET than 10 run where it is "
                "installed.",
    },
    {
        .owner = OBJECT_DOTNET,
        .key = "Gc",
        .type = SCHEMA_OBJECT,
        .object = OBJECT_GC,
        .fallback = "{}",
        .offset = offsetof(umh_dotnet_config, gc),
        .text = "How the garbage collector works.",
    },
    {
        .owner = OBJECT_DOTNET,
        .key = "TieredCompilation",
        .type = SCHEMA_SWITCH,
        .fallback = "null",
        .offset = offsetof(umh_dotnet_config, tiered_compilation),
        .text = "Whether methods are compiled quickly first and again once they are used much. Not "
                "given: as the modules have it, else `true`.",
    },
    {
        .owner = OBJECT_DOTNET,
        .key = "TieredPgo",
        .type = SCHEMA_SWITCH,
        .fallback = "null",
        .offset = offsetof(umh_dotnet_config, tiered_pgo),
        .text = "Whether the second compilation measures first what the method does: faster in the "
                "long run, slower until then. Not given: as the modules have it, else `false`.",
    },
    {
        .owner = OBJECT_DOTNET,
        .key = "InvariantGlobalization",
        .type = SCHEMA_SWITCH,
        .fallback = "null",
        .offset = offsetof(umh_dotnet_config, invariant_globalization),
        .text = "Whether all cultures have the formats and the order of none. `false` needs "
                "the system's ICU library (libicu) and costs memory. Not given: as the modules "
                "have it, else `true`.",
    },
    {
        .owner = OBJECT_DOTNET,
        .key = "Properties",
        .type = SCHEMA_TEXT_MAP,
        .fallback = "{}",
        .highest = PROPERTIES_MAX,
        .offset = offsetof(umh_dotnet_config, properties),
        .text = "Any other property of a `runtimeconfig.json`, such as "
                "`System.Net.Http.SocketsHttpHandler.Http3Support`.",
    },
    {
        .owner = OBJECT_DOTNET,
        .key = "Diagnostics",
        .type = SCHEMA_BOOL,
        .fallback = "false",
        .offset = offsetof(umh_dotnet_config, diagnostics),
        .text = "Opens the runtime's diagnostics endpoint, for debuggers and `dotnet-trace`.",
    },
};

static const umh_schema_row gc_rows[] = {
    {
        .owner = OBJECT_GC,
        .key = "Server",
        .type = SCHEMA_SWITCH,
        .fallback = "null",
        .offset = offsetof(umh_gc_config, server),
        .text = "A heap and a thread of the collector per processor: more work per second, much "
                "more memory. Not given: as the modules have it, else `false`.",
    },
    {
        .owner = OBJECT_GC,
        .key = "Concurrent",
        .type = SCHEMA_SWITCH,
        .fallback = "null",
        .offset = offsetof(umh_gc_config, concurrent),
        .text = "Whether the collector works beside the program instead of stopping it for long. "
                "Not given: as the modules have it, else `true`.",
    },
    {
        .owner = OBJECT_GC,
        .key = "HeapLimitMiB",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = MIB_MAX,
        .offset = offsetof(umh_gc_config, heap_limit_mib),
        .text = "The largest heap; a module that needs more gets an OutOfMemoryException. `0`: as "
                "the modules have it, else three quarters of `Limits.MemoryMiB`.",
    },
    {
        .owner = OBJECT_GC,
        .key = "HeapCount",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = HEAPS_MAX,
        .offset = offsetof(umh_gc_config, heap_count),
        .text = "Heaps with `Server`. `0`: as the modules have it, else one per processor.",
    },
    {
        .owner = OBJECT_GC,
        .key = "ConserveMemory",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = CONSERVE_MEMORY_MAX,
        .offset = offsetof(umh_gc_config, conserve_memory),
        .text = "How much the collector does for a small heap, up to 9. `0`: as the modules have "
                "it, else nothing.",
    },
    {
        .owner = OBJECT_GC,
        .key = "RetainMemory",
        .type = SCHEMA_SWITCH,
        .fallback = "null",
        .offset = offsetof(umh_gc_config, retain_memory),
        .text = "Whether memory that is free is kept instead of given back to the system. Not "
                "given: as the modules have it, else `false`.",
    },
};

const umh_schema_rows umh_schema_restart = ROWS(restart_rows);
const umh_schema_rows umh_schema_timeouts = ROWS(timeouts_rows);
const umh_schema_rows umh_schema_hold = ROWS(hold_rows);
const umh_schema_rows umh_schema_limits = ROWS(limits_rows);
const umh_schema_rows umh_schema_dotnet = ROWS(dotnet_rows);
const umh_schema_rows umh_schema_gc = ROWS(gc_rows);

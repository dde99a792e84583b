/* SPDX-License-Identifier: MIT */
/* The keys of broker.json: one row each. */
#include "config/schema.h"

#include "config/config.h"
#include "config/nearest.h"
#include "platform/file.h"

#include <string.h>

/* Limits of lists and texts that only a configuration has; the others are in ipc/limits.h. */
#define MODULE_FOLDERS_MAX 64
#define SERVICES_MAX 4096
#define VARIABLES_MAX 256
#define CONFIG_BYTES_MAX (256 * 1024) /* with the rest of its load command below the limit */
#define STAGES_MAX 100
#define MIB_MAX 65536
#define DAY_SECONDS 86400
#define DAY_MS 86400000
#define TIMEOUT_MS_MIN 10
#define HOLD_BYTES_MAX (1024LL * 1024 * 1024)
#define START_TOGETHER_MS_MAX 600000
#define CPU_PERCENT_MAX 102400 /* of 1024 processors */
#define PROCESSES_MAX 4194304  /* the kernel's largest pid */
#define OPEN_FILES_MIN 64      /* what a host needs for itself, and some */
#define OPEN_FILES_MAX 1048576
#define PATH_BYTES_MAX (UMH_PATH_BYTES - 1)
#define FRAMEWORKS_MAX 8
#define PROPERTIES_MAX 64
#define HEAPS_MAX 1024
#define CONSERVE_MEMORY_MAX 9 /* the collector's own */

/* A list is a pointer and, right behind it, its count. */
#define COUNT_FOLLOWS(type, list, count)                                                           \
    _Static_assert(offsetof(type, count) == offsetof(type, list) + sizeof(void *), #list)
COUNT_FOLLOWS(umh_config, hosts, host_count);
COUNT_FOLLOWS(umh_config, services, service_count);
COUNT_FOLLOWS(umh_config, module_folders, module_folder_count);
COUNT_FOLLOWS(umh_host_config, modules, module_count);
COUNT_FOLLOWS(umh_host_config, environment, environment_count);
COUNT_FOLLOWS(umh_module_config, arguments, argument_count);
COUNT_FOLLOWS(umh_dotnet_config, frameworks, framework_count);
COUNT_FOLLOWS(umh_dotnet_config, properties, property_count);

#define TEXT_OF(number) TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(value) #value
/* A default that is a product in limits.h cannot become its text there; both must be the same. */
#define FALLBACK_IS(limit, value) _Static_assert((limit) == (value), #limit)
#define MESSAGE_BYTES_TEXT 16777216
#define MEMORY_MIB_TEXT 64
#define QUEUE_MIB_TEXT 8
#define STALL_SECONDS_TEXT 60
#define HOLD_BYTES_TEXT 4194304
#define HOLD_SECONDS_TEXT 60
FALLBACK_IS(UMH_MESSAGE_BYTES_DEFAULT, MESSAGE_BYTES_TEXT);
FALLBACK_IS(UMH_MEMORY_MIB_DEFAULT, MEMORY_MIB_TEXT);
FALLBACK_IS(UMH_QUEUE_MIB_DEFAULT, QUEUE_MIB_TEXT);
FALLBACK_IS(UMH_STALL_SECONDS_DEFAULT, STALL_SECONDS_TEXT);
FALLBACK_IS(UMH_HOLD_BYTES_DEFAULT, HOLD_BYTES_TEXT);
FALLBACK_IS(UMH_HOLD_SECONDS_DEFAULT, HOLD_SECONDS_TEXT);

const umh_schema_row umh_schema_rows[] = {
    {
        .owner = OBJECT_ROOT,
        .key = "ChildProcesses",
        .type = SCHEMA_OBJECT_LIST,
        .object = OBJECT_HOST,
        .fallback = "[]",
        .highest = UMH_HOSTS_MAX,
        .offset = offsetof(umh_config, hosts),
        .change = CHANGE_IS_ELSEWHERE,
        .text = "The hosts: one process for each entry. An entry that is wrong is reported and "
                "left out, "
                "the others run.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "Broker",
        .type = SCHEMA_OBJECT,
        .object = OBJECT_ROOT,
        .fallback = "{}",
        .offset = UMH_SCHEMA_NOT_STORED,
        .change = CHANGE_IS_ELSEWHERE,
        .text = "Any of the other keys of this table may stand in this object instead of at the "
                "top; none "
                "in both places.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "Services",
        .type = SCHEMA_GUID_MAP,
        .fallback = "{}",
        .highest = SERVICES_MAX,
        .offset = offsetof(umh_config, services),
        .text = "Names for services, each with its GUID (with or without braces). Every command "
                "accepts "
                "the name; it wins over one that a module announces.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "ModuleFolders",
        .type = SCHEMA_TEXT_LIST,
        .fallback = "[]",
        .highest = MODULE_FOLDERS_MAX,
        .offset = offsetof(umh_config, module_folders),
        .text =
            "Folders in which modules are looked for first, relative to this file's folder; after "
            "them `modules` in this file's folder, that folder itself and the installation's "
            "`lib/umh/modules`. A change holds for the next load of each module.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "MaxMessageBytes",
        .type = SCHEMA_INTEGER,
        .fallback = TEXT_OF(MESSAGE_BYTES_TEXT),
        .lowest = UMH_MESSAGE_BYTES_LOWEST,
        .highest = UMH_MESSAGE_BYTES_HIGHEST,
        .offset = offsetof(umh_config, max_message_bytes),
        .change = CHANGE_NEEDS_BROKER,
        .text = "The longest message. It must fit in a quarter of `MemoryMiB`; when it is not "
                "given, that "
                "quarter is used where it is less than the default.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "MemoryMiB",
        .type = SCHEMA_INTEGER,
        .fallback = TEXT_OF(MEMORY_MIB_TEXT),
        .lowest = 1,
        .highest = MIB_MAX,
        .offset = offsetof(umh_config, memory_mib),
        .change = CHANGE_NEEDS_BROKER,
        .text =
            "What the broker may use for messages altogether: queues, credit, holds and outboxes.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "QueueMiB",
        .type = SCHEMA_INTEGER,
        .fallback = TEXT_OF(QUEUE_MIB_TEXT),
        .lowest = 1,
        .highest = MIB_MAX,
        .offset = offsetof(umh_config, queue_mib),
        .text =
            "How much may wait for one module before its publishers wait; at most `MemoryMiB`. The "
            "mark is lower while less than twice of it is free.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "StallSeconds",
        .type = SCHEMA_INTEGER,
        .fallback = TEXT_OF(STALL_SECONDS_TEXT),
        .lowest = 1,
        .highest = DAY_SECONDS,
        .offset = offsetof(umh_config, stall_seconds),
        .text = "A host with messages waiting from which no callback has returned for so long is "
                "replaced.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "StartTogetherMs",
        .type = SCHEMA_INTEGER,
        .fallback = "1000",
        .highest = START_TOGETHER_MS_MAX,
        .offset = offsetof(umh_config, start_together_ms),
        .text = "When the broker starts, the modules of all hosts start together, after this time "
                "at the "
                "latest, so that nobody misses the first message.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "LogLevel",
        .type = SCHEMA_ENUM,
        .choices = "Trace|Debug|Info|Warning|Error|Critical",
        .fallback = "\"Info\"",
        .offset = offsetof(umh_config, log_level),
        .text = "Records below this level are not shown. A change holds for the broker at once and "
                "for what a host's modules say from its next process on.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "Control",
        .type = SCHEMA_BOOL,
        .fallback = "true",
        .offset = offsetof(umh_config, control),
        .change = CHANGE_NEEDS_BROKER,
        .text = "Whether `umh status`, `umh listen` and the other commands can reach this broker.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "Watch",
        .type = SCHEMA_BOOL,
        .fallback = "false",
        .offset = offsetof(umh_config, watch),
        .text = "Whether a change of this file is performed at once, as `umh apply` would.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "DotNet",
        .type = SCHEMA_OBJECT,
        .object = OBJECT_DOTNET,
        .fallback = "{}",
        .offset = offsetof(umh_config, dotnet),
        .change = CHANGE_IS_ELSEWHERE,
        .text = "What holds for the managed modules of every host that does not say otherwise.",
    },
    {
        .owner = OBJECT_ROOT,
        .key = "$schema",
        .type = SCHEMA_TEXT,
        .fallback = "null",
        .highest = PATH_BYTES_MAX,
        .offset = UMH_SCHEMA_NOT_STORED,
        .change = CHANGE_IS_ELSEWHERE,
        .text = "For editors: where `broker.schema.json` is. The broker does not look at it.",
    },

    {
        .owner = OBJECT_HOST,
        .key = "GroupName",
        .type = SCHEMA_NAME,
        .fallback = NULL,
        .lowest = 1,
        .highest = UMH_NAME_BYTES_MAX,
        .offset = offsetof(umh_host_config, name),
        .change = CHANGE_IS_ELSEWHERE,
        .text = "The host's name, unique in the file whatever the case of its letters.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "Modules",
        .type = SCHEMA_OBJECT_LIST,
        .object = OBJECT_MODULE,
        .fallback = "[]",
        .highest = UMH_MODULES_PER_HOST_MAX,
        .offset = offsetof(umh_host_config, modules),
        .change = CHANGE_IS_ELSEWHERE,
        .text = "What this process loads, in this order: a module's name, or an object with more.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "Session",
        .type = SCHEMA_SESSION,
        .fallback = "\"Broker\"",
        .offset = offsetof(umh_host_config, session),
        .change = CHANGE_NEEDS_PROCESS,
        .text =
            "`\"Broker\"` or `0`: one process in the broker's own session. `\"AllUsers\"` or `-1`: "
            "one in every user's session; a broker in the foreground has one, its own.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "Wow64",
        .type = SCHEMA_BOOL,
        .fallback = "false",
        .offset = offsetof(umh_host_config, wow64),
        .change = CHANGE_NEEDS_PROCESS,
        .text = "A 32-bit process for 32-bit native modules; needs the 32-bit host program.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "IntegrityLevel",
        .type = SCHEMA_ENUM,
        .choices = "Default|Higher",
        .fallback = "\"Default\"",
        .highest = 1,
        .offset = offsetof(umh_host_config, integrity_level),
        .change = CHANGE_NEEDS_PROCESS,
        .text = "`Higher` (or `1`) raises a user interface above other programs of its session "
                "where the "
                "system knows such a thing: Windows does, Linux does not.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "Ui",
        .type = SCHEMA_BOOL,
        .fallback = "false",
        .offset = offsetof(umh_host_config, ui),
        .change = CHANGE_NEEDS_PROCESS,
        .text =
            "The process has a user interface: it starts only in graphical sessions, and a module "
            "may use its main thread: a native one, or a program, which has .NET to itself. "
            "`Restart.When` is `OnFailure` then, unless it is given.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "Stage",
        .type = SCHEMA_INTEGER,
        .fallback = "0",
        .highest = STAGES_MAX,
        .offset = offsetof(umh_host_config, stage),
        .text = "Hosts of a lower stage come first.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "OnHeld",
        .type = SCHEMA_ENUM,
        .choices = "Replace|Refuse",
        .fallback = "\"Replace\"",
        .offset = offsetof(umh_host_config, on_held),
        .text = "What is done when a module is to leave the process and something holds it there: "
                "the process is replaced, without a loss but with all its modules; or it and its "
                "other modules are not touched, and what is left of the module stays in memory, "
                "named and watched. `umh unload` and `umh reload` can have it otherwise for once.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "Environment",
        .type = SCHEMA_TEXT_MAP,
        .fallback = "{}",
        .highest = VARIABLES_MAX,
        .offset = offsetof(umh_host_config, environment),
        .change = CHANGE_NEEDS_PROCESS,
        .text = "Variables of the process, beside the few that it gets in any case.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "Restart",
        .type = SCHEMA_OBJECT,
        .object = OBJECT_RESTART,
        .fallback = "{}",
        .offset = offsetof(umh_host_config, restart),
        .text = "What happens after the process ended by itself.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "Timeouts",
        .type = SCHEMA_OBJECT,
        .object = OBJECT_TIMEOUTS,
        .fallback = "{}",
        .offset = offsetof(umh_host_config, timeouts),
        .text = "How long each step may take; a host that takes longer is killed and restarted.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "Hold",
        .type = SCHEMA_OBJECT,
        .object = OBJECT_HOLD,
        .fallback = "{}",
        .offset = offsetof(umh_host_config, hold),
        .text = "What is kept for the host's modules after a crash until they are back.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "Limits",
        .type = SCHEMA_OBJECT,
        .object = OBJECT_LIMITS,
        .fallback = "{}",
        .offset = offsetof(umh_host_config, limits),
        .change = CHANGE_NEEDS_PROCESS,
        .text = "What the host may use, with all that it starts.",
    },
    {
        .owner = OBJECT_HOST,
        .key = "DotNet",
        .type = SCHEMA_OBJECT,
        .object = OBJECT_DOTNET,
        .fallback = "{}",
        .offset = offsetof(umh_host_config, dotnet),
        .change = CHANGE_NEEDS_PROCESS,
        .text = "What differs for this host from the `DotNet` of the whole.",
    },

    {
        .owner = OBJECT_MODULE,
        .key = "Name",
        .type = SCHEMA_NAME,
        .fallback = "null",
        .lowest = 1,
        .highest = UMH_NAME_BYTES_MAX,
        .offset = offsetof(umh_module_config, name),
        .change = CHANGE_IS_ELSEWHERE,
        .text = "The module's name, unique in its host whatever the case of its letters. Without "
                "`Path`, "
                "the module is found by it; it may be left out beside `Path`, whose file name "
                "without the ending it then is.",
    },
    {
        .owner = OBJECT_MODULE,
        .key = "Path",
        .type = SCHEMA_TEXT,
        .fallback = "null",
        .lowest = 1,
        .highest = PATH_BYTES_MAX,
        .offset = offsetof(umh_module_config, path),
        .change = CHANGE_NEEDS_RELOAD,
        .text = "The module's file, relative to this file's folder, instead of the search by name.",
    },
    {
        .owner = OBJECT_MODULE,
        .key = "Config",
        .type = SCHEMA_ANY,
        .fallback = "{}",
        .highest = CONFIG_BYTES_MAX,
        .offset = offsetof(umh_module_config, config),
        .change = CHANGE_IS_TOLD,
        .text =
            "The module's own configuration: any object; the module gets it as it is here, without "
            "comments.",
    },
    {
        .owner = OBJECT_MODULE,
        .key = "Arguments",
        .type = SCHEMA_TEXT_LIST,
        .fallback = "[]",
        .highest = UMH_PROGRAM_ARGUMENTS_MAX,
        .offset = offsetof(umh_module_config, arguments),
        .change = CHANGE_NEEDS_RELOAD,
        .text =
            "What `Main` is given of a module that is a program (a .NET assembly marked EXE); no "
            "other module may have any.",
    },
    {
        .owner = OBJECT_MODULE,
        .key = "Overflow",
        .type = SCHEMA_ENUM,
        .choices = "Block|DropOldest|DropNewest",
        .fallback = "\"Block\"",
        .offset = offsetof(umh_module_config, overflow),
        .text = "What happens to messages for a module that does not keep up: their publishers "
                "wait, or "
                "the oldest or the newest are dropped and counted.",
    },
    {
        .owner = OBJECT_MODULE,
        .key = "OnException",
        .type = SCHEMA_ENUM,
        .choices = "Log|Reload|Quarantine",
        .fallback = "\"Log\"",
        .offset = offsetof(umh_module_config, on_exception),
        .change = CHANGE_NEEDS_RELOAD,
        .text = "What is done when a callback of a managed module throws, beside the record in the "
                "log and the count in the status: nothing, the module is reloaded, or it is "
                "unloaded and stays so until somebody reloads it.",
    },
    {
        .owner = OBJECT_MODULE,
        .key = "Reload",
        .type = SCHEMA_ENUM,
        .choices = "Manual|OnChange",
        .fallback = "\"Manual\"",
        .offset = offsetof(umh_module_config, reload),
        .text = "When another file is taken: when somebody reloads the module, or by itself as "
                "soon as the file, or the folder that is copied with it, has changed, has been "
                "quiet for 200 ms and is whole.",
    },

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

const size_t umh_schema_row_count = UMH_COUNT_OF(umh_schema_rows);

static const char *const object_names[OBJECT_COUNT] = {
    [OBJECT_ROOT] = "the file",
    [OBJECT_HOST] = "ChildProcesses[]",
    [OBJECT_MODULE] = "ChildProcesses[].Modules[]",
    [OBJECT_RESTART] = "ChildProcesses[].Restart",
    [OBJECT_TIMEOUTS] = "ChildProcesses[].Timeouts",
    [OBJECT_HOLD] = "ChildProcesses[].Hold",
    [OBJECT_LIMITS] = "ChildProcesses[].Limits",
    [OBJECT_DOTNET] = "DotNet",
    [OBJECT_GC] = "DotNet.Gc",
};

const char *umh_schema_object_name(umh_schema_object object)
{
    umh_assert(object < OBJECT_COUNT);
    return object_names[object];
}

const umh_schema_row *umh_schema_find(umh_schema_object owner, const char *key)
{
    for (size_t i = 0; i < umh_schema_row_count; i++) {
        if (umh_schema_rows[i].owner == owner && strcmp(umh_schema_rows[i].key, key) == 0)
            return &umh_schema_rows[i];
    }
    return NULL;
}

bool umh_schema_is_name(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t size = strlen(text);

    /* A leading '.' would be a hidden or a parent folder, a leading '-' an option of a command. */
    return size > 0 && size <= UMH_NAME_BYTES_MAX && strspn(text, letters) == size &&
           text[0] != '.' && text[0] != '-';
}

const char *umh_schema_nearest(umh_schema_object owner, const char *key)
{
    umh_nearest nearest = UMH_NEAREST_OF(key);

    for (size_t i = 0; i < umh_schema_row_count; i++) {
        if (umh_schema_rows[i].owner == owner)
            umh_nearest_offer(&nearest, umh_schema_rows[i].key);
    }
    return nearest.best;
}

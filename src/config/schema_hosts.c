/* SPDX-License-Identifier: MIT */
/* The keys of the file, of a host and of a module: one row each. */
#include "config/config.h"
#include "config/schema_rows.h"
#include "platform/file.h"

/* Limits of lists and texts that only a configuration has; the others are in ipc/limits.h. */
#define MODULE_FOLDERS_MAX 64
#define SERVICES_MAX 4096
#define VARIABLES_MAX 256
#define CONFIG_BYTES_MAX (256 * 1024) /* with the rest of its load command below the limit */
#define STAGES_MAX 100
#define MIB_MAX 65536
#define DAY_SECONDS 86400
#define START_TOGETHER_MS_MAX 600000
#define PATH_BYTES_MAX (UMH_PATH_BYTES - 1)

COUNT_FOLLOWS(umh_config, hosts, host_count);
COUNT_FOLLOWS(umh_config, services, service_count);
COUNT_FOLLOWS(umh_config, module_folders, module_folder_count);
COUNT_FOLLOWS(umh_host_config, modules, module_count);
COUNT_FOLLOWS(umh_host_config, environment, environment_count);
COUNT_FOLLOWS(umh_module_config, arguments, argument_count);

/* A default that is a product in limits.h cannot become its text there; both must be the same. */
#define MESSAGE_BYTES_TEXT 16777216
#define MEMORY_MIB_TEXT 64
#define QUEUE_MIB_TEXT 8
#define STALL_SECONDS_TEXT 60
FALLBACK_IS(UMH_MESSAGE_BYTES_DEFAULT, MESSAGE_BYTES_TEXT);
FALLBACK_IS(UMH_MEMORY_MIB_DEFAULT, MEMORY_MIB_TEXT);
FALLBACK_IS(UMH_QUEUE_MIB_DEFAULT, QUEUE_MIB_TEXT);
FALLBACK_IS(UMH_STALL_SECONDS_DEFAULT, STALL_SECONDS_TEXT);

static const umh_schema_row root_rows[] = {
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
};

static const umh_schema_row host_rows[] = {
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
};

static const umh_schema_row module_rows[] = {
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
};

const umh_schema_rows umh_schema_root = ROWS(root_rows);
const umh_schema_rows umh_schema_host = ROWS(host_rows);
const umh_schema_rows umh_schema_module = ROWS(module_rows);

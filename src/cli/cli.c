/* SPDX-License-Identifier: MIT */
/* The table of subcommands, and what all of them say alike. */
#include "cli/cli.h"

#include "base/auto.h"
#include "platform/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES 2048
#define CONFIG_NAME "broker.json"

const umh_cli_command umh_cli_commands[] = {
    {
        .name = "run",
        .usage = "run FILE [--for SECONDS] [--instance NAME] [--control PATH]",
        .text = "run a broker in the foreground",
        .help = "Starts the hosts of FILE (a broker.json, or a folder that holds one),\n"
                "supervises them and routes their messages until SIGINT, SIGTERM or `umh stop`;\n"
                "then stops them in order. The log goes to stderr.\n"
                "\n"
                "  --for SECONDS    stop in order after that time\n"
                "  --instance NAME  several brokers on one machine have different names\n"
                "  --control PATH   socket of the control endpoint\n",
        .run = umh_cli_run,
    },
    {
        .name = "new",
        .usage = "new module NAME --language c|c++|csharp [FOLDER] [--json]",
        .text = "make a module's project, with a test",
        .help = "Writes a small project that builds, has a test and runs at once, into the new or\n"
                "empty FOLDER (default: NAME), with service GUIDs of its own. Prints what to do\n"
                "next.\n"
                "\n"
                "  --language LANGUAGE  c, c++ or csharp\n"
                "  --json               name, folder, services and files as one JSON object\n",
        .run = umh_cli_new,
    },
    {
        .name = "try",
        .usage = "try [MODULE] [--wait SECONDS] [--verbose]",
        .text = "run one module alone and talk to it",
        .help = "Starts a broker with one host and MODULE in a temporary folder. Each line\n"
                "`SERVICE TEXT` of stdin is published; each message of the module is such a\n"
                "line on stdout. At the end of stdin it waits until the module has been silent\n"
                "for 0.2 seconds (10 seconds at most), and stops. MODULE is a file, a folder\n"
                "that holds a module of its name, the name of what is built in this folder, or\n"
                "that of an installed one; without it, what was built last in this folder:\n"
                "NAME.so in it or in build, or the NAME.dll of a NAME.csproj in it or one folder\n"
                "deeper, except NAME.Tests. The names under \"Services\" of a broker.json in this\n"
                "folder may stand for their GUIDs.\n"
                "\n"
                "  --wait SECONDS   stop so long after the end of stdin, silent or not\n"
                "  --verbose        the whole log on stderr, not only warnings and errors\n",
        .run = umh_cli_try,
    },
    {
        .name = "check",
        .usage = "check FILE",
        .text = "check a configuration and the modules it names",
        .help = "Reports everything that is wrong with FILE and with the files of its modules,\n"
                "and whether .NET is there for managed ones. Starts nothing.\n",
        .run = umh_cli_check,
    },
    {
        .name = "plan",
        .usage = "plan [FILE] [--json]",
        .text = "say what would be started and stopped",
        .help = "The steps that `umh apply FILE` would do to the running system; from nothing\n"
                "where no broker runs. Without FILE those that the running broker still has to\n"
                "do. Does none of them.\n"
                "\n"
                "  --json   steps and problems as one JSON object\n",
        .run = umh_cli_plan,
    },
    {
        .name = "apply",
        .usage = "apply [FILE] [--host NAME] [--json]",
        .text = "have the running broker take its configuration over anew",
        .help = "Reads the broker's file again, or FILE, which it follows from then on, and\n"
                "prints the steps that are performed. What did not change goes on untouched. A\n"
                "file that cannot be used changes nothing; an entry that is wrong leaves that\n"
                "host as it last was; exit code 1 in both cases. What was loaded or unloaded at\n"
                "run time is forgotten for hosts whose entry changed.\n"
                "\n"
                "  --host NAME  forget it for this host too, and start it if it has given up\n"
                "  --json       steps and problems as one JSON object\n",
        .run = umh_cli_apply,
    },
    {
        .name = "status",
        .usage = "status [--json]",
        .text = "show hosts and modules of the running broker",
        .help = "  --json   everything the broker says of itself, as one JSON object\n",
        .run = umh_cli_status,
    },
    {
        .name = "load",
        .usage = "load HOST MODULE [--timeout SECONDS] [--json]",
        .text = "load a module into a running host",
        .help = "MODULE is a name, or the path of a file. Returns when the module runs, or says\n"
                "why it does not.\n"
                "\n"
                "  --timeout SECONDS  how long to wait for that (default: 120)\n"
                "  --json             the outcome as one JSON object\n",
        .run = umh_cli_load,
    },
    {
        .name = "unload",
        .usage = "unload HOST MODULE [--explain] [--replace|--no-replace] [--timeout SECONDS] "
                 "[--json]",
        .text = "unload a module",
        .help =
            "Prints \"unloaded\" where the module has gone from its process, \"replaced\" where\n"
            "something held it and the process was replaced by a fresh one without it, and\n"
            "\"refused\", with exit code 1, where something held it and the process was left\n"
            "alone: the module is stopped, and what is left of it stays in memory. The\n"
            "host's OnHeld says which of the two it is. What held it is on stderr.\n"
            "\n"
            "  --explain          print who holds it, one by one; of a managed module by a dump\n"
            "                     of the process, which needs DotNet.Diagnostics: it stands\n"
            "                     still for a moment while that is written\n"
            "  --replace          replace the process of a module that is held\n"
            "  --no-replace       leave it alone\n"
            "  --timeout SECONDS  how long to wait for that (default: 120)\n"
            "  --json             the outcome as one JSON object\n",
        .run = umh_cli_load,
    },
    {
        .name = "reload",
        .usage = "reload HOST MODULE [--explain] [--replace|--no-replace] [--timeout SECONDS] "
                 "[--json]",
        .text = "replace a module by what is in its place now",
        .help =
            "Messages are held meanwhile, and none is lost. Prints \"running\", or \"replaced\"\n"
            "where something held the module before and the process was replaced as well.\n"
            "Where the process was left alone, what is left over is said on stderr, and exit\n"
            "code 1 says that the module does not run.\n"
            "\n"
            "  --explain, --replace, --no-replace  as with `umh unload`\n"
            "  --timeout SECONDS  how long to wait for that (default: 120)\n"
            "  --json             the outcome as one JSON object\n",
        .run = umh_cli_load,
    },
    {
        .name = "reset",
        .usage = "reset HOST",
        .text = "start a host that waits or has given up",
        .help = "Forgets how often the host ended, so that its waits begin anew. Prints\n"
                "\"starts now\" where it waited for its next start or would not have been started\n"
                "again, \"runs already\" otherwise.\n",
        .run = umh_cli_reset,
    },
    {
        .name = "send",
        .usage = "send SERVICE [TEXT|-] [--session N] [--timeout SECONDS]",
        .text = "publish one message",
        .help = "Done when the broker has taken it. SERVICE is a name or a GUID. Without TEXT,\n"
                "or with -, the text is all of stdin, as it is.\n"
                "\n"
                "  --session N        to one session (default: every session)\n"
                "  --timeout SECONDS  how long to wait for room (default: 10)\n",
        .run = umh_cli_send,
    },
    {
        .name = "listen",
        .usage = "listen [SERVICE...] [--count N] [--timeout SECONDS] [--json]",
        .text = "print messages as they come",
        .help = "One line per message: service, sender, session, text; control characters are\n"
                "escaped. Without SERVICE all but control messages. Says \"listening\" on stderr\n"
                "once it does. Who does not read in time loses the oldest messages: it never\n"
                "holds up the system.\n"
                "\n"
                "  --count N          end after N messages; exit code 1 if any were lost\n"
                "  --timeout SECONDS  end after that time; exit code 1 if --count was not reached\n"
                "  --json             one JSON object per line\n",
        .run = umh_cli_listen,
    },
    {
        .name = "stop",
        .usage = "stop [--timeout SECONDS]",
        .text = "stop the running broker in order",
        .help = "Returns when it has ended.\n"
                "\n"
                "  --timeout SECONDS  how long to wait for that (default: 60)\n",
        .run = umh_cli_stop,
    },
    {
        .name = "service",
        .usage = "service install|uninstall|start|stop|status [--instance NAME] [--config FILE] "
                 "[--json]",
        .text = "the broker as a service of the system",
        .help =
            "  install    have the system start a broker with FILE at boot; checks FILE before.\n"
            "             Does not start it. Once more: with another FILE, or another umh\n"
            "  uninstall  stop it and take that back; configuration and data stay\n"
            "  start      returns when the hosts run\n"
            "  stop       returns when it has ended\n"
            "  status     what the system and the broker say of it; exit code 1: it is not\n"
            "             active\n"
            "\n"
            "  --config FILE    for install: a broker.json, or a folder that holds one\n"
            "  --instance NAME  several services on one machine have different names\n"
            "  --json           the state as one JSON object\n",
        .run = umh_cli_service,
    },
    {
        .name = "version",
        .usage = "version",
        .text = "print the version",
        .run = umh_cli_version,
    },
    {
        .name = "help",
        .usage = "help [COMMAND]",
        .text = "print this, or more about a command",
        .run = umh_cli_help,
    },
};

const size_t umh_cli_command_count = UMH_COUNT_OF(umh_cli_commands);

const umh_cli_command *umh_cli_find_command(const char *name)
{
    for (size_t i = 0; i < umh_cli_command_count; i++) {
        if (strcmp(umh_cli_commands[i].name, name) == 0)
            return &umh_cli_commands[i];
    }
    return NULL;
}

/* ------------------------- saying no */

int umh_cli_refuse(const char *format, ...)
{
    char line[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "umh: %s\n", line);
    return CLI_FAILED;
}

int umh_cli_refuse_why(const umh_why *why)
{
    char line[LINE_BYTES];

    umh_why_format(why, line, sizeof line);
    return umh_cli_refuse("%s", line);
}

int umh_cli_fail(void)
{
    umh_failure failure = umh_failure_take();
    char line[LINE_BYTES];

    umh_failure_format(&failure, line, sizeof line);
    return umh_cli_refuse("%s", line);
}

int umh_cli_misuse(const umh_cli *cli, const char *format, ...)
{
    const umh_cli_command *command = umh_cli_find_command(cli->argv[0]);
    char line[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "umh: %s: %s\nusage: umh %s\n", cli->argv[0], line,
            command ? command->usage : "help");
    return CLI_USAGE;
}

/* ------------------------- configurations */

int umh_cli_find_config(const char *file, char *ret_path)
{
    int r = umh_file_absolute(file, ret_path);

    if (r == 0 && umh_file_inspect(ret_path).kind == FILE_KIND_FOLDER)
        r = umh_file_join(ret_path, CONFIG_NAME, ret_path);
    return r;
}

void umh_cli_print_problems(const umh_why_list *problems)
{
    char line[LINE_BYTES];

    for (size_t i = 0; i < problems->count; i++) {
        umh_why_format(&problems->items[i], line, sizeof line);
        fprintf(stderr, "%s\n", line);
    }
    if (problems->dropped_count > 0)
        fprintf(stderr, "and %llu more\n", (unsigned long long)problems->dropped_count);
}

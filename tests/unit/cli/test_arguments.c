/* SPDX-License-Identifier: MIT */
/* Command lines at their edges: what is taken, what is refused, and with which code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/arguments.h"

#define WORDS_MAX 12
#define WORD_BYTES 80

/* A command line whose words may be written to, like those of main. */
typedef struct line {
    char words[WORDS_MAX][WORD_BYTES];
    char *argv[WORDS_MAX + 1];
    int argc;
} line;

/* Words are separated by one space each. */
static void set_line(line *to, const char *text)
{
    to->argc = 0;
    while (*text) {
        size_t size = strcspn(text, " ");

        memcpy(to->words[to->argc], text, size);
        to->words[to->argc][size] = '\0';
        to->argv[to->argc] = to->words[to->argc];
        to->argc++;
        text += size + (text[size] == ' ');
    }
    to->argv[to->argc] = NULL;
}

static int split(line *words, const char *text, umh_cli *cli, const umh_cli_command **command)
{
    *cli = (umh_cli){.instance = "default"};
    *command = NULL;
    set_line(words, text);
    return umh_arguments_split(words->argc, words->argv, cli, command);
}

/* ------------------------- values */

static void test_reads_seconds(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } right[] = {{"0", 0},          {"1", 1000},   {"1.5", 1500},    {"0.2", 200},
                 {".25", 250},      {"0.0019", 1}, {"00012", 12000}, {"1000000000", 1000000000000},
                 {"3.999999", 3999}};
    static const char *const wrong[] = {
        "",   ".",  "1.", "-1",  "+1",   "1e3", "inf",        "0x10",
        "1s", " 1", "1 ", "1,5", "1..5", "nan", "1000000001", "99999999999999999999999999"};
    uint64_t ms;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(right); i++) {
        assert_true(umh_arguments_seconds(right[i].text, &ms));
        assert_true(ms == right[i].ms);
    }
    for (size_t i = 0; i < UMH_COUNT_OF(wrong); i++) {
        ms = 7;
        assert_false(umh_arguments_seconds(wrong[i], &ms));
        assert_true(ms == 7);
    }
}

static void test_reads_numbers(void **state)
{
    static const char *const wrong[] = {"", "-", "1.0", "0x1", " 1", "1 ", "+1", "--1"};
    int64_t number;

    (void)state;
    assert_true(umh_arguments_number("0", 0, 0, &number) && number == 0);
    assert_true(umh_arguments_number("-0", 0, 0, &number) && number == 0);
    assert_true(umh_arguments_number("4294967295", 0, 4294967295, &number));
    assert_true(number == 4294967295);
    assert_false(umh_arguments_number("4294967296", 0, 4294967295, &number));
    assert_true(umh_arguments_number("9223372036854775807", INT64_MIN, INT64_MAX, &number));
    assert_true(number == INT64_MAX);
    assert_true(umh_arguments_number("-9223372036854775808", INT64_MIN, INT64_MAX, &number));
    assert_true(number == INT64_MIN);
    assert_false(umh_arguments_number("9223372036854775808", INT64_MIN, INT64_MAX, &number));
    assert_false(umh_arguments_number("-9223372036854775809", INT64_MIN, INT64_MAX, &number));
    assert_false(umh_arguments_number("92233720368547758070", INT64_MIN, INT64_MAX, &number));
    assert_false(umh_arguments_number("-1", 0, 10, &number));
    assert_false(umh_arguments_number("0", 1, 10, &number));
    for (size_t i = 0; i < UMH_COUNT_OF(wrong); i++)
        assert_false(umh_arguments_number(wrong[i], INT64_MIN, INT64_MAX, &number));
}

/* ------------------------- the walk */

static void test_walks_in_order(void **state)
{
    line words;
    umh_cli cli;
    umh_arguments arguments;
    umh_argument argument;

    (void)state;
    set_line(&words, "send --session 3 svc --timeout=1.5 - -- --not-an-option --");
    cli = (umh_cli){.argc = words.argc, .argv = words.argv};
    arguments = umh_arguments_of(&cli);

    assert_true(umh_arguments_next(&arguments, &argument));
    assert_string_equal(argument.option, "session");
    assert_null(argument.value);
    assert_true(umh_arguments_value(&arguments, &argument));
    assert_string_equal(argument.value, "3");
    assert_true(umh_arguments_next(&arguments, &argument));
    assert_null(argument.option);
    assert_string_equal(argument.value, "svc");
    assert_true(umh_arguments_next(&arguments, &argument));
    assert_string_equal(argument.option, "timeout");
    assert_true(umh_arguments_value(&arguments, &argument));
    assert_string_equal(argument.value, "1.5");
    assert_true(umh_arguments_next(&arguments, &argument));
    assert_null(argument.option);
    assert_string_equal(argument.value, "-");
    assert_true(umh_arguments_next(&arguments, &argument));
    assert_null(argument.option);
    assert_string_equal(argument.value, "--not-an-option");
    assert_true(umh_arguments_next(&arguments, &argument));
    assert_string_equal(argument.value, "--");
    assert_false(umh_arguments_next(&arguments, &argument));
}

static void test_walk_ends_without_a_value(void **state)
{
    line words;
    umh_cli cli;
    umh_arguments arguments;
    umh_argument argument;

    (void)state;
    set_line(&words, "listen --count");
    cli = (umh_cli){.argc = words.argc, .argv = words.argv};
    arguments = umh_arguments_of(&cli);
    assert_true(umh_arguments_next(&arguments, &argument));
    assert_false(umh_arguments_value(&arguments, &argument));
    set_line(&words, "listen --");
    cli = (umh_cli){.argc = words.argc, .argv = words.argv};
    arguments = umh_arguments_of(&cli);
    assert_false(umh_arguments_next(&arguments, &argument));
}

/* An empty value after '=' is a value. */
static void test_walk_takes_an_empty_value(void **state)
{
    line words;
    umh_cli cli;
    umh_arguments arguments;
    umh_argument argument;

    (void)state;
    set_line(&words, "run --for= file");
    cli = (umh_cli){.argc = words.argc, .argv = words.argv};
    arguments = umh_arguments_of(&cli);
    assert_true(umh_arguments_next(&arguments, &argument));
    assert_true(umh_arguments_value(&arguments, &argument));
    assert_string_equal(argument.value, "");
    assert_true(umh_arguments_next(&arguments, &argument));
    assert_string_equal(argument.value, "file");
}

/* ------------------------- all of a subcommand */

typedef struct taken {
    bool is_json;
    const char *text;
    uint64_t ms;
    int64_t number;
    const char *positionals[2];
    size_t count;
    int code;
} taken;

static bool read_all(const char *text, taken *to)
{
    static line words;
    const umh_option options[] = {
        {.name = "json", .kind = OPTION_FLAG, .to = &to->is_json},
        {.name = "text", .kind = OPTION_TEXT, .to = &to->text},
        {.name = "timeout", .kind = OPTION_SECONDS, .to = &to->ms},
        {.name = "count", .kind = OPTION_NUMBER, .to = &to->number, .lowest = 1, .highest = 9},
    };
    const umh_arguments_spec spec = {.options = options,
                                     .option_count = UMH_COUNT_OF(options),
                                     .positional_text = "SERVICE is",
                                     .positional_min = 1,
                                     .positional_max = 2};
    umh_cli cli;

    *to = (taken){.code = -1};
    set_line(&words, text);
    cli = (umh_cli){.argc = words.argc, .argv = words.argv};
    return umh_arguments_read(&cli, &spec, to->positionals, &to->count, &to->code);
}

static void test_reads_all(void **state)
{
    taken all;

    (void)state;
    assert_true(read_all("listen a --json --count 9 --text=x=y b --timeout .5", &all));
    assert_true(all.is_json);
    assert_string_equal(all.text, "x=y");
    assert_true(all.ms == 500);
    assert_true(all.number == 9);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.positionals[0], "a");
    assert_string_equal(all.positionals[1], "b");
    assert_true(read_all("listen a", &all));
    assert_int_equal(all.count, 1);
    assert_false(all.is_json);
}

static void test_rejects_wrong_usage(void **state)
{
    static const char *const wrong[] = {
        "listen",
        "listen a b c",
        "listen a --jsn",
        "listen a --json=1",
        "listen a --count",
        "listen a --count 0",
        "listen a --count 10",
        "listen a --count=x",
        "listen a --timeout -1",
        "listen a --unlike-any-other",
        "listen -- a b c",
    };
    taken all;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(wrong); i++) {
        assert_false(read_all(wrong[i], &all));
        assert_int_equal(all.code, CLI_USAGE);
    }
}

static void test_help_of_a_subcommand_is_done(void **state)
{
    taken all;

    (void)state;
    assert_false(read_all("listen --help", &all));
    assert_int_equal(all.code, CLI_DONE);
    assert_false(read_all("listen a b -h", &all));
    assert_int_equal(all.code, CLI_DONE);
    assert_true(read_all("listen -- --help", &all));
    assert_string_equal(all.positionals[0], "--help");
}

/* ------------------------- before the subcommand */

static void test_finds_the_subcommand(void **state)
{
    const umh_cli_command *command;
    umh_cli cli;
    line words;

    (void)state;
    assert_int_equal(split(&words, "umh status --json", &cli, &command), CLI_DONE);
    assert_string_equal(command->name, "status");
    assert_string_equal(cli.instance, "default");
    assert_null(cli.control_path);
    assert_int_equal(cli.argc, 2);
    assert_string_equal(cli.argv[0], "status");
    assert_string_equal(cli.argv[1], "--json");

    assert_int_equal(
        split(&words, "umh --control /x/y --instance=two send a --instance b", &cli, &command),
        CLI_DONE);
    assert_string_equal(command->name, "send");
    assert_string_equal(cli.control_path, "/x/y");
    assert_string_equal(cli.instance, "two");
    assert_int_equal(cli.argc, 4);
    assert_string_equal(cli.argv[2], "--instance");
}

static void test_options_that_are_subcommands(void **state)
{
    const umh_cli_command *command;
    umh_cli cli;
    line words;

    (void)state;
    assert_int_equal(split(&words, "umh --version", &cli, &command), CLI_DONE);
    assert_string_equal(command->name, "version");
    assert_int_equal(cli.argc, 1);
    assert_string_equal(cli.argv[0], "version");
    assert_int_equal(split(&words, "umh --help try", &cli, &command), CLI_DONE);
    assert_string_equal(command->name, "help");
    assert_int_equal(cli.argc, 2);
    assert_string_equal(cli.argv[1], "try");
    assert_int_equal(split(&words, "umh -h", &cli, &command), CLI_DONE);
    assert_string_equal(command->name, "help");
}

static void test_rejects_what_is_no_subcommand(void **state)
{
    static const char *const wrong[] = {
        "umh",           "umh stauts",       "umh --jason",          "umh --instance",
        "umh --control", "umh --control= x", "umh --instance a/b x", "umh --instance two",
    };
    const umh_cli_command *command;
    umh_cli cli;
    line words;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(wrong); i++)
        assert_int_equal(split(&words, wrong[i], &cli, &command), CLI_USAGE);
}

static void test_every_subcommand_explains_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < umh_cli_command_count; i++) {
        const umh_cli_command *command = &umh_cli_commands[i];

        assert_ptr_equal(umh_cli_find_command(command->name), command);
        assert_non_null(command->run);
        assert_true(strncmp(command->usage, command->name, strlen(command->name)) == 0);
        assert_int_equal(umh_cli_help_on(command->name), CLI_DONE);
    }
    assert_null(umh_cli_find_command("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_seconds),
        cmocka_unit_test(test_reads_numbers),
        cmocka_unit_test(test_walks_in_order),
        cmocka_unit_test(test_walk_ends_without_a_value),
        cmocka_unit_test(test_walk_takes_an_empty_value),
        cmocka_unit_test(test_reads_all),
        cmocka_unit_test(test_rejects_wrong_usage),
        cmocka_unit_test(test_help_of_a_subcommand_is_done),
        cmocka_unit_test(test_finds_the_subcommand),
        cmocka_unit_test(test_options_that_are_subcommands),
        cmocka_unit_test(test_rejects_what_is_no_subcommand),
        cmocka_unit_test(test_every_subcommand_explains_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

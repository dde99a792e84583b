/* SPDX-License-Identifier: MIT */
/* Steps, problems and what waits for a new broker, for people and as JSON. */
#include "cli/steps.h"

#include "platform/clock.h"

#include <stdio.h>

/* A configuration may lie where reading takes long. */
#define APPLY_ANSWER_MS 60000u

void umh_steps_print(const json_t *steps)
{
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const char *text = json_string_value(json_array_get(steps, i));

        puts(text ? text : "?");
    }
    if (json_array_size(steps) == 0)
        puts("nothing to do");
}

static void print_problem(const json_t *problem)
{
    umh_why why = UMH_WHY_INIT;
    char line[sizeof(umh_why) + 32];

    umh_why_set(&why, "%s", umh_jsonc_get_text(problem, "text", "?"));
    umh_why_place(&why, umh_jsonc_get_text(problem, "file", NULL),
                  (int)umh_jsonc_get_integer(problem, "line", 0),
                  (int)umh_jsonc_get_integer(problem, "column", 0),
                  umh_jsonc_get_text(problem, "key", NULL));
    umh_why_format(&why, line, sizeof line);
    fprintf(stderr, "%s\n", line);
}

static int print_json(const json_t *body)
{
    if (json_dumpf(body, stdout, JSON_INDENT(2)) != 0)
        return umh_cli_refuse("the answer could not be written to stdout");
    putchar('\n');
    return CLI_DONE;
}

static int judge(const json_t *body, size_t problem_count)
{
    if (!umh_jsonc_get_bool(body, "applied", false))
        return umh_cli_refuse("nothing has changed");
    if (problem_count > 0)
        return umh_cli_refuse("%llu problem%s; what is wrong stays as it was",
                              (unsigned long long)problem_count, problem_count == 1 ? "" : "s");
    return CLI_DONE;
}

static int print_answer(const json_t *body)
{
    const json_t *problems = umh_jsonc_get_array(body, "problems");
    const json_t *pending = umh_jsonc_get_array(body, "pending");
    size_t problem_count = json_array_size(problems);

    if (umh_jsonc_get_bool(body, "applied", false))
        umh_steps_print(umh_jsonc_get_array(body, "steps"));
    if (fflush(stdout) != 0)
        return umh_cli_refuse("not everything could be written to stdout");
    for (size_t i = 0; i < json_array_size(pending); i++) {
        const char *key = json_string_value(json_array_get(pending, i));

        fprintf(stderr, "umh: another %s takes a new broker\n", key ? key : "?");
    }
    for (size_t i = 0; i < problem_count; i++)
        print_problem(json_array_get(problems, i));
    return judge(body, problem_count);
}

int umh_steps_ask_take(umh_client *client, const char *command, umh_json *body, bool as_json)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    int code;
    int r = umh_client_ask_take(
        client, &(umh_client_question){command, body, umh_clock_deadline_ns(APPLY_ANSWER_MS)},
        &answer, &why);

    if (r)
        return umh_client_explain(r, &why);
    if (!as_json)
        return print_answer(answer.body);
    code = print_json(answer.body);
    return code != CLI_DONE
               ? code
               : judge(answer.body, json_array_size(umh_jsonc_get_array(answer.body, "problems")));
}

static void put(umh_json *object, const char *key, umh_json *value_take)
{
    umh_ignore(json_object_set_new(object, key, value_take));
}

umh_json *umh_steps_describe_problems(const umh_why_list *problems)
{
    umh_json *list = json_array();

    for (size_t i = 0; i < problems->count; i++) {
        const umh_why *why = &problems->items[i];
        umh_json *problem = json_object();

        put(problem, "text", json_string(why->text));
        put(problem, "file", json_string(why->file));
        put(problem, "line", json_integer(why->line));
        put(problem, "column", json_integer(why->column));
        put(problem, "key", json_string(why->key));
        umh_ignore(json_array_append_new(list, problem));
    }
    return list;
}

int umh_steps_print_json_take(umh_json *steps, umh_json *problems)
{
    UMH_AUTO_PTR(umh_json) body = json_object();
    int code;

    put(body, "applied", json_true());
    put(body, "steps", steps);
    put(body, "pending", json_array());
    put(body, "problems", problems);
    code = print_json(body);
    return code != CLI_DONE ? code : judge(body, json_array_size(problems));
}

/* SPDX-License-Identifier: MIT */
/* What modules ask of .NET, hostile files among it, and which of them can share one runtime. */
#include "config/runtime.h"
#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAIN_FILE                                                                                  \
    "{\"runtimeOptions\": {\"tfm\": \"net10.0\", \"framework\": {\"name\": "                       \
    "\"Microsoft.NETCore.App\", \"version\": \"10.0.0\"}, \"configProperties\": "                  \
    "{\"System.Globalization.Invariant\": true, \"System.Runtime.TieredPGO\": false}}}"
#define CORE "{\"name\": \"Microsoft.NETCore.App\", \"version\": \"10.0.0\"}"
#define ASP(version) "{\"name\": \"Microsoft.AspNetCore.App\", \"version\": \"" version "\"}"

/* A .NET root, ManagedHost, and two modules with what their files say. */
typedef struct fixture {
    char folder[UMH_PATH_BYTES];
    char main_file[UMH_PATH_BYTES];
    umh_dotnet_config dotnet;
    umh_runtime_needs needs[2];
    umh_runtime_module modules[2];
    size_t module_count;
    umh_runtime runtime;
    umh_why why;
} fixture;

static const char *in_folder(const fixture *f, const char *name, char *path)
{
    assert_int_equal(umh_file_join(f->folder, name, path), 0);
    return path;
}

static void put_file(const fixture *f, const char *name, const char *content)
{
    char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_write(in_folder(f, name, path), umh_bytes_of_text(content)), 0);
}

static void install(const fixture *f, const char *framework)
{
    char path[UMH_PATH_BYTES];
    char name[128];

    snprintf(name, sizeof name, "shared/%s", framework);
    assert_int_equal(umh_file_make_folder(in_folder(f, name, path)), 0);
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    assert_int_equal(umh_file_make_temporary("umh-runtime-", f->folder), 0);
    in_folder(f, "ManagedHost.dll", f->main_file);
    put_file(f, "ManagedHost.runtimeconfig.json", MAIN_FILE);
    install(f, "Microsoft.NETCore.App/10.0.12");
    install(f, "Microsoft.NETCore.App/9.0.3");
    install(f, "Microsoft.AspNetCore.App/10.0.12");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;

    assert_int_equal(umh_file_remove_tree(f->folder), 0);
    umh_runtime_deinit(&f->runtime);
    free(f);
    return 0;
}

static int read_needs(fixture *f, const char *text, umh_runtime_needs *ret_needs)
{
    char path[UMH_PATH_BYTES];

    put_file(f, "Some.Module.runtimeconfig.json", text);
    return umh_runtime_read_needs(in_folder(f, "Some.Module.dll", path), ret_needs, &f->why);
}

static void add_module(fixture *f, const char *name, const char *text)
{
    umh_runtime_needs *needs = &f->needs[f->module_count];

    assert_int_equal(read_needs(f, text, needs), 0);
    f->modules[f->module_count++] = (umh_runtime_module){.name = name, .needs = needs};
}

static void add_module_with(fixture *f, const char *name, const char *options)
{
    char text[1024];

    snprintf(text, sizeof text, "{\"runtimeOptions\": {%s}}", options);
    add_module(f, name, text);
}

static int decide(fixture *f)
{
    const umh_runtime_spec spec = {.dotnet = &f->dotnet,
                                   .root = f->folder,
                                   .main_file = f->main_file,
                                   .modules = f->modules,
                                   .module_count = f->module_count};

    umh_runtime_deinit(&f->runtime);
    f->runtime = (umh_runtime)UMH_RUNTIME_INIT;
    return umh_runtime_decide(&spec, &f->runtime, &f->why);
}

static bool says(const fixture *f, const char *text)
{
    return f->runtime.config.size > 0 && strstr((const char *)f->runtime.config.data, text);
}

#define assert_why(f, part)                                                                        \
    do {                                                                                           \
        if (!strstr((f)->why.text, (part)))                                                        \
            fail_msg("'%s' is not in '%s'", (part), (f)->why.text);                                \
    } while (0)

static void test_decodes_names_of_frameworks(void **state)
{
    static const char *const wrong[] = {"",           " 1.0.0",     "A ",        "A  1.0.0", "A x1",
                                        "../B 1.0.0", "A ../1.0.0", "A 1.0/0",   "A 1.0 2",  "-A",
                                        "A/B",        ".hidden",    "A 1.0.0\n", "A\n"};
    umh_framework framework;
    char text[256];

    (void)state;
    assert_int_equal(umh_framework_decode("Microsoft.AspNetCore.App", &framework), 0);
    assert_string_equal(framework.name, "Microsoft.AspNetCore.App");
    assert_string_equal(framework.version, "");
    assert_int_equal(umh_framework_decode("Some.App 10.0.0-rc.1", &framework), 0);
    assert_string_equal(framework.version, "10.0.0-rc.1");
    for (size_t i = 0; i < UMH_COUNT_OF(wrong); i++)
        assert_int_equal(umh_framework_decode(wrong[i], &framework), UMH_RUNTIME_UNUSABLE);
    memset(text, 'a', sizeof text);
    text[UMH_FRAMEWORK_NAME_BYTES] = '\0';
    assert_int_equal(umh_framework_decode(text, &framework), UMH_RUNTIME_UNUSABLE);
    text[UMH_FRAMEWORK_NAME_BYTES - 1] = '\0';
    assert_int_equal(umh_framework_decode(text, &framework), 0);
    memcpy(text, "A 1", 3);
    memset(text + 3, '1', UMH_FRAMEWORK_VERSION_BYTES);
    text[2 + UMH_FRAMEWORK_VERSION_BYTES] = '\0';
    assert_int_equal(umh_framework_decode(text, &framework), UMH_RUNTIME_UNUSABLE);
    text[1 + UMH_FRAMEWORK_VERSION_BYTES] = '\0';
    assert_int_equal(umh_framework_decode(text, &framework), 0);
}

static void test_reads_what_a_module_needs(void **state)
{
    fixture *f = *state;
    umh_runtime_needs needs = {.frameworks = {.count = 0}};
    char path[UMH_PATH_BYTES];

    assert_int_equal(umh_runtime_read_needs(in_folder(f, "Nothing.dll", path), &needs, &f->why), 0);
    assert_int_equal(needs.frameworks.count, 0);
    assert_int_equal(
        read_needs(f,
                   "// comments are .NET's own habit\n{\"runtimeOptions\": {\"frameworks\": [" CORE
                   ", " ASP("10.0.3") "], \"configProperties\": {\"System.GC.Server\": true, "
                                      "\"System.GC.Concurrent\": \"false\", "
                                      "\"System.GC.HeapHardLimit\": \"0x100\", "
                                      "\"System.GC.HeapCount\": 3, \"System.GC.RetainVM\": {}, "
                                      "\"Other\": []}}}",
                   &needs),
        0);
    assert_int_equal(needs.frameworks.count, 2);
    assert_string_equal(needs.frameworks.items[1].version, "10.0.3");
    assert_true(needs.settings.is_set[RUNTIME_GC_SERVER] &&
                needs.settings.value[RUNTIME_GC_SERVER] == 1);
    assert_true(needs.settings.is_set[RUNTIME_GC_CONCURRENT] &&
                needs.settings.value[RUNTIME_GC_CONCURRENT] == 0);
    assert_int_equal(needs.settings.value[RUNTIME_GC_HEAP_LIMIT], 256);
    assert_int_equal(needs.settings.value[RUNTIME_GC_HEAP_COUNT], 3);
    assert_false(needs.settings.is_set[RUNTIME_GC_RETAIN]);
    assert_int_equal(read_needs(f, "{}", &needs), 0);
    assert_int_equal(needs.frameworks.count, 0);
}

static void test_refuses_hostile_files(void **state)
{
    static const char *const wrong[] = {
        "",
        "{",
        "[1",
        "{\"a\": 1, \"a\": 2}",
        "{\"runtimeOptions\": {\"framework\": {}}}",
        "{\"runtimeOptions\": {\"framework\": 7}}",
        "{\"runtimeOptions\": {\"framework\": {\"name\": \"../..\", \"version\": \"1\"}}}",
        "{\"runtimeOptions\": {\"framework\": {\"name\": \"A B\", \"version\": \"1\"}}}",
        "{\"runtimeOptions\": {\"framework\": {\"name\": \"A\", \"version\": \"/etc\"}}}",
        "{\"runtimeOptions\": {\"frameworks\": {}}}",
        "{\"runtimeOptions\": {\"frameworks\": [" CORE "," CORE "," CORE "," CORE "," CORE "," CORE
        "," CORE "," CORE "," CORE "]}}",
        "{\"runtimeOptions\": {\"includedFrameworks\": [" CORE "]}}",
    };
    static const char *const odd[] = {"[]", "7", "{\"runtimeOptions\": []}",
                                      "{\"runtimeOptions\": {\"configProperties\": 1}}"};
    fixture *f = *state;
    umh_runtime_needs needs;
    char *large = calloc(1, UMH_RUNTIME_CONFIG_BYTES_MAX + 2);

    for (size_t i = 0; i < UMH_COUNT_OF(wrong); i++) {
        f->why.text[0] = '\0';
        assert_int_equal(read_needs(f, wrong[i], &needs), UMH_RUNTIME_UNUSABLE);
        assert_why(f, "Some.Module");
    }
    for (size_t i = 0; i < UMH_COUNT_OF(odd); i++) {
        int r = read_needs(f, odd[i], &needs);

        assert_true(r == 0 ? needs.frameworks.count == 0 : r == UMH_RUNTIME_UNUSABLE);
    }
    assert_non_null(large);
    memset(large, ' ', UMH_RUNTIME_CONFIG_BYTES_MAX + 1);
    assert_int_equal(read_needs(f, large, &needs), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "larger than 65536 bytes");
    free(large);
}

static void test_says_what_is_self_contained(void **state)
{
    fixture *f = *state;
    umh_runtime_needs needs;

    assert_int_equal(
        read_needs(f, "{\"runtimeOptions\": {\"includedFrameworks\": [" CORE "]}}", &needs),
        UMH_RUNTIME_UNUSABLE);
    assert_why(f, "self-contained");
}

static void test_nothing_special_needs_no_file(void **state)
{
    fixture *f = *state;

    assert_int_equal(decide(f), 0);
    add_module_with(f, "old",
                    "\"framework\": {\"name\": \"Microsoft.NETCore.App\", "
                    "\"version\": \"8.0.0\"}, \"rollForward\": \"LatestMinor\"");
    add_module_with(f, "new", "\"framework\": " CORE);
    assert_int_equal(umh_file_remove_tree(f->folder), 0); /* nothing is looked at */
    assert_int_equal(decide(f), 0);
    assert_int_equal(f->runtime.config.size, 0);
    assert_string_equal(f->runtime.frameworks.items[0].version, "10.0.0");
}

static void test_says_the_same_needs_no_file(void **state)
{
    fixture *f = *state;

    add_module_with(f, "one",
                    "\"configProperties\": {\"System.GC.Server\": false, "
                    "\"System.Globalization.Invariant\": true}");
    f->dotnet.tiered_pgo = SWITCH_OFF;
    assert_int_equal(decide(f), 0);
    assert_int_equal(f->runtime.config.size, 0);
}

static void test_puts_frameworks_together(void **state)
{
    fixture *f = *state;

    add_module_with(f, "plain", "\"framework\": " CORE);
    add_module_with(f, "web", "\"frameworks\": [" CORE ", " ASP("8.0.0") "]");
    assert_int_equal(decide(f), 0);
    assert_true(says(f, "\"frameworks\":[{\"name\":\"Microsoft.NETCore.App\",\"version\":"
                        "\"10.0.0\"},{\"name\":\"Microsoft.AspNetCore.App\",\"version\":"
                        "\"10.0.0\"}]"));
    assert_true(says(f, "\"rollForward\":\"Minor\""));
    assert_false(says(f, "\"framework\":"));
    assert_true(says(f, "\"System.Runtime.TieredPGO\":false"));
}

static void test_names_what_is_not_installed(void **state)
{
    fixture *f = *state;

    add_module_with(f, "web", "\"framework\": " ASP("10.0.13"));
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "module 'web' needs the framework Microsoft.AspNetCore.App 10.0.13");
    assert_why(f, "install the package aspnetcore-runtime-10.0");
    assert_why(f, "shared/Microsoft.AspNetCore.App (there: 10.0.12)");
    f->module_count = 0;
    add_module_with(f, "odd", "\"framework\": {\"name\": \"Some.App\", \"version\": \"2.1.0\"}");
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "install it there; looked in");
    assert_why(f, "(there: none)");
    install(f, "Some.App/2.2.0");
    assert_int_equal(decide(f), 0);
    install(f, "Some.App/3.0.0");
    f->dotnet.roll_forward = ROLL_FORWARD_LATEST_PATCH;
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
}

static void test_rolls_forward_as_told(void **state)
{
    static const struct {
        umh_roll_forward policy;
        const char *asked;
        int outcome;
    } cases[] = {
        {ROLL_FORWARD_MINOR, "Some.App 2.0.0", 0},
        {ROLL_FORWARD_MINOR, "Some.App 1.0.0", UMH_RUNTIME_UNUSABLE},
        {ROLL_FORWARD_LATEST_MINOR, "Some.App 2.4.9", 0},
        {ROLL_FORWARD_LATEST_MINOR, "Some.App 2.5.4", UMH_RUNTIME_UNUSABLE},
        {ROLL_FORWARD_LATEST_PATCH, "Some.App 2.5.1", 0},
        {ROLL_FORWARD_LATEST_PATCH, "Some.App 2.4.0", UMH_RUNTIME_UNUSABLE},
        {ROLL_FORWARD_MAJOR, "Some.App 1.9.0", 0},
        {ROLL_FORWARD_LATEST_MAJOR, "Some.App 3.0.0", UMH_RUNTIME_UNUSABLE},
        {ROLL_FORWARD_MAJOR, "Some.App", 0},
    };
    fixture *f = *state;
    char *frameworks[1];

    install(f, "Some.App/2.5.3");
    f->dotnet.frameworks = frameworks;
    f->dotnet.framework_count = 1;
    for (size_t i = 0; i < UMH_COUNT_OF(cases); i++) {
        frameworks[0] = umh_text_copy(cases[i].asked);
        f->dotnet.roll_forward = cases[i].policy;
        if (decide(f) != cases[i].outcome)
            fail_msg("case %u: %s", (unsigned)i, f->why.text);
        umh_text_free(frameworks[0]);
    }
}

/* Which is exact, of every framework. */
static void test_disable_takes_no_other(void **state)
{
    char core[] = "Microsoft.NETCore.App 10.0.12";
    char *frameworks[] = {core};
    fixture *f = *state;

    f->dotnet.roll_forward = ROLL_FORWARD_DISABLE;
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "install the package dotnet-runtime-10.0");
    f->dotnet.frameworks = frameworks;
    f->dotnet.framework_count = 1;
    assert_int_equal(decide(f), 0);
    assert_true(says(f, "\"rollForward\":\"Disable\""));
}

static void test_a_later_dotnet_is_not_shared(void **state)
{
    fixture *f = *state;

    add_module_with(f, "late",
                    "\"framework\": {\"name\": \"Microsoft.NETCore.App\", "
                    "\"version\": \"11.0.0\"}");
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "module 'late' needs Microsoft.NETCore.App 11.0.0, and this host runs on .NET "
                  "10");
    add_module_with(f, "plain", "\"framework\": " CORE);
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "modules 'late' and 'plain' cannot share one runtime");
    f->dotnet.roll_forward = ROLL_FORWARD_MAJOR;
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "install the package dotnet-runtime-11.0");
    install(f, "Microsoft.NETCore.App/11.0.0-preview.1");
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE); /* a preview is lower */
    install(f, "Microsoft.NETCore.App/11.0.1");
    assert_int_equal(decide(f), 0);
    assert_true(says(f, "\"version\":\"11.0.0\""));
}

static void test_frameworks_of_the_host_are_all(void **state)
{
    char other[] = "Some.App";
    char web[] = "Microsoft.AspNetCore.App";
    char *frameworks[] = {other, web};
    fixture *f = *state;

    install(f, "Some.App/1.0.0");
    add_module_with(f, "web", "\"frameworks\": [" CORE ", " ASP("10.0.0") "]");
    f->dotnet.frameworks = frameworks;
    f->dotnet.framework_count = 1;
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "module 'web' needs the framework Microsoft.AspNetCore.App, which "
                  "DotNet.Frameworks of its host does not name");
    f->dotnet.framework_count = 2;
    assert_int_equal(decide(f), 0);
}

static void test_contradicting_properties(void **state)
{
    fixture *f = *state;

    add_module_with(f, "big", "\"configProperties\": {\"System.GC.Server\": true}");
    assert_int_equal(decide(f), 0);
    assert_true(says(f, "\"System.GC.Server\":true"));
    add_module_with(f, "small", "\"configProperties\": {\"System.GC.Server\": false}");
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "'big' sets System.GC.Server to true, 'small' to false");
    assert_why(f, "DotNet.Gc.Server");
    f->dotnet.gc.server = SWITCH_ON;
    assert_int_equal(decide(f), 0);
    f->dotnet.gc.server = SWITCH_OFF;
    assert_int_equal(decide(f), 0);
    assert_int_equal(f->runtime.config.size, 0);
}

static void test_any_other_property(void **state)
{
    char limit[] = "System.GC.HeapHardLimit=4096";
    char other[] = "Some.Switch=a \"b\"";
    char *properties[] = {limit, other};
    fixture *f = *state;

    add_module_with(f, "one", "\"configProperties\": {\"System.GC.HeapHardLimit\": 1}");
    add_module_with(f, "two", "\"configProperties\": {\"System.GC.HeapHardLimit\": 2}");
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "'one' sets System.GC.HeapHardLimit to 1, 'two' to 2");
    f->dotnet.properties = properties;
    f->dotnet.property_count = 2;
    assert_int_equal(decide(f), 0);
    assert_true(says(f, "\"System.GC.HeapHardLimit\":\"4096\""));
    assert_true(says(f, "\"Some.Switch\":\"a \\\"b\\\"\""));
}

static void test_a_main_file_that_is_no_good(void **state)
{
    fixture *f = *state;

    f->dotnet.gc.server = SWITCH_ON;
    put_file(f, "ManagedHost.runtimeconfig.json", "{}");
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    assert_why(f, "has no runtimeOptions");
    put_file(f, "ManagedHost.runtimeconfig.json", "[");
    assert_int_equal(decide(f), UMH_RUNTIME_UNUSABLE);
    put_file(f, "ManagedHost.runtimeconfig.json",
             "{\"runtimeOptions\": {\"configProperties\": 1}}");
    assert_int_equal(decide(f), 0);
    assert_true(says(f, "\"System.GC.Server\":true"));
}

static void test_what_a_process_serves(void **state)
{
    UMH_AUTO(umh_runtime) running = UMH_RUNTIME_INIT;
    fixture *f = *state;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(decide(f), 0);
    running.frameworks = f->runtime.frameworks;
    running.settings = f->runtime.settings;
    assert_true(umh_runtime_serves(&running, &f->runtime, &why));
    add_module_with(f, "web", "\"frameworks\": [" CORE ", " ASP("10.0.0") "]");
    assert_int_equal(decide(f), 0);
    assert_false(umh_runtime_serves(&running, &f->runtime, &why));
    assert_non_null(strstr(why.text, "without Microsoft.AspNetCore.App 10.0.0"));
    /* What is there already may stay without being asked for. */
    running.frameworks = f->runtime.frameworks;
    f->module_count = 0;
    assert_int_equal(decide(f), 0);
    assert_true(umh_runtime_serves(&running, &f->runtime, &why));
    f->dotnet.gc.server = SWITCH_ON;
    assert_int_equal(decide(f), 0);
    assert_false(umh_runtime_serves(&running, &f->runtime, &why));
    assert_non_null(strstr(why.text, "with System.GC.Server false instead of true"));
    running.settings = f->runtime.settings;
    f->dotnet.gc.server = SWITCH_NOT_SET;
    assert_int_equal(decide(f), 0);
    assert_true(umh_runtime_serves(&running, &f->runtime, &why));
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decodes_names_of_frameworks),
        IN_A_FOLDER(test_reads_what_a_module_needs),
        IN_A_FOLDER(test_refuses_hostile_files),
        IN_A_FOLDER(test_says_what_is_self_contained),
        IN_A_FOLDER(test_nothing_special_needs_no_file),
        IN_A_FOLDER(test_says_the_same_needs_no_file),
        IN_A_FOLDER(test_puts_frameworks_together),
        IN_A_FOLDER(test_names_what_is_not_installed),
        IN_A_FOLDER(test_rolls_forward_as_told),
        IN_A_FOLDER(test_disable_takes_no_other),
        IN_A_FOLDER(test_a_later_dotnet_is_not_shared),
        IN_A_FOLDER(test_frameworks_of_the_host_are_all),
        IN_A_FOLDER(test_contradicting_properties),
        IN_A_FOLDER(test_any_other_property),
        IN_A_FOLDER(test_a_main_file_that_is_no_good),
        IN_A_FOLDER(test_what_a_process_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

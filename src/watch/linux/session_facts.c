/* SPDX-License-Identifier: MIT */
/*
 * Sessions as logind has them. A session may go between two questions about it: then it is none,
 * and an event follows.
 */
#include "watch/linux/session_facts.h"

#include "platform/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-login.h>

#define LISTED_MAX (16u * UMH_SESSIONS_MAX)
#define FILE_BYTES_MAX 16384u

/* Of one question to libsystemd, as a word; what it does not say is empty. */
typedef int (*word_question)(const char *id, char **ret_text);

static void ask_word(word_question question, const char *id, char *ret_word)
{
    char *text = NULL;

    ret_word[0] = '\0';
    if (question(id, &text) < 0)
        return;
    umh_text_put(ret_word, UMH_SESSION_WORD_BYTES, text);
    free(text);
}

/*
 * libsystemd tells it from version 254 on. Older ones have it in the file, whose format is theirs:
 * a line that is not there means no more than that there is no leader to ask.
 */
static int64_t find_leader(const char *id)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    char path[UMH_PATH_BYTES];
    const char *line;

    if (umh_file_join(UMH_LOGIND_FOLDER, id, path) != 0 ||
        umh_file_read(path, FILE_BYTES_MAX, &text) != 0 || text.size == 0) {
        umh_failure_take();
        return 0;
    }
    line = strstr((const char *)text.data, "\nLEADER=");
    return line ? strtoll(line + strlen("\nLEADER="), NULL, 10) : 0;
}

/* False: it is none for hosts, or has gone. */
static bool find_facts(const char *id, umh_session_facts *ret_facts)
{
    umh_session_facts facts = {.leader = 0};
    char class[UMH_SESSION_WORD_BYTES];
    char state[UMH_SESSION_WORD_BYTES];
    uid_t uid = 0;

    ask_word(sd_session_get_class, id, class);
    ask_word(sd_session_get_state, id, state);
    if (!umh_text_put(facts.id, sizeof facts.id, id) || strcmp(class, "user") != 0 ||
        state[0] == '\0' || strcmp(state, "closing") == 0 || sd_session_get_uid(id, &uid) < 0)
        return false;
    facts.uid = uid;
    facts.is_opening = strcmp(state, "opening") == 0;
    facts.is_remote = sd_session_is_remote(id) > 0;
    facts.leader = find_leader(id);
    ask_word(sd_session_get_seat, id, facts.seat);
    ask_word(sd_session_get_type, id, facts.type);
    ask_word(sd_session_get_display, id, facts.display);
    *ret_facts = facts;
    return true;
}

static void free_names(char **names)
{
    for (char **name = names; name && *name; name++)
        free(*name);
    free(names);
}

int umh_session_facts_list(umh_session_facts **ret_facts, size_t *ret_count)
{
    char **names = NULL;
    umh_session_facts *facts;
    size_t count = 0;
    int status = sd_get_sessions(&names);

    if (status < 0)
        return UMH_FAIL_OS(-status, "list the users' sessions");
    status = status > (int)LISTED_MAX ? (int)LISTED_MAX : status;
    facts = calloc((size_t)status + 1, sizeof *facts);
    if (!facts) {
        free_names(names);
        return UMH_FAIL(UMH_E_MEMORY, "list %d sessions", status);
    }
    for (int i = 0; i < status; i++)
        count += find_facts(names[i], &facts[count]);
    free_names(names);
    *ret_facts = facts;
    *ret_count = count;
    return 0;
}

bool umh_session_facts_are_same(const umh_session_facts *one, const umh_session_facts *other)
{
    return strcmp(one->id, other->id) == 0 && one->uid == other->uid &&
           one->leader == other->leader;
}

bool umh_session_facts_are_equal(const umh_session_facts *one, const umh_session_facts *other)
{
    return umh_session_facts_are_same(one, other) && one->is_opening == other->is_opening &&
           one->is_remote == other->is_remote && strcmp(one->seat, other->seat) == 0 &&
           strcmp(one->type, other->type) == 0 && strcmp(one->display, other->display) == 0;
}

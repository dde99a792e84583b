/* SPDX-License-Identifier: MIT */
/* Accounts as the name service switch knows them: files, or a directory on the network. */
#include "platform/user.h"

#include "base/bytes.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define TEXTS_BYTES_AT_FIRST 1024u
#define TEXTS_BYTES_MAX (1024u * 1024)
#define GROUPS_AT_FIRST 64
#define GROUPS_MAX 65536 /* the kernel's limit for one process */

/* What these return for "there is none" differs by source: see getpwuid_r(3). */
static bool says_none(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

/* `*texts` is what the entry's texts lie in, to be freed. Outcomes: UMH_USER_NONE. */
static int find_account(uint32_t uid, struct passwd *ret_account, char **texts)
{
    struct passwd *found = NULL;

    for (size_t size = TEXTS_BYTES_AT_FIRST; size <= TEXTS_BYTES_MAX; size *= 2) {
        char *larger = realloc(*texts, size);
        int error;

        if (!larger)
            return UMH_FAIL(UMH_E_MEMORY, "look for user %u", uid);
        *texts = larger;
        do
            error = getpwuid_r(uid, ret_account, *texts, size, &found);
        while (error == EINTR);
        if (found)
            return 0;
        if (error != ERANGE)
            return says_none(error) ? UMH_USER_NONE : UMH_FAIL_OS(error, "look for user %u", uid);
    }
    return UMH_FAIL(UMH_E_LIMIT, "the entry of user %u is longer than %u bytes", uid,
                    TEXTS_BYTES_MAX);
}

static int find_groups(const struct passwd *account, umh_user *user)
{
    int count = GROUPS_AT_FIRST;
    int tried = 0;

    do {
        uint32_t *groups = realloc(user->groups, (size_t)count * sizeof *groups);

        if (!groups)
            return UMH_FAIL(UMH_E_MEMORY, "look for the groups of user '%s'", account->pw_name);
        user->groups = groups;
        tried = count;
        if (getgrouplist(account->pw_name, account->pw_gid, groups, &count) >= 0) {
            user->group_count = (size_t)count;
            return 0;
        }
        /* Not every C library says how many there are. */
        count = count > tried ? count : tried * 2;
    } while (count <= GROUPS_MAX);
    return UMH_FAIL(UMH_E_LIMIT, "user '%s' is in more than %d groups, the kernel's limit",
                    account->pw_name, GROUPS_MAX);
}

static int copy_texts(const char *const texts[3], umh_user *user)
{
    user->name = umh_text_copy(texts[0] ? texts[0] : "");
    user->home = umh_text_copy(texts[1] ? texts[1] : "");
    user->shell = umh_text_copy(texts[2] ? texts[2] : "");
    return user->name && user->home && user->shell ? 0 : UMH_E_MEMORY;
}

static void move(umh_user *from, umh_user *ret_user)
{
    *ret_user = *from;
    *from = (umh_user)UMH_USER_INIT;
}

int umh_user_find(uint32_t uid, umh_user *ret_user)
{
    UMH_AUTO(umh_user) user = UMH_USER_INIT;
    struct passwd account;
    char *texts = NULL;
    int r = find_account(uid, &account, &texts);

    if (r == 0) {
        const char *const own[3] = {account.pw_name, account.pw_dir, account.pw_shell};

        user.uid = account.pw_uid;
        user.gid = account.pw_gid;
        r = copy_texts(own, &user);
        if (r == 0)
            r = find_groups(&account, &user);
    }
    free(texts);
    if (r == UMH_USER_NONE)
        return UMH_USER_NONE;
    if (r == 0)
        move(&user, ret_user);
    return umh_fold(r);
}

int umh_user_copy(const umh_user *from, umh_user *ret_user)
{
    UMH_AUTO(umh_user) user = UMH_USER_INIT;
    const char *const texts[3] = {from->name, from->home, from->shell};
    int r = copy_texts(texts, &user);

    user.uid = from->uid;
    user.gid = from->gid;
    if (r)
        return r;
    if (from->group_count > 0) {
        user.groups = malloc(from->group_count * sizeof *user.groups);
        if (!user.groups)
            return UMH_FAIL(UMH_E_MEMORY, "copy the groups of user '%s'", user.name);
        memcpy(user.groups, from->groups, from->group_count * sizeof *user.groups);
        user.group_count = from->group_count;
    }
    move(&user, ret_user);
    return 0;
}

void umh_user_deinit(umh_user *user)
{
    if (!user)
        return;
    free(user->groups);
    umh_text_free(user->name);
    umh_text_free(user->home);
    umh_text_free(user->shell);
    *user = (umh_user)UMH_USER_INIT;
}

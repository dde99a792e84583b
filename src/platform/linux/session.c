/* SPDX-License-Identifier: MIT */
/* What is known of a user's session, as a value. */
#include "platform/session.h"

int umh_session_info_copy(const umh_session_info *from, umh_session_info *ret_copy)
{
    UMH_AUTO(umh_session_info) copy = *from;
    int r;

    copy.user = (umh_user)UMH_USER_INIT;
    copy.environment = (umh_environment)UMH_ENVIRONMENT_INIT;
    r = umh_user_copy(&from->user, &copy.user);
    if (r == 0)
        r = umh_environment_copy(&from->environment, &copy.environment);
    if (r)
        return r;
    *ret_copy = copy;
    copy = (umh_session_info)UMH_SESSION_INFO_INIT;
    return 0;
}

void umh_session_info_deinit(umh_session_info *session)
{
    if (!session)
        return;
    umh_user_deinit(&session->user);
    umh_environment_deinit(&session->environment);
}

/* SPDX-License-Identifier: MIT */
/* A library that knows its version: built twice, for two modules of one process. */
__attribute__((visibility("default"))) extern int umh_test_answer(void);

int umh_test_answer(void)
{
    return ANSWER;
}

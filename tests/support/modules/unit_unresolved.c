/* SPDX-License-Identifier: MIT */
/* A library that needs a function which exists nowhere. */
int umh_test_exists_nowhere(void);
__attribute__((visibility("default"))) int umh_test_answer(void);

__attribute__((visibility("default"))) int umh_test_answer(void)
{
    return umh_test_exists_nowhere();
}

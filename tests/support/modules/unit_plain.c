/* SPDX-License-Identifier: MIT */
/* A library with nothing that could keep it loaded. */
__attribute__((visibility("default"))) int umh_test_answer(void);

__attribute__((visibility("default"))) int umh_test_answer(void)
{
    return 42;
}

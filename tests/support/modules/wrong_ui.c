/* SPDX-License-Identifier: MIT */
/* Wants the main thread, which only a UI host gives away. */
#include "wrong.h"

static int run(void *state)
{
    (void)state;
    return 0;
}

static void quit(void *state)
{
    (void)state;
}

WRONG_MODULE_BUT(module.run = run; module.quit = quit)

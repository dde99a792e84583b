/* SPDX-License-Identifier: MIT */
/* Linked with -z nodelete: its image stays until the process ends. Answers as echo does. */
#include "echo.c"

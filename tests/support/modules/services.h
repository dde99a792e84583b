/* SPDX-License-Identifier: MIT */
/* The services of the test modules, one name for the modules and for those who talk to them. */
#pragma once

#include <umh/module.h>

#define TEST_SERVICE(number) UMH_GUID_V1(0x7E570000, 0x0000, 0x4000, 0x8000, number)

#define ECHO_ASKED TEST_SERVICE(1)
#define ECHO_ANSWERED TEST_SERVICE(2)
#define SLOW_ASKED TEST_SERVICE(3)
#define HANG_ASKED TEST_SERVICE(4)
#define COUNTER_ASKED TEST_SERVICE(5)
#define COUNTER_ANSWERED TEST_SERVICE(6)
#define CRASH_ASKED TEST_SERVICE(7)
#define PRINTING_ASKED TEST_SERVICE(8)

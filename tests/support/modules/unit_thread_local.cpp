// SPDX-License-Identifier: MIT
// A library whose thread-local has a destructor: the loader keeps it while a thread has touched it.
#include <string>

static thread_local std::string text;

extern "C" __attribute__((visibility("default"))) unsigned long umh_test_touch()
{
    text += "a text that is too long to be stored in the string object itself";
    return text.size();
}

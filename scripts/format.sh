#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Formats every C and C++ file that belongs to the project.
. "$(dirname "$0")/lib.sh"

project_files '*.c' '*.h' '*.cpp' | xargs -r -P "$jobs" -n 20 clang-format -i

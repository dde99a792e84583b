#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Repeats one test until it fails: a unit test (by ctest's name) or an end-to-end test (by pytest's -k).
. "$(dirname "$0")/lib.sh"

[ $# -ge 1 ] && [ -n "$1" ] || die "usage: make stress TEST=name [COUNT=50]"
name=$1
count=${2:-50}

if ctest --test-dir "$build" -N -R "$name" | grep -q 'Test *#'; then
    run() { ctest --test-dir "$build" -R "$name" --output-on-failure; }
else
    python=$(find_python) || die "no python3 with pytest"
    run() {
        UMH_DIST=$build/dist UMH_TESTS=$build/tests \
            "$python" -m pytest tests/integration -q -x -p no:cacheprovider -k "$name"
    }
fi
mkdir -p "$logs"
for ((i = 1; i <= count; i++)); do
    run >"$logs/stress.log" 2>&1 || {
        cat "$logs/stress.log"
        die "'$name' failed in run $i of $count"
    }
    printf '\r%s: %d of %d' "$name" "$i" "$count"
done
printf '\n'

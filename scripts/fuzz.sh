#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs every fuzz target (or the one named) for SECONDS_EACH with libFuzzer, starting from its corpus.
. "$(dirname "$0")/lib.sh"

each=${SECONDS_EACH:-30}
export CC=clang CXX=clang++
configure "$build/fuzz" -DUMH_FUZZ=ON -DUMH_TESTS=OFF -DUMH_MANAGED=OFF -DUMH_SANITIZE=address,undefined
targets=()
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    [ -z "${1:-}" ] || [ "fuzz_$1" = "$name" ] || continue
    targets+=("$name")
done
[ ${#targets[@]} -gt 0 ] || die "no fuzz target '${1:-}'"
ninja -C "$build/fuzz" -j "$jobs" --quiet "${targets[@]}"

for name in "${targets[@]}"; do
    noun=${name#fuzz_}
    mkdir -p "$build/fuzz/found/$noun"
    say "==> $name, $each s"
    "$build/fuzz/tests/fuzz/$name" -max_total_time="$each" -artifact_prefix="$build/fuzz/" -print_final_stats=1 \
        "$build/fuzz/found/$noun" "tests/fuzz/corpus/$noun" 2>&1 | grep -E '^(stat::|SUMMARY|==|Done|artifact|.*ERROR)' ||
        die "$name found something"
done

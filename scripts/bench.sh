#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the benchmark against the release tree and runs it; results are in build/bench/results.json.
. "$(dirname "$0")/lib.sh"

configure "$build/release" -DCMAKE_BUILD_TYPE=Release -DUMH_BENCH=ON -DUMH_TESTS=OFF \
    -DUMH_MANAGED_OUTPUT="$build/managed"
compile "$build/release"
mkdir -p "$build/bench"
[ -e bench/run.py ] || die "no bench/run.py"
export UMH_DIST=$build/release/dist UMH_BENCH=$build/release/bench
exec "$(find_python || command -v python3)" bench/run.py --output "$build/bench/results.json" "$@"

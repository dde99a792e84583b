#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Everything that must hold: lint, unit tests, models, managed and end-to-end tests, sanitizers.
. "$(dirname "$0")/lib.sh"

# Steps run where `set -e` is off: each says itself how its parts depend on each other.
sanitizer_tree() {
    configure "$build/$1" -DUMH_SANITIZE="$2" -DUMH_MANAGED_OUTPUT="$build/managed" && compile "$build/$1"
}

sanitizer_trees() { sanitizer_tree asan address,undefined && sanitizer_tree tsan thread; }

unit_tests() { ctest --test-dir "$1" -j "$jobs" --output-on-failure --no-tests=error "${@:2}"; }

# end_to_end <tree> <marks>. Exit status 5 says that no test has them. The limit is for a test that escapes its own.
end_to_end() {
    local tree=$1 marks=$2 python status=0
    compgen -G 'tests/integration/test_*.py' >/dev/null || { say "no end-to-end tests"; return 0; }
    python=$(find_python) || { say "no python3 with pytest"; return 1; }
    UMH_DIST=$tree/dist UMH_TESTS=$tree/tests timeout -k 10 600 \
        "$python" -m pytest tests/integration -v -rs -p no:cacheprovider -m "$marks" || status=$?
    [ $status -eq 0 ] || [ $status -eq 5 ]
}

models() {
    [ -x tests/models/run.sh ] || { say "no models"; return 0; }
    tests/models/run.sh
}

managed_tests() {
    local dotnet project status=0
    dotnet=$(find_dotnet) || { say "no .NET SDK 10: managed tests are absent"; [ "${CI:-}" != true ]; return; }
    for project in managed/tests/*.Tests/*.csproj examples/*/tests/*/*.csproj; do
        [ -f "$project" ] || continue
        "$dotnet" test "$project" -c Release --artifacts-path "$build/managed/artifacts" \
            -p:UseSharedCompilation=false --nologo -v quiet || status=1
    done
    return $status
}

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/tests/support/tsan.suppressions}

step setup scripts/setup.sh || { summary; exit 1; }
step build scripts/build.sh || { summary; exit 1; }

# What measures time waits until the compilers are done.
begin "sanitizer trees" sanitizer_trees
step lint scripts/lint.sh || true
step models models || true
step "managed tests" managed_tests || true
trees=ok
finish "sanitizer trees" || trees=broken

step "unit tests" unit_tests "$build" || true
step "end to end" end_to_end "$build" "not soak" || true
if [ $trees = ok ]; then
    step "unit tests address" unit_tests "$build/asan" || true
    step "unit tests thread" unit_tests "$build/tsan" -R '^(host|ipc|platform)/' || true
    step "end to end address" end_to_end "$build/asan" "sanitize and not soak" || true
    step "end to end thread" end_to_end "$build/tsan" "tsan and not soak" || true
fi
summary
